//! A configuration in which nothing is left open.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use serde_json::{Map, Value};
use tollgate_admission::Kinds;

use super::{
    Budget, Exemption, Grant, Isolation, LimitsSpec, Match, Memory, Mode, Module, OnFault,
    PolicyDocument, PolicySpec, PriceBook, Problem, RuleAction, Site, Time, check, object,
};
use crate::{Namespaces, diagnostic::Diagnostic, yaml::Origin};

/// All that documents say, with the defaults in place.
#[derive(Clone, Debug, Default)]
pub struct Resolved {
    /// The policies, in the order in which they run; those that are off as well.
    pub policies: Vec<Policy>,
    /// Who is let off which rules, by name.
    pub exemptions: Vec<Arc<Exemption>>,
    /// How much some pods may use together, by name: the order in which they are charged.
    pub budgets: Vec<Arc<Budget>>,
    /// What an hour of a GPU costs, by name.
    pub price_books: Vec<Arc<PriceBook>>,
    /// The kinds that make pods: those that are built in, and those of documents.
    pub kinds: Kinds,
    /// What is true of the cluster.
    pub site: Site,
    /// Where that is written, if it is.
    pub site_origin: Option<Origin>,
    /// The labels of the namespaces that are known.
    pub namespaces: Namespaces,
}

/// A use of a policy.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The name of the document, which need not be that of the policy in its component.
    pub name: String,
    /// Where its component is.
    pub module: Module,
    /// When it runs: policies run by this number, then by name.
    pub order: i32,
    /// What its edits and findings do.
    pub mode: Mode,
    /// What happens to the object when it fails.
    pub on_fault: OnFault,
    /// What it looks at.
    pub matching: Match,
    /// The imports that it may use besides those that every policy may.
    pub grants: BTreeSet<Grant>,
    /// How much it may use.
    pub limits: Limits,
    /// What the policy itself understands.
    pub settings: Map<String, Value>,
    /// Whom it shares an instance with.
    pub isolation: Isolation,
    /// What its rules do, where not their default.
    pub rules: BTreeMap<String, RuleAction>,
    /// Where its document stands; of several that were merged, the uppermost.
    pub origin: Origin,
}

/// How much a policy may use.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Limits {
    /// How long it may run in one phase of a review.
    pub time: Duration,
    /// How many bytes of memory it may use.
    pub memory: u64,
}

impl Policy {
    /// Puts the defaults in place around what a document says.
    pub(super) fn new(document: PolicyDocument, module: Module) -> Self {
        let PolicyDocument { name, spec, origin } = document;
        let PolicySpec {
            module: _,
            order,
            mode,
            on_fault,
            matching,
            grants,
            limits,
            settings,
            isolation,
            rules,
        } = spec;
        Self {
            name,
            module,
            order: order.unwrap_or_default(),
            mode: mode.unwrap_or_default(),
            on_fault: on_fault.unwrap_or_default(),
            matching: matching.unwrap_or_default(),
            grants: grants.unwrap_or_default(),
            limits: limits.unwrap_or_default().into(),
            settings: settings.unwrap_or_default(),
            isolation: isolation.unwrap_or_default(),
            rules: rules.unwrap_or_default(),
            origin,
        }
    }
}

impl Policy {
    /// Returns all that is wrong with the settings by their JSON Schema, at their places.
    pub fn check_settings(&self, schema: &Value) -> Vec<Diagnostic> {
        let settings = Value::Object(self.settings.clone());
        let within = |problem: Problem| {
            let pointer = format!("/spec/settings{}", problem.pointer);
            object::diagnose(&self.origin, Problem { pointer, ..problem })
        };
        check(schema, &settings).into_iter().map(within).collect()
    }
}

impl From<LimitsSpec> for Limits {
    fn from(spec: LimitsSpec) -> Self {
        let LimitsSpec { time, memory } = spec;
        Self {
            time: time.unwrap_or(Time::DEFAULT).duration(),
            memory: memory.unwrap_or(Memory::DEFAULT).bytes(),
        }
    }
}
