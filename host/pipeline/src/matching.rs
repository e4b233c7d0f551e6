//! Which policies look at a review.

use std::sync::Arc;

use tollgate_admission::{Kind, Operation, Review};
use tollgate_catalog::{Catalog, Entry, Labels, Match, Operation as Watched};

use crate::review::Unavailable;

/// Whether a policy looks at a review: it judges the kind, and all that its `match` gives must hold.
pub(crate) fn matches(
    catalog: &Catalog,
    entry: &Entry,
    review: &Review,
) -> Result<bool, Unavailable> {
    let Match {
        namespaces,
        exclude_namespaces,
        namespace_selector,
        pod_selector,
        kinds,
        operations,
    } = &entry.matching;
    let request = review.request();
    if !is_interested(catalog, entry, review) {
        return Ok(false);
    }
    let namespace = request.namespace.as_deref().unwrap_or_default();
    let holds = (namespaces.is_empty() || namespaces.iter().any(|name| name == namespace))
        && !exclude_namespaces.iter().any(|name| name == namespace)
        && (kinds.is_empty()
            || kinds
                .iter()
                .any(|kind| kind.kind == request.gvk.kind && kind.group == request.gvk.group))
        && (operations.is_empty()
            || operations
                .iter()
                .any(|watched| is_watched(*watched, request.operation)))
        && pod_selector.as_ref().is_none_or(|selector| {
            review
                .pods()
                .any(|pod| selector.matches(&pod.labels().into_iter().collect()))
        });
    match namespace_selector {
        Some(selector) if holds => match &request.namespace_labels {
            Some(labels) => Ok(selector.matches(labels)),
            None => labels_of(catalog, entry, namespace).map(|labels| selector.matches(&labels)),
        },
        _ => Ok(holds),
    }
}

fn is_interested(catalog: &Catalog, entry: &Entry, review: &Review) -> bool {
    let gvk = &review.request().gvk;
    let kind = catalog.kinds.find(&gvk.group, &gvk.kind);
    let makes_pods = kind.is_some_and(Kind::makes_pods);
    entry.info.judges(&gvk.kind_dot_group(), makes_pods)
}

fn labels_of(
    catalog: &Catalog,
    entry: &Entry,
    namespace: &str,
) -> Result<Arc<Labels>, Unavailable> {
    catalog
        .labels_of(namespace)
        .ok_or_else(|| Unavailable::UnknownNamespace {
            who: format!("policy `{}`", entry.name),
            namespace: namespace.to_owned(),
        })
}

fn is_watched(watched: Watched, operation: Operation) -> bool {
    match watched {
        Watched::Create => operation == Operation::Create,
        Watched::Update => operation == Operation::Update,
    }
}
