//! The policies that match a review, run in order.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use tollgate_admission::{Applied, Finding, Operation, Review, Severity};
use tollgate_catalog::{Catalog, Entry, Mode};
use tollgate_engine::{Fault, Phase as Role, Ran, Session};

use crate::matching;
use crate::outcome::{FaultReport, Outcome, PodSummary, PolicyRun};
use crate::review::{Phase, Unavailable};

/// The entries that match a review.
pub(crate) struct Chain<'a> {
    catalog: &'a Catalog,
    phase: Phase,
    entries: Vec<&'a Entry>,
}

impl<'a> Chain<'a> {
    /// Finds the entries that match.
    pub(crate) fn of(
        catalog: &'a Catalog,
        review: &Review,
        phase: Phase,
    ) -> Result<Self, Unavailable> {
        let mut entries = Vec::new();
        for entry in &catalog.entries {
            if matching::matches(catalog, entry, review)? {
                entries.push(entry);
            }
        }
        Ok(Self {
            catalog,
            phase,
            entries,
        })
    }

    /// Runs the mutators, unless an update of a pod leaves them nothing to do.
    pub(crate) async fn mutate(&self, review: Box<Review>) -> Result<Mutated<'a>, Unavailable> {
        let mut run = Run {
            catalog: self.catalog,
            sessions: BTreeMap::new(),
            would_change: Vec::new(),
            results: Results::default(),
        };
        let mut review = review;
        let is_pod = is_pod(&review);
        if !(is_pod && review.request().operation == Operation::Update) {
            for entry in self.entries.iter().filter(|entry| entry.info.mutates) {
                review = run.call(entry, Role::Mutate, review).await?;
            }
        }
        // A pod is stored as it stands, so validators judge it without what mutators would still change. The pods
        // of a template will be repaired when they are made, so validators judge the template with its repairs.
        if is_pod && self.phase == Phase::Validate {
            run.would_change.append(&mut review.roll_back(0));
        }
        Ok(Mutated { run, review })
    }

    /// Runs the validators, unless only edits are wanted.
    pub(crate) async fn validate(&self, mutated: Mutated<'a>) -> Result<Validated, Unavailable> {
        let Mutated {
            mut run,
            mut review,
        } = mutated;
        if self.phase != Phase::Mutate {
            for entry in self.entries.iter().filter(|entry| entry.info.validates) {
                review = run.call(entry, Role::Validate, review).await?;
            }
        }
        Ok(Validated {
            pods: summarize(&review),
            review,
            results: run.results,
            would_change: run.would_change,
        })
    }
}

/// The findings on an object as it was before an update.
pub(crate) async fn findings_of(
    catalog: &Catalog,
    old: Box<Review>,
    phase: Phase,
) -> Result<Vec<Finding>, Unavailable> {
    let chain = Chain::of(catalog, &old, phase)?;
    let validated = chain.validate(chain.mutate(old).await?).await?;
    Ok(validated.results.findings)
}

/// A review whose mutators have run.
pub(crate) struct Mutated<'a> {
    run: Run<'a>,
    review: Box<Review>,
}

/// A review whose validators have run too.
pub(crate) struct Validated {
    review: Box<Review>,
    pods: Vec<PodSummary>,
    results: Results,
    would_change: Vec<Applied>,
}

impl Validated {
    /// The outcome of the review.
    pub(crate) fn conclude(self) -> Outcome {
        let Results {
            findings,
            observed,
            faults,
            runs,
        } = self.results;
        let (request, patch) = self.review.into_parts();
        let outcome = Outcome::allowed(request);
        Outcome {
            pods: self.pods,
            patch,
            would_change: self.would_change,
            findings,
            observed,
            faults,
            runs,
            ..outcome
        }
        .decide()
    }
}

fn is_pod(review: &Review) -> bool {
    let gvk = &review.request().gvk;
    gvk.kind == "Pod" && gvk.group.is_empty()
}

#[derive(Default)]
struct Results {
    findings: Vec<Finding>,
    observed: Vec<Finding>,
    faults: Vec<FaultReport>,
    runs: Vec<PolicyRun>,
}

/// A review on its way through the chain: the instances of one review live as long as this.
struct Run<'a> {
    catalog: &'a Catalog,
    sessions: BTreeMap<usize, Session>,
    would_change: Vec<Applied>,
    results: Results,
}

