//! MPIJobs whose ranks are not as many as their GPUs.

use tollgate_sdk::prelude::*;

use crate::supply::Supply;

pub(crate) const UNLIKE: Rule = Rule::warn(
    "slots-unlike-gpus",
    "An MPIJob has as many slots for each worker (`slotsPerWorker`) as a worker has GPUs: with more, ranks share a GPU; with fewer, GPUs are idle.",
)
.about(&["MPIJob.kubeflow.org"]);

const SLOTS: &str = "/spec/slotsPerWorker";

/// Reports a number of slots that is written and is not that of the devices of a worker.
pub(crate) fn report(review: &Review, pod: &Pod, container: &Container) {
    let is_worker = pod.path().ends_with("/Worker/template");
    if !is_worker || pod.owner().as_deref() != Some("MPIJob.kubeflow.org") {
        return;
    }
    let Some((slots, supply)) = review.number(SLOTS).zip(Supply::of(container)) else {
        return;
    };
    if slots == supply.count || supply.is_counted_otherwise(pod, container) {
        return;
    }
    let (there, resource) = (supply.count, &supply.resource);
    let what = match slots > there {
        true => "several ranks share one",
        false => "the rest are idle",
    };
    UNLIKE
        .finding(
            SLOTS,
            format!("each worker has {slots} slots and {there} {resource}: {what}"),
        )
        .actual(slots.to_string())
        .allowed(there.to_string())
        .fix(format!(
            "set `slotsPerWorker: {there}`, or ask for `{resource}: {slots}` in the limits of the workers"
        ))
        .report();
}
