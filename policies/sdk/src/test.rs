//! The author's test kit: builds pods, runs a policy over them natively, and tells what it did.
//!
//! ```
//! # use tollgate_sdk::prelude::*;
//! # #[derive(Deserialize, JsonSchema)]
//! # struct Quiet {}
//! # impl Policy for Quiet { const INFO: Info = Info::new("quiet", "Does nothing.", &[]); }
//! use tollgate_sdk::test::{Case, container, pod};
//!
//! let outcome = Case::new(pod([container("main").limit("nvidia.com/gpu", "1")])).run::<Quiet>();
//! outcome.assert_quiet();
//! ```
//!
//! Every run is made twice, the second time over its own output, and fails when that changes anything more:
//! policies must be idempotent. With `TOLLGATE_COMPONENT` (a compiled component) and `TOLLGATE_BIN` (the
//! `tollgate` binary) in the environment, every run is also made through them, and must come out the same.

#![expect(
    clippy::panic,
    clippy::expect_used,
    reason = "a test kit fails by panicking"
)]

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use tollgate_admission::{Finding, GroupVersionKind, Kinds, Operation, Request, Review};

pub use tollgate_budget as ledger;
use tollgate_budget::{PodReading, Reading, Readings, Weighed};
use tollgate_context::{Builder, Snapshot, lend};

use crate::native::{SESSION, Session, Site, types};
use crate::view::begin_review;
use crate::{Outcome, Policy, guest};

mod build;
pub use build::{ContainerBuilder, PodBuilder, container, pod};

mod component;

/// No object of a test makes pods of more roles.
const PODS: usize = 8;

/// A review to be run: an object, settings, and what surrounds it.
#[derive(Clone, Debug)]
pub struct Case {
    request: Request,
    settings: Value,
    site: Site,
    state: Vec<Value>,
    budgets: PodReading,
    granted: bool,
}

impl Case {
    /// A request to create a pod, in the namespace `default`, with settings left out.
    pub fn new(pod: PodBuilder) -> Self {
        Self::object(pod.build())
    }

