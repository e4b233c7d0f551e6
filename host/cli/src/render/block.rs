//! Values as YAML, laid out as kubectl does.
//!
//! A text goes without quotes only where every reader takes it for a text, those of YAML 1.1 such as kubectl's
//! included: `on`, `1e3` and `0o17` are quoted.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};

use serde_json::Value;

/// A line without its indentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// How many spaces it is indented with.
    pub(crate) indent: usize,
    pub(crate) text: String,
}

/// How much deeper what is inside a mapping stands.
pub(crate) const STEP: usize = 2;

/// Writes a document.
pub(crate) fn write(value: &Value, out: &mut dyn Write) -> io::Result<()> {
    let mut lines = Vec::new();
    match value {
        Value::Object(fields) if !fields.is_empty() => inside(value, 0, &mut lines),
        Value::Array(items) if !items.is_empty() => inside(value, 0, &mut lines),
        scalar => headed(String::new(), scalar, 0, &mut lines),
    }
    lines
        .iter()
        .try_for_each(|line| writeln!(out, "{}", line.indented()))
}

impl Line {
    /// The line with its indentation. An empty line, as scripts have them, gets none.
    pub(crate) fn indented(&self) -> String {
        let Self { indent, text } = self;
        if text.is_empty() {
            String::new()
        } else {
            " ".repeat(*indent) + text
        }
    }

    /// Puts the mark of a list's item before a line.
    pub(crate) fn mark_item(&mut self) {
        self.indent = self.indent.saturating_sub(STEP);
        self.text.insert_str(0, "- ");
    }
}

/// The lines of a mapping's entry.
pub(crate) fn entry(key: &str, value: &Value, indent: usize, lines: &mut Vec<Line>) {
    headed(format!("{}:", text(key)), value, indent, lines);
}

/// The lines of a list's item. `indent` is that of its mark.
pub(crate) fn item(value: &Value, indent: usize, lines: &mut Vec<Line>) {
    if is_block(value) {
        let first = lines.len();
        inside(value, indent + STEP, lines);
        lines
            .get_mut(first..)
            .into_iter()
            .flatten()
            .take(1)
            .for_each(Line::mark_item);
    } else {
        headed("-".to_owned(), value, indent, lines);
    }
}

/// A key and the colon after it.
pub(crate) fn header(key: &str, indent: usize) -> Line {
    Line {
        indent,
        text: format!("{}:", text(key)),
    }
}

/// Where what is inside a value stands when its key stands at `indent`: items stand below their list's key.
pub(crate) fn indent_inside(is_list: bool, indent: usize) -> usize {
    if is_list { indent } else { indent + STEP }
}

fn is_block(value: &Value) -> bool {
    match value {
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

fn inside(value: &Value, indent: usize, lines: &mut Vec<Line>) {
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(key, value)| entry(key, value, indent, lines)),
        Value::Array(items) => items.iter().for_each(|value| item(value, indent, lines)),
        _ => {}
    }
}

/// A value after its key and colon, or after the mark of an item.
fn headed(head: String, value: &Value, indent: usize, lines: &mut Vec<Line>) {
    let space = if head.is_empty() { "" } else { " " };
    if is_block(value) {
        lines.push(Line { indent, text: head });
        inside(value, indent_inside(value.is_array(), indent), lines);
    } else if let Some((mark, script)) = value.as_str().and_then(script) {
        lines.push(Line {
            indent,
            text: format!("{head}{space}{mark}"),
        });
        lines.extend(script.split('\n').map(|line| Line {
            indent: indent + STEP,
            text: line.to_owned(),
        }));
    } else {
        lines.push(Line {
            indent,
            text: format!("{head}{space}{}", scalar(value)),
        });
    }
}

/// A value in one line.
pub(crate) fn scalar(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(string) => text(string),
        Value::Array(items) if items.is_empty() => "[]".into(),
        Value::Object(fields) if fields.is_empty() => "{}".into(),
        Value::Number(number) => with_point(number.to_string()).into(),
        other => other.to_string().into(),
    }
}

/// A number with an exponent as YAML 1.1 wants it: with a point.
fn with_point(number: String) -> String {
    match number.split_once('e') {
        Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0e{exponent}"),
        _ => number,
    }
}

/// A text of several lines as the literal block that scripts are best read in: its mark and its lines. Not for a
/// text whose indentation or characters a literal block would not keep.
fn script(text: &str) -> Option<(&'static str, &str)> {
    let begins_plainly = !text.starts_with([' ', '\t', '\n']);
    if !begins_plainly
        || !text.contains('\n')
        || text
            .chars()
            .any(|c| c != '\n' && c != '\t' && is_special(c))
    {
        return None;
    }
    match text.strip_suffix('\n') {
        None => Some(("|-", text)),
        Some(lines) if lines.ends_with('\n') => Some(("|+", lines)),
        Some(lines) => Some(("|", lines)),
    }
}

/// A text in one line.
fn text(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        text.into()
    } else if text.chars().any(is_special) {
        double_quoted(text).into()
    } else if text.contains(['"', '\\']) {
        format!("'{}'", text.replace('\'', "''")).into()
    } else {
        format!("\"{text}\"").into()
    }
}

fn double_quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        // Writing to a string does not fail.
        let _ = match c {
            '"' | '\\' => write!(quoted, "\\{c}"),
            '\n' => write!(quoted, "\\n"),
            '\t' => write!(quoted, "\\t"),
            '\r' => write!(quoted, "\\r"),
            c if is_special(c) => write!(quoted, "\\u{:04x}", u32::from(c)),
            c => write!(quoted, "{c}"),
        };
    }
    quoted.push('"');
    quoted
}

