//! Hostile guests, loaded.

use std::sync::{Arc, LazyLock};

use tollgate_admission::{GroupVersionKind, Kinds, Operation, Request, Review};
use tollgate_engine::{
    Artifact, Bundle, Engine, EngineOptions, EntrySpec, Limits, LoadError, Site,
};

pub static ENGINE: LazyLock<Engine> =
    LazyLock::new(|| Engine::new(EngineOptions::default()).unwrap());

pub fn entry(policy: &str) -> EntrySpec {
    EntrySpec {
        name: policy.to_owned(),
        policy: policy.to_owned(),
        settings: "{}".to_owned(),
        rules: Vec::new(),
        cluster: false,
        budget: false,
        patch: false,
    }
}

/// Loads a component with the entries `bad` and `good`.
pub async fn load(wasm: &[u8], limits: Limits) -> Result<(Artifact, Bundle), LoadError> {
    let entries = [entry("bad"), entry("good")];
    let artifact = ENGINE.prepare(wasm, &entries, limits).await?;
    let bundle = ENGINE.load(&artifact, &entries, limits, Arc::new(Site::default()))?;
    Ok((artifact, bundle))
}

/// A request to create a pod with one GPU.
pub fn review() -> Box<Review> {
    let object = serde_json::json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"},
        "spec": {"containers": [{"name": "main", "resources": {"limits": {"nvidia.com/gpu": "1"}}}]},
    });
    Box::new(Review::new(
        Request {
            uid: "1".to_owned(),
            operation: Operation::Create,
            gvk: GroupVersionKind::new("v1", "Pod"),
            subresource: None,
            resource: None,
            namespace: Some("ml".to_owned()),
            name: Some("a".to_owned()),
            user: "u".to_owned(),
            groups: Vec::new(),
            dry_run: false,
            namespace_labels: None,
            object,
            old_object: None,
        },
        Kinds::builtin(),
    ))
}
