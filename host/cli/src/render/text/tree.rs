//! An object with its edits: what was removed stays in it, beside what was added.

use std::borrow::Cow;

use serde_json::Value;
use tollgate_admission::{Op, OpKind};

/// An operation, and which rule made it.
#[derive(Clone, Debug)]
pub(crate) struct Edit<'a> {
    pub(crate) op: Cow<'a, Op>,
    /// `policy/rule`
    pub(crate) author: String,
}

/// A value of the object.
#[derive(Clone, Debug)]
pub(super) struct Node<'a> {
    /// Its key; nothing for an item of a list.
    pub(super) key: Option<Cow<'a, str>>,
    pub(super) state: State,
    pub(super) content: Content<'a>,
}

/// Whether a value was there before, and is there now. A number is the index of the edit that changed this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Kept,
    Added(usize),
    Removed(usize),
}

#[derive(Clone, Debug)]
pub(super) enum Content<'a> {
    /// A value that was made, or has stayed, as a whole.
    Whole(&'a Value),
    Mapping(Vec<Node<'a>>),
    List(Vec<Node<'a>>),
}

/// Marks in an object what edits change. Nothing where an edit does not fit.
pub(super) fn edited<'a>(before: &'a Value, edits: &'a [Edit<'_>]) -> Option<Node<'a>> {
    let mut root = Node {
        key: None,
        state: State::Kept,
        content: Content::Whole(before),
    };
    for (index, edit) in edits.iter().enumerate() {
        root.apply(&edit.op, index)?;
    }
    Some(root)
}

impl<'a> Node<'a> {
    fn apply(&mut self, op: &'a Op, index: usize) -> Option<()> {
        let (parent, last) = op.path.rsplit_once('/')?;
        let parent = parent
            .split('/')
            .skip(1)
            .try_fold(self, |node, step| node.step(step))?;
        parent.change(last, op, index)
    }

    /// The value within this one to which a step of a pointer leads.
    fn step(&mut self, step: &str) -> Option<&mut Self> {
        let at = self.position(step)?;
        self.inside()?.get_mut(at)
    }

    fn change(&mut self, step: &str, op: &'a Op, by: usize) -> Option<()> {
        let at = self.position(step);
        let key = self.is_mapping().then(|| unescape(step));
        let nodes = self.inside()?;
        match (op.kind, at) {
            (OpKind::Remove, Some(at)) => remove(nodes, at, by),
            (OpKind::Add, at) if key.is_none() => {
                let at = at.or_else(|| {
                    (step == "-" || step == live(nodes).to_string()).then_some(nodes.len())
                })?;
                nodes.insert(
                    at,
                    Node {
                        key,
                        state: State::Added(by),
                        content: Content::Whole(&op.value),
                    },
                );
            }
            (OpKind::Add | OpKind::Replace, Some(at)) => replace(nodes, at, &op.value, by),
            (OpKind::Add, None) => nodes.push(Node {
                key,
                state: State::Added(by),
                content: Content::Whole(&op.value),
            }),
            (OpKind::Remove | OpKind::Replace, None) => return None,
        }
        Some(())
    }

    /// Where among the values inside the one is to which a step leads, of those that are there now.
    fn position(&mut self, step: &str) -> Option<usize> {
        let is_mapping = self.is_mapping();
        let key = unescape(step);
        let mut there = self
            .inside()?
            .iter()
            .enumerate()
            .filter(|(_, node)| node.is_there());
        let found = match is_mapping {
            true => there.find(|(_, node)| node.key.as_ref() == Some(&key)),
            false => there.nth(step.parse().ok()?),
        };
        found.map(|(at, _)| at)
    }

    fn is_mapping(&self) -> bool {
        matches!(
            self.content,
            Content::Mapping(_) | Content::Whole(Value::Object(_))
        )
    }

    fn is_there(&self) -> bool {
        !matches!(self.state, State::Removed(_))
    }

    /// The values inside, each on its own from now on.
    fn inside(&mut self) -> Option<&mut Vec<Self>> {
        let state = self.state;
        let node = |key, value| Node {
            key,
            state,
            content: Content::Whole(value),
        };
        match self.content {
            Content::Whole(Value::Object(fields)) => {
                let nodes = fields
                    .iter()
                    .map(|(key, value)| node(Some(key.as_str().into()), value));
                self.content = Content::Mapping(nodes.collect());
            }
            Content::Whole(Value::Array(items)) => {
                self.content = Content::List(items.iter().map(|value| node(None, value)).collect());
            }
            _ => {}
        }
        match &mut self.content {
            Content::Whole(_) => None,
            Content::Mapping(nodes) | Content::List(nodes) => Some(nodes),
        }
    }
}

