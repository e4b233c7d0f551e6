//! Bundles and sessions: configured components, and the fresh instances that reviews run in.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tollgate_admission::{EditError, Finding, Review};
use tollgate_budget::Readings;
use tollgate_context::{Asked, Snapshot};
use wasmtime::component::{Component, InstancePre, Resource};
use wasmtime::{Store, UpdateDeadline};

use crate::bindings::exports::tollgate::policy::{mutator, validator};
use crate::engine::{Engine, Entered, Running};
use crate::prepare::{Artifact, EntrySpec, LoadError, configure};
use crate::state::{Doing, Entry, RuleAction, State};
use crate::{Fault, Limits, PolicyInfo, Proposed, Site, Waived, Waiver};

/// Which of a policy's two functions is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// `mutate`.
    Mutate,
    /// `validate`.
    Validate,
}

/// A configured component. Cheap to clone.
#[derive(Clone)]
pub struct Bundle(Arc<Inner>);

struct Inner {
    wasm: wasmtime::Engine,
    running: Running,
    instances: Running,
    pre: InstancePre<State>,
    mutator: Option<mutator::GuestIndices>,
    validator: Option<validator::GuestIndices>,
    entries: Vec<Arc<Entry>>,
    /// The entries to configure for every instance, where no snapshot has them.
    configure: Option<Vec<EntrySpec>>,
    limits: Limits,
    site: Arc<Site>,
}

impl Engine {
    /// Loads an artifact that this program made: its native code is trusted and runs unchecked.
    ///
    /// # Errors
    ///
    /// When the artifact is of another engine, or lacks a role that its policies claim.
    pub fn load(
        &self,
        artifact: &Artifact,
        entries: &[EntrySpec],
        limits: Limits,
        site: Arc<Site>,
    ) -> Result<Bundle, LoadError> {
        // SAFETY: artifacts come from `prepare`, either of this process, from the cache folder that only we can
        // write, or embedded in the binary. wasmtime checks version and configuration before it uses the code.
        #[expect(unsafe_code, reason = "native code can only be taken on trust")]
        let component = unsafe { Component::deserialize(&self.wasm, &artifact.code) };
        let component = component.map_err(|err| LoadError::Invalid(err.into()))?;
        let pre = self.link(&component)?;
        let entries_known = entries
            .iter()
            .map(|spec| resolve(spec, &artifact.policies))
            .collect::<Result<_, _>>()?;
        let inner = Inner {
            wasm: self.wasm.clone(),
            running: self.running.clone(),
            instances: self.instances.clone(),
            mutator: mutator::GuestIndices::new(&pre).ok(),
            validator: validator::GuestIndices::new(&pre).ok(),
            pre,
            entries: entries_known,
            configure: (!artifact.configured).then(|| entries.to_vec()),
            limits,
            site,
        };
        inner.check_roles()?;
        Ok(Bundle(Arc::new(inner)))
    }
}

impl Inner {
    fn check_roles(&self) -> Result<(), LoadError> {
        let lacks = |entry: &&Arc<Entry>| {
            entry.info.mutates && self.mutator.is_none()
                || entry.info.validates && self.validator.is_none()
        };
        match self.entries.iter().find(lacks) {
            Some(entry) => Err(LoadError::Contract(format!(
                "policy `{}` says that it mutates or validates, but the component does not export that interface",
                entry.info.name
            ))),
            None => Ok(()),
        }
    }
}

fn resolve(spec: &EntrySpec, policies: &[PolicyInfo]) -> Result<Arc<Entry>, LoadError> {
    let info = policies.iter().find(|info| info.name == spec.policy);
    let info = info.ok_or_else(|| {
        LoadError::Contract(format!("the artifact has no policy `{}`", spec.policy))
    })?;
    let actions = info.rules.iter().map(|rule| {
        let configured = spec
            .rules
            .iter()
            .find(|(id, _)| *id == rule.id)
            .map(|(_, action)| *action);
        let action = RuleAction {
            effective: configured.unwrap_or(rule.default),
            configured: configured.is_some(),
        };
        (rule.id.clone(), action)
    });
    Ok(Arc::new(Entry {
        name: spec.name.clone(),
        actions: actions.collect(),
        info: info.clone(),
        patch: spec.patch,
        cluster: spec.cluster,
        budget: spec.budget,
    }))
}

impl Bundle {
    /// What the policy of an entry says of itself.
    pub fn policy(&self, entry: usize) -> Option<&PolicyInfo> {
        self.0.entries.get(entry).map(|entry| &entry.info)
    }

