//! Reviews in this process, by the built-in policies.

use std::sync::LazyLock;

use serde_json::Value;
use tokio::runtime::Runtime;
use tollgate_admission::{GroupVersionKind, Operation, Request};
use tollgate_catalog::{Builtin, Catalog, Configuration, Loader, PlainComponents, Recent};
use tollgate_engine::{Engine, EngineOptions};
use tollgate_pipeline::{Outcome, Phase, review};

pub static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// The default profile, with further documents over it.
pub fn catalog(documents: &str) -> Catalog {
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
        plain: PlainComponents::default(),
    };
    let own = Configuration::parse("test", documents.as_bytes(), ".".as_ref()).unwrap();
    let resolved = own
        .over(Configuration::profile(tollgate_builtin::POLICIES))
        .resolve()
        .unwrap();
    RUNTIME
        .block_on(loader.load(resolved))
        .unwrap_or_else(|errors| panic!("{errors:?}"))
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
        namespace: Some("ml".to_owned()),
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
        .block_on(review(catalog, create(object), Phase::DryRun))
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
