//! Where a value of a document stands in its text.
//!
//! Positions are looked up when there is something to say about them, by parsing the document
//! again, and so cost nothing where all is well.

use serde_saphyr::granit_parser::{Event, Parser, Span, StrInput};

use super::{position::Mark, scalar, tree::options};
use crate::diagnostic::Place;

/// Which part of a mapping's entry is meant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Part {
    Key,
    Value,
}

/// The steps of a JSON pointer.
pub(super) fn steps(pointer: &str) -> impl Iterator<Item = String> {
    pointer
        .split('/')
        .skip(1)
        .map(|step| step.replace("~1", "/").replace("~0", "~"))
}

/// Returns where the value is to which `steps` lead in the first document of `text`; where they
/// lead nowhere, the last value on the way, by its key where it has one.
pub(super) fn locate(
    text: &str,
    start: Mark,
    steps: impl Iterator<Item = String>,
    part: Part,
) -> Option<Place> {
    let mut walk = Walk {
        parser: Parser::new_from_str_with_options(text, options()),
        start,
    };
    let mut node = walk.root()?;
    let mut found = node.place(start);
    for step in steps {
        let Some((key, value)) = walk.enter(node, &step) else {
            return Some(found);
        };
        found = match key {
            Some(key) => key,
            None => value.place(start),
        };
        node = value;
    }
    match part {
        Part::Key => Some(found),
        Part::Value => Some(node.place(start)),
    }
}

struct Walk<'t> {
    parser: Parser<'t, StrInput<'t>>,
    start: Mark,
}

struct Node<'t> {
    event: Event<'t>,
    span: Span,
}

impl Node<'_> {
    fn place(&self, start: Mark) -> Place {
        start.place(&self.span)
    }
}

impl<'t> Walk<'t> {
    fn root(&mut self) -> Option<Node<'t>> {
        loop {
            match self.next()? {
                Node {
                    event: Event::StreamStart | Event::DocumentStart(..),
                    ..
                } => {}
                node => return Some(node),
            }
        }
    }

    fn next(&mut self) -> Option<Node<'t>> {
        let (event, span) = self.parser.next_event()?.ok()?;
        Some(Node { event, span })
    }

    /// The entry of a mapping (with where its key is) or the item of a list to which a step leads.
    fn enter(&mut self, node: Node<'t>, step: &str) -> Option<(Option<Place>, Node<'t>)> {
        match node.event {
            Event::MappingStart(..) => self.entry(step).map(|(key, value)| (Some(key), value)),
            Event::SequenceStart(..) => self.item(step.parse().ok()?).map(|item| (None, item)),
            _ => None,
        }
    }

    fn entry(&mut self, wanted: &str) -> Option<(Place, Node<'t>)> {
        loop {
            let key = self.next()?;
            match &key.event {
                Event::MappingEnd => return None,
                Event::Scalar(text, style, _, tag) => {
                    let name = scalar::resolve(text.clone(), *style, tag.as_deref()).ok();
                    if name.as_ref().and_then(scalar::key).as_deref() == Some(wanted) {
                        return Some((key.place(self.start), self.next()?));
                    }
                }
                _ => self.skip(&key)?,
            }
            let value = self.next()?;
            self.skip(&value)?;
        }
    }

    fn item(&mut self, index: usize) -> Option<Node<'t>> {
        for _ in 0..index {
            let item = self.next()?;
            self.skip(&item)?;
        }
        self.next().filter(|item| item.event != Event::SequenceEnd)
    }

    /// Passes over what is inside a node that was begun.
    fn skip(&mut self, node: &Node<'t>) -> Option<()> {
        let mut open = opens(&node.event);
        while open > 0 {
            open += opens(&self.next()?.event);
        }
        Some(())
    }
}

fn opens(event: &Event<'_>) -> isize {
    match event {
        Event::MappingStart(..) | Event::SequenceStart(..) => 1,
        Event::MappingEnd | Event::SequenceEnd => -1,
        _ => 0,
    }
}
