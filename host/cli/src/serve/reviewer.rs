//! Between the server's calls and the pipeline's reviews.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwapOption;
use tollgate_catalog::Catalog;
use tollgate_cluster::owners::Refusals;
use tollgate_dashboard::Denials;
use tollgate_engine::{Bundle, Fault};
use tollgate_pipeline as pipeline;
use tollgate_webhook as webhook;
use webhook::{Admission, Call, Decision, PolicyStanding, Refusal, Standing};

use super::traces::{Trace, Traces};
use super::{owners, record};
use crate::dashboard;

/// How often to look for the labels of a namespace that is only just there.
const LOOK: Duration = Duration::from_millis(5);

/// Judges calls by the catalog in force. A call keeps the catalog that it began with.
#[derive(Default)]
pub(super) struct Reviewer {
    pub(super) catalog: ArcSwapOption<Catalog>,
    /// How long to wait for the labels of a namespace that is not known: in a cluster they may be on their way, since
    /// people create a namespace and what is in it at once.
    pub(super) patience: Duration,
    /// Where denials are remembered for the page, if there is one.
    pub(super) denials: Option<Arc<Denials>>,
    /// Where refusals are handed in that owners are told of, in a cluster.
    pub(super) refusals: Option<Refusals>,
    /// Where reviews are traced, if they are.
    pub(super) traces: Option<Traces>,
}

impl webhook::Reviewer for Reviewer {
    async fn admit(&self, call: Call) -> Result<Admission, Refusal> {
        let mut trace = self.traces.as_ref().and_then(|traces| traces.begin(&call));
        let Call {
            phase,
            mut body,
            received: _,
            deadline,
            caller: _,
        } = call;
        let until = deadline.min(Instant::now() + self.patience);
        let kept = (!self.patience.is_zero()).then(|| body.clone());
        loop {
            let unavailable = match self.judge(phase, body, trace.as_mut()).await? {
                Ok(admission) => return Ok(admission),
                Err(unavailable) => unavailable,
            };
            match (&unavailable, &kept) {
                (pipeline::Unavailable::UnknownNamespace { .. }, Some(kept))
                    if Instant::now() + LOOK < until =>
                {
                    body = kept.clone();
                    tokio::time::sleep(LOOK).await;
                }
                _ => return Err(Refusal::Unavailable(unavailable.to_string())),
            }
        }
    }

    fn is_ready(&self) -> bool {
        self.catalog.load().is_some()
    }

    fn standing(&self) -> Option<Standing> {
        let catalog = self.catalog.load_full()?;
        let policies = catalog.entries.iter().map(|entry| PolicyStanding {
            name: entry.name.clone(),
            rules: entry
                .info
                .rules
                .iter()
                .map(|rule| rule.id.clone())
                .collect(),
            cut_off: entry.breaker.as_ref().is_some_and(|it| it.report().cut_off),
        });
        Some(Standing {
            policies: policies.collect(),
            causes: &Fault::LABELS,
            // All bundles are of one engine.
            instances: catalog.bundles.first().map_or(0, Bundle::live_instances),
        })
    }
}

impl Reviewer {
    /// Judges one call, or tells why that cannot be done now.
    async fn judge(
        &self,
        phase: webhook::Phase,
        body: bytes::Bytes,
        mut trace: Option<&mut Trace>,
    ) -> Result<Result<Admission, pipeline::Unavailable>, Refusal> {
        let catalog = self
            .catalog
            .load_full()
            .ok_or_else(|| Refusal::Unavailable("no policies are loaded".to_owned()))?;
        let phase = match phase {
            webhook::Phase::Mutate => pipeline::Phase::Mutate,
            webhook::Phase::Validate => pipeline::Phase::Validate,
        };
        let received =
            pipeline::receive(&body).map_err(|err| Refusal::BadRequest(err.to_string()))?;
        drop(body);
        let request = match received {
            pipeline::Received::Request(request) => *request,
            pipeline::Received::Malformed { uid, reason } => {
                return Ok(Ok(Admission {
                    body: pipeline::refuse_malformed(&uid, &reason),
                    decision: Decision::Denied,
                    policies: Vec::new(),
                    rules: Vec::new(),
                }));
            }
        };
        let since = Instant::now();
        let now = SystemTime::now();
        if let Some(trace) = &mut trace {
            trace.knows(&request, phase, (since, now));
        }
        let outcome = pipeline::review(&catalog, request, phase, now).await;
        if let Some(trace) = trace {
            trace.ends(outcome.as_ref());
        }
        if let Ok(outcome) = &outcome {
            record::log(outcome, phase, since.elapsed());
            if let Some(denials) = &self.denials {
                dashboard::note(denials, outcome, now);
            }
            if let Some(refusals) = &self.refusals {
                owners::note(refusals, &catalog, outcome);
            }
        }
        Ok(outcome.map(|outcome| admission(outcome, phase)))
    }
}

fn admission(outcome: pipeline::Outcome, phase: pipeline::Phase) -> Admission {
    let decision = match outcome.verdict {
        pipeline::Verdict::Allowed | pipeline::Verdict::Skipped(_) => Decision::Allowed,
        pipeline::Verdict::Denied => Decision::Denied,
        pipeline::Verdict::Faulted => Decision::Faulted,
    };
    Admission {
        body: pipeline::respond(&outcome, phase),
        decision,
        rules: record::rules(&outcome),
        policies: outcome.runs.into_iter().map(policy_run).collect(),
    }
}

fn policy_run(run: pipeline::PolicyRun) -> webhook::PolicyRun {
    let phase = match run.phase {
        "mutate" => webhook::Phase::Mutate,
        _ => webhook::Phase::Validate,
    };
    webhook::PolicyRun {
        name: run.policy,
        phase,
        duration: run.duration,
        memory_peak: run.memory_peak,
        fault: run.fault,
    }
}
