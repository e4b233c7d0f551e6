//! What is known of the cluster: `--state`, and the documents that are reviewed together.

use std::path::PathBuf;

use serde_json::Value;
use tollgate_catalog::Diagnostic;
use tollgate_context::{Builder, Snapshot};

use super::paths::{self, Source};
use super::{Content, Item, documents, objects};
use crate::failure::Failure;

/// The snapshot that objects of `--state` and reviewed documents make. Of what the first has, it has all; the second
/// add to it.
pub(super) fn snapshot(paths: &[PathBuf], items: &[Item]) -> Result<Snapshot, Failure> {
    let mut builder = Builder::default();
    if !paths.is_empty() {
        read(&paths::find(paths)?, &mut builder)?;
    }
    builder.complete_all();
    for item in items {
        // A pod under review shows no scheduler: nothing has placed it yet.
        if let Content::Request(request) = &item.content
            && request.gvk.kind != "Pod"
        {
            let mut object = request.object.clone();
            name_namespace(&mut object, request.namespace.as_deref());
            builder.insert(object);
        }
    }
    Ok(builder.build())
}

fn read(sources: &[Source], builder: &mut Builder) -> Result<(), Failure> {
    let mut unreadable: Vec<Diagnostic> = Vec::new();
    for source in sources {
        let (bytes, documents) = documents(source);
        let found = documents
            .into_iter()
            .flat_map(|document| objects::of(document, &bytes));
        for found in found {
            match found.content {
                Ok(object) => builder.insert(object),
                Err(diagnostic) => unreadable.push(diagnostic),
            }
        }
    }
    match unreadable.is_empty() {
        true => Ok(()),
        false => Err(unreadable.into()),
    }
}

/// Gives an object the namespace that it will be in.
fn name_namespace(object: &mut Value, namespace: Option<&str>) {
    let metadata = object.get_mut("metadata").and_then(Value::as_object_mut);
    if let Some((metadata, namespace)) = metadata.zip(namespace) {
        metadata
            .entry("namespace")
            .or_insert_with(|| namespace.into());
    }
}
