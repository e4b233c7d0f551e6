//! What is wrong with a text that somebody wrote, and where.

use std::{error::Error, fmt, ops::Range};

/// A text, and what it is called in messages.
#[derive(Debug)]
pub struct Text {
    /// The file's path as the user gave it, or a word such as `stdin`.
    pub name: String,
    /// The whole text.
    pub content: String,
}

/// A stretch of a text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The bytes; empty for a point.
    pub bytes: Range<usize>,
}

/// Something wrong in a text. Displayed as `file:line:column: message`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Diagnostic {
    /// What the text is called.
    pub file: String,
    /// The line, from 1; 0 where the whole file is meant.
    pub line: usize,
    /// The column in characters, from 1; 0 where the whole file is meant.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The JSON pointer of the value that is meant, where there is no text to point into, as with objects of a
    /// cluster; empty where the whole is meant.
    pub pointer: String,
    /// The line as it stands in the text, to underline.
    pub excerpt: Option<Box<Excerpt>>,
}

/// A line of a text, with the part that is meant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Excerpt {
    /// The line without its end. Of a very long line, such as compact JSON, only what is near.
    pub line: String,
    /// The bytes of `line` that are meant; empty for a point.
    pub marked: Range<usize>,
}

impl Diagnostic {
    /// Returns a diagnostic about a whole file.
    pub fn of_file(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line: 0,
            column: 0,
            message: printable(message.into()),
            hint: None,
            pointer: String::new(),
            excerpt: None,
        }
    }

    /// Returns a diagnostic about a stretch of a text.
    pub fn at(text: &Text, place: &Place, message: impl Into<String>) -> Self {
        Self {
            line: place.line,
            column: place.column,
            excerpt: Excerpt::of(&text.content, &place.bytes).map(Box::new),
            ..Self::of_file(&text.name, message)
        }
    }

    /// Returns the same with what to do about it.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            column,
            message,
            ..
        } = self;
        match line {
            0 => write!(f, "{file}: {message}"),
            _ => write!(f, "{file}:{line}:{column}: {message}"),
        }
    }
}

impl Error for Diagnostic {}

/// The longest message, in characters. What a text has may stand in it, and be of any length.
const LONGEST: usize = 600;

/// Returns a message of which nothing can move the cursor of a terminal.
fn printable(message: String) -> String {
    let ends = message.char_indices().nth(LONGEST).map(|(end, _)| end);
    if ends.is_none() && !message.contains(char::is_control) {
        return message;
    }
    let kept = ends.and_then(|end| message.get(..end)).unwrap_or(&message);
    let escaped = |letter: char| match letter.is_control() {
        true => letter.escape_default().to_string(),
        false => letter.to_string(),
    };
    let mut printable: String = kept.chars().map(escaped).collect();
    printable.extend(ends.map(|_| '…'));
    printable
}

/// How many bytes of a long line are kept on either side.
const AROUND: usize = 120;

impl Excerpt {
    fn of(text: &str, bytes: &Range<usize>) -> Option<Self> {
        let (before, after) = text.split_at_checked(bytes.start)?;
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let end = after
            .find(['\r', '\n'])
            .map_or(text.len(), |newline| bytes.start + newline);
        let marked_end = bytes.end.clamp(bytes.start, end);
        let start = text.ceil_char_boundary(start.max(bytes.start.saturating_sub(AROUND)));
        let end = text.floor_char_boundary(end.min(marked_end.saturating_add(AROUND)));
        let marked = bytes.start.checked_sub(start)?..marked_end.min(end).checked_sub(start)?;
        Some(Self {
            line: text.get(start..end)?.to_owned(),
            marked,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Diagnostic, Excerpt, Place, Text};

    fn text(content: &str) -> Text {
        Text {
            name: "a.yaml".into(),
            content: content.into(),
        }
    }

    #[test]
    fn displays_where_and_what() {
        let place = Place {
            line: 2,
            column: 4,
            bytes: 7..8,
        };
        let diagnostic =
            Diagnostic::at(&text("one\nab cd"), &place, "no `c` here").with_hint("take `d`");
        assert_eq!(diagnostic.to_string(), "a.yaml:2:4: no `c` here");
        assert_eq!(diagnostic.hint.as_deref(), Some("take `d`"));
        assert_eq!(
            *diagnostic.excerpt.unwrap(),
            Excerpt {
                line: "ab cd".into(),
                marked: 3..4
            }
        );
    }

    #[test]
    fn a_whole_file_has_no_line() {
        assert_eq!(
            Diagnostic::of_file("a.yaml", "cannot be read").to_string(),
            "a.yaml: cannot be read"
        );
    }

    #[test]
    fn a_message_cannot_write_over_a_terminal() {
        let message = |text: &str| Diagnostic::of_file("f", text).message;
        assert_eq!(message("`a\x1b[2Jb\n`"), "`a\\u{1b}[2Jb\\n`");
        assert_eq!(message(&"ä".repeat(700)), format!("{}…", "ä".repeat(600)));
        assert_eq!(message("`größer`"), "`größer`");
    }

    #[test]
    fn an_excerpt_stays_on_its_line() {
        let excerpt = Excerpt::of("key: |\r\n  more\r\n", &(5..14)).unwrap();
        assert_eq!(
            excerpt,
            Excerpt {
                line: "key: |".into(),
                marked: 5..6
            }
        );
    }

    #[test]
    fn an_excerpt_may_point_at_the_end_of_the_text() {
        assert_eq!(Excerpt::of("key: [", &(6..6)).unwrap().marked, 6..6);
        assert_eq!(Excerpt::of("", &(0..0)).unwrap().line, "");
    }

    #[test]
    fn a_long_line_is_cut_around_what_is_meant() {
        let line = format!("{}here{}", "ä".repeat(5_000), "ö".repeat(5_000));
        let excerpt = Excerpt::of(&line, &(10_000..10_004)).unwrap();
        assert!(excerpt.line.len() < 250);
        assert_eq!(&excerpt.line[excerpt.marked], "here");
    }
}