    /// How many instances live in the whole engine.
    pub fn live_instances(&self) -> usize {
        self.0.instances.count()
    }

    /// Opens a session for one review. Its instance is made when it is first called.
    pub fn session(&self) -> Session {
        Session {
            bundle: self.clone(),
            snapshot: Arc::default(),
            readings: Arc::default(),
            instance: None,
            _entered: self.0.running.enter(),
        }
    }
}

/// The calls of one review to one bundle.
pub struct Session {
    bundle: Bundle,
    snapshot: Arc<Snapshot>,
    readings: Arc<Readings>,
    instance: Option<Instance>,
    _entered: Entered,
}

struct Instance {
    store: Store<State>,
    mutator: Option<mutator::Guest>,
    validator: Option<validator::Guest>,
    _live: Entered,
}

/// What a call came to.
pub struct Ran {
    /// The review, with the call's edits unless there was a fault.
    pub review: Box<Review>,
    /// What the policy reported; nothing after a fault.
    pub findings: Vec<Finding>,
    /// What it would have reported or changed but for the call's waivers; nothing after a fault.
    pub waived: Vec<Waived>,
    /// What it asked about the cluster, and what it was told; after a fault too.
    pub asked: Vec<Asked>,
    /// What it wants pods to be charged; nothing after a fault.
    pub charges: Vec<Proposed>,
    /// The fault, if there was one.
    pub fault: Option<Fault>,
    /// When the call began.
    pub begun: Instant,
    /// How long the call took, the making of the instance included.
    pub duration: Duration,
    /// The most memory that the instance had, in bytes.
    pub memory_peak: usize,
}

impl Session {
    /// Lets policies that have the grant ask what a snapshot knows; else nothing is known.
    #[must_use]
    pub fn knowing(self, snapshot: Arc<Snapshot>) -> Self {
        Self { snapshot, ..self }
    }

    /// Lets policies that have the grant read the budgets of the review's pods, and say what those are charged.
    #[must_use]
    pub fn reading(self, readings: Arc<Readings>) -> Self {
        Self { readings, ..self }
    }

    /// Makes the instance, which the first call does otherwise.
    ///
    /// # Errors
    ///
    /// When there is no room for it, or `configure` fails where it runs for every instance.
    pub async fn open(&mut self) -> Result<(), Fault> {
        if self.instance.is_none() {
            self.instance = Some(self.bundle.0.instantiate().await?);
        }
        Ok(())
    }

    /// Calls a policy. After a fault its edits and findings are gone, and the next call gets a new instance.
    pub async fn call(&mut self, phase: Phase, entry: usize, review: Box<Review>) -> Ran {
        self.call_waived(phase, entry, review, Vec::new()).await
    }

    /// Calls a policy that is let off some rules.
    pub async fn call_waived(
        &mut self,
        phase: Phase,
        entry: usize,
        mut review: Box<Review>,
        waivers: Vec<Waiver>,
    ) -> Ran {
        let begun = Instant::now();
        let keep = review.applied().len();
        if let Err(fault) = self.open().await {
            return Ran::faulted(review, fault, begun, 0);
        }
        let Some(mut instance) = self.instance.take() else {
            return Ran::faulted(review, Fault::Busy, begun, 0);
        };
        instance.store.data_mut().snapshot = Arc::clone(&self.snapshot);
        instance.store.data_mut().readings = Arc::clone(&self.readings);
        let (outcome, returned) = self
            .bundle
            .0
            .call(&mut instance, (phase, entry), review, waivers)
            .await;
        review = returned;
        let memory_peak = instance.store.data().memory_peak;
        let state = instance.store.data_mut();
        let asked = std::mem::take(&mut state.asked);
        let charges = std::mem::take(&mut state.charges);
        let mut findings = std::mem::take(&mut state.findings);
        let mut waived = std::mem::take(&mut state.waived);
        // Policies speak of pods; who asked wants to know where in the object that is.
        let waived_findings = waived.iter_mut().filter_map(|one| one.finding.as_mut());
        for finding in findings.iter_mut().chain(waived_findings) {
            finding.path = review.place(&finding.path);
        }
        for one in &mut waived {
            one.path = review.place(&one.path);
        }
        match outcome {
            Ok(()) => {
                self.instance = Some(instance);
                Ran {
                    review,
                    findings,
                    waived,
                    asked,
                    charges,
                    fault: None,
                    begun,
                    duration: begun.elapsed(),
                    memory_peak,
                }
            }
            Err(fault) => {
                review.roll_back(keep);
                Ran {
                    asked,
                    ..Ran::faulted(review, fault, begun, memory_peak)
                }
            }
        }
    }
}

