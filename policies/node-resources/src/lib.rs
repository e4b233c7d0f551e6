//! `node-resources`: what a pod with accelerators takes of its node besides them.
//!
//! Processors and memory in proportion, room on the disk for the model, huge pages and locked memory for the drivers
//! of devices and networks, and the node's own network.

use tollgate_sdk::prelude::*;

mod taker;
use taker::Taker;

mod proportion;

mod storage;

mod hugepages;

mod memlock;

mod network;

/// Settings of `node-resources`.
#[derive(Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeResources {
    /// How much of what the largest node brings with one device a container may ask for with each of its devices, in
    /// percent: `100` when left out. Lower it where the nodes here are smaller.
    #[schemars(range(min = 1, max = 1000))]
    most_percent: u16,
    /// The least CPU limit for each whole device, in thousandths of a processor: `1000` when left out, `0` for none.
    least_cpu_millis: u32,
    /// From how many billions of parameters a model needs a place on a volume or a request of ephemeral storage: `10`
    /// when left out, which is 20 GB at two bytes each.
    large_model_billions: u32,
}

impl Default for NodeResources {
    fn default() -> Self {
        Self {
            most_percent: 100,
            least_cpu_millis: 1000,
            large_model_billions: 10,
        }
    }
}

impl Policy for NodeResources {
    const INFO: Info = Info::new(
        "node-resources",
        "Sees to what a pod with accelerators takes of its node besides them: CPU and memory in proportion, disk, huge pages, locked memory, the node's network.",
        &[
            proportion::OVER,
            proportion::STARVED,
            storage::NO_ROOM,
            hugepages::MISSING,
            hugepages::ALONE,
            memlock::RDMA,
            memlock::EFA,
            memlock::FORBIDDEN,
            network::HOST_NETWORK,
        ],
    )
    .wants(&["cluster"])
    .mutates()
    .validates();

    fn check(&self) -> Result<(), String> {
        if !(1..=1000).contains(&self.most_percent) {
            let percent = self.most_percent;
            return Err(format!("mostPercent: `{percent}` must be from 1 to 1000"));
        }
        Ok(())
    }

    fn mutate(&self, review: &Review) -> Outcome {
        for pod in review.pods().iter() {
            let containers = pod.containers();
            let takers = Taker::of(&containers);
            // The API server refuses these before it asks the validators.
            hugepages::refuse(&takers);
            if pod.is_whole() {
                memlock::repair(review, &takers)?;
            }
        }
        Ok(())
    }

    fn validate(&self, review: &Review) -> Outcome {
        for pod in review.pods().iter() {
            let containers = pod.containers();
            let takers = Taker::of(&containers);
            if takers.is_empty() {
                continue;
            }
            proportion::report(self, pod, &takers);
            // What is missing may be added.
            if pod.is_whole() {
                storage::report(self, pod, &takers);
                hugepages::report(&takers);
                memlock::report(review, &takers);
            }
            network::report(pod, &takers);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
