//! Requests to Cluster Autoscaler for nodes that do not exist yet.
//!
//! Source: kubernetes/autoscaler, `cluster-autoscaler/apis/provisioningrequest`: its constants have the new names since 2024,
//! and the comments of its fields still the old ones, which is why they are written.

use tollgate_sdk::prelude::*;
use tollgate_sdk::serde_json::Value;

use crate::{PROVISIONING, list};

pub(crate) const RENAMED: Rule = Rule::warn(
    "provisioning-class-renamed",
    "A ProvisioningRequest names its class as the autoscaler knows it: those under `kubernetes.io` were renamed in 2024, and newer autoscalers do not look at a request of one.",
)
.about(&[PROVISIONING]);
pub(crate) const NO_TEMPLATE: Rule = Rule::warn(
    "provisioning-template-absent",
    "The PodTemplate that a ProvisioningRequest is about is there: else the autoscaler fails the request.",
)
.about(&[PROVISIONING])
.needs(TEMPLATE);

const CLASS: &str = "/spec/provisioningClassName";
const SETS: &str = "/spec/podSets";
const TEMPLATE: &str = "PodTemplate";

/// Classes as they were called when the API was new, and since; the last for a short time only.
static CLASSES: [(&str, &str); 3] = [
    (
        "check-capacity.kubernetes.io",
        "check-capacity.autoscaling.x-k8s.io",
    ),
    (
        "atomic-scale-up.kubernetes.io",
        "best-effort-atomic-scale-up.autoscaling.x-k8s.io",
    ),
    (
        "atomic-scale-up.autoscaling.x-k8s.io",
        "best-effort-atomic-scale-up.autoscaling.x-k8s.io",
    ),
];

/// Warns about a class that nobody acts on, and about templates that are not there.
pub(crate) fn report(review: &Review) {
    let class = review.text(CLASS);
    if let Some((old, new)) = CLASSES
        .iter()
        .find(|(old, _)| class.as_deref() == Some(*old))
    {
        RENAMED
            .finding(
                CLASS,
                format!("`{old}` was renamed: newer autoscalers do not look at it"),
            )
            .actual(*old)
            .allowed(*new)
            .fix(format!("write `{new}`"))
            .report();
    }
    let known = cluster::names(TEMPLATE, review.namespace().as_deref());
    let Some(known) = known.filter(|known| known.complete) else {
        return;
    };
    for (index, set) in list(review, SETS).iter().enumerate() {
        let name = set.pointer("/podTemplateRef/name").and_then(Value::as_str);
        if let Some(name) = name.filter(|name| !known.values.iter().any(|there| there == name)) {
            report_absent(format!("{SETS}/{index}/podTemplateRef/name"), name);
        }
    }
}

fn report_absent(path: String, name: &str) {
    NO_TEMPLATE
        .finding(path, format!("there is no PodTemplate `{name}`"))
        .actual(name)
        .allowed("a PodTemplate of the same namespace")
        .fix(format!(
            "create the PodTemplate `{name}` before the request"
        ))
        .report();
}