impl Run<'_> {
    /// Calls a policy and keeps of it what its mode lets pass.
    async fn call(
        &mut self,
        entry: &Entry,
        role: Role,
        review: Box<Review>,
    ) -> Result<Box<Review>, Unavailable> {
        let Some(bundle) = self.catalog.bundles.get(entry.bundle) else {
            return Ok(review);
        };
        if let Some(breaker) = &entry.breaker
            && !breaker.lets_pass(Instant::now)
        {
            let fault = breaker.refusal();
            self.results.runs.push(refused_run(entry, role, &fault));
            self.results.fault(entry, fault);
            return Ok(review);
        }
        let session = self
            .sessions
            .entry(entry.bundle)
            .or_insert_with(|| bundle.session());
        let before = review.applied().len();
        let ran = session.call(role, entry.index, review).await;
        note(entry, ran.fault.as_ref());
        self.results.runs.push(run_of(entry, role, &ran));
        match ran.fault {
            Some(Fault::Busy) => return Err(Unavailable::Busy),
            Some(Fault::Conflict { path, policy, rule }) => self
                .results
                .add(entry, vec![conflict(entry, path, &policy, &rule)]),
            Some(fault) => self.results.fault(entry, fault),
            None => self.results.add(entry, ran.findings),
        }
        let mut review = ran.review;
        if entry.mode != Mode::Enforce {
            let mut unwanted = review.roll_back(before);
            if entry.mode == Mode::Warn {
                self.would_change.append(&mut unwanted);
            }
        }
        Ok(review)
    }
}

impl Results {
    fn add(&mut self, entry: &Entry, findings: Vec<Finding>) {
        match entry.mode {
            Mode::Enforce => self.findings.extend(findings),
            Mode::Warn => {
                let warnings = findings.into_iter().map(|finding| Finding {
                    severity: Severity::Warn,
                    ..finding
                });
                self.findings.extend(warnings);
            }
            Mode::Observe | Mode::Off => self.observed.extend(findings),
        }
    }

    /// A fault counts as `onFault` says, but never refuses in a mode that does not enforce.
    fn fault(&mut self, entry: &Entry, fault: Fault) {
        let on_fault = match entry.mode {
            Mode::Enforce => entry.on_fault,
            _ => tollgate_catalog::OnFault::Admit,
        };
        tracing::warn!(
            policy.name = &*entry.name,
            policy.digest = &*entry.digest,
            cause = fault.as_label(),
            "{fault}"
        );
        self.faults.push(FaultReport {
            policy: entry.name.clone(),
            fault,
            on_fault,
        });
    }
}

/// Tells the policy's breaker how a call ended.
fn note(entry: &Entry, fault: Option<&Fault>) {
    match (&entry.breaker, fault) {
        (None, _) => {}
        (Some(breaker), None) => breaker.succeeded(),
        (Some(breaker), Some(fault)) => breaker.faulted(fault, Instant::now(), SystemTime::now()),
    }
}

fn run_of(entry: &Entry, role: Role, ran: &Ran) -> PolicyRun {
    PolicyRun {
        duration: ran.duration,
        memory_peak: ran.memory_peak,
        fault: ran.fault.as_ref().map(Fault::as_label),
        ..no_run(entry, role)
    }
}

/// A call that was not made.
fn refused_run(entry: &Entry, role: Role, fault: &Fault) -> PolicyRun {
    PolicyRun {
        fault: Some(fault.as_label()),
        ..no_run(entry, role)
    }
}

fn no_run(entry: &Entry, role: Role) -> PolicyRun {
    PolicyRun {
        policy: entry.name.clone(),
        digest: entry.digest.clone(),
        phase: match role {
            Role::Mutate => "mutate",
            Role::Validate => "validate",
        },
        duration: Duration::ZERO,
        memory_peak: 0,
        fault: None,
    }
}

/// A clash with another policy's edit, as a warning: who operates the cluster has to order or configure the two.
fn conflict(entry: &Entry, path: String, policy: &str, rule: &str) -> Finding {
    Finding {
        policy: entry.name.to_string(),
        rule: "conflict".to_owned(),
        severity: Severity::Warn,
        message: format!(
            "its edits were dropped: policy `{policy}` (rule `{rule}`) already wrote another value"
        ),
        path,
        actual: None,
        allowed: None,
        fix: Some(format!(
            "give `{}` and `{policy}` settings that agree, or switch one of them off here",
            entry.name
        )),
    }
}

/// The pods that the object would make, with the devices that each takes.
fn summarize(review: &Review) -> Vec<PodSummary> {
    let summary = |pod: tollgate_admission::PodView<'_>| PodSummary {
        role: pod.role().to_owned(),
        path: pod.path().to_owned(),
        count: pod.count(),
        devices: pod.devices(),
    };
    review.pods().map(summary).collect()
}
