//! The accelerators that workloads take.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tollgate_admission::{GroupVersionKind, Kinds, Operation, Request, Review, json};

use crate::question::Workload;
use crate::snapshot::Snapshot;

/// The accelerators of one replica, by resource name; `None` where the workload is not known. Pods whose number is not
/// known count once.
pub(crate) fn devices(snapshot: &Snapshot, workload: &Workload) -> Option<Vec<(String, u64)>> {
    let review = one(workload.object(snapshot)?);
    let mut sum = BTreeMap::<String, u64>::new();
    for pod in review.pods() {
        let count = u64::from(pod.count().unwrap_or(1));
        for (name, each) in pod.devices() {
            let total = sum.entry(name).or_default();
            *total = total.saturating_add(each.saturating_mul(count));
        }
    }
    Some(sum.into_iter().collect())
}

impl Workload {
    /// What is known of the workload.
    pub(crate) fn object<'s>(&self, snapshot: &'s Snapshot) -> Option<&'s Value> {
        snapshot.object(&self.kind, Some(&self.namespace), &self.name)
    }
}

/// The pods of one replica of a workload.
pub(crate) fn one(object: &Value) -> Review {
    review(one_replica(object.clone()))
}

/// The object with the one replica that is measured.
fn one_replica(mut object: Value) -> Value {
    if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
        spec.insert("replicas".to_owned(), json!(1));
    }
    object
}

/// The review by which the pods of an object are found.
pub(crate) fn review(object: Value) -> Review {
    let text = |field| json::text(&object, field).unwrap_or_default();
    let request = Request {
        uid: String::new(),
        operation: Operation::Create,
        gvk: GroupVersionKind::new(text("apiVersion"), text("kind")),
        subresource: None,
        resource: None,
        namespace: None,
        name: None,
        user: String::new(),
        groups: Vec::new(),
        dry_run: true,
        namespace_labels: None,
        object,
        old_object: None,
    };
    Review::new(request, Kinds::builtin())
}
