//! The labels of the namespaces that are part of the input.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;
use tollgate_admission::Request;

use super::{Content, Item};

type Labels = BTreeMap<String, String>;

/// The label that the API server gives every namespace.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// Tells requests the labels of their namespace, where its document is among the input.
pub(super) fn label(items: &mut [Item]) {
    let known: HashMap<String, Labels> = requests(items)
        .filter_map(|request| labels_of(request))
        .collect();
    if known.is_empty() {
        return;
    }
    for request in requests(items) {
        if request.namespace_labels.is_none() {
            request.namespace_labels = request
                .namespace
                .as_ref()
                .and_then(|name| known.get(name))
                .cloned();
        }
    }
}

fn requests(items: &mut [Item]) -> impl Iterator<Item = &mut Request> {
    items.iter_mut().filter_map(|item| match &mut item.content {
        Content::Request(request) => Some(&mut **request),
        Content::Foreign(_) | Content::Unreadable(_) => None,
    })
}

/// A namespace's name and labels.
fn labels_of(request: &Request) -> Option<(String, Labels)> {
    let is_namespace = request.gvk.kind == "Namespace" && request.gvk.group.is_empty();
    let name = request.name.clone().filter(|_| is_namespace)?;
    let given = request
        .object
        .pointer("/metadata/labels")
        .and_then(Value::as_object);
    let given = given
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
    let labels = given
        .chain([(NAME_LABEL.to_owned(), name.clone())])
        .collect();
    Some((name, labels))
}
