//! For people: a line a document, below it what changes and what policies have to say.

mod entry;
mod hunk;
mod notes;
mod path;
mod style;
mod tree;

use std::io::{self, Write};

use crate::answer::{Answer, Judgement, Quiet, Reviewed, Word};
use crate::args::DisplayArgs;
use crate::diagnostic;
use style::FAINT;

pub(crate) use entry::{Entry, Note, Widths, place};
pub(crate) use tree::Edit;

/// Prints every document, or with `-q` every one that is not well, and how many came to what.
pub(super) fn write(
    Reviewed { answers, quiet }: &Reviewed,
    display: &DisplayArgs,
    out: &mut dyn Write,
) -> io::Result<()> {
    let wanted: Vec<_> = answers
        .iter()
        .filter(|answer| !display.quiet || answer.word().is_bad())
        .collect();
    write_entries(&wanted, display, out)?;
    if display.quiet && wanted.is_empty() {
        return Ok(());
    }
    let gap = if wanted.is_empty() { "" } else { "\n" };
    writeln!(out, "{gap}{}", summary(answers))?;
    if !display.quiet && !quiet.is_empty() {
        writeln!(out, "{FAINT}{}{FAINT:#}", unchecked(quiet))?;
    }
    Ok(())
}

/// The rules that could not say anything, and why.
fn unchecked(quiet: &[Quiet]) -> String {
    let rules: Vec<_> = quiet
        .iter()
        .map(
            |Quiet {
                 policy,
                 rule,
                 needs,
             }| format!("{policy}/{rule} (needs {needs})"),
        )
        .collect();
    format!("not checked without `--state`: {}", rules.join(", "))
}

fn write_entries(
    answers: &[&Answer],
    display: &DisplayArgs,
    out: &mut dyn Write,
) -> io::Result<()> {
    let entries: Vec<_> = answers
        .iter()
        .map(|answer| Entry::of(answer, display))
        .collect();
    let widths = Widths::of(&entries);
    let mut was_long = false;
    for (index, entry) in entries.iter().enumerate() {
        // Entries of several lines stand apart.
        if index > 0 && (was_long || entry.is_long()) {
            writeln!(out)?;
        }
        was_long = entry.is_long();
        entry.write(&widths, out)?;
    }
    Ok(())
}

/// What formats that print only changes leave out: what is refused and why, and findings on the rest.
pub(super) fn messages(answers: &[Answer], display: &DisplayArgs) -> String {
    let speaks = |answer: &&Answer| match &answer.judgement {
        Judgement::Reviewed { outcome, .. } => {
            !outcome.findings.is_empty() || !outcome.faults.is_empty()
        }
        Judgement::Foreign(_) | Judgement::Unreadable(_) => true,
    };
    let wanted = answers.iter().filter(|answer| {
        if display.quiet {
            answer.word().is_bad()
        } else {
            speaks(answer)
        }
    });
    let entries: Vec<_> = wanted
        .map(|answer| Entry {
            edits: Vec::new(),
            ..Entry::of(answer, display)
        })
        .collect();
    let widths = Widths::of(&entries);
    let mut text = Vec::new();
    // Writing to memory does not fail.
    let _ = entries
        .iter()
        .try_for_each(|entry| entry.write(&widths, &mut text));
    String::from_utf8_lossy(&text).into_owned()
}

/// The documents that cannot be read, with the lines that are wrong.
pub(super) fn unreadable(answers: &[Answer]) -> String {
    let diagnostics = answers.iter().filter_map(|answer| match &answer.judgement {
        Judgement::Unreadable(diagnostic) => Some((**diagnostic).clone()),
        Judgement::Reviewed { .. } | Judgement::Foreign(_) => None,
    });
    diagnostic::render(&diagnostics.collect::<Vec<_>>())
}

fn summary(answers: &[Answer]) -> String {
    let counts = Word::ALL.map(|word| {
        (
            word,
            answers
                .iter()
                .filter(|answer| answer.word() == word)
                .count(),
        )
    });
    let counts: Vec<_> = counts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(word, count)| format!("{count} {}", word.as_str()))
        .collect();
    let documents = match answers.len() {
        1 => "1 document".to_owned(),
        number => format!("{number} documents"),
    };
    if counts.is_empty() {
        documents
    } else {
        format!("{documents}: {}", counts.join(", "))
    }
}
