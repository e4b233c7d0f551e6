//! Bytes as text.

use crate::diagnostic::{Diagnostic, Place, Text};

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Decodes a file, or tells where it is no text.
pub(super) fn text(file: &str, bytes: &[u8]) -> Result<Text, Diagnostic> {
    let (valid, message) = match str::from_utf8(bytes) {
        Ok(content) => match content.find('\0') {
            None => {
                let content = content.strip_prefix(BYTE_ORDER_MARK).unwrap_or(content);
                return Ok(Text {
                    name: file.to_owned(),
                    content: content.to_owned(),
                });
            }
            Some(zero) => (zero, "not a text: it has a zero byte here"),
        },
        Err(err) => (err.valid_up_to(), "not a text in UTF-8"),
    };
    let readable = String::from_utf8_lossy(bytes.get(..valid).unwrap_or_default());
    let diagnostic = Diagnostic {
        excerpt: None,
        ..at_end(file, &readable, message)
    };
    Err(match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            diagnostic.with_hint("it looks like UTF-16: save it as UTF-8")
        }
        _ => diagnostic,
    })
}

fn at_end(file: &str, readable: &str, message: &str) -> Diagnostic {
    let line = readable.rsplit('\n').next().unwrap_or_default();
    let place = Place {
        line: readable.matches('\n').count() + 1,
        column: line.chars().count() + 1,
        bytes: 0..0,
    };
    Diagnostic::at(
        &Text {
            name: file.to_owned(),
            content: String::new(),
        },
        &place,
        message,
    )
}
