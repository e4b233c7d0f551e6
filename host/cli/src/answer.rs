//! What came of each document.

use std::process::ExitCode;

use serde_json::Value;
use tollgate_catalog::{Diagnostic, QuietRule};
use tollgate_pipeline::{Outcome, Verdict};

/// What came of a document.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Where the document stands: `file:line`.
    pub(crate) source: String,
    pub(crate) judgement: Judgement,
}

/// What came of all documents.
#[derive(Debug)]
pub(crate) struct Reviewed {
    pub(crate) answers: Vec<Answer>,
    pub(crate) quiet: Vec<Quiet>,
}

/// A rule that said nothing of any document, since what it needs is not known of the cluster.
#[derive(Debug)]
pub(crate) struct Quiet {
    pub(crate) policy: String,
    pub(crate) rule: String,
    /// What it needs: `nodes`, `schedulers`, or objects of a kind.
    pub(crate) needs: String,
}

impl From<QuietRule<'_>> for Quiet {
    fn from(
        QuietRule {
            policy,
            rule,
            needs,
            about: _,
        }: QuietRule<'_>,
    ) -> Self {
        Self {
            policy: policy.to_owned(),
            rule: rule.to_owned(),
            needs: needs.to_owned(),
        }
    }
}

#[derive(Debug)]
pub(crate) enum Judgement {
    /// It went through the pipeline.
    Reviewed {
        /// The object as it was.
        before: Value,
        outcome: Box<Outcome>,
    },
    /// It is nothing that a cluster would take; why.
    Foreign(String),
    Unreadable(Box<Diagnostic>),
}

/// What came of a document, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    Ok,
    Repaired,
    Denied,
    Skipped,
    Unreadable,
    Fault,
}

impl Word {
    /// All words, in the order of summaries.
    pub(crate) const ALL: [Self; 6] = [
        Self::Ok,
        Self::Repaired,
        Self::Denied,
        Self::Fault,
        Self::Skipped,
        Self::Unreadable,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Repaired => "repaired",
            Self::Denied => "denied",
            Self::Skipped => "skipped",
            Self::Unreadable => "unreadable",
            Self::Fault => "fault",
        }
    }

    /// Whether it is one of those that make the exit status other than 0.
    pub(crate) fn is_bad(self) -> bool {
        matches!(self, Self::Denied | Self::Unreadable | Self::Fault)
    }
}

impl Answer {
    pub(crate) fn word(&self) -> Word {
        match &self.judgement {
            Judgement::Reviewed { outcome, .. } => word_of(outcome),
            Judgement::Foreign(_) => Word::Skipped,
            Judgement::Unreadable(_) => Word::Unreadable,
        }
    }

    /// Whether a rule could have said something: its policy ran, and the object is of a kind that it is about.
    pub(crate) fn concerns(&self, rule: &QuietRule<'_>) -> bool {
        self.outcome().is_some_and(|outcome| {
            let ran = outcome.runs.iter().any(|run| *run.policy == *rule.policy);
            ran && (rule.about.is_empty() || rule.about.contains(&outcome.gvk.kind_dot_group()))
        })
    }

    /// The outcome, where the document was reviewed or skipped by the pipeline.
    pub(crate) fn outcome(&self) -> Option<&Outcome> {
        match &self.judgement {
            Judgement::Reviewed { outcome, .. } => Some(outcome),
            Judgement::Foreign(_) | Judgement::Unreadable(_) => None,
        }
    }
}

fn word_of(outcome: &Outcome) -> Word {
    match outcome.verdict {
        Verdict::Skipped(_) => Word::Skipped,
        Verdict::Denied => Word::Denied,
        Verdict::Faulted => Word::Fault,
        Verdict::Allowed if !outcome.faults.is_empty() => Word::Fault,
        Verdict::Allowed if !outcome.patch.is_empty() => Word::Repaired,
        Verdict::Allowed => Word::Ok,
    }
}

/// How many documents came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) documents: usize,
    pub(crate) reviewed: usize,
    pub(crate) allowed: usize,
    /// Refused by a finding or by a fault.
    pub(crate) denied: usize,
    /// Allowed, with changes.
    pub(crate) changed: usize,
    pub(crate) skipped: usize,
    pub(crate) unreadable: usize,
    /// Reviewed with a policy that faulted, whether that refused or not.
    pub(crate) faults: usize,
}

impl Summary {
    pub(crate) fn of(answers: &[Answer]) -> Self {
        let mut summary = Self::default();
        answers.iter().for_each(|answer| summary.take(answer));
        summary
    }

    /// Counts one more.
    pub(crate) fn take(&mut self, answer: &Answer) {
        self.documents += 1;
        match answer.word() {
            Word::Skipped => self.skipped += 1,
            Word::Unreadable => self.unreadable += 1,
            Word::Ok | Word::Repaired | Word::Denied | Word::Fault => {
                let outcome = answer.outcome().into_iter();
                outcome.for_each(|outcome| self.add(outcome));
            }
        }
    }

    fn add(&mut self, outcome: &Outcome) {
        let allowed = outcome.verdict.is_allowed();
        self.reviewed += 1;
        self.allowed += usize::from(allowed);
        self.denied += usize::from(!allowed);
        self.changed += usize::from(allowed && !outcome.patch.is_empty());
        self.faults += usize::from(!outcome.faults.is_empty());
    }

    /// The exit status of `review`.
    pub(crate) fn status(&self) -> ExitCode {
        match self {
            Self {
                unreadable: 1.., ..
            } => 2.into(),
            Self { faults: 1.., .. } => 3.into(),
            Self { denied: 1.., .. } => 1.into(),
            _ => ExitCode::SUCCESS,
        }
    }
}