/// Whether a character must be escaped: a control character, or one that some reader takes for the end of a line or
/// leaves out.
fn is_special(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
}

/// The words that some reader of YAML takes for a boolean, nothing or a number, and the marks of a merge and a default.
const WORDS: [&str; 14] = [
    "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "~", "<<", "=",
];

/// What may stand before `inf` and `nan`.
const SIGNS: [char; 3] = ['+', '-', '.'];

/// What numbers and dates of YAML 1.1 are made of, in all bases: without a character besides, a text may be one, if it
/// has a digit.
const NUMERIC: &str = "0123456789abcdefABCDEFxXoOtTzZ+-.,:_ ";

fn is_plain(text: &str) -> bool {
    let first = text.chars().next();
    let starts_plainly = first
        .is_some_and(|c| c.is_ascii_alphanumeric() || "/.$_-+(<=~^".contains(c) || !c.is_ascii());
    let begins_like_number = first.is_some_and(|c| c.is_ascii_digit() || "+-.".contains(c));
    let has = |kind: fn(&char) -> bool| text.chars().any(|c| kind(&c));
    let may_count = has(char::is_ascii_digit) || !has(char::is_ascii_alphabetic);
    let is_number_like =
        begins_like_number && may_count && text.chars().all(|c| NUMERIC.contains(c));
    let unsigned = text.trim_start_matches(SIGNS);
    let is_word = WORDS.iter().any(|word| unsigned.eq_ignore_ascii_case(word));
    let is_syntax = text.starts_with("- ")
        || text.contains(": ")
        || text.contains(" #")
        || text.ends_with([':', ' ']);
    let is_mark = text.starts_with("---") || text.starts_with("...");
    starts_plainly
        && !is_number_like
        && !is_word
        && !is_syntax
        && !is_mark
        && !text.chars().any(is_special)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use tollgate_catalog::yaml;

    fn written(value: &Value) -> String {
        let mut out = Vec::new();
        write(value, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn read_again(text: &str) -> Value {
        yaml::documents("test", text.as_bytes())
            .remove(0)
            .content
            .unwrap()
    }

    #[test]
    fn is_laid_out_as_kubectl_does() {
        let value = json!({
            "spec": {"containers": [{"name": "a", "args": ["-c", "--model=x"], "env": [], "resources": {}}], "n": 1.5, "none": null},
            "script": "set -e\n\n  echo \"on\"\n",
            "nested": [[1, {"b": true}], []],
        });
        insta::assert_snapshot!(written(&value));
        assert_eq!(read_again(&written(&value)), value);
    }

    #[test]
    fn texts_that_some_reader_takes_for_something_else_are_quoted() {
        for text in [
            "",
            " a",
            "a ",
            "on",
            "YES",
            "n",
            "null",
            "~",
            "1",
            "-1",
            "1e3",
            "0x1f",
            "0o17",
            "017",
            "1_000",
            ".5",
            ".inf",
            "-.INF",
            ".NaN",
            "12:30:45",
            "2024-01-31",
            "2024-01-31T00:00:00Z",
            "<<",
            "=",
            "-",
            "- a",
            "? a",
            "a: b",
            "a:",
            "a #b",
            "#a",
            "[a",
            "{a",
            "*a",
            "&a",
            "!a",
            "|",
            ">",
            "%a",
            "@a",
            "`a",
            "'a",
            "\"a",
            "---",
            "--- a",
            "...",
            "a\tb",
            "a\u{85}b",
            "a\u{2028}b",
            "\u{feff}a",
            "a\u{1b}[31m",
        ] {
            let quoted = super::text(text);
            assert!(quoted.starts_with(['"', '\'']), "{text:?}: {quoted}");
            let value = json!({text: [text, {text: text}]});
            assert_eq!(read_again(&written(&value)), value, "{text:?}");
        }
    }

    #[test]
    fn texts_that_are_nothing_else_are_not() {
        for text in [
            "a",
            "10Gi",
            "500m",
            "--model=x",
            "-c",
            "-e",
            "nvidia.com/gpu",
            "app:1",
            "8080/tcp",
            "a b",
            "a, b",
            "$(NAME)",
            "/dev/shm",
            "v1.2.3",
            "ä",
        ] {
            assert_eq!(super::text(text), text);
            assert_eq!(
                read_again(&written(&json!({text: text}))),
                json!({text: text})
            );
        }
    }

    #[test]
    fn scripts_keep_every_character() {
        for text in [
            "a\nb",
            "a\nb\n",
            "a\nb\n\n",
            "\na\n",
            " a\nb\n",
            "a\n  b\n\n c",
            "a\n\tb \n \n",
            "a\r\nb\n",
            "a\n---\nb\n",
            "a\n#b",
            "\n",
            "\n\n",
        ] {
            let value = json!({"a": text, "b": [text, [text]], "c": 1});
            assert_eq!(read_again(&written(&value)), value, "{text:?}");
            assert_eq!(read_again(&written(&json!(text))), json!(text), "{text:?}");
        }
    }

    #[test]
    fn numbers_keep_their_value() {
        let value = json!([0, -1, 1.5, 1e300, -2.5e-7, u64::MAX, i64::MIN]);
        assert_eq!(read_again(&written(&value)), value);
        assert_eq!(scalar(&json!(1e300)), "1.0e+300");
    }
}
