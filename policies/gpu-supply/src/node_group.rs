//! Node groups that Cluster Autoscaler scales from zero.

use tollgate_sdk::below;
use tollgate_sdk::prelude::*;

use crate::NODE_GROUP;

pub(crate) const TYPE_UNTOLD: Rule = Rule::warn(
    "node-group-gpu-untold",
    "A node group that tells Cluster Autoscaler of its GPUs tells both their number and their resource: with one of the two it is taken for a group without GPUs while it has no node.",
)
.about(&[NODE_GROUP]);

const COUNT: &str = "capacity.cluster-autoscaler.kubernetes.io/gpu-count";
const TYPE: &str = "capacity.cluster-autoscaler.kubernetes.io/gpu-type";

/// Warns about a number of GPUs without their resource, or the reverse.
pub(crate) fn report(review: &Review) {
    let place = |key: &str| below("/metadata/annotations", &[key]);
    let is_told = |key: &str| review.text(&place(key)).is_some();
    let (told, untold) = match (is_told(COUNT), is_told(TYPE)) {
        (true, false) => (COUNT, TYPE),
        (false, true) => (TYPE, COUNT),
        _ => return,
    };
    TYPE_UNTOLD
        .finding(
            place(told),
            "with one of the two annotations no pod with GPUs ever brings a node",
        )
        .actual(format!("`{told}` without `{untold}`"))
        .allowed("both annotations, or neither")
        .fix(format!(
            "add the annotation `{untold}`, such as `{}`",
            example(untold)
        ))
        .report();
}

fn example(key: &str) -> &'static str {
    match key {
        TYPE => "nvidia.com/gpu",
        _ => "8",
    }
}
