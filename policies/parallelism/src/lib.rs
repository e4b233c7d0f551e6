//! `parallelism`: as many devices as the program is told to use, no fewer and no more.
//!
//! A server or a launcher that is told of more devices than its container has dies at its start; one that is told of
//! fewer leaves the rest idle, and paid for. A program may also be spread over a group of pods: then only the group
//! tells, and the pod is left in peace.

use tollgate_sdk::Program;
use tollgate_sdk::gpu::{Kinship, kinship};
use tollgate_sdk::prelude::*;

mod supply;
use supply::Supply;

mod standing;

mod group;
use group::Group;

mod report;
use report::Mismatch;

mod nodes;

mod plain;

mod declared;

mod slots;

mod trainer;

mod ray;

mod topology;

const ABOVE: Rule = Rule::deny(
    "parallel-above-devices",
    "A server of a pod that stands alone spreads a model over no more devices than its container asks for: else it dies at its start, or waits for ever for devices that never come.",
);
const ABOVE_POD: Rule = Rule::warn(
    "parallel-above-pod",
    "A server or a launcher is told of more devices than its container asks for, in a pod that may be one of a group: unless other pods bring the rest, it dies at its start.",
);
const ABOVE_GROUP: Rule = Rule::deny(
    "parallel-above-group",
    "A server of a group of pods (LeaderWorkerSet, RoleBasedGroup, Ray, Dynamo and others) spreads a model over no more devices than the pods of one group have together.",
);
const BELOW_GROUP: Rule = Rule::warn(
    "parallel-below-group",
    "A server that spreads over a group of pods uses all the devices of the group: the rest are idle, and paid for.",
);
const BELOW: Rule = Rule::warn(
    "parallel-below-devices",
    "A server spreads a model over all the devices that its container asks for: the rest are idle, and paid for.",
);
const PROCESSES_ABOVE: Rule = Rule::deny(
    "processes-above-devices",
    "A launcher of a pod that stands alone starts no more processes than its container asks for devices: else the last ones die of `invalid device ordinal`.",
);
const PROCESSES_BELOW: Rule = Rule::warn(
    "processes-below-devices",
    "A launcher starts a process for each device that its container asks for: the rest are idle, and paid for.",
);

/// Settings of `parallelism`: none yet.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Parallelism {}

impl Policy for Parallelism {
    const INFO: Info = Info::new(
        "parallelism",
        "Compares the tensor, pipeline and data parallel sizes of servers, and the processes of launchers, with the NVIDIA, AMD and Gaudi devices of their container or group, and what training operators and TPU slices are told with what their pods have.",
        &[
            ABOVE,
            ABOVE_POD,
            ABOVE_GROUP,
            BELOW_GROUP,
            BELOW,
            PROCESSES_ABOVE,
            PROCESSES_BELOW,
            nodes::UNLIKE,
            plain::ONE,
            declared::UNLIKE,
            slots::UNLIKE,
            trainer::UNTOLD,
            ray::UNLIKE,
            ray::UNSEEN,
            topology::UNLIKE,
        ],
    )
    .wants(&["cluster"])
    .validates();

    fn validate(&self, review: &Review) -> Outcome {
        let pods = review.pods();
        declared::report(review, &pods);
        for pod in pods.iter() {
            trainer::report(review, pod);
            ray::report(review, pod);
            topology::report(review, &pods, pod);
            for container in pod.containers().iter() {
                judge(review, &pods, pod, container);
                nodes::report(review, &pods, pod, container);
                plain::report(review, pod, container);
                slots::report(review, pod, container);
            }
        }
        Ok(())
    }
}

/// Compares what the program of a container is told with what the container has.
fn judge(review: &Review, pods: &[Pod], pod: &Pod, container: &Container) {
    let Some(supply) = Supply::of(container) else {
        return;
    };
    let Some(program) = Program::of(container) else {
        return;
    };
    let Some(degrees) = program.parallelism(container) else {
        return;
    };
    let wanted = degrees.devices().unwrap_or(supply.count);
    let is_whole = wanted == supply.count && (pod.path().is_empty() || degrees.told.is_empty());
    if is_whole || supply.is_counted_otherwise(pod, container) {
        return;
    }
    let mismatch = Mismatch {
        container,
        program,
        degrees,
        supply,
        wanted,
    };
    let words = &mismatch.program.words;
    let is_alone = !mismatch.degrees.goes_on_elsewhere(words);
    let in_group = || {
        let is_told = !mismatch.degrees.goes_on_outside_the_group(words);
        is_told.then(|| of_kind(review, pods, pod)).flatten()
    };
    if mismatch.wanted > mismatch.supply.count {
        if let Some(group) = in_group() {
            mismatch.report_in_group(&group);
        } else if is_alone {
            let has_others = pods.len() > 1;
            mismatch
                .report_above(|program| standing::of(review, has_others, pod, container, program));
        }
    } else if !is_alone {
        if let Some(group) = in_group() {
            mismatch.report_below_group(&group);
        }
    } else if mismatch.wanted < mismatch.supply.count {
        mismatch.report_below(pod);
    }
}

/// The group of a pod, where its kind is one of groups.
fn of_kind(review: &Review, pods: &[Pod], pod: &Pod) -> Option<Group> {
    let is_group = kinship(&pod.owner()?) == Kinship::Unknown;
    is_group.then(|| Group::of(review, pods, pod)).flatten()
}

#[cfg(test)]
mod tests;