    /// A request to create an object of any kind, given as JSON.
    pub fn object(object: Value) -> Self {
        let text = |pointer: &str| {
            object
                .pointer(pointer)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let gvk = GroupVersionKind::new(
            &text("/apiVersion").expect("an object has an apiVersion"),
            &text("/kind").expect("an object has a kind"),
        );
        let request = Request {
            uid: "test".to_owned(),
            operation: Operation::Create,
            gvk,
            subresource: None,
            resource: None,
            namespace: Some(text("/metadata/namespace").unwrap_or_else(|| "default".to_owned())),
            name: text("/metadata/name"),
            user: "test".to_owned(),
            groups: Vec::new(),
            dry_run: false,
            namespace_labels: None,
            object,
            old_object: None,
        };
        Self {
            request,
            settings: json!({}),
            site: Site::default(),
            state: Vec::new(),
            budgets: PodReading::default(),
            granted: false,
        }
    }

    /// Makes it a request to update what was there before.
    pub fn updating(mut self, old: Value) -> Self {
        self.request.operation = Operation::Update;
        self.request.old_object = Some(old);
        self
    }

    /// Makes it a request about the `scale` subresource of objects that the API calls this, by group and plural.
    pub fn scale_of(mut self, (group, plural): (&str, &str)) -> Self {
        self.request.subresource = Some("scale".to_owned());
        self.request.resource = Some((group.to_owned(), plural.to_owned()));
        self
    }

    /// Gives the policy settings.
    pub fn settings(mut self, settings: Value) -> Self {
        self.settings = settings;
        self
    }

    /// States the GPU models of the cluster, as a `Site` document does.
    pub fn gpu_models(mut self, models: &[&str]) -> Self {
        self.site.gpu_models = models.iter().map(|model| (*model).to_owned()).collect();
        self
    }

    /// States the MIG strategy of the cluster.
    pub fn mig_strategy(mut self, strategy: &str) -> Self {
        self.site.mig_strategy = Some(strategy.to_owned());
        self
    }

    /// States how whole GPUs are shared in the cluster.
    pub fn sharing(mut self, sharing: &str) -> Self {
        self.site.sharing = Some(sharing.to_owned());
        self
    }

    /// States objects of the cluster, all that there are of their kinds: nodes, pools, classes.
    pub fn state(mut self, objects: impl IntoIterator<Item = Value>) -> Self {
        self.state.extend(objects);
        self
    }

    /// States a budget that every pod of the case is charged to. Such a case is not run through a compiled component.
    pub fn budget(mut self, budget: Reading) -> Self {
        self.budgets.budgets.push(Arc::new(budget));
        self
    }

    /// States the labels of the namespace.
    pub fn namespace_labels(mut self, labels: &[(&str, &str)]) -> Self {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        self.request.namespace_labels = Some(labels.iter().map(owned).collect());
        self
    }

    /// Grants raw patches.
    pub fn grant_patch(mut self) -> Self {
        self.granted = true;
        self
    }

    /// Runs a policy: `mutate`, then `validate` on the result; then both again, which must change nothing.
    pub fn run<P: Policy>(self) -> Done {
        let policy = guest::configure::<P>(&self.settings.to_string())
            .unwrap_or_else(|err| panic!("settings: {err}"));
        let done = self.run_once(&policy, self.request.clone());
        let again = self.run_once(
            &policy,
            Request {
                object: done.object.clone(),
                ..self.request.clone()
            },
        );
        assert_eq!(
            again.patch,
            Vec::<Value>::new(),
            "not idempotent: a second run changes its own output"
        );
        component::assert_same::<P>(&self, &done);
        done
    }

    /// Gives the error that the settings lead to.
    pub fn settings_error<P: Policy>(self) -> String {
        guest::configure::<P>(&self.settings.to_string())
            .err()
            .expect("settings should be refused")
    }

    fn snapshot(&self) -> Snapshot {
        let mut builder = Builder::default();
        self.state
            .iter()
            .cloned()
            .for_each(|object| builder.insert(object));
        builder.complete_all();
        builder.build()
    }

    fn run_once<P: Policy>(&self, policy: &P, request: Request) -> Done {
        begin_review();
        let snapshot = Rc::new(self.snapshot());
        let readings = Rc::new(Readings {
            now: 0,
            pods: vec![self.budgets.clone(); PODS],
        });
        let review = Rc::new(RefCell::new(review(request, &snapshot)));
        let session = |mutating, findings| Session {
            policy: P::INFO.name,
            review: Rc::clone(&review),
            mutating,
            granted: self.granted,
            findings,
            log: Vec::new(),
            site: self.site.clone(),
            snapshot: Rc::clone(&snapshot),
            readings: Rc::clone(&readings),
            charges: Vec::new(),
        };
        let mut stopped = None;
        let mut findings = Vec::new();
        let mut charges = Vec::new();
        let phases: [(bool, bool, Function<P>); 2] = [
            (true, P::INFO.mutates, P::mutate),
            (false, P::INFO.validates, P::validate),
        ];
        for (mutating, implemented, phase) in phases {
            if implemented && stopped.is_none() {
                let outcome = call(session(mutating, findings), || {
                    let view = crate::Review::of(types::Review(Rc::clone(&review)));
                    let outcome = phase(policy, &view);
                    view.keep();
                    outcome
                });
                Called {
                    findings,
                    charges,
                    stopped,
                } = outcome;
            }
        }
        if stopped.is_some() {
            review.borrow_mut().roll_back(0);
        }
        let review = review.borrow();
        for finding in &mut findings {
            finding.path = review.place(&finding.path);
        }
        Done {
            patch: review
                .applied()
                .iter()
                .map(|applied| applied.op.to_json())
                .collect(),
            rules: review
                .applied()
                .iter()
                .map(|applied| applied.rule.clone())
                .collect(),
            object: review.object().clone(),
            findings,
            charges,
            stopped,
        }
    }
}

/// The review of a request, with what is told of its pods besides.
fn review(request: Request, snapshot: &Snapshot) -> Review {
    let kinds = Kinds::builtin();
    let before = request.old_object.clone().map(|old| Request {
        object: old,
        ..request.clone()
    });
    let mut review = Review::new(request, kinds);
    if let Some(before) = before {
        review.follow(&Review::new(before, kinds));
    }
    lend(&mut review, snapshot, kinds);
    review
}

/// What a call came to.
struct Called {
    findings: Vec<Finding>,
    charges: Vec<Weighed>,
    stopped: Option<String>,
}

/// `mutate` or `validate` of a policy.
type Function<P> = fn(&P, &crate::Review) -> Outcome;

fn call(session: Session, run: impl FnOnce() -> Outcome) -> Called {
    SESSION.set(Some(session));
    let outcome = run();
    let session = SESSION.take().expect("the session that was set above");
    Called {
        findings: session.findings,
        charges: session.charges.into_iter().map(|(_, one)| one).collect(),
        stopped: outcome.err().map(|stop| stop.0),
    }
}

/// What a policy did.
#[derive(Clone, Debug)]
pub struct Done {
    /// The JSON Patch, one operation an item.
    pub patch: Vec<Value>,
    /// The rule of each operation of the patch.
    pub rules: Vec<String>,
    /// The object after the patch.
    pub object: Value,
    /// What was reported.
    pub findings: Vec<Finding>,
    /// What pods are to be charged, and how the limits stand for it.
    pub charges: Vec<Weighed>,
    /// Why the policy stopped early, if it did.
    pub stopped: Option<String>,
}

impl Done {
    /// Asserts that the policy neither changed nor reported anything.
    pub fn assert_quiet(&self) {
        assert!(self.stopped.is_none(), "stopped: {:?}", self.stopped);
        assert_eq!(
            self.patch,
            Vec::<Value>::new(),
            "a patch where none was expected"
        );
        assert!(
            self.findings.is_empty(),
            "findings where none were expected: {:#?}",
            self.findings
        );
    }

