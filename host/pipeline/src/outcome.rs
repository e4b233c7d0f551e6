//! What a review comes to.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tollgate_admission::{Applied, Finding, GroupVersionKind, Operation, Request, Severity};
use tollgate_catalog::OnFault;
use tollgate_catalog::document::{Exemption, ExemptionSpec};
use tollgate_context::{Asked, Fit};
use tollgate_engine::{Fault, Proposed};

/// Whether the object may be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may.
    Allowed,
    /// A finding refuses it.
    Denied,
    /// A policy faulted, and its `onFault` refuses.
    Faulted,
    /// Nobody looked at it; why.
    Skipped(&'static str),
}

impl Verdict {
    /// Whether the object may be stored.
    pub fn is_allowed(self) -> bool {
        matches!(self, Self::Allowed | Self::Skipped(_))
    }

    /// The word in logs, metrics and output.
    pub fn as_label(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::Faulted => "faulted",
            Self::Skipped(_) => "skipped",
        }
    }
}

/// A pod that the object would make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodSummary {
    /// Its role within the object.
    pub role: String,
    /// Its JSON pointer in the object.
    pub path: String,
    /// How many there would be.
    pub count: Option<u32>,
    /// Whether it says anything that names an accelerator.
    pub names_accelerator: bool,
    /// The devices of one pod, by resource name.
    pub devices: Vec<(String, u64)>,
    /// Where one such pod fits, its repairs made; `None` where no node and no pool is known.
    pub fits: Option<Fit>,
}

/// A policy that faulted.
#[derive(Clone, Debug)]
pub struct FaultReport {
    /// The policy.
    pub policy: Arc<str>,
    /// What happened.
    pub fault: Fault,
    /// What that means for the review.
    pub on_fault: OnFault,
}

/// What a policy would have said or changed, were it not for an exemption.
#[derive(Clone, Debug)]
pub struct Exempted {
    /// The exemption.
    pub exemption: Arc<Exemption>,
    /// The policy.
    pub policy: Arc<str>,
    /// The rule within the policy.
    pub rule: String,
    /// The JSON pointer of what is wrong or would have been changed.
    pub path: String,
    /// The finding; none where the rule would have made an edit.
    pub finding: Option<Finding>,
}

impl Exempted {
    /// Whether two say the same.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let key = |one: &Self| {
            let message = one.finding.as_ref().map(|finding| finding.message.clone());
            (
                one.policy.clone(),
                one.rule.clone(),
                one.path.clone(),
                message,
            )
        };
        key(self) == key(other)
    }

    /// The use in one line: `exemption: policy/rule: message (at path): reason`.
    pub fn line(&self) -> String {
        let Self {
            exemption,
            policy,
            rule,
            path,
            finding,
        } = self;
        let what = match finding {
            Some(finding) => format!("{}: {}", finding.severity.as_str(), finding.message),
            None => "edit withheld".to_owned(),
        };
        let ExemptionSpec {
            reason, expires, ..
        } = &exemption.spec;
        let until = expires.map_or(String::new(), |end| format!(", until {end}"));
        format!(
            "{}: {policy}/{rule}: {what} (at {path}); reason: {reason}{until}",
            exemption.name
        )
    }
}

/// A policy that ran.
#[derive(Clone, Debug)]
pub struct PolicyRun {
    /// The policy.
    pub policy: Arc<str>,
    /// The digest of its component.
    pub digest: Arc<str>,
    /// `mutate` or `validate`.
    pub phase: &'static str,
    /// When it began.
    pub begun: Instant,
    /// How long it ran.
    pub duration: Duration,
    /// The most memory that its instance had, in bytes.
    pub memory_peak: usize,
    /// The fault, if there was one.
    pub fault: Option<&'static str>,
}

