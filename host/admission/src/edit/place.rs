//! What edits are made of: places, and who wrote what stands there.

use serde_json::{Map, Value, json};

use super::{EditError, Editor, Outcome};
use crate::json::below;
use crate::patch::{Op, OpKind};
use crate::{ContainerId, ContainerView, PodId, PodView};

impl Editor<'_> {
    pub(super) fn pod(&self, id: PodId) -> Result<PodView<'_>, EditError> {
        self.review
            .pod(id)
            .ok_or_else(|| EditError::Invalid("there is no such pod".to_owned()))
    }

    pub(super) fn container(&self, id: ContainerId) -> Result<ContainerView<'_>, EditError> {
        self.review
            .container(id)
            .ok_or_else(|| EditError::Invalid("there is no such container".to_owned()))
    }

    /// The address of a pod's spec.
    pub(super) fn spec(&self, pod: PodId) -> Result<String, EditError> {
        Ok(self.pod(pod)?.slot.spec.clone())
    }

    /// What is at an address; null is nothing.
    pub(super) fn at(&self, path: &str) -> Option<&Value> {
        self.review.at(path).filter(|value| !value.is_null())
    }

    /// The pointer of the item of a name in a list; the last one, which is the one that counts.
    pub(super) fn position(&self, base: &str, list: &str, name: &str) -> Option<String> {
        let items = self.at(&format!("{base}/{list}"))?.as_array()?;
        let index = items
            .iter()
            .rposition(|item| crate::json::text(item, "name") == Some(name))?;
        Some(format!("{base}/{list}/{index}"))
    }

    /// Sets a value below a path, making the objects on the way.
    pub(super) fn set(&mut self, base: &str, keys: &[&str], value: Value) -> Outcome {
        let (path, value) = self.first_missing(base, keys, value);
        match self.at(&path) {
            None => self.apply(Op::add(path, value)),
            Some(there) if *there == value => Ok(()),
            Some(_) => {
                self.unless_written_by_another(&path)?;
                self.apply(Op::replace(path, value))
            }
        }
    }

    /// Appends to a list below a path, making the list and the objects on the way.
    pub(super) fn append(&mut self, base: &str, keys: &[&str], item: Value) -> Outcome {
        let list = keys.iter().fold(base.to_owned(), |path, key| {
            path + "/" + &crate::json::escape(key)
        });
        match self.at(&list) {
            Some(Value::Array(_)) => self.apply(Op::add(list + "/-", item)),
            Some(_) => Err(EditError::Invalid(format!("`{list}` is not a list"))),
            None => self.set(base, keys, json!([item])),
        }
    }

    /// The first place on the way that does not exist, or the last one, and what to put there.
    pub(super) fn first_missing(&self, base: &str, keys: &[&str], value: Value) -> (String, Value) {
        let mut path = base.to_owned();
        let mut rest = keys.iter();
        for key in rest.by_ref() {
            path = path + "/" + &crate::json::escape(key);
            if self.at(&path).is_none() {
                break;
            }
        }
        let wrap = |inner, key: &&str| Value::Object(Map::from_iter([((*key).to_owned(), inner)]));
        (path, rest.rev().fold(value, wrap))
    }

    /// Follows a place back through the operations, newest first, to the one that wrote it.
    pub(super) fn unless_written_by_another(&self, path: &str) -> Outcome {
        let mut place = path.to_owned();
        for applied in self.review.applied.iter().rev() {
            let at = applied.undo.op.path.as_str();
            let inside = below(&place, at);
            let (list, index) = at.rsplit_once('/').unwrap_or_default();
            let in_list = self.at(list).is_some_and(Value::is_array);
            match (applied.op.kind, inside) {
                (OpKind::Remove, _) if in_list => place = shifted(place, list, index, 1),
                (OpKind::Remove, Some(_)) => return Ok(()),
                (OpKind::Remove, None) => {}
                (_, Some(rest)) if applied.op.value.pointer(rest).is_some() => {
                    return self.unless_by_another(applied, path);
                }
                (_, Some(_)) => return Ok(()),
                (OpKind::Add, None) if in_list => place = shifted(place, list, index, -1),
                (_, None) => {}
            }
        }
        Ok(())
    }

    /// Whether anything below a place that another policy wrote would differ from what it wrote.
    pub(super) fn unless_loses_anothers(&self, op: &Op) -> Outcome {
        for applied in &self.review.applied {
            let Some(rest) = below(&applied.undo.op.path, &op.path) else {
                continue;
            };
            let stands = self.at(&applied.undo.op.path) == Some(&applied.op.value);
            let kept = op.value.pointer(rest) == Some(&applied.op.value);
            if applied.op.kind != OpKind::Remove && stands && !kept {
                self.unless_by_another(applied, &applied.undo.op.path)?;
            }
        }
        Ok(())
    }

    pub(super) fn unless_by_another(&self, applied: &crate::Applied, path: &str) -> Outcome {
        if applied.policy == self.author.policy {
            return Ok(());
        }
        Err(EditError::Conflict {
            path: self.review.place_of(path),
            policy: applied.policy.clone(),
            rule: applied.rule.clone(),
        })
    }

    pub(super) fn apply(&mut self, op: Op) -> Outcome {
        Ok(self
            .review
            .apply(op, self.author.policy, self.author.rule)?)
    }
}

/// The place that stood where this one is before an item at an index of a list was taken away (1) or put in (-1).
fn shifted(place: String, list: &str, index: &str, by: isize) -> String {
    let moved = || {
        let rest = below(&place, list)?.strip_prefix('/')?;
        let (item, rest) = rest.find('/').map_or((rest, ""), |end| rest.split_at(end));
        let item = item.parse::<usize>().ok()?;
        let now = item.checked_add_signed(by)?;
        (item >= index.parse().ok()?).then(|| format!("{list}/{now}{rest}"))
    };
    moved().unwrap_or(place)
}
