//! Real manifests: the condition that the API server evaluates and the host's own test agree. Those of the golden cases are
//! always there; the corpus is read where it lies beside the checkout.

#![allow(clippy::unwrap_used, reason = "a test program")]

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use cel::{Context, Program, Value as Cel};
use serde_json::Value;
use tollgate_admission::{GroupVersionKind, Kinds, Operation, Request, Review, condition};

#[test]
fn the_condition_and_the_host_agree_on_real_manifests() {
    let kinds = Kinds::builtin().rows().iter();
    let conditions: HashMap<_, _> = kinds
        .filter_map(|kind| {
            let condition = compile(&kind.plain_places()?);
            Some(((kind.group.as_str(), kind.kind.as_str()), condition))
        })
        .collect();
    let (mut named, mut seen) = (0, 0);
    for file in files() {
        for object in objects(&file) {
            let gvk = gvk(&object);
            let Some(condition) = conditions.get(&(gvk.group.as_str(), gvk.kind.as_str())) else {
                continue;
            };
            let review = find_pods(object.clone());
            let expected = review.pods().any(|pod| pod.names_accelerator());
            assert_eq!(
                holds(condition, &object),
                expected,
                "{} {}",
                file.display(),
                gvk.kind
            );
            seen += 1;
            named += usize::from(expected);
        }
    }
    assert!(
        named >= 5 && seen > named,
        "{named} of {seen} objects name an accelerator"
    );
}

fn compile(places: &[&str]) -> Program {
    Program::compile(&condition::names_accelerator(places)).unwrap()
}

fn holds(condition: &Program, object: &Value) -> bool {
    let mut context = Context::default();
    context.add_variable("object", object).unwrap();
    condition.execute(&context).unwrap() == Cel::Bool(true)
}

fn gvk(object: &Value) -> GroupVersionKind {
    let text = |field: &str| {
        object
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    GroupVersionKind::new(text("apiVersion"), text("kind"))
}

fn find_pods(object: Value) -> Review {
    let request = Request {
        uid: String::new(),
        operation: Operation::Create,
        gvk: gvk(&object),
        subresource: None,
        resource: None,
        namespace: None,
        name: None,
        user: String::new(),
        groups: Vec::new(),
        dry_run: false,
        namespace_labels: None,
        object,
        old_object: None,
    };
    Review::new(request, Kinds::builtin())
}

fn files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folders = [
        root.join("tests/cases"),
        root.join("../shared/corpus"),
        root.join("../../shared/corpus"),
    ];
    let mut files = Vec::new();
    for folder in folders {
        find(&folder, &mut files);
    }
    files
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find(&path, files);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml")
            // What is known of the cluster is context, and not reviewed.
            && !path.ends_with("state.yaml")
        {
            files.push(path);
        }
    }
}

/// The documents of a file that can be read; templates of charts and the like cannot.
fn objects(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let documents: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap_or_default();
    let unpack = |document: Value| match document.get("items").and_then(Value::as_array) {
        Some(items) => items.clone(),
        None => vec![document],
    };
    documents.into_iter().flat_map(unpack).collect()
}
