//! An object with its edits: what was removed stays in it, beside what was added.

use std::borrow::Cow;

use serde_json::{Map, Value};
use tollgate_admission::{Op, OpKind};

/// An operation, and which rule made it.
#[derive(Clone, Debug)]
pub(crate) struct Edit<'a> {
    pub(crate) op: Cow<'a, Op>,
    /// `policy/rule`
    pub(crate) author: String,
}

/// The key of a mapping's entry; an item of a list has none.
type Key<'a> = Option<Cow<'a, str>>;

/// A value of the object.
#[derive(Clone, Debug)]
pub(super) struct Node<'a> {
    pub(super) key: Key<'a>,
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
    let mut root = Node::whole(None, State::Kept, before);
    for (index, edit) in edits.iter().enumerate() {
        root.apply(&edit.op, index)?;
    }
    Some(root)
}

impl<'a> Node<'a> {
    fn whole(key: Key<'a>, state: State, value: &'a Value) -> Self {
        Self {
            key,
            state,
            content: Content::Whole(value),
        }
    }

    fn apply(&mut self, op: &'a Op, by: usize) -> Option<()> {
        let (parent, last) = op.path.rsplit_once('/')?;
        let parent = parent
            .split('/')
            .skip(1)
            .try_fold(self, |node, step| node.step(step))?;
        parent.change(last, op, by)
    }

    /// The value within this one to which a step of a pointer leads.
    fn step(&mut self, step: &str) -> Option<&mut Self> {
        let at = self.position(step)?;
        self.inside()?.get_mut(at)
    }

    fn change(&mut self, step: &str, op: &'a Op, by: usize) -> Option<()> {
        let at = self.position(step);
        let key = self.is_mapping().then(|| unescape(step));
        let is_item = key.is_none();
        let added = Self::whole(key, State::Added(by), &op.value);
        let nodes = self.inside()?;
        match (op.kind, at) {
            (OpKind::Remove, Some(at)) => remove(nodes, at, by),
            (OpKind::Add, at) if is_item => nodes.insert(at.or_else(|| end(nodes, step))?, added),
            (OpKind::Add | OpKind::Replace, Some(at)) => replace(nodes, at, &op.value, by),
            (OpKind::Add, None) => nodes.push(added),
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
        match self.content {
            Content::Whole(Value::Object(fields)) => {
                let fields = fields.iter();
                let nodes = fields.map(|(key, value)| Self::whole(Some(key.into()), state, value));
                self.content = Content::Mapping(nodes.collect());
            }
            Content::Whole(Value::Array(items)) => {
                let nodes = items.iter().map(|value| Self::whole(None, state, value));
                self.content = Content::List(nodes.collect());
            }
            _ => {}
        }
        match &mut self.content {
            Content::Whole(_) => None,
            Content::Mapping(nodes) | Content::List(nodes) => Some(nodes),
        }
    }
}

/// Where the end of a list is, if a step means that.
fn end(nodes: &[Node<'_>], step: &str) -> Option<usize> {
    let length = nodes.iter().filter(|node| node.is_there()).count();
    (step == "-" || step == length.to_string()).then_some(nodes.len())
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
    let added = Node::whole(node.key.clone(), State::Added(by), value);
    match (&node.content, node.state) {
        (_, State::Added(_)) => *node = added,
        (Content::Whole(old), _) if is_alike(old, value) => {
            *node = between(node.key.clone(), old, value, by);
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
fn between<'a>(key: Key<'a>, old: &'a Value, new: &'a Value, by: usize) -> Node<'a> {
    let content = match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            Content::Mapping(between_mappings(old, new, by))
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

type Fields = Map<String, Value>;

fn between_mappings<'a>(old: &'a Fields, new: &'a Fields, by: usize) -> Vec<Node<'a>> {
    let mut nodes = Vec::new();
    for (name, old) in old {
        let key = || Some(Cow::Borrowed(name.as_str()));
        match new.get(name) {
            Some(new) if old == new => nodes.push(Node::whole(key(), State::Kept, old)),
            Some(new) if is_alike(old, new) => nodes.push(between(key(), old, new, by)),
            new => {
                nodes.push(Node::whole(key(), State::Removed(by), old));
                nodes.extend(new.map(|new| Node::whole(key(), State::Added(by), new)));
            }
        }
    }
    let more = new.iter().filter(|(key, _)| !old.contains_key(*key));
    nodes.extend(more.map(|(key, new)| Node::whole(Some(key.into()), State::Added(by), new)));
    nodes
}

/// The items that two lists do not begin or end with in common are the difference.
fn between_lists<'a>(old: &'a [Value], new: &'a [Value], by: usize) -> Vec<Node<'a>> {
    let begin = old
        .iter()
        .zip(new)
        .take_while(|(old, new)| old == new)
        .count();
    let rest = old.len().min(new.len()) - begin;
    let ends = old.iter().rev().zip(new.iter().rev()).take(rest);
    let end = ends.take_while(|(old, new)| old == new).count();
    let part = |values: &'a [Value], from, to, state| {
        values
            .iter()
            .take(to)
            .skip(from)
            .map(move |value| Node::whole(None, state, value))
    };
    part(old, 0, begin, State::Kept)
        .chain(part(old, begin, old.len() - end, State::Removed(by)))
        .chain(part(new, begin, new.len() - end, State::Added(by)))
        .chain(part(old, old.len() - end, old.len(), State::Kept))
        .collect()
}

fn unescape(step: &str) -> Cow<'static, str> {
    step.replace("~1", "/").replace("~0", "~").into()
}
