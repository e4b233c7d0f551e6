//! Where and when a pod runs.

use serde_json::{Value, json};

use super::{EditError, Editor, Outcome};
use crate::patch::Op;
use crate::{PodId, check};

impl Editor<'_> {
    pub(super) fn add_node_affinity(
        &mut self,
        pod: PodId,
        key: &str,
        operator: &str,
        values: &[String],
    ) -> Outcome {
        check::qualified_name(key)?;
        check::one_of(
            operator,
            &["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"],
        )?;
        let fits = match operator {
            "In" | "NotIn" => !values.is_empty(),
            "Gt" | "Lt" => values.len() == 1,
            _ => values.is_empty(),
        };
        if !fits {
            return Err(EditError::Invalid(format!(
                "operator `{operator}` with {} values",
                values.len()
            )));
        }
        values
            .iter()
            .try_for_each(|value| check::label_value(value))?;
        let mut expression = json!({"key": key, "operator": operator});
        if let (Some(fields), false) = (expression.as_object_mut(), values.is_empty()) {
            fields.insert("values".to_owned(), json!(values));
        }
        let spec = self.spec(pod)?;
        let selector = [
            "affinity",
            "nodeAffinity",
            "requiredDuringSchedulingIgnoredDuringExecution",
            "nodeSelectorTerms",
        ];
        let terms = format!("{spec}/{}", selector.join("/"));
        let count = self
            .at(&terms)
            .and_then(Value::as_array)
            .map_or(0, Vec::len);
        if count == 0 {
            return self.append(&spec, &selector, json!({"matchExpressions": [expression]}));
        }
        (0..count).try_for_each(|index| {
            let term = format!("{terms}/{index}");
            let there = self
                .at(&term)
                .map_or(&[][..], |term| crate::json::list(term, "matchExpressions"));
            match there.contains(&expression) {
                true => Ok(()),
                false => self.append(&term, &["matchExpressions"], expression.clone()),
            }
        })
    }

    pub(super) fn set_priority_class(&mut self, pod: PodId, name: String) -> Outcome {
        check::dns_subdomain(&name)?;
        if self.pod(pod)?.priority_class() == Some(&name) {
            return Ok(());
        }
        let spec = self.spec(pod)?;
        self.set(&spec, &["priorityClassName"], name.into())?;
        for derived in ["priority", "preemptionPolicy"] {
            let path = format!("{spec}/{derived}");
            if self.at(&path).is_some() {
                self.apply(Op::remove(path))?;
            }
        }
        Ok(())
    }

    pub(super) fn set_scheduling_gate(&mut self, pod: PodId, name: &str) -> Outcome {
        check::qualified_name(name)?;
        let view = self.pod(pod)?;
        if view.node_name().is_some() {
            return Err(EditError::Invalid(
                "a pod with `nodeName` cannot have scheduling gates".to_owned(),
            ));
        }
        if view.scheduling_gates().iter().any(|gate| gate == name) {
            return Ok(());
        }
        let spec = self.spec(pod)?;
        self.append(&spec, &["schedulingGates"], json!({"name": name}))
    }
}
