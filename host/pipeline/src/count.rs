//! What pods that are there take of the budgets: the same policies say it that say it when a pod is made.

use std::time::SystemTime;

use serde_json::Value;
use tollgate_admission::{GroupVersionKind, Operation, Request, Review, json};
use tollgate_budget::{Weighed, second_of};
use tollgate_catalog::Catalog;

use crate::chain::Chain;
use crate::charging::{self, Look};
use crate::relevance;
use crate::review::{Phase, Unavailable, seconds};

/// A live pod that is charged to budgets.
#[derive(Clone, Debug)]
pub struct Counted {
    /// Its uid, or its namespace and name where it has none.
    pub uid: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The node that it runs on.
    pub node: Option<String>,
    /// When it began, in seconds since 1970.
    pub began: i64,
    /// What it takes of each budget.
    pub charges: Vec<Weighed>,
}

/// Counts what live pods take of the budgets. Pods that have ended, mirror pods, and those of exempt namespaces, take
/// nothing.
///
/// # Errors
///
/// When a budget selects namespaces by labels that are not known, or the host is out of instances.
pub async fn count<'p>(
    catalog: &Catalog,
    pods: impl IntoIterator<Item = &'p Value>,
    now: SystemTime,
) -> Result<Vec<Counted>, Unavailable> {
    let mut counted = Vec::new();
    for pod in pods {
        let request = request(pod);
        let namespace = request.namespace.clone().unwrap_or_default();
        if has_ended(pod) || relevance::is_mirror(pod) || catalog.is_exempt(&namespace) {
            continue;
        }
        let review = Box::new(Review::new(request, &catalog.kinds));
        let both = (&*review, None);
        let read = charging::read(catalog, both, Phase::Validate, seconds(now), Look::Away).await?;
        let readings = read.readings;
        if readings.is_empty() {
            continue;
        }
        let chain = Chain::of(catalog, &review, Phase::Validate, now, readings)?.only_charging();
        let validated = chain.validate(chain.mutated(review)).await?;
        let charges = validated.conclude().charges;
        if !charges.is_empty() {
            let name = text(pod, "name").unwrap_or_default().to_owned();
            let uid = text(pod, "uid").map(str::to_owned);
            counted.push(Counted {
                uid: uid.unwrap_or_else(|| format!("{namespace}/{name}")),
                namespace,
                name,
                node: pod
                    .pointer("/spec/nodeName")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
                began: began(pod).unwrap_or_else(|| seconds(now)),
                charges: charges.into_iter().map(|one| one.weighed).collect(),
            });
        }
    }
    Ok(counted)
}

fn request(pod: &Value) -> Request {
    Request {
        uid: String::new(),
        operation: Operation::Create,
        gvk: GroupVersionKind::new("v1", "Pod"),
        subresource: None,
        resource: None,
        namespace: Some(text(pod, "namespace").unwrap_or("default").to_owned()),
        name: text(pod, "name").map(str::to_owned),
        user: String::new(),
        groups: Vec::new(),
        dry_run: true,
        namespace_labels: None,
        object: pod.clone(),
        old_object: None,
    }
}

fn text<'p>(pod: &'p Value, key: &str) -> Option<&'p str> {
    json::text(pod.get("metadata")?, key)
}

fn has_ended(pod: &Value) -> bool {
    let phase = pod.pointer("/status/phase").and_then(Value::as_str);
    matches!(phase, Some("Succeeded" | "Failed"))
}

/// When the pod began to take what it takes: when it was let in, which is when it was made.
fn began(pod: &Value) -> Option<i64> {
    second_of(text(pod, "creationTimestamp")?)
}
