//! Tolerations.

use super::{Editor, Outcome};
use crate::patch::Op;
use crate::{PodId, Toleration, check};

impl Editor<'_> {
    pub(super) fn add_toleration(&mut self, pod: PodId, mut toleration: Toleration) -> Outcome {
        check_toleration(&toleration)?;
        // An empty value is none, as in what is read.
        toleration.value = toleration.value.filter(|value| !value.is_empty());
        if self.pod(pod)?.tolerations().contains(&toleration) {
            return Ok(());
        }
        let spec = self.spec(pod)?;
        self.append(&spec, &["tolerations"], toleration.write())
    }

    pub(super) fn remove_toleration(&mut self, pod: PodId, toleration: &Toleration) -> Outcome {
        while let Some(index) = self
            .pod(pod)?
            .tolerations()
            .iter()
            .position(|found| found == toleration)
        {
            let path = format!("{}/tolerations/{index}", self.spec(pod)?);
            self.unless_written_by_another(&path)?;
            self.apply(Op::remove(path))?;
        }
        Ok(())
    }
}

fn check_toleration(toleration: &Toleration) -> Result<(), String> {
    if let Some(key) = &toleration.key {
        check::qualified_name(key)?;
    }
    check::one_of(&toleration.operator, &["Exists", "Equal", "Lt", "Gt"])?;
    if let Some(effect) = &toleration.effect {
        check::one_of(effect, &["NoSchedule", "PreferNoSchedule", "NoExecute"])?;
    }
    if toleration.operator == "Exists" && toleration.value.is_some() {
        return Err("a toleration with operator `Exists` must have no value".to_owned());
    }
    if toleration.operator != "Exists" && toleration.key.is_none() {
        return Err("a toleration without key must have operator `Exists`".to_owned());
    }
    if toleration.seconds.is_some() && toleration.effect.as_deref() != Some("NoExecute") {
        return Err("`tolerationSeconds` needs effect `NoExecute`".to_owned());
    }
    toleration
        .value
        .as_deref()
        .map_or(Ok(()), check::label_value)
}
