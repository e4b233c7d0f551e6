//! Primitive changes of a JSON tree: RFC 6902 operations, applied in place, each with its undo.

use serde_json::Value;

use crate::json;

/// The operations that edits are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpKind {
    /// Sets a key, or inserts an item; `-` appends.
    Add,
    /// Changes what is there.
    Replace,
    /// Takes away what is there.
    Remove,
}

impl OpKind {
    /// The word of RFC 6902.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Replace => "replace",
            Self::Remove => "remove",
        }
    }

    /// Reads the word of RFC 6902.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Add, Self::Replace, Self::Remove]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

/// One operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Op {
    /// What is done.
    pub kind: OpKind,
    /// Where, as a JSON pointer from the object's root.
    pub path: String,
    /// The new value; null for `remove`.
    pub value: Value,
}

impl Op {
    pub(crate) fn add(path: String, value: impl Into<Value>) -> Self {
        Self {
            kind: OpKind::Add,
            path,
            value: value.into(),
        }
    }

    pub(crate) fn replace(path: String, value: impl Into<Value>) -> Self {
        Self {
            kind: OpKind::Replace,
            path,
            value: value.into(),
        }
    }

    pub(crate) fn remove(path: String) -> Self {
        Self {
            kind: OpKind::Remove,
            path,
            value: Value::Null,
        }
    }

    /// The operation at another path.
    pub(crate) fn at(&self, path: String) -> Self {
        Self {
            path,
            ..self.clone()
        }
    }

    /// The operation as RFC 6902 writes it.
    pub fn to_json(&self) -> Value {
        match self.kind {
            OpKind::Remove => serde_json::json!({"op": self.kind.as_str(), "path": self.path}),
            _ => {
                serde_json::json!({"op": self.kind.as_str(), "path": self.path, "value": self.value})
            }
        }
    }
}

/// An operation that was applied, who asked for it, and how to take it back.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The operation.
    pub op: Op,
    /// The policy, by the name of its document.
    pub policy: String,
    /// The rule within the policy.
    pub rule: String,
    pub(crate) undo: Undo,
}

/// How to take an operation back: the opposite one, and the place of a removed key among its siblings.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Undo {
    pub(crate) op: Op,
    position: Option<usize>,
}

impl Undo {
    /// The undo at another path.
    pub(crate) fn at(&self, path: String) -> Self {
        Self {
            op: self.op.at(path),
            ..*self
        }
    }
}

impl From<Op> for Undo {
    fn from(op: Op) -> Self {
        Self { op, position: None }
    }
}

/// Takes back an operation, down to the order of keys.
pub(crate) fn take_back(root: &mut Value, undo: &Undo) -> Result<(), PatchError> {
    let map = undo.op.path.rsplit_once('/').and_then(|(parent, token)| {
        let map = root.pointer_mut(parent)?.as_object_mut()?;
        Some((undo.position?, map, json::unescape(token)))
    });
    match map {
        Some((position, map, key)) => {
            map.shift_insert(position.min(map.len()), key, undo.op.value.clone());
            Ok(())
        }
        None => apply(root, &undo.op).map(drop),
    }
}

/// An operation that does not fit the object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// The pointer does not begin with `/`.
    #[error("`{0}` is not a JSON pointer: it must begin with `/`")]
    Pointer(String),
    /// Nothing is at the path, or its parent is missing.
    #[error("`{0}` does not exist in the object")]
    Missing(String),
    /// An item of a list is named by something that is no index of it.
    #[error("`{0}` is not an index of the list")]
    Index(String),
}

