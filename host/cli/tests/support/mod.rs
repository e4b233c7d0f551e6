//! Reviews in this process, by the built-in policies.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;
use std::time::UNIX_EPOCH;

use serde_json::Value;
use tokio::runtime::Runtime;
use tollgate_admission::{Finding, GroupVersionKind, Operation, Request};
use tollgate_catalog::{
    Builtin, Catalog, Configuration, Context, Ledger, Loader, PlainComponents, Recent,
};
use tollgate_engine::{Engine, EngineOptions};
use tollgate_pipeline::{Outcome, Phase, review};

pub static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// The default profile, with further documents over it.
pub fn catalog(documents: &str) -> Catalog {
    load(documents, ".".as_ref()).0
}

/// The default profile, with further documents over it; and the order of each policy.
pub fn load(documents: &str, folder: &Path) -> (Catalog, BTreeMap<String, i32>) {
    let engine = Engine::new(EngineOptions::default()).unwrap();
    let builtin = Builtin {
        wasm: tollgate_builtin::BUNDLE,
        artifact: tollgate_builtin::ARTIFACT,
    };
    let loader = Loader {
        engine,
        builtin,
        cache: None,
        own_namespace: "tollgate-system".to_owned(),
        breakers: None,
        recent: Recent::default(),
        context: Context::default(),
        ledger: Ledger::default(),
        plain: PlainComponents::default(),
    };
    let own = Configuration::parse("test", documents.as_bytes(), folder).unwrap();
    let resolved = own
        .over(Configuration::profile(tollgate_builtin::POLICIES))
        .resolve()
        .unwrap();
    let orders = resolved
        .policies
        .iter()
        .map(|policy| (policy.name.clone(), policy.order))
        .collect();
    let catalog = RUNTIME
        .block_on(loader.load(resolved))
        .unwrap_or_else(|errors| panic!("{errors:?}"));
    (catalog, orders)
}

/// Turns round the policies of the same order. What has another order depends on it: a rename of a resource comes
/// before what reads it.
pub fn turn_round(catalog: &mut Catalog, orders: &BTreeMap<String, i32>) {
    catalog.entries.reverse();
    catalog
        .entries
        .sort_by_key(|entry| orders.get(&*entry.name).copied());
}

/// What a review comes to apart from order: the object, and what policies say.
pub fn essence(outcome: &Outcome) -> (&Value, BTreeSet<String>) {
    let line = |found: &Finding| format!("{} {}", found.severity.as_str(), found.line());
    let findings = outcome.findings.iter().chain(&outcome.observed).map(line);
    (&outcome.object, findings.collect())
}

/// A request to create an object.
pub fn create(object: Value) -> Request {
    let text = |pointer: &str| {
        object
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    Request {
        uid: "1".to_owned(),
        operation: Operation::Create,
        gvk: GroupVersionKind::new(&text("/apiVersion"), &text("/kind")),
        subresource: None,
        resource: None,
        namespace: Some(text("/metadata/namespace"))
            .filter(|name| !name.is_empty())
            .or(Some("ml".to_owned())),
        name: None,
        user: "user".to_owned(),
        groups: Vec::new(),
        dry_run: false,
        namespace_labels: None,
        object,
        old_object: None,
    }
}

pub fn dry_run(catalog: &Catalog, object: Value) -> Outcome {
    RUNTIME
        .block_on(review(catalog, create(object), Phase::DryRun, UNIX_EPOCH))
        .unwrap()
}

/// Asserts that the patch, applied by a library that knows nothing of us, makes the outcome's object; gives the patch.
pub fn assert_patch_applies(before: &Value, outcome: &Outcome) -> Vec<Value> {
    let patch: Vec<Value> = outcome
        .patch
        .iter()
        .map(|applied| applied.op.to_json())
        .collect();
    let mut after = before.clone();
    let standard: json_patch::Patch = serde_json::from_value(Value::Array(patch.clone())).unwrap();
    json_patch::patch(&mut after, &standard).unwrap_or_else(|err| panic!("{err}: {patch:#?}"));
    assert_eq!(after, outcome.object);
    patch
}
