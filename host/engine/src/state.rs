//! What a guest's calls act upon.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tollgate_admission::{EditError, Finding, PodId, Review};
use tollgate_budget::Readings;
use tollgate_context::{Asked, Snapshot};
use wasmtime::ResourceLimiter;

use crate::{Action, Fault, Limits, PolicyInfo, Proposed, Site, Waived, Waiver};

/// The type behind handles of the review.
pub struct ReviewHandle;
/// The type behind handles of pods: their number is the pod's index.
pub struct PodHandle;
/// The type behind handles of containers: their number is the pod's index and the container's, 16 bits each.
pub struct ContainerHandle;

/// A configured use of a policy, as the host knows it while the policy runs.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The name of its document.
    pub(crate) name: String,
    /// What the policy says of itself.
    pub(crate) info: PolicyInfo,
    /// What each of its rules does.
    pub(crate) actions: HashMap<String, RuleAction>,
    /// Whether raw patches are granted.
    pub(crate) patch: bool,
    /// Whether questions about the cluster are granted.
    pub(crate) cluster: bool,
    /// Whether budgets are granted.
    pub(crate) budget: bool,
}

/// What a rule does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RuleAction {
    /// What it does: configured, or its default.
    pub(crate) effective: Action,
    /// Whether that is configured.
    pub(crate) configured: bool,
}

/// What a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    Configuring,
    Mutating,
    Validating,
}

/// The data of a store.
pub(crate) struct State {
    pub(crate) doing: Doing,
    pub(crate) entry: Option<Arc<Entry>>,
    pub(crate) review: Option<Box<Review>>,
    pub(crate) site: Arc<Site>,
    /// What is known of the cluster.
    pub(crate) snapshot: Arc<Snapshot>,
    /// The budgets of the review's pods.
    pub(crate) readings: Arc<Readings>,
    pub(crate) limits: Limits,
    pub(crate) findings: Vec<Finding>,
    /// What the policy is let off in this call, and what that came to.
    pub(crate) waivers: Vec<Waiver>,
    pub(crate) waived: Vec<Waived>,
    /// What this call asked about the cluster, and what it was told.
    pub(crate) asked: Vec<Asked>,
    /// What this call wants pods to be charged.
    pub(crate) charges: Vec<Proposed>,
    /// The clash that an edit of this call met, if any.
    pub(crate) conflict: Option<EditError>,
    /// How many messages this call has logged.
    pub(crate) logged: usize,
    /// The last error that was logged: a Rust guest's panic.
    pub(crate) said: Option<String>,
    /// Ticks of the clock that the call has run through, and how many it may.
    pub(crate) ticks: u64,
    pub(crate) ticks_allowed: u64,
    /// The most memory that the instance has had, in bytes.
    pub(crate) memory_peak: usize,
}

impl State {
    pub(crate) fn new(limits: Limits, site: Arc<Site>) -> Self {
        Self {
            doing: Doing::Configuring,
            entry: None,
            review: None,
            site,
            snapshot: Arc::default(),
            readings: Arc::default(),
            limits,
            findings: Vec::new(),
            waivers: Vec::new(),
            waived: Vec::new(),
            asked: Vec::new(),
            charges: Vec::new(),
            conflict: None,
            logged: 0,
            said: None,
            ticks: 0,
            ticks_allowed: 0,
            memory_peak: 0,
        }
    }

    /// Begins a call: counters start again.
    pub(crate) fn begin(&mut self, doing: Doing, time: Duration) {
        self.doing = doing;
        self.findings.clear();
        self.waivers.clear();
        self.waived.clear();
        self.asked.clear();
        self.charges.clear();
        self.conflict = None;
        self.logged = 0;
        self.said = None;
        self.ticks = 0;
        self.ticks_allowed = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    }

    /// The name of the policy that is running.
    pub(crate) fn policy(&self) -> &str {
        self.entry.as_ref().map_or("", |entry| &entry.name)
    }

    /// The waiver that lets a rule off what it says about a pod, or about the object itself.
    pub(crate) fn waiver(&self, rule: &str, pod: Option<PodId>) -> Option<usize> {
        if self.waivers.is_empty() {
            return None;
        }
        let pods = self
            .review
            .as_ref()
            .map_or(0, |review| review.pods().count());
        let covers = |waiver: &&Waiver| waiver.covers(rule, pod, pods);
        self.waivers.iter().find(covers).map(|waiver| waiver.id)
    }

    /// The pod that a JSON pointer of the object leads into.
    pub(crate) fn pod_at(&self, path: &str) -> Option<PodId> {
        let is_within = |pod: &str| {
            path.strip_prefix(pod)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let pods = self.review.as_ref()?.pods();
        pods.filter(|pod| is_within(pod.path()))
            .max_by_key(|pod| pod.path().len())
            .map(|pod| pod.id())
    }

    /// The review of the call.
    pub(crate) fn review(&self) -> wasmtime::Result<&Review> {
        self.review.as_deref().ok_or_else(|| {
            Fault::bad_answer("it used the review outside `mutate` and `validate`").into()
        })
    }
}

impl ResourceLimiter for State {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // Growth of any of an instance's memories counts.
        let wanted = self
            .memory_peak
            .saturating_add(desired.saturating_sub(current));
        if wanted > self.limits.memory {
            return Err(Fault::OutOfMemory {
                wanted,
                limit: self.limits.memory,
            }
            .into());
        }
        self.memory_peak = wanted;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(maximum.is_none_or(|maximum| desired <= maximum))
    }
}
