//! Why a command could not do what it was asked.

use anstyle::{AnsiColor, Style};
use tollgate_catalog::Diagnostic;

use crate::{diagnostic, terminal};

/// What ends a command with status 2.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Texts that somebody wrote are wrong.
    Diagnostics(Vec<Diagnostic>),
    /// Anything else.
    Error(anyhow::Error),
}

const ERROR: Style = AnsiColor::Red.on_default().bold();

impl Failure {
    /// Says so on stderr.
    pub(crate) fn report(&self) {
        terminal::complain(&match self {
            Self::Diagnostics(diagnostics) => diagnostic::render(diagnostics),
            Self::Error(err) => format!("{ERROR}error{ERROR:#}: {err:#}\n"),
        });
    }

    /// What is wrong, without colours and excerpts.
    pub(crate) fn lines(&self) -> Vec<String> {
        match self {
            Self::Diagnostics(diagnostics) => diagnostics.iter().map(ToString::to_string).collect(),
            Self::Error(err) => vec![format!("{err:#}")],
        }
    }
}

impl From<Vec<Diagnostic>> for Failure {
    fn from(diagnostics: Vec<Diagnostic>) -> Self {
        Self::Diagnostics(diagnostics)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(err: anyhow::Error) -> Self {
        Self::Error(err)
    }
}
