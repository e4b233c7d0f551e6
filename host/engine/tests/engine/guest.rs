//! Components made of a core module in WebAssembly text and the contract.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use tollgate_admission::{GroupVersionKind, Operation, Request, Review};
use tollgate_engine::{
    Artifact, Bundle, Engine, EngineOptions, EntrySpec, Limits, LoadError, Site,
};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

/// What all guests share: memory, an allocator, and exports that describe the policies `bad` and `good`.
const PRELUDE: &str = include_str!("../../../../tests/hostile/prelude.wat");

pub static ENGINE: LazyLock<Engine> =
    LazyLock::new(|| Engine::new(EngineOptions::default()).unwrap());

/// The component of a hostile guest: `body` stands in place of the marker in the prelude.
pub fn component(body: &str) -> Vec<u8> {
    let text = PRELUDE.replace(";; BODY", body);
    let mut module = wat::parse_str(&text).unwrap_or_else(|err| panic!("{err}"));
    let mut resolve = wit_parser::Resolve::default();
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let (package, _) = resolve.push_dir(wit).unwrap();
    let world = resolve.select_world(&[package], Some("bundle")).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default()
        .module(&module)
        .unwrap()
        .validate(true)
        .encode()
        .unwrap()
}

pub fn entry(policy: &str) -> EntrySpec {
    EntrySpec {
        name: policy.to_owned(),
        policy: policy.to_owned(),
        settings: "{}".to_owned(),
        rules: Vec::new(),
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
    Box::new(Review::new(Request {
        uid: "1".to_owned(),
        operation: Operation::Create,
        gvk: GroupVersionKind::new("v1", "Pod"),
        subresource: None,
        namespace: Some("ml".to_owned()),
        name: Some("a".to_owned()),
        user: "u".to_owned(),
        groups: Vec::new(),
        dry_run: false,
        namespace_labels: None,
        object,
        old_object: None,
    }))
}
