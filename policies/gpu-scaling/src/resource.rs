//! The resources by which a scaler scales, or which it sets.

use tollgate_sdk::prelude::*;
use tollgate_sdk::serde_json::Value;

use crate::{HORIZONTAL, SCALED_JOB, SCALED_OBJECT, VERTICAL};

/// The resources, `cpu` and `memory`.
pub(crate) fn of(review: &Review, kind: &str) -> Vec<String> {
    match kind {
        HORIZONTAL => of_metrics(&list(review, "/spec/metrics")),
        SCALED_OBJECT | SCALED_JOB => of_triggers(&list(review, "/spec/triggers")),
        VERTICAL => of_vertical(review),
        _ => Vec::new(),
    }
}

/// Whether other metrics are given as well.
pub(crate) fn are_all(review: &Review, kind: &str) -> bool {
    let metrics = match kind {
        HORIZONTAL => list(review, "/spec/metrics"),
        _ => list(review, "/spec/triggers"),
    };
    let read = match kind {
        HORIZONTAL => of_metrics,
        _ => of_triggers,
    };
    let is_resource = |metric: &Value| !read(std::slice::from_ref(metric)).is_empty();
    metrics.iter().all(is_resource)
}

fn list(review: &Review, place: &str) -> Vec<Value> {
    match review.value(place) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}

fn of_metrics(metrics: &[Value]) -> Vec<String> {
    let names = metrics.iter().filter_map(|metric| {
        let of = metric
            .get("resource")
            .or_else(|| metric.get("containerResource"))?;
        of.get("name")?.as_str()
    });
    names.map(str::to_owned).collect()
}

fn of_triggers(triggers: &[Value]) -> Vec<String> {
    let kinds = triggers
        .iter()
        .filter_map(|trigger| trigger.get("type")?.as_str());
    let resources = kinds.filter(|kind| ["cpu", "memory"].contains(kind));
    resources.map(str::to_owned).collect()
}

/// Both, unless its policies name fewer; none where it only gives advice.
fn of_vertical(review: &Review) -> Vec<String> {
    let mode = review.text("/spec/updatePolicy/updateMode");
    if mode.as_deref() == Some("Off") {
        return Vec::new();
    }
    let policies = list(review, "/spec/resourcePolicy/containerPolicies");
    let told = policies
        .iter()
        .filter_map(|policy| policy.get("controlledResources")?.as_array());
    let told: Vec<_> = told.flatten().filter_map(Value::as_str).collect();
    match told.as_slice() {
        [] => vec!["cpu".to_owned(), "memory".to_owned()],
        told => told.iter().map(|name| (*name).to_owned()).collect(),
    }
}
