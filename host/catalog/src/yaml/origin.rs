//! Where a document came from.

use std::{fmt, sync::Arc};

use super::{
    locate::{self, Part},
    position::Mark,
};
use crate::diagnostic::{Diagnostic, Place, Text};

/// Where a document stands: a text, and a point of it. Displayed as `file:line`.
///
/// It keeps the text, so that an error that turns up later can point at the value it is about.
#[derive(Clone, Debug)]
pub struct Origin {
    text: Arc<Text>,
    start: Mark,
    line: usize,
    /// The JSON pointer of the document in what stands at `start`: empty, or the item of a `List`.
    pointer: String,
}

impl Origin {
    /// Returns the origin of what has no text of its own, such as the default profile or an object of a cluster.
    pub fn of_file(name: &str) -> Self {
        let text = Arc::new(Text {
            name: name.to_owned(),
            content: String::new(),
        });
        Self::new(text, Mark::START, 1)
    }

    /// `start` is where a parser must begin, `line` where the document's first value stands.
    pub(super) fn new(text: Arc<Text>, start: Mark, line: usize) -> Self {
        Self {
            text,
            start,
            line,
            pointer: String::new(),
        }
    }

    /// What the text is called.
    pub fn file(&self) -> &str {
        &self.text.name
    }

    /// The line on which the document begins, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Returns a diagnostic that points at the value at a JSON pointer of the document, or at the
    /// nearest around it.
    pub fn diagnostic(&self, pointer: &str, message: impl Into<String>) -> Diagnostic {
        self.report(pointer, Part::Value, message.into())
    }

    /// Returns a diagnostic that points at the key of the value at a JSON pointer of the document.
    pub fn key_diagnostic(&self, pointer: &str, message: impl Into<String>) -> Diagnostic {
        self.report(pointer, Part::Key, message.into())
    }

    /// Returns where the value at a JSON pointer of the document stands, or the nearest around it.
    pub fn place(&self, pointer: &str) -> Option<Place> {
        self.locate(pointer, Part::Value)
    }

    /// Returns the origin of an item of the `List` that this is.
    pub(crate) fn item(&self, index: usize) -> Self {
        let pointer = format!("{}/items/{index}", self.pointer);
        let line = self
            .locate(&format!("/items/{index}"), Part::Value)
            .map_or(self.line, |place| place.line);
        Self {
            pointer,
            line,
            ..self.clone()
        }
    }

    fn report(&self, pointer: &str, part: Part, message: String) -> Diagnostic {
        match self.locate(pointer, part) {
            Some(place) => Diagnostic::at(&self.text, &place, message),
            None => Diagnostic {
                pointer: pointer.to_owned(),
                ..Diagnostic::of_file(self.file(), message)
            },
        }
    }

    /// Nothing where there is no text. Where the text cannot be parsed again on its own, as JSON
    /// that something else follows on the line, the document's beginning.
    fn locate(&self, pointer: &str, part: Part) -> Option<Place> {
        let text = self
            .text
            .content
            .get(self.start.byte..)
            .filter(|text| !text.is_empty())?;
        let steps = locate::steps(&self.pointer).chain(locate::steps(pointer));
        let Mark { byte, line, column } = self.start;
        let start = || Place {
            line,
            column,
            bytes: byte..byte,
        };
        Some(locate::locate(text, self.start, steps, part).unwrap_or_else(start))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file(), self.line)
    }
}
