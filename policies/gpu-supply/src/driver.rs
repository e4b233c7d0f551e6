//! NVIDIADriver objects of the GPU operator.
//!
//! Source: NVIDIA/gpu-operator, `internal/validator` and `api/nvidia/v1alpha1`: without `nodeSelector` a driver is for every
//! node with `nvidia.com/gpu.present=true`; where two are for one node, each ends in the condition
//! `ConflictingNodeSelector`, and none is rolled out any more.

use tollgate_sdk::prelude::*;

use crate::DRIVER;

pub(crate) const OVERLAPS: Rule = Rule::warn(
    "driver-of-all-nodes",
    "An NVIDIADriver beside others selects its nodes (`nodeSelector`): without it, it is for every node with a GPU, and the operator rolls out no driver while two are for one node (`ConflictingNodeSelector`).",
)
.about(&[DRIVER])
.needs(DRIVER);

const SELECTOR: &str = "/spec/nodeSelector";

/// Warns about a driver for all nodes where there is another one.
pub(crate) fn report(review: &Review) {
    let selector = review.value(SELECTOR).unwrap_or_default();
    if selector
        .as_object()
        .is_some_and(|labels| !labels.is_empty())
    {
        return;
    }
    let own = review.name();
    let known = cluster::names(DRIVER, None);
    let others = known.into_iter().flat_map(|known| known.values);
    let Some(other) = others.into_iter().find(|other| Some(other) != own.as_ref()) else {
        return;
    };
    OVERLAPS
        .finding(
            SELECTOR,
            format!("this driver is for every node, and `{other}` is for some of them"),
        )
        .actual("no `nodeSelector`")
        .allowed("labels that no node of another NVIDIADriver has")
        .fix("set `nodeSelector` on each NVIDIADriver, so that no node has two")
        .report();
}