/// Applies an operation in place and returns the one that takes it back.
pub(crate) fn apply(root: &mut Value, op: &Op) -> Result<Undo, PatchError> {
    let (parent, token) = op
        .path
        .rsplit_once('/')
        .ok_or_else(|| PatchError::Pointer(op.path.clone()))?;
    let missing = || PatchError::Missing(op.path.clone());
    match root.pointer_mut(parent).ok_or_else(missing)? {
        Value::Object(map) => {
            let key = json::unescape(token);
            let undo = match map.get(&key) {
                Some(old) => Op {
                    kind: OpKind::Replace,
                    path: op.path.clone(),
                    value: old.clone(),
                },
                None if op.kind == OpKind::Add => Op::remove(op.path.clone()),
                None => return Err(missing()),
            };
            match op.kind {
                // Order is kept, so that what is printed resembles what was read.
                OpKind::Remove => {
                    let position = map.keys().position(|there| *there == key);
                    map.shift_remove(&key);
                    let op = Op {
                        kind: OpKind::Add,
                        ..undo
                    };
                    Ok(Undo { op, position })
                }
                OpKind::Add | OpKind::Replace => {
                    map.insert(key, op.value.clone());
                    Ok(undo.into())
                }
            }
        }
        Value::Array(items) => apply_to_list(items, op, parent, token).map(Undo::from),
        _ => Err(missing()),
    }
}

fn apply_to_list(
    items: &mut Vec<Value>,
    op: &Op,
    parent: &str,
    token: &str,
) -> Result<Op, PatchError> {
    let index = match token {
        "-" if op.kind == OpKind::Add => items.len(),
        // RFC 6901 has no signs and no leading zeros.
        token => Some(token)
            .filter(|token| *token == "0" || !token.starts_with(['0', '+']))
            .and_then(|token| token.parse().ok())
            .ok_or_else(|| PatchError::Index(op.path.clone()))?,
    };
    let path = format!("{parent}/{index}");
    match op.kind {
        OpKind::Add if index <= items.len() => {
            items.insert(index, op.value.clone());
            Ok(Op::remove(path))
        }
        OpKind::Remove if index < items.len() => Ok(Op::add(path, items.remove(index))),
        OpKind::Replace => {
            let item = items
                .get_mut(index)
                .ok_or_else(|| PatchError::Missing(op.path.clone()))?;
            Ok(Op::replace(path, std::mem::replace(item, op.value.clone())))
        }
        _ => Err(PatchError::Missing(op.path.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_operation_agrees_with_the_standard_and_can_be_taken_back() {
        let original = json!({"a": {"x/y": 1, "z": [1, 2, 3]}, "b": null});
        let ops = [
            Op::add("/a/new".into(), "v"),
            Op::add("/a/x~1y".into(), 2),
            Op::replace("/a/x~1y".into(), 3),
            Op::remove("/a/x~1y".into()),
            Op::add("/a/z/-".into(), 4),
            Op::add("/a/z/1".into(), 9),
            Op::replace("/a/z/0".into(), 7),
            Op::remove("/a/z/2".into()),
            Op::add("/b".into(), json!([])),
        ];
        for op in ops {
            let mut ours = original.clone();
            let undo = apply(&mut ours, &op).unwrap();
            let mut standard = original.clone();
            let patch: json_patch::Patch = serde_json::from_value(json!([op.to_json()])).unwrap();
            json_patch::patch(&mut standard, &patch).unwrap();
            assert_eq!(ours, standard, "{op:?}");
            take_back(&mut ours, &undo).unwrap();
            assert_eq!(ours.to_string(), original.to_string(), "undo of {op:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error_and_changes_nothing() {
        let original = json!({"a": [1]});
        let cases = [
            (Op::add("a".into(), 1), PatchError::Pointer("a".into())),
            (Op::remove("/x".into()), PatchError::Missing("/x".into())),
            (
                Op::replace("/x/y".into(), 1),
                PatchError::Missing("/x/y".into()),
            ),
            (
                Op::add("/a/3".into(), 1),
                PatchError::Missing("/a/3".into()),
            ),
            (Op::remove("/a/-".into()), PatchError::Index("/a/-".into())),
            (
                Op::remove("/a/+0".into()),
                PatchError::Index("/a/+0".into()),
            ),
            (
                Op::remove("/a/00".into()),
                PatchError::Index("/a/00".into()),
            ),
        ];
        for (op, expected) in cases {
            let mut value = original.clone();
            assert_eq!(apply(&mut value, &op), Err(expected));
            assert_eq!(value, original);
        }
    }
}
