//! The document `Policy`: one use of a policy, and what is asked of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    KindName, LabelSelector, Memory, Module, Time,
    object::Spec,
    schema::{self, Problem},
};

/// What a `Policy` document may say. What it leaves out comes from the default profile's policy of
/// the same name, else from the defaults.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicySpec {
    /// Where the component is and which of its policies is meant: `builtin:NAME`, `file:PATH#NAME`
    /// (the path counts from this document's folder),
    /// `oci://REGISTRY/REPOSITORY@sha256:DIGEST#NAME`. Needed unless the default profile has a
    /// policy of this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<Module>,
    /// When it runs: policies run by this number, then by name. 0 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<i32>,
    /// What its edits and findings do. `enforce` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// What happens to the object when the policy traps, runs out of a limit or answers badly.
    /// `refuse` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_fault: Option<OnFault>,
    /// What it looks at: all that is given must hold. Everything unless given.
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    pub matching: Option<Match>,
    /// The imports that it may use besides those that every policy may. None unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grants: Option<BTreeSet<Grant>>,
    /// How much it may use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<LimitsSpec>,
    /// What the policy itself understands. The keys that are given replace those of the default
    /// profile's policy of the same name; the others stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Map<String, Value>>,
    /// Whether it shares an instance with others of its component. `bundle` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isolation: Option<Isolation>,
    /// What its rules do, where they are to do something else than their default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<BTreeMap<String, RuleAction>>,
}

/// What a policy looks at. All that is given must hold.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Match {
    /// The namespaces. Every one unless given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub namespaces: Vec<String>,
    /// Namespaces that are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude_namespaces: Vec<String>,
    /// Selects by the namespace's labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<LabelSelector>,
    /// Selects by the labels of the pod, or of the template of a workload's pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_selector: Option<LabelSelector>,
    /// The kinds of object, as `Kind` for the core group and `Kind.group` for others. Every one
    /// unless given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub kinds: Vec<KindName>,
    /// The operations. Both unless given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub operations: Vec<Operation>,
}

/// An operation that policies look at.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Operation {
    /// The object is new.
    Create,
    /// The object changes.
    Update,
}

/// What the edits and findings of a policy do.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Edits are applied, findings deny or warn.
    #[default]
    Enforce,
    /// Nothing is changed or denied; warnings tell what would be.
    Warn,
    /// Nothing is changed, denied or said to the author; logs and metrics tell what would be.
    Observe,
    /// The policy does not run.
    Off,
}

/// What happens to the object when a policy fails.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFault {
    /// It is refused.
    #[default]
    Refuse,
    /// It is admitted as far as the other policies admit it.
    Admit,
}

/// An import that a policy may use only where its configuration says so.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Grant {
    /// Raw JSON Patch operations.
    Patch,
    /// Objects of the cluster.
    Cluster,
    /// Budgets.
    Budget,
}

impl Grant {
    /// The word in configuration and in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Patch => "patch",
            Self::Cluster => "cluster",
            Self::Budget => "budget",
        }
    }
}

/// How much a policy may use.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LimitsSpec {
    /// How long it may run in one phase of a review, such as `50ms` (the default): `1ms` to `10s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
    /// How much memory it may use, such as `16Mi` (the default): `1Mi` to `64Mi`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
}

/// Whom a policy shares an instance with.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// With the others of its component whose limits are the same, within one review.
    #[default]
    Bundle,
    /// With nobody.
    Policy,
}

/// What a rule does about what it finds, where the rule can.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleAction {
    /// Refuses the object.
    Deny,
    /// Tells the author.
    Warn,
    /// Changes the pod.
    Repair,
    /// Nothing.
    Off,
}

impl RuleAction {
    /// The word in configuration and in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Warn => "warn",
            Self::Repair => "repair",
            Self::Off => "off",
        }
    }
}

impl PolicySpec {
    /// Returns what holds where this stands over `base`: each key as this gives it, else as `base`
    /// does. `limits`, `settings` and `rules` are joined key by key, `match` and `grants` are taken
    /// whole.
    pub(super) fn over(self, base: Self) -> Self {
        let Self {
            module,
            order,
            mode,
            on_fault,
            matching,
            grants,
            limits,
            settings,
            isolation,
            rules,
        } = self;
        Self {
            module: module.or(base.module),
            order: order.or(base.order),
            mode: mode.or(base.mode),
            on_fault: on_fault.or(base.on_fault),
            matching: matching.or(base.matching),
            grants: grants.or(base.grants),
            limits: joined(limits, base.limits, LimitsSpec::over),
            settings: joined(settings, base.settings, entries_over),
            isolation: isolation.or(base.isolation),
            rules: joined(rules, base.rules, entries_over),
        }
    }
}

impl LimitsSpec {
    fn over(self, base: Self) -> Self {
        let Self { time, memory } = self;
        Self {
            time: time.or(base.time),
            memory: memory.or(base.memory),
        }
    }
}

fn joined<T>(top: Option<T>, base: Option<T>, over: impl FnOnce(T, T) -> T) -> Option<T> {
    match (top, base) {
        (Some(top), Some(base)) => Some(over(top, base)),
        (top, base) => top.or(base),
    }
}

fn entries_over<K, V, M: IntoIterator<Item = (K, V)> + Extend<(K, V)>>(top: M, mut base: M) -> M {
    base.extend(top);
    base
}

impl Spec for PolicySpec {
    fn schema() -> &'static Value {
        static SCHEMA: LazyLock<Value> = LazyLock::new(schema::of::<PolicySpec>);
        &SCHEMA
    }

    /// YAML takes `off` without quotes for `false`, as kubectl does, and nothing else can be meant
    /// here.
    fn normalise(spec: &mut Value) {
        let Some(spec) = spec.as_object_mut() else {
            return;
        };
        let mut places: Vec<&mut Value> = Vec::new();
        for (key, value) in spec.iter_mut() {
            match (key.as_str(), value) {
                ("mode", mode) => places.push(mode),
                ("rules", Value::Object(rules)) => places.extend(rules.values_mut()),
                _ => {}
            }
        }
        for word in places
            .into_iter()
            .filter(|word| **word == Value::Bool(false))
        {
            *word = Value::from("off");
        }
    }

    fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some(Module::Oci { .. }) = &self.module {
            let message =
                "policies from registries (`oci://`) are not supported by this version yet";
            problems.push(
                Problem::at("/module", message)
                    .hint("fetch the component and write `file:PATH#NAME`"),
            );
        }
        if let Some(matching) = &self.matching {
            let selectors = [
                ("/match/namespaceSelector", &matching.namespace_selector),
                ("/match/podSelector", &matching.pod_selector),
            ];
            for (pointer, selector) in selectors {
                problems.extend(
                    selector
                        .iter()
                        .flat_map(|selector| selector.problems(pointer)),
                );
            }
        }
        problems
    }
}