    /// Asserts the JSON Patch.
    pub fn assert_patch(&self, expected: Value) {
        assert!(self.stopped.is_none(), "stopped: {:?}", self.stopped);
        assert_eq!(Value::Array(self.patch.clone()), expected);
    }

    /// Asserts the rule and severity of each finding, in order: `["deny too-many-gpus"]`.
    pub fn assert_findings(&self, expected: &[&str]) {
        assert!(self.stopped.is_none(), "stopped: {:?}", self.stopped);
        let found: Vec<_> = self
            .findings
            .iter()
            .map(|found| format!("{} {}", found.severity.as_str(), found.rule))
            .collect();
        assert_eq!(found, expected, "{:#?}", self.findings);
    }

    /// What is at a JSON pointer of the object after the patch; null when nothing is.
    pub fn at(&self, pointer: &str) -> Value {
        self.object.pointer(pointer).cloned().unwrap_or_default()
    }
}

/// An object of pairs.
fn map<'a>(pairs: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    Value::Object(
        pairs
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect::<Map<_, _>>(),
    )
}

/// Asserts that there is one finding, of such a rule and severity at such a path, with everything that a reader needs.
pub fn assert_one(done: &Done, rule: &str, path: &str, pieces: &[&str]) {
    done.assert_findings(&[rule]);
    let [finding] = done.findings.as_slice() else {
        panic!("one finding: {:#?}", done.findings)
    };
    assert_eq!(finding.path, path);
    assert!(finding.actual.is_some() && finding.allowed.is_some() && finding.fix.is_some());
    for piece in pieces {
        let texts = [
            Some(&finding.message),
            finding.actual.as_ref(),
            finding.allowed.as_ref(),
            finding.fix.as_ref(),
        ];
        let is_there = texts.into_iter().flatten().any(|text| text.contains(piece));
        assert!(is_there, "`{piece}`: {finding:#?}");
    }
}

/// The same, where the first piece is the point and stands near the beginning of the message: `kubectl` cuts long warnings.
pub fn assert_one_early(done: &Done, rule: &str, path: &str, pieces: &[&str]) {
    assert_one(done, rule, path, pieces);
    let messages = done.findings.iter().map(|finding| &finding.message);
    let start: String = messages
        .flat_map(|message| message.chars().take(100))
        .collect();
    let point = pieces.first().copied().unwrap_or_default();
    assert!(start.contains(point), "the point comes too late: {start}");
}
