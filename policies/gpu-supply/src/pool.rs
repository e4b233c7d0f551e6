//! Pools of nodes with GPUs.

use tollgate_sdk::gpu::instance;
use tollgate_sdk::prelude::*;
use tollgate_sdk::serde_json::Value;

use crate::{NODE_POOL, list};

pub(crate) const NO_LIMIT: Rule = Rule::warn(
    "pool-without-gpu-limit",
    "A NodePool of machines with GPUs bounds them (`limits: {nvidia.com/gpu: …}`): else every pending pod buys another machine.",
)
.about(&[NODE_POOL]);
pub(crate) const NO_TAINT: Rule = Rule::warn(
    "gpu-pool-without-taint",
    "A NodePool of machines with GPUs has a taint, or pods without GPUs fill them and keep them from being given back.",
)
.about(&[NODE_POOL]);

pub(crate) const REQUIREMENTS: &str = "/spec/template/spec/requirements";
const TAINTS: &str = "/spec/template/spec/taints";
const LIMITS: &str = "/spec/limits";

/// How the labels of Karpenter on AWS begin that only machines with GPUs have.
const OF_GPUS: &str = "karpenter.k8s.aws/instance-gpu-";
const CATEGORY: &str = "karpenter.k8s.aws/instance-category";
const FAMILY: &str = "karpenter.k8s.aws/instance-family";
pub(crate) const TYPE: &str = "node.kubernetes.io/instance-type";

/// Categories of machines with GPUs.
const CATEGORIES: [&str; 2] = ["g", "p"];

/// Warns about a pool of GPUs that nothing bounds or keeps apart.
pub(crate) fn report(review: &Review) {
    if !has_gpus(review) {
        return;
    }
    let limits = review.value(LIMITS).unwrap_or_default();
    let is_limit = |key: &String| key.contains("gpu");
    let is_limited = limits
        .as_object()
        .is_some_and(|limits| limits.keys().any(is_limit));
    // A static pool has as many machines as it says.
    if !is_limited && review.value("/spec/replicas").is_none() {
        report_no_limit();
    }
    if list(review, TAINTS).is_empty() {
        report_no_taint();
    }
}

/// Whether the pool's requirements or taints tell that its machines have GPUs.
fn has_gpus(review: &Review) -> bool {
    let taints = list(review, TAINTS);
    let is_gpu_taint = |taint: &Value| {
        let key = taint.get("key").and_then(Value::as_str);
        key.is_some_and(|key| key == "nvidia.com/gpu" || key == "amd.com/gpu")
    };
    list(review, REQUIREMENTS).iter().any(asks_for_gpus) || taints.iter().any(is_gpu_taint)
}

fn asks_for_gpus(requirement: &Value) -> bool {
    let text = |field: &str| requirement.get(field).and_then(Value::as_str);
    let (key, operator) = (text("key").unwrap_or_default(), text("operator"));
    if key.starts_with(OF_GPUS) {
        return operator != Some("DoesNotExist") && operator != Some("NotIn");
    }
    let is_gpu: fn(&str) -> bool = match key {
        CATEGORY => |category| CATEGORIES.contains(&category),
        FAMILY => is_gpu_family,
        TYPE => |name| instance(name).is_some(),
        _ => return false,
    };
    operator == Some("In") && values(requirement).any(is_gpu)
}

/// The values of a requirement.
pub(crate) fn values(requirement: &Value) -> impl Iterator<Item = &str> {
    let values = requirement.get("values").and_then(Value::as_array);
    values.into_iter().flatten().filter_map(Value::as_str)
}

/// `p5`, `g6e`: a category of machines with GPUs and a number.
fn is_gpu_family(family: &str) -> bool {
    let mut letters = family.chars();
    let category = letters.next().map(String::from).unwrap_or_default();
    let is_numbered = letters.next().is_some_and(|letter| letter.is_ascii_digit());
    is_numbered && CATEGORIES.contains(&category.as_str())
}

fn report_no_limit() {
    NO_LIMIT
        .finding(
            LIMITS,
            "the pool has machines with GPUs and no limit of them: every pending pod buys another",
        )
        .actual("no `nvidia.com/gpu` in `limits`")
        .allowed("as many GPUs as may be bought")
        .fix("add `nvidia.com/gpu` to `spec.limits`")
        .report();
}

fn report_no_taint() {
    NO_TAINT
        .finding(
            TAINTS,
            "the pool has machines with GPUs and no taint: pods without GPUs fill them",
        )
        .actual("no taint")
        .allowed("a taint that pods with GPUs tolerate")
        .fix("add `{key: nvidia.com/gpu, effect: NoSchedule}` to the taints; Tollgate adds the toleration to pods with GPUs")
        .report();
}
