//! What judges the calls: implemented by whoever owns the policies.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::traceparent::TraceParent;

/// Judges admission calls.
pub trait Reviewer: Send + Sync + 'static {
    /// Judges one call and gives its answer.
    ///
    /// The future is dropped when the call's deadline passes or its client goes away. A panic fails this call only.
    /// It is polled on the threads that serve connections, so it must not block one for longer than a policy may run.
    fn admit(&self, call: Call) -> impl Future<Output = Result<Admission, Refusal>> + Send;

    /// Whether policies are loaded. Until they are, readiness is false and every call is answered with 503.
    fn is_ready(&self) -> bool;

    /// How policies stand now, for the metrics; nothing where that is not known. It is asked for at each scrape.
    fn standing(&self) -> Option<Standing> {
        None
    }
}

/// How policies stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The policies in force. The series of all others end.
    pub policies: Vec<PolicyStanding>,
    /// The words for why a policy gave no valid answer.
    pub causes: &'static [&'static str],
    /// How many instances of policies live.
    pub instances: usize,
}

/// How one policy stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyStanding {
    /// The policy's configured name.
    pub name: Arc<str>,
    /// The rules that it declares.
    pub rules: Vec<String>,
    /// Whether it is not run, since it faults often.
    pub cut_off: bool,
}

/// One admission call.
#[derive(Clone, Debug)]
pub struct Call {
    /// The endpoint that was called.
    pub phase: Phase,
    /// The request's body, an AdmissionReview if the client is honest.
    pub body: Bytes,
    /// When its head was read.
    pub received: Instant,
    /// When an answer stops being of use.
    pub deadline: Instant,
    /// The span of its caller, if he traces.
    pub caller: Option<TraceParent>,
}

/// One of the two calls that the API server makes for an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// `/mutate`: policies may edit the object.
    Mutate,
    /// `/validate`: policies may only judge it.
    Validate,
}

/// The answer to a call, and what metrics tell of it.
#[derive(Clone, Debug)]
pub struct Admission {
    /// The response's body, an AdmissionReview.
    pub body: Vec<u8>,
    /// What was decided.
    pub decision: Decision,
    /// The policies that ran, in order.
    pub policies: Vec<PolicyRun>,
    /// What their rules did.
    pub rules: Vec<RuleUse>,
}

/// One thing that a rule did in a review.
#[derive(Clone, Debug)]
pub struct RuleUse {
    /// The policy's configured name: a label value, so bounded by the configuration.
    pub policy: String,
    /// One of the rules that the policy declares.
    pub rule: String,
    /// What it did.
    pub effect: Effect,
}

/// What a rule did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// It refused the object.
    Denied,
    /// It warned.
    Warned,
    /// It had something to say that only logs and metrics tell of.
    Observed,
    /// It changed the object.
    Edited,
}

/// What became of a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// The object may pass.
    Allowed,
    /// The policies refused it.
    Denied,
    /// A policy faulted and what was configured for that case decided.
    Faulted,
}

/// How one policy ran within a review.
#[derive(Clone, Debug)]
pub struct PolicyRun {
    /// The policy's configured name: a label value, so bounded by the configuration.
    pub name: Arc<str>,
    /// Whether it ran as a mutator or as a validator.
    pub phase: Phase,
    /// How long it ran.
    pub duration: Duration,
    /// The most memory that its instance had, in bytes.
    pub memory_peak: usize,
    /// Why it gave no valid answer, in one of a few fixed words.
    pub fault: Option<&'static str>,
}

/// Why a call got no review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The body is not an AdmissionReview that could be answered: 400.
    BadRequest(String),
    /// It could not be judged now: 503.
    Unavailable(String),
}

impl Phase {
    pub(crate) const ALL: [Self; 2] = [Self::Mutate, Self::Validate];

    /// The phase's word in metrics.
    pub fn as_label(self) -> &'static str {
        match self {
            Self::Mutate => "mutate",
            Self::Validate => "validate",
        }
    }
}

impl Decision {
    /// The decision's word in metrics.
    pub fn as_label(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::Faulted => "faulted",
        }
    }
}

impl Effect {
    pub(crate) const ALL: [Self; 4] = [Self::Denied, Self::Warned, Self::Observed, Self::Edited];

    /// The effect's word in metrics.
    pub fn as_label(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Warned => "warned",
            Self::Observed => "observed",
            Self::Edited => "edited",
        }
    }
}
