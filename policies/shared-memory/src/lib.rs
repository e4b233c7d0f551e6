//! `shared-memory`: room in `/dev/shm` for the processes that exchange data there, within the memory of the pod.
//!
//! The runtime's own `/dev/shm` holds 64 MiB, and Kubernetes has no field for its size: an `emptyDir` in memory,
//! mounted there, replaces it. Its pages count as memory of the container that first touches them, so a size
//! is bounded by the memory limit where there is one.

use tollgate_sdk::prelude::*;

mod size;
use size::Size;

mod workload;
use workload::Workload;

mod need;

mod sharing;

mod volume;

const MISSING: Rule = Rule::repair(
    "shm-missing",
    "A container whose processes exchange data through `/dev/shm` gets more than the runtime's 64 MiB, or NCCL and data loaders die of `no space left on device` or a bus error.",
);
const UNLIMITED: Rule = Rule::repair(
    "shm-unlimited",
    "A `/dev/shm` in memory has a `sizeLimit`, or it may fill the memory of the node and have its neighbours evicted.",
);
const HALF: Rule = Rule::repair(
    "shm-half-of-memory",
    "`/dev/shm` takes at most half of the memory limit: its pages count against the limit, so that the container is OOMKilled when it fills.",
);
const OVER: Rule = Rule::deny(
    "shm-over-memory",
    "`/dev/shm` may not grow above the memory limit: the container would be OOMKilled before it is full.",
);
const ON_DISK: Rule = Rule::warn(
    "shm-on-disk",
    "`/dev/shm` is in memory: on disk it is slow, and mapped files behave otherwise than programs expect there.",
);
const HOST: Rule = Rule::repair(
    "shm-host-path",
    "`/dev/shm` is the pod's own and not the node's, which every pod that mounts it reads and writes, and which nobody counts or cleans.",
);

/// Settings of `shared-memory`.
#[derive(Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct SharedMemory {
    /// How much each device of a container brings that serves: `2Gi` when left out.
    #[schemars(with = "String")]
    serving_per_device: Size,
    /// How much each device of a container brings that trains: `8Gi` when left out. A container trains when a
    /// batch kind owns its pod, when it runs a launcher such as torchrun, or when its pod is one of a group.
    #[schemars(with = "String")]
    training_per_device: Size,
    /// The least that a container gets: `1Gi` when left out. Its memory limit may still allow less.
    #[schemars(with = "String")]
    minimum: Size,
    /// The most that a pod is given unasked: `64Gi` when left out. It is also the limit of an unlimited volume
    /// that no memory limit bounds, unless the containers request more memory.
    #[schemars(with = "String")]
    maximum: Size,
    /// The most that `/dev/shm` may take of the memory limit, in percent: `50` when left out.
    #[schemars(range(min = 1, max = 100))]
    memory_percent: u8,
    /// Whether containers with a single device get a `/dev/shm` also when nothing tells that they train.
    single_device: bool,
}

impl Default for SharedMemory {
    fn default() -> Self {
        Self {
            serving_per_device: Size::gib(2),
            training_per_device: Size::gib(8),
            minimum: Size::gib(1),
            maximum: Size::gib(64),
            memory_percent: 50,
            single_device: false,
        }
    }
}

impl Policy for SharedMemory {
    const INFO: Info = Info::new(
        "shared-memory",
        "Gives containers with several accelerators a `/dev/shm` of a size that fits, and bounds the one that they have.",
        &[MISSING, UNLIMITED, HALF, OVER, ON_DISK, HOST],
    )
    .mutates()
    .validates();

    fn check(&self) -> Result<(), String> {
        if self.minimum > self.maximum {
            return Err("`minimum` must not be above `maximum`".to_owned());
        }
        if !(1..=100).contains(&self.memory_percent) {
            let percent = self.memory_percent;
            return Err(format!("memoryPercent: `{percent}` must be from 1 to 100"));
        }
        Ok(())
    }

    fn mutate(&self, review: &Review) -> Outcome {
        let pods = review.pods();
        for workload in pods.iter().filter_map(Workload::read) {
            self.repair_volumes(&workload)?;
            if workload.pod.is_whole() {
                self.supply(&workload, review, &pods)?;
            }
        }
        Ok(())
    }

    fn validate(&self, review: &Review) -> Outcome {
        for workload in review.pods().iter().filter_map(Workload::read) {
            self.report_volumes(&workload);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