/// How a review went besides what it came to, for whoever asks where its time went.
#[derive(Clone, Debug, Default)]
pub struct Course {
    /// How often it was begun: more than once where others charged a budget meanwhile. What [`Outcome`] tells is of the
    /// last time.
    pub tries: usize,
    /// The policies that ran on the object as it was before an update, in order.
    pub before: Vec<PolicyRun>,
    /// The charge; nothing where none was to be made.
    pub charge: Option<Charge>,
}

/// A charge that was made to budgets.
#[derive(Clone, Copy, Debug)]
pub struct Charge {
    /// When it began.
    pub begun: Instant,
    /// How long it took.
    pub duration: Duration,
}

/// The decision about a request, with its reasons.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The request's id.
    pub uid: String,
    /// What was to be done.
    pub operation: Operation,
    /// The type of the object.
    pub gvk: GroupVersionKind,
    /// The namespace that the object is in.
    pub namespace: Option<String>,
    /// The object's name.
    pub name: Option<String>,
    /// The verdict.
    pub verdict: Verdict,
    /// The pods that the object would make.
    pub pods: Vec<PodSummary>,
    /// The patch: every operation with its author.
    pub patch: Vec<Applied>,
    /// What policies would change, if their mode or the operation let them.
    pub would_change: Vec<Applied>,
    /// What policies have to say, in policy order.
    pub findings: Vec<Finding>,
    /// What policies in mode `observe` have to say.
    pub observed: Vec<Finding>,
    /// What policies kept to themselves, since exemptions let the object off.
    pub exemptions: Vec<Exempted>,
    /// The policies that faulted.
    pub faults: Vec<FaultReport>,
    /// What policies asked about the cluster, and what they were told; each question once.
    pub asked: Vec<Asked>,
    /// What policies want the pods to be charged, each budget once; [`Outcome::charged`] is what comes of it.
    pub charges: Vec<Proposed>,
    /// Whether the API server only tries.
    pub dry_run: bool,
    /// The policies that ran, in order.
    pub runs: Vec<PolicyRun>,
    /// How the review went.
    pub course: Course,
    /// The object, with the patch applied.
    pub object: Value,
}

impl Outcome {
    pub(crate) fn skipped(request: Request, why: &'static str) -> Self {
        Self {
            verdict: Verdict::Skipped(why),
            ..Self::allowed(request)
        }
    }

    pub(crate) fn allowed(request: Request) -> Self {
        let Request {
            uid,
            operation,
            gvk,
            namespace,
            name,
            object,
            dry_run,
            ..
        } = request;
        Self {
            uid,
            operation,
            gvk,
            namespace,
            name,
            verdict: Verdict::Allowed,
            pods: Vec::new(),
            patch: Vec::new(),
            would_change: Vec::new(),
            findings: Vec::new(),
            observed: Vec::new(),
            exemptions: Vec::new(),
            faults: Vec::new(),
            asked: Vec::new(),
            charges: Vec::new(),
            dry_run,
            runs: Vec::new(),
            course: Course::default(),
            object,
        }
    }

    /// What the pod takes of budgets: nothing where it is refused, and nothing of a workload, whose pods are charged when
    /// they are made.
    pub fn charged(&self) -> impl Iterator<Item = &Proposed> {
        let is_pod = self.gvk.is_pod();
        let is_charged = is_pod && self.verdict.is_allowed();
        self.charges.iter().filter(move |_| is_charged)
    }

    /// The findings of a severity.
    pub fn findings_of(&self, severity: Severity) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(move |finding| finding.severity == severity)
    }

    /// The faults that refuse the review.
    pub fn refusing_faults(&self) -> impl Iterator<Item = &FaultReport> {
        self.faults
            .iter()
            .filter(|report| report.on_fault == OnFault::Refuse)
    }

    /// The verdict that findings and faults make.
    pub(crate) fn decide(mut self) -> Self {
        self.verdict = if self.findings_of(Severity::Deny).next().is_some() {
            Verdict::Denied
        } else if self.refusing_faults().next().is_some() {
            Verdict::Faulted
        } else {
            Verdict::Allowed
        };
        self
    }
}
