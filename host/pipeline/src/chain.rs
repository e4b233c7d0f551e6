//! The policies that match a review, run in order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tollgate_admission::{Applied, Finding, Operation, Review, Severity};
use tollgate_budget::Readings;
use tollgate_catalog::{Catalog, Entry, Mode};
use tollgate_context::{Asked, Snapshot, fit};
use tollgate_engine::{Fault, Phase as Role, Proposed, Ran, Session};

use crate::exempting::Exemptions;
use crate::matching;
use crate::outcome::{Exempted, FaultReport, Outcome, PodSummary, PolicyRun};
use crate::review::{Phase, Unavailable};

/// The entries that match a review.
pub(crate) struct Chain<'a> {
    catalog: &'a Catalog,
    phase: Phase,
    entries: Vec<&'a Entry>,
    exemptions: Exemptions<'a>,
    /// What is known of the cluster, from the beginning of the review to its end.
    snapshot: Arc<Snapshot>,
    /// The budgets of the review's pods, as they were at its beginning.
    readings: Arc<Readings>,
}

impl<'a> Chain<'a> {
    /// Finds the entries that match.
    pub(crate) fn of(
        catalog: &'a Catalog,
        review: &Review,
        phase: Phase,
        now: SystemTime,
        readings: Arc<Readings>,
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
            exemptions: Exemptions::of(catalog, review, now),
            snapshot: catalog.context.load(),
            readings,
        })
    }

    /// Leaves only the policies that charge pods to budgets.
    pub(crate) fn only_charging(mut self) -> Self {
        self.entries.retain(|entry| entry.charges());
        self
    }

    /// A review that no mutator has seen.
    pub(crate) fn mutated(&self, review: Box<Review>) -> Mutated<'_> {
        let run = Run {
            catalog: self.catalog,
            exemptions: &self.exemptions,
            snapshot: &self.snapshot,
            readings: &self.readings,
            sessions: BTreeMap::new(),
            would_change: Vec::new(),
            results: Results::default(),
        };
        Mutated { run, review }
    }

    /// Runs the mutators, unless an update of a pod leaves them nothing to do.
    pub(crate) async fn mutate<'c>(
        &'c self,
        review: Box<Review>,
    ) -> Result<Mutated<'c>, Unavailable> {
        let Mutated {
            mut run,
            mut review,
        } = self.mutated(review);
        let is_pod = review.request().gvk.is_pod();
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
    pub(crate) async fn validate(&self, mutated: Mutated<'_>) -> Result<Validated, Unavailable> {
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
            pods: summarize(
                &review,
                (self.phase == Phase::DryRun).then_some(&self.snapshot),
            ),
            review,
            results: run.results,
            would_change: run.would_change,
        })
    }
}

/// An object as it was before an update.
#[derive(Default)]
pub(crate) struct Before {
    /// What was wrong with it.
    pub(crate) findings: Vec<Finding>,
    /// The policies that ran to find out.
    pub(crate) runs: Vec<PolicyRun>,
}

/// Judges an object as it was before an update.
pub(crate) async fn before(
    catalog: &Catalog,
    old: Box<Review>,
    phase: Phase,
    now: SystemTime,
) -> Result<Before, Unavailable> {
    let chain = Chain::of(catalog, &old, phase, now, Arc::default())?;
    let validated = chain.validate(chain.mutate(old).await?).await?;
    let Results {
        mut findings,
        exemptions,
        runs,
        ..
    } = validated.results;
    // What was wrong before was so too where somebody was let off it.
    findings.extend(exemptions.into_iter().filter_map(|one| one.finding));
    Ok(Before { findings, runs })
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
            exemptions,
            faults,
            asked,
            charges,
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
            exemptions,
            faults,
            asked,
            charges,
            runs,
            ..outcome
        }
        .decide()
    }
}

#[derive(Default)]
struct Results {
    findings: Vec<Finding>,
    observed: Vec<Finding>,
    exemptions: Vec<Exempted>,
    faults: Vec<FaultReport>,
    asked: Vec<Asked>,
    charges: Vec<Proposed>,
    runs: Vec<PolicyRun>,
}

