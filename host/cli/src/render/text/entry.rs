//! What is printed of one document.

use std::borrow::Cow;
use std::io::{self, Write};

use serde_json::Value;
use tollgate_admission::Applied;
use tollgate_pipeline::{Outcome, Verdict};

use super::style::{self, DENY, FAINT, WARN};
use super::tree::Edit;
use super::{hunk, notes, tree};
use crate::answer::{Answer, Judgement, Word};
use crate::args::DisplayArgs;
use crate::diagnostic;

/// What is printed of one document.
#[derive(Clone, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) word: Word,
    /// `file:line`
    pub(crate) source: Cow<'a, str>,
    pub(crate) kind: Cow<'a, str>,
    /// `namespace/name`
    pub(crate) name: String,
    /// Why it is skipped.
    pub(crate) reason: Option<Cow<'a, str>>,
    /// The object as it was; edits change it.
    pub(crate) before: Option<&'a Value>,
    pub(crate) edits: Vec<Edit<'a>>,
    pub(crate) notes: Vec<Note>,
    /// Text that is ready to print.
    pub(crate) appendix: String,
}

/// Something that is said of a document.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    /// What it is: `deny`, `warn`, …
    pub(crate) label: &'static str,
    pub(crate) text: String,
    /// More of it, each with a word that says what.
    pub(crate) details: Vec<(&'static str, String)>,
}

/// How wide the columns of several entries are.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Widths {
    source: usize,
    kind: usize,
}

/// Columns do not get wider than this for the sake of one long text.
const WIDEST: Widths = Widths {
    source: 60,
    kind: 20,
};

impl Widths {
    pub(crate) fn of(entries: &[Entry<'_>]) -> Self {
        let mut widths = Self::default();
        for Entry { source, kind, .. } in entries {
            widths.source = source.chars().count().min(WIDEST.source).max(widths.source);
            widths.kind = kind.chars().count().min(WIDEST.kind).max(widths.kind);
        }
        widths
    }
}

impl<'a> Entry<'a> {
    pub(crate) fn of(answer: &'a Answer, display: &DisplayArgs) -> Self {
        let entry = Self {
            word: answer.word(),
            source: answer.source.as_str().into(),
            kind: "".into(),
            name: String::new(),
            reason: None,
            before: None,
            edits: Vec::new(),
            notes: Vec::new(),
            appendix: String::new(),
        };
        match &answer.judgement {
            Judgement::Reviewed { before, outcome } => entry.with_outcome(before, outcome, display),
            Judgement::Foreign(why) => Self {
                reason: Some(why.as_str().into()),
                ..entry
            },
            Judgement::Unreadable(diagnostic) => Self {
                appendix: diagnostic::render(std::slice::from_ref(diagnostic)),
                ..entry
            },
        }
    }

    fn with_outcome(self, before: &'a Value, outcome: &'a Outcome, display: &DisplayArgs) -> Self {
        let reason = match outcome.verdict {
            Verdict::Skipped(why) => Some(why.into()),
            Verdict::Allowed | Verdict::Denied | Verdict::Faulted => None,
        };
        let edit = |applied: &'a Applied| Edit {
            op: Cow::Borrowed(&applied.op),
            author: format!("{}/{}", applied.policy, applied.rule),
        };
        let is_stored = outcome.verdict.is_allowed();
        let edits = outcome.patch.iter().filter(|_| is_stored).map(edit);
        Self {
            kind: outcome.gvk.kind.as_str().into(),
            name: place(
                outcome.namespace.as_deref(),
                outcome.name.as_deref(),
                before,
            ),
            reason,
            before: Some(before),
            edits: edits.collect(),
            notes: notes::of(outcome, display),
            ..self
        }
    }

    /// Whether it takes more than one line.
    pub(crate) fn is_long(&self) -> bool {
        !(self.edits.is_empty() && self.notes.is_empty() && self.appendix.is_empty())
    }

    /// Writes the line of the document and what is below it.
    pub(crate) fn write(&self, widths: &Widths, out: &mut dyn Write) -> io::Result<()> {
        self.write_line(widths, out)?;
        self.write_edits(out)?;
        self.notes.iter().try_for_each(|note| note.write(out))?;
        self.appendix
            .lines()
            .try_for_each(|line| writeln!(out, "    {line}"))
    }

    fn write_line(&self, widths: &Widths, out: &mut dyn Write) -> io::Result<()> {
        let Widths {
            source: source_width,
            kind: kind_width,
        } = *widths;
        let (mark, style) = style::of(self.word);
        let word = self.word.as_str();
        let [source, kind, name] = [&self.source, &self.kind, self.name.as_str()].map(clean);
        let place = format!("{source:source_width$}  {kind:kind_width$}  {name}");
        write!(
            out,
            "{style}{mark} {word:10}{style:#}  {}",
            place.trim_end()
        )?;
        match &self.reason {
            Some(reason) => writeln!(out, "  {FAINT}({}){FAINT:#}", clean(reason)),
            None => writeln!(out),
        }
    }

    fn write_edits(&self, out: &mut dyn Write) -> io::Result<()> {
        match self
            .before
            .and_then(|before| tree::edited(before, &self.edits))
        {
            Some(tree) => hunk::write(&tree, &self.edits, out),
            // An edit that does not fit the object is not ours; it is shown as it is.
            None => self.edits.iter().try_for_each(|Edit { op, author }| {
                writeln!(
                    out,
                    "    {}  {FAINT}# {}{FAINT:#}",
                    clean(&op.to_json().to_string()),
                    clean(author)
                )
            }),
        }
    }
}

impl Note {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self {
            label,
            text,
            details,
        } = self;
        let style = match *label {
            "deny" | "fault" => DENY,
            "warn" | "pending" => WARN,
            _ => FAINT,
        };
        writeln!(
            out,
            "    {style}{label}{style:#}  {}",
            indented(text, 4 + label.len() + 2)
        )?;
        let width = details
            .iter()
            .map(|(word, _)| word.len())
            .max()
            .unwrap_or_default();
        details.iter().try_for_each(|(word, text)| {
            writeln!(
                out,
                "          {FAINT}{word:width$}{FAINT:#}  {}",
                indented(text, 10 + width + 2)
            )
        })
    }
}

/// `namespace/name`, as far as they are known: a name that is still to be generated by what it begins with.
pub(crate) fn place(namespace: Option<&str>, name: Option<&str>, object: &Value) -> String {
    let prefix = || object.pointer("/metadata/generateName")?.as_str();
    let name = name.or_else(prefix).unwrap_or_default();
    match namespace {
        Some(namespace) => format!("{namespace}/{name}"),
        None => name.to_owned(),
    }
}

/// A text of several lines, the later ones below the first.
fn indented(text: &str, indent: usize) -> String {
    let lines: Vec<_> = text.trim_end().lines().map(clean).collect();
    lines.join(&format!("\n{:indent$}", ""))
}

/// A text without characters that a terminal obeys.
fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_obeyed) {
        text.chars()
            .flat_map(|c| {
                if is_obeyed(c) {
                    c.escape_default().collect()
                } else {
                    vec![c]
                }
            })
            .collect()
    } else {
        text.into()
    }
}

/// Whether a terminal takes a character for a command, to write from right to left included.
fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
