//! `gpu-limits`: what containers ask for, in the right form, in the right place and in amounts that nodes have.
//!
//! The API server checks the form of an extended resource on pods and on its own templates, in words that do not
//! help; inside custom resources nobody does, and the controller fails pod by pod. Names, counts and places nobody
//! checks at all: the pod stays Pending, or pays for devices that it does not use.

use tollgate_sdk::prelude::*;

mod asked;
use asked::Asked;

mod shape;

mod places;

mod count;

mod nodes;

mod table;
use table::Row;

mod memory;

mod software;

mod sharing;

/// Settings of `gpu-limits`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct GpuLimits {
    /// How many whole GPUs the largest node here has. Pods that ask for more are refused; left out, only pods are
    /// that select an instance type with fewer.
    max_per_node: Option<u32>,
    /// The CPU and the memory that come with one GPU, by model. Containers that take whole GPUs or MIG devices and
    /// set no limits get these times what they take; a MIG device gets its part, a shared GPU gets nothing.
    per_gpu: Vec<Row>,
}

impl Policy for GpuLimits {
    const INFO: Info = Info::new(
        "gpu-limits",
        "Sees to it that accelerators are asked for in the right form, by names that exist, in amounts that nodes have, and with limits of CPU and memory.",
        &[
            shape::NO_LIMIT,
            shape::UNEQUAL,
            shape::FRACTIONAL,
            shape::MISSPELT,
            shape::UNKNOWN,
            places::SEVERAL,
            places::SIDECAR,
            places::INIT,
            software::IDLE,
            count::UNUSUAL,
            count::TOO_MANY,
            nodes::BEYOND,
            table::FROM_TABLE,
            memory::NO_MEMORY,
            sharing::NO_COUNT,
            sharing::PERCENT,
            sharing::FRACTION,
        ],
    )
    .wants(&["cluster"])
    .mutates()
    .validates();

    fn check(&self) -> Result<(), String> {
        if self.max_per_node == Some(0) {
            return Err(
                "maxPerNode: `0` would refuse every GPU; leave it out for no maximum".to_owned(),
            );
        }
        table::check(&self.per_gpu)
    }

    fn mutate(&self, review: &Review) -> Outcome {
        for pod in review.pods().iter() {
            let mut asked = Asked::of(pod);
            asked.retain(|asked| !asked.is_plain());
            asked.iter().try_for_each(shape::repair)?;
            if pod.is_whole() {
                table::repair(&self.per_gpu, pod, &asked)?;
            }
        }
        Ok(())
    }

    fn validate(&self, review: &Review) -> Outcome {
        for pod in review.pods().iter() {
            let asked = Asked::of(pod);
            sharing::report_fraction(pod, &asked);
            if asked.iter().all(Asked::is_plain) {
                software::report(review, pod);
                continue;
            }
            for asked in &asked {
                shape::report_unknown(asked);
                sharing::report_quantities(asked);
            }
            places::report(pod, &asked);
            count::report(self.max_per_node, pod, &asked);
            nodes::report(&asked);
            if pod.is_whole() {
                memory::report(pod, &asked);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