/// A review on its way through the chain: the instances of one review live as long as this.
struct Run<'a> {
    catalog: &'a Catalog,
    exemptions: &'a Exemptions<'a>,
    snapshot: &'a Arc<Snapshot>,
    readings: &'a Arc<Readings>,
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
        let session = self.sessions.entry(entry.bundle).or_insert_with(|| {
            let session = bundle.session().knowing(Arc::clone(self.snapshot));
            session.reading(Arc::clone(self.readings))
        });
        let before = review.applied().len();
        let waivers = self.exemptions.waivers(entry);
        let ran = session
            .call_waived(role, entry.index, review, waivers)
            .await;
        let namespace = ran.review.request().namespace.as_deref();
        note(entry, ran.fault.as_ref(), namespace);
        self.results.runs.push(run_of(entry, role, &ran));
        self.results
            .let_off(self.exemptions.used(entry, ran.waived));
        self.results.learn(ran.asked);
        self.results.propose(ran.charges);
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
    /// Keeps what was asked about the cluster: the answer to a question is the same all through a review.
    fn learn(&mut self, asked: Vec<Asked>) {
        for asked in asked {
            if !self.asked.contains(&asked) {
                self.asked.push(asked);
            }
        }
    }

    /// Keeps what pods are to be charged. Where two policies speak of the same budget, the later one's word counts.
    fn propose(&mut self, charges: Vec<Proposed>) {
        for proposed in charges {
            let budget = &proposed.weighed.budget.name;
            let is_other = |known: &Proposed| {
                known.pod != proposed.pod || known.weighed.budget.name != *budget
            };
            self.charges.retain(is_other);
            self.charges.push(proposed);
        }
    }

    /// Keeps what exemptions let off. Mutators run again as a check, and say the same twice.
    fn let_off(&mut self, exempted: impl Iterator<Item = Exempted>) {
        for exempted in exempted {
            if !self.exemptions.iter().any(|known| known.is_same(&exempted)) {
                self.exemptions.push(exempted);
            }
        }
    }

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
        // A policy that is cut off has been told of with each fault before.
        if !matches!(fault, Fault::CutOff { .. }) {
            tracing::warn!(
                policy.name = &*entry.name,
                policy.digest = &*entry.digest,
                cause = fault.as_label(),
                "{fault}"
            );
        }
        self.faults.push(FaultReport {
            policy: entry.name.clone(),
            fault,
            on_fault,
        });
    }
}

/// Tells the policy's breaker how a call ended.
fn note(entry: &Entry, fault: Option<&Fault>, namespace: Option<&str>) {
    match (&entry.breaker, fault) {
        (None, _) => {}
        (Some(breaker), None) => breaker.succeeded(),
        (Some(breaker), Some(fault)) => {
            breaker.faulted(fault, namespace, Instant::now(), SystemTime::now())
        }
    }
}

fn run_of(entry: &Entry, role: Role, ran: &Ran) -> PolicyRun {
    PolicyRun {
        duration: ran.duration,
        memory_peak: ran.memory_peak,
        fault: ran.fault.as_ref().map(Fault::as_label),
        ..no_run(entry, role, ran.begun)
    }
}

/// A call that was not made.
fn refused_run(entry: &Entry, role: Role, fault: &Fault) -> PolicyRun {
    PolicyRun {
        fault: Some(fault.as_label()),
        ..no_run(entry, role, Instant::now())
    }
}

fn no_run(entry: &Entry, role: Role, begun: Instant) -> PolicyRun {
    PolicyRun {
        policy: entry.name.clone(),
        digest: entry.digest.clone(),
        phase: match role {
            Role::Mutate => "mutate",
            Role::Validate => "validate",
        },
        begun,
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

/// The pods that the object would make, with the devices that each takes, and for people where it fits.
fn summarize(review: &Review, snapshot: Option<&Arc<Snapshot>>) -> Vec<PodSummary> {
    let summary = |pod: tollgate_admission::PodView<'_>| PodSummary {
        role: pod.role().to_owned(),
        path: pod.path().to_owned(),
        count: pod.count(),
        names_accelerator: pod.names_accelerator(),
        devices: pod.devices(),
        fits: snapshot.and_then(|snapshot| fit(pod, snapshot)),
    };
    let made = review.pods().filter(|pod| !pod.is_lent());
    made.map(summary).collect()
}
