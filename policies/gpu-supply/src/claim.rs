//! Claims on devices that take too much. What a pod claims is judged with the pod; here is what it may refer to.

use tollgate_sdk::gpu::WORKLOAD_CLASSES;
use tollgate_sdk::prelude::*;
use tollgate_sdk::serde_json::Value;

use crate::{CLAIM, CLAIM_TEMPLATE, list};

pub(crate) const ADMIN: Rule = Rule::deny(
    "claim-of-administration",
    "A claim with `adminAccess` stands in a namespace with the label `resource.kubernetes.io/admin-access: \"true\"`: elsewhere the API server refuses it, since it sees devices that others use.",
)
.about(&[CLAIM, CLAIM_TEMPLATE]);
pub(crate) const ALL: Rule = Rule::warn(
    "claim-of-all-devices",
    "A claim on accelerators says how many it takes: `allocationMode: All` takes all of a node, and counts as 32 in a quota.",
)
.about(&[CLAIM, CLAIM_TEMPLATE]);

const TRUSTED: &str = "resource.kubernetes.io/admin-access";

/// Judges each request of a claim, and its alternatives.
pub(crate) fn report(review: &Review, requests: &str) {
    for (index, request) in list(review, requests).iter().enumerate() {
        let place = format!("{requests}/{index}");
        report_one(review, &place, request);
        if let Some(exactly) = request.get("exactly") {
            report_one(review, &format!("{place}/exactly"), exactly);
        }
        let alternatives = request.get("firstAvailable").and_then(Value::as_array);
        for (index, one) in alternatives.into_iter().flatten().enumerate() {
            report_one(review, &format!("{place}/firstAvailable/{index}"), one);
        }
    }
}

fn report_one(review: &Review, place: &str, request: &Value) {
    if request.get("adminAccess") == Some(&Value::Bool(true)) {
        report_admin(review, place);
    }
    let text = |field: &str| request.get(field).and_then(Value::as_str);
    let class = text("deviceClassName").filter(|class| WORKLOAD_CLASSES.contains(class));
    if let Some(class) = class.filter(|_| text("allocationMode") == Some("All")) {
        ALL.finding(
            format!("{place}/allocationMode"),
            format!("the claim takes all devices of class `{class}` that a node has"),
        )
        .actual("All")
        .allowed("`ExactCount` with a `count`")
        .fix("write `count` in the place of `allocationMode: All`")
        .report();
    }
}

fn report_admin(review: &Review, place: &str) {
    if review.namespace_label(TRUSTED).as_deref() == Some("true") {
        return;
    }
    let finding = ADMIN
        .finding(
            format!("{place}/adminAccess"),
            "the claim sees others' devices, and its namespace is not one for that",
        )
        .actual("true")
        .allowed(format!("a namespace with the label `{TRUSTED}: \"true\"`"))
        .fix("remove `adminAccess`, or make the claim in a namespace of administrators");
    // Without its labels nothing is known of the namespace.
    match review.namespace_labels().is_empty() {
        true => finding.warn().report(),
        false => finding.report(),
    }
}
