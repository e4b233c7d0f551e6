//! What a review hands in to be traced.

use std::time::{Instant, SystemTime};

use tollgate_admission::Request;
use tollgate_pipeline::{Course, Outcome, Phase, PolicyRun, Unavailable, Verdict};

use super::sampler::Context;

/// The most characters of a text that came with a call.
const LONGEST: usize = 256;

/// A review, by when it was.
pub(super) struct Record {
    pub(super) context: Context,
    pub(super) received: Instant,
    pub(super) ended: Instant,
    /// Nothing of a call in which no request was found.
    pub(super) subject: Option<Subject>,
    pub(super) end: End,
}

/// What is reviewed. Of the object itself nothing.
pub(super) struct Subject {
    /// When the review began, by both clocks.
    pub(super) begun: (Instant, SystemTime),
    pub(super) phase: Phase,
    pub(super) uid: String,
    pub(super) kind: String,
    pub(super) namespace: Option<String>,
    pub(super) name: Option<String>,
    pub(super) operation: &'static str,
    pub(super) is_dry_run: bool,
}

/// How a review ended.
pub(super) enum End {
    /// Its time was up, or its caller went away.
    GivenUp,
    /// There was no verdict.
    Unavailable(String),
    /// Nobody looked at the object.
    Skipped,
    /// There was one.
    Reviewed(Reviewed),
}

/// What a review came to.
pub(super) struct Reviewed {
    pub(super) verdict: Verdict,
    pub(super) findings: usize,
    pub(super) edits: usize,
    pub(super) runs: Vec<PolicyRun>,
    pub(super) course: Course,
}

impl Record {
    pub(super) fn new(context: Context, received: Instant) -> Self {
        Self {
            context,
            received,
            ended: received,
            subject: None,
            end: End::GivenUp,
        }
    }

    /// Whether it is worth telling. Objects that concern nobody are most, and say nothing.
    pub(super) fn is_told(&self) -> bool {
        self.subject.is_some() && !matches!(self.end, End::Skipped)
    }

    pub(super) fn ended(self, ended: Instant) -> Self {
        Self { ended, ..self }
    }
}

impl Subject {
    pub(super) fn of(request: &Request, phase: Phase, begun: (Instant, SystemTime)) -> Self {
        Self {
            begun,
            phase,
            uid: clipped(&request.uid),
            kind: clipped(&request.gvk.kind),
            namespace: request.namespace.as_deref().map(clipped),
            name: request.name.as_deref().map(clipped),
            operation: request.operation.as_str(),
            is_dry_run: request.dry_run,
        }
    }
}

impl End {
    pub(super) fn of(result: Result<&Outcome, &Unavailable>) -> Self {
        match result {
            Err(unavailable) => Self::Unavailable(clipped(&unavailable.to_string())),
            Ok(outcome) if matches!(outcome.verdict, Verdict::Skipped(_)) => Self::Skipped,
            Ok(outcome) => Self::Reviewed(Reviewed {
                verdict: outcome.verdict,
                findings: outcome.findings.len(),
                edits: outcome.patch.len(),
                runs: outcome.runs.clone(),
                course: outcome.course.clone(),
            }),
        }
    }
}

/// The beginning of a text: whoever calls may send names that no API server would let pass.
fn clipped(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}
