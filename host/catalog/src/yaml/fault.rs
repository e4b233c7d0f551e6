//! Why a document cannot be read, in words that help.

use serde_saphyr::granit_parser::{ErrorKind, ScanError};

use super::{DEPTH, position::Mark};
use crate::diagnostic::{Diagnostic, Place, Text};

/// Why a document cannot be read.
pub(super) struct Fault {
    place: Place,
    message: String,
    hint: Option<&'static str>,
}

impl Fault {
    /// Returns a fault that the parser does not see.
    pub(super) fn new(place: Place, message: impl Into<String>) -> Self {
        Self {
            place,
            message: message.into(),
            hint: None,
        }
    }

    /// Returns a fault of the parser, which reads `read` from `start` on.
    pub(super) fn of(err: &ScanError, read: &str, start: Mark) -> Self {
        let (line, column) = start.shifted(err.marker().line(), err.marker().col());
        let byte = err.marker().byte_offset().unwrap_or(read.len());
        let letter = read
            .get(byte..)
            .and_then(|rest| rest.chars().next())
            .filter(|letter| *letter != '\n');
        let byte = start.byte + byte;
        let place = Place {
            line,
            column,
            bytes: byte..byte + letter.map_or(0, char::len_utf8),
        };
        let (message, hint) = in_words(err.kind());
        Self {
            place,
            message,
            hint,
        }
    }

    /// Tells the fault.
    pub(super) fn diagnose(self, text: &Text) -> Diagnostic {
        let Self {
            place,
            message,
            hint,
        } = self;
        let diagnostic = Diagnostic::at(text, &place, message);
        match hint_of_template(&text.content, place.bytes.start).or(hint) {
            Some(hint) => diagnostic.with_hint(hint),
            None => diagnostic,
        }
    }
}

/// The parser's errors, those that people meet in clearer words.
fn in_words(kind: &ErrorKind) -> (String, Option<&'static str>) {
    let (message, hint) = match kind {
        ErrorKind::RecursionLimitExceeded => return (too_deep(), None),
        ErrorKind::UnexpectedCharacter { character } => {
            let message = format!("no value can begin with `{}`", character.escape_default());
            return (message, Some("quote the text"));
        }
        ErrorKind::UnknownAnchor => (
            "no anchor of this name before the alias",
            "quote text that begins with `*`",
        ),
        ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabNotAllowed => ("a tab in the indentation", "indent with spaces"),
        ErrorKind::MappingValueNotAllowed => (
            "a second `: ` on one line, or a wrong indentation",
            "quote text that has `: ` in it",
        ),
        ErrorKind::ExpectedDocumentStart => (
            "the document has ended before this",
            "begin the next document with `---`",
        ),
        other => return (other.to_string(), None),
    };
    (message.to_owned(), Some(hint))
}

/// What to say where nothing may be nested deeper.
pub(super) fn too_deep() -> String {
    format!("nested deeper than {DEPTH} levels")
}

/// How far from a fault the marks of a template are looked for, in bytes.
const NEAR: usize = 1 << 12;

/// Looks for the marks of a template around a fault, in its own document.
fn hint_of_template(text: &str, fault: usize) -> Option<&'static str> {
    let start = text.floor_char_boundary(fault.saturating_sub(NEAR));
    let end = text.ceil_char_boundary(fault.saturating_add(NEAR));
    let begun = text
        .get(start..fault)?
        .rfind("\n---")
        .map_or(start, |begun| start + begun);
    let ended = text
        .get(fault..end)?
        .find("\n---")
        .map_or(end, |ended| fault + ended);
    text.get(begun..ended)?.contains("{{").then_some(
        "it looks like a template: render it first, as in `helm template CHART | tollgate review -`",
    )
}