impl Ran {
    fn faulted(review: Box<Review>, fault: Fault, begun: Instant, memory_peak: usize) -> Self {
        Self {
            review,
            findings: Vec::new(),
            waived: Vec::new(),
            asked: Vec::new(),
            charges: Vec::new(),
            fault: Some(fault),
            begun,
            duration: begun.elapsed(),
            memory_peak,
        }
    }
}

impl Inner {
    async fn instantiate(&self) -> Result<Instance, Fault> {
        let mut store = new_store(&self.wasm, self.limits, Arc::clone(&self.site));
        store.data_mut().begin(Doing::Configuring, self.limits.time);
        let made = match &self.configure {
            None => self
                .pre
                .instantiate_async(&mut store)
                .await
                .map_err(|err| Fault::of(&err, None))?,
            Some(entries) => match configure(&mut store, &self.pre, entries).await {
                Ok((made, _)) => made,
                Err(LoadError::Fault(fault)) => return Err(fault),
                Err(err) => return Err(Fault::bad_answer(err.to_string())),
            },
        };
        let roles = |store: &mut Store<State>| {
            let mutator = self
                .mutator
                .as_ref()
                .map(|indices| indices.load(&mut *store, &made))
                .transpose()?;
            let validator = self
                .validator
                .as_ref()
                .map(|indices| indices.load(&mut *store, &made))
                .transpose()?;
            Ok::<_, wasmtime::Error>((mutator, validator))
        };
        let (mutator, validator) = roles(&mut store).map_err(|err| Fault::of(&err, None))?;
        Ok(Instance {
            store,
            mutator,
            validator,
            _live: self.instances.enter(),
        })
    }

    async fn call(
        &self,
        instance: &mut Instance,
        (phase, entry): (Phase, usize),
        review: Box<Review>,
        waivers: Vec<Waiver>,
    ) -> (Result<(), Fault>, Box<Review>) {
        let Instance {
            store,
            mutator,
            validator,
            _live,
        } = instance;
        let doing = match phase {
            Phase::Mutate => Doing::Mutating,
            Phase::Validate => Doing::Validating,
        };
        let state = store.data_mut();
        state.begin(doing, self.limits.time);
        state.waivers = waivers;
        state.entry = self.entries.get(entry).cloned();
        state.review = Some(review);
        store.set_epoch_deadline(1);
        store.set_hostcall_fuel(self.limits.exchange);
        let handle = Resource::new_own(0);
        let index = u32::try_from(entry).unwrap_or(u32::MAX);
        let answer = match (phase, mutator, validator) {
            (Phase::Mutate, Some(role), _) => role.call_mutate(&mut *store, index, handle).await,
            (Phase::Validate, _, Some(role)) => {
                role.call_validate(&mut *store, index, handle).await
            }
            _ => Ok(Err(
                "it does not have the role that it was called for".to_owned()
            )),
        };
        let state = store.data_mut();
        let outcome = answer
            .map_err(|err| Fault::of(&err, state.said.take()))
            .and_then(|answer| {
                answer.map_err(|reason| match state.conflict.take() {
                    Some(EditError::Conflict { path, policy, rule }) => {
                        Fault::Conflict { path, policy, rule }
                    }
                    _ => Fault::bad_answer(reason),
                })
            });
        // The review is where it was put: guests have no way to take it out.
        let review = state.review.take();
        match review {
            Some(review) => (outcome, review),
            None => unreachable!("the review left the store during a call"),
        }
    }
}

/// A store with every limit in force.
pub(crate) fn new_store(wasm: &wasmtime::Engine, limits: Limits, site: Arc<Site>) -> Store<State> {
    let mut store = Store::new(wasm, State::new(limits, site));
    store.limiter(|state| state);
    store.set_max_component_handles(limits.handles);
    store.set_hostcall_fuel(limits.exchange);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|mut ctx| {
        let state = ctx.data_mut();
        state.ticks += 1;
        // The first tick comes early: the clock did not start with the call.
        if state.ticks > state.ticks_allowed.saturating_add(1) {
            return Err(Fault::TimedOut {
                limit: Duration::from_millis(state.ticks_allowed),
            }
            .into());
        }
        Ok(UpdateDeadline::Yield(1))
    });
    store
}
