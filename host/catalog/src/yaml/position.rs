//! Points of texts.

use serde_saphyr::granit_parser::Span;

use crate::diagnostic::Place;

/// A point of a text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Mark {
    pub(super) byte: usize,
    /// From 1.
    pub(super) line: usize,
    /// In characters, from 1.
    pub(super) column: usize,
}

impl Mark {
    /// The beginning of every text.
    pub(super) const START: Self = Self {
        byte: 0,
        line: 1,
        column: 1,
    };

    /// Returns the point after `passed`, which must be what follows this point.
    pub(super) fn after(self, passed: &str) -> Self {
        let byte = self.byte + passed.len();
        match passed.rsplit_once('\n') {
            None => Self {
                byte,
                column: self.column + passed.chars().count(),
                ..self
            },
            Some((before, last)) => Self {
                byte,
                line: self.line + before.matches('\n').count() + 1,
                column: last.chars().count() + 1,
            },
        }
    }

    /// Returns where an event stands whose parser reads what follows this point.
    pub(super) fn of(self, span: &Span) -> Self {
        let (line, column) = self.shifted(span.start.line(), span.start.col());
        let byte = self.byte + span.start.byte_offset().unwrap_or_default();
        Self { byte, line, column }
    }

    /// Returns where an event ends whose parser reads what follows this point.
    pub(super) fn end(self, span: &Span) -> Self {
        self.of(&Span::empty(span.end))
    }

    /// Returns the stretch of an event whose parser reads what follows this point.
    pub(super) fn place(self, span: &Span) -> Place {
        let Self { byte, line, column } = self.of(span);
        let end = span.end.byte_offset().map_or(byte, |end| self.byte + end);
        Place {
            line,
            column,
            bytes: byte..end,
        }
    }

    /// Returns the line and column, from 1, of a line (from 1) and a column (from 0) counted from
    /// this point.
    pub(super) fn shifted(self, line: usize, column: usize) -> (usize, usize) {
        match line {
            0 | 1 => (self.line, self.column + column),
            _ => (self.line + line - 1, column + 1),
        }
    }
}
