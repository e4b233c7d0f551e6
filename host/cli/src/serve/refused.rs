//! Tells pods that a budget refuses a change of theirs: who tries it is often a controller that nobody reads.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tollgate_admission::{Operation, json};
use tollgate_catalog::Catalog;
use tollgate_cluster::{PodEvents, PodName};
use tollgate_pipeline::{Outcome, Verdict};

/// How often a pod is told at most.
const PAUSE: Duration = Duration::from_secs(60);

/// Of how many pods it is kept when they were told.
const KEPT: usize = 1_024;

/// Writes events on pods.
pub(super) struct Refused {
    events: PodEvents,
    told: Mutex<BTreeMap<PodName, Instant>>,
}

impl Refused {
    pub(super) fn new(events: PodEvents) -> Arc<Self> {
        Arc::new(Self {
            events,
            told: Mutex::default(),
        })
    }

    /// Tells the pod of a review if a budget is why it is not changed. Nobody waits for that.
    pub(super) fn tell(self: &Arc<Self>, catalog: &Catalog, outcome: &Outcome) {
        let is_change = outcome.operation == Operation::Update && !outcome.dry_run;
        let is_denied = outcome.verdict == Verdict::Denied && outcome.gvk.kind == "Pod";
        let finding = tollgate_pipeline::refusal(catalog, outcome);
        let Some((finding, pod)) = finding
            .filter(|_| is_change && is_denied)
            .zip(name(outcome))
        else {
            return;
        };
        if self.may_tell(&pod) {
            let (refused, message) = (Arc::clone(self), finding.message.clone());
            tokio::spawn(async move { refused.events.refused(&pod, &message).await });
        }
    }

    fn may_tell(&self, pod: &PodName) -> bool {
        let now = Instant::now();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|_, at| now.duration_since(*at) < PAUSE);
        let may = told.len() < KEPT && !told.contains_key(pod);
        if may {
            told.insert(pod.clone(), now);
        }
        may
    }
}

fn name(outcome: &Outcome) -> Option<PodName> {
    let metadata = outcome.object.get("metadata")?;
    Some(PodName {
        namespace: outcome.namespace.clone()?,
        name: json::text(metadata, "name")?.to_owned(),
        uid: json::text(metadata, "uid")?.to_owned(),
    })
}
