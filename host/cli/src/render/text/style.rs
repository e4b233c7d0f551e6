//! Colours. They only repeat what words and marks say.

use anstyle::{AnsiColor, Style};

use crate::answer::Word;

pub(super) const ADDED: Style = AnsiColor::Green.on_default();
pub(super) const REMOVED: Style = AnsiColor::Red.on_default();
pub(super) const FAINT: Style = Style::new().dimmed();
pub(super) const DENY: Style = AnsiColor::Red.on_default().bold();
pub(super) const WARN: Style = AnsiColor::Yellow.on_default().bold();

/// The mark and the colour of a word.
pub(super) fn of(word: Word) -> (char, Style) {
    match word {
        Word::Ok => ('✓', ADDED),
        Word::Repaired => ('~', AnsiColor::Cyan.on_default().bold()),
        Word::Denied => ('✗', DENY),
        Word::Skipped => ('-', FAINT),
        Word::Unreadable => ('?', DENY),
        Word::Fault => ('!', AnsiColor::Magenta.on_default().bold()),
    }
}