fn live(nodes: &[Node<'_>]) -> usize {
    nodes.iter().filter(|node| node.is_there()).count()
}

fn remove(nodes: &mut Vec<Node<'_>>, at: usize, by: usize) {
    match nodes.get_mut(at) {
        // What was not there before leaves no trace.
        Some(Node {
            state: State::Added(_),
            ..
        }) => drop(nodes.remove(at)),
        Some(node) => node.state = State::Removed(by),
        None => {}
    }
}

fn replace<'a>(nodes: &mut Vec<Node<'a>>, at: usize, value: &'a Value, by: usize) {
    let Some(node) = nodes.get_mut(at) else {
        return;
    };
    let added = Node {
        key: node.key.clone(),
        state: State::Added(by),
        content: Content::Whole(value),
    };
    match (&node.content, node.state) {
        (_, State::Added(_)) => *node = added,
        (Content::Whole(old), _) if is_alike(old, value) => {
            *node = between(node.key.clone(), old, value, by)
        }
        _ => {
            node.state = State::Removed(by);
            nodes.insert(at + 1, added);
        }
    }
}

/// Whether it is worth looking inside for what differs.
fn is_alike(old: &Value, new: &Value) -> bool {
    old.is_object() && new.is_object() || old.is_array() && new.is_array()
}

/// A value that is replaced by one of its type, with only the differences marked.
fn between<'a>(key: Option<Cow<'a, str>>, old: &'a Value, new: &'a Value, by: usize) -> Node<'a> {
    let content = match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            let mut nodes = Vec::new();
            for (key, value) in old {
                differences(
                    Some(key.as_str().into()),
                    Some(value),
                    new.get(key),
                    by,
                    &mut nodes,
                );
            }
            for (key, value) in new.iter().filter(|(key, _)| !old.contains_key(*key)) {
                differences(Some(key.as_str().into()), None, Some(value), by, &mut nodes);
            }
            Content::Mapping(nodes)
        }
        (Value::Array(old), Value::Array(new)) => Content::List(between_lists(old, new, by)),
        _ => Content::Whole(old),
    };
    Node {
        key,
        state: State::Kept,
        content,
    }
}

/// The items that two lists do not begin or end with in common are the difference.
fn between_lists<'a>(old: &'a [Value], new: &'a [Value], by: usize) -> Vec<Node<'a>> {
    let begin = old
        .iter()
        .zip(new)
        .take_while(|(old, new)| old == new)
        .count();
    let rest = old.len().min(new.len()) - begin;
    let end = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take(rest)
        .take_while(|(old, new)| old == new)
        .count();
    let node = |value, state| Node {
        key: None,
        state,
        content: Content::Whole(value),
    };
    let part = |values: &'a [Value], from, to| values.iter().take(to).skip(from);
    let kept = part(old, 0, begin).map(|value| node(value, State::Kept));
    let removed = part(old, begin, old.len() - end).map(|value| node(value, State::Removed(by)));
    let added = part(new, begin, new.len() - end).map(|value| node(value, State::Added(by)));
    let kept_again = part(old, old.len() - end, old.len()).map(|value| node(value, State::Kept));
    kept.chain(removed).chain(added).chain(kept_again).collect()
}

fn differences<'a>(
    key: Option<Cow<'a, str>>,
    old: Option<&'a Value>,
    new: Option<&'a Value>,
    by: usize,
    nodes: &mut Vec<Node<'a>>,
) {
    match (old, new) {
        (Some(old), Some(new)) if old == new => nodes.push(Node {
            key,
            state: State::Kept,
            content: Content::Whole(old),
        }),
        (Some(old), Some(new)) if is_alike(old, new) => nodes.push(between(key, old, new, by)),
        (old, new) => {
            let removed = old.map(|value| Node {
                key: key.clone(),
                state: State::Removed(by),
                content: Content::Whole(value),
            });
            let added = new.map(|value| Node {
                key,
                state: State::Added(by),
                content: Content::Whole(value),
            });
            nodes.extend(removed.into_iter().chain(added));
        }
    }
}

fn unescape(step: &str) -> Cow<'static, str> {
    step.replace("~1", "/").replace("~0", "~").into()
}
