//! `parallelism`: as many devices as the program is told to use, no fewer and no more.
//!
//! A server or a launcher that is told of more devices than its container has dies at its start; one that is told of
//! fewer leaves the rest idle, and paid for. A program may also be spread over a group of pods: then only the group
//! tells, and the pod is left in peace.

use tollgate_sdk::Program;
use tollgate_sdk::prelude::*;

mod supply;
use supply::Supply;

mod standing;

mod report;
use report::Mismatch;

const ABOVE: Rule = Rule::deny(
    "parallel-above-devices",
    "A server of a pod that stands alone spreads a model over no more devices than its container asks for: else it dies at its start, or waits for ever for devices that never come.",
);
const ABOVE_POD: Rule = Rule::warn(
    "parallel-above-pod",
    "A server or a launcher is told of more devices than its container asks for, in a pod that may be one of a group: unless other pods bring the rest, it dies at its start.",
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
        "Compares the tensor, pipeline and data parallel sizes of servers, and the processes of launchers, with the NVIDIA, AMD and Gaudi devices of their container.",
        &[ABOVE, ABOVE_POD, BELOW, PROCESSES_ABOVE, PROCESSES_BELOW],
    )
    .wants(&["cluster"])
    .validates();

    fn validate(&self, review: &Review) -> Outcome {
        let pods = review.pods();
        for pod in pods.iter() {
            for container in pod.containers().iter() {
                judge(review, pods.len() > 1, pod, container);
            }
        }
        Ok(())
    }
}

/// Compares what the program of a container is told with what the container has.
fn judge(review: &Review, has_others: bool, pod: &Pod, container: &Container) {
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
    if wanted == supply.count
        || degrees.goes_on_elsewhere(&program.words)
        || supply.is_counted_otherwise(pod, container)
    {
        return;
    }
    let mismatch = Mismatch {
        container,
        program,
        degrees,
        supply,
        wanted,
    };
    if mismatch.wanted > mismatch.supply.count {
        mismatch.report_above(|program| standing::of(review, has_others, pod, container, program));
    } else {
        mismatch.report_below();
    }
}

#[cfg(test)]
mod tests;
