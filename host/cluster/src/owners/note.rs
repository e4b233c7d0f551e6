//! What an owner is told, within the length that an event may have.

use super::Reason;
use crate::event::NOTE_MAX;

/// Room for naming the rules that are not told in full.
const NAMES: usize = 200;

/// The reasons as the text of an event: the first in full if it can be, others as long as there is room, the rest by name.
pub(super) fn note(whose: &str, reasons: &[Reason]) -> String {
    let mut note = format!("{whose}: ");
    let mut named = Vec::new();
    for (index, reason) in reasons.iter().enumerate() {
        let room = (NOTE_MAX - NAMES).saturating_sub(note.len());
        if index == 0 {
            note += &shortened(reason, room);
            continue;
        }
        let line = line(reason, &reason.message);
        match line.len() < room {
            true => note += &format!("\n{line}"),
            false => named.push(reason.by.as_str()),
        }
    }
    if !named.is_empty() {
        note += &format!("\nand: {}", named.join(", "));
    }
    note
}

fn line(reason: &Reason, message: &str) -> String {
    let fix = reason.fix.as_ref().map(|fix| format!(" (fix: {fix})"));
    format!("{}: {message}{}", reason.by, fix.unwrap_or_default())
}

/// The reason with so much of its message that what to do about it is told too.
fn shortened(reason: &Reason, room: usize) -> String {
    let whole = line(reason, &reason.message);
    if whole.len() <= room {
        return whole;
    }
    let beside = line(reason, "…").len();
    let end = reason
        .message
        .floor_char_boundary(room.saturating_sub(beside));
    let message = reason.message.get(..end).unwrap_or_default();
    line(reason, &format!("{message}…"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(by: &str, message: &str) -> Reason {
        Reason {
            by: by.to_owned(),
            message: message.to_owned(),
            fix: Some("ask for less".to_owned()),
        }
    }

    #[test]
    fn what_fits_is_told_in_full() {
        let reasons = [reason("a/b", "too much"), reason("c/d", "too wide")];
        let expected = "its pods are refused: a/b: too much (fix: ask for less)\nc/d: too wide (fix: ask for less)";
        assert_eq!(note("its pods are refused", &reasons), expected);
    }

    #[test]
    fn of_what_does_not_fit_the_fix_and_the_names_are_told() {
        let long = "ü".repeat(900);
        let reasons = [
            reason("a/b", &long),
            reason("c/d", &long),
            reason("e/f", &long),
        ];
        let note = note("its pods are refused", &reasons);
        assert!(note.len() <= NOTE_MAX, "{}", note.len());
        assert!(
            note.contains("ü… (fix: ask for less)\nand: c/d, e/f"),
            "{note}"
        );
    }
}
