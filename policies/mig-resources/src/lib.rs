//! `mig-resources`: the right MIG resource for what a pod needs, and no combination of MIG devices that cannot work.
//!
//! A MIG device is asked for by a name that differs by GPU model: 20 GiB are `nvidia.com/mig-1g.20gb` on an 80 GB
//! A100 and `nvidia.com/mig-3g.20gb` on a 40 GB one. So authors say how much they need, and the name follows from
//! the model. All rules are about NVIDIA's GPUs.

use tollgate_sdk::Device;
use tollgate_sdk::gpu::Vendor;
use tollgate_sdk::prelude::*;

mod size;
use size::Size;

mod choice;

mod rename;

mod shape;

mod tensor;

/// Settings of `mig-resources`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct MigResources {
    /// The GPU memory, such as `10Gi`, that pods need which ask for one whole GPU and do not say how much of it
    /// they need: they get the smallest MIG device with so much. The annotation `tollgate.dev/gpu-memory` of a pod
    /// says it for that pod.
    #[serde(deserialize_with = "size::memory_setting")]
    #[schemars(with = "Option<String>")]
    gpu_memory: Option<Size>,
    /// The MIG profile, such as `1g` or `2g.20gb`, that pods need which ask for one whole GPU and do not say how
    /// much of it they need. The annotation `tollgate.dev/mig-profile` of a pod says it for that pod.
    #[serde(deserialize_with = "size::profile_setting")]
    #[schemars(with = "Option<String>")]
    mig_profile: Option<Size>,
}

/// A container and the NVIDIA devices that it asks for.
struct Taker {
    container: Container,
    devices: Vec<Device>,
}

impl Policy for MigResources {
    const INFO: Info = Info::new(
        "mig-resources",
        "Gives pods that say how much of an NVIDIA GPU they need the MIG resource that the GPU model offers, and refuses MIG requests that cannot work.",
        &[
            rename::FROM_SIZE,
            rename::UNREADABLE,
            rename::UNCLEAR,
            rename::TOO_LARGE,
            rename::UNKNOWN_MODEL,
            rename::NO_NAMES,
            rename::DEFAULT_UNUSED,
            shape::UNAVAILABLE,
            shape::SEVERAL,
            shape::MIXED,
            tensor::TENSOR,
        ],
    )
    .wants(&["cluster"])
    .mutates()
    .validates();

    fn check(&self) -> Result<(), String> {
        if self.gpu_memory.is_some() && self.mig_profile.is_some() {
            return Err(
                "`gpuMemory` and `migProfile` both say how much a pod needs: leave one out"
                    .to_owned(),
            );
        }
        Ok(())
    }

    fn mutate(&self, review: &Review) -> Outcome {
        let default = self.gpu_memory.as_ref().or(self.mig_profile.as_ref());
        review
            .pods()
            .iter()
            .try_for_each(|pod| rename::repair(default, pod, &takers(pod)))
    }

    fn validate(&self, review: &Review) -> Outcome {
        let default = self.gpu_memory.as_ref().or(self.mig_profile.as_ref());
        for pod in review.pods().iter() {
            let takers = takers(pod);
            if takers.is_empty() {
                continue;
            }
            rename::report(default, pod, &takers);
            shape::report(pod, &takers);
            tensor::report(pod, &takers);
        }
        Ok(())
    }
}

fn takers(pod: &Pod) -> Vec<Taker> {
    let containers = pod.containers();
    let takers = containers.iter().map(|container| Taker {
        devices: nvidia(container),
        container: container.clone(),
    });
    takers.filter(|taker| !taker.devices.is_empty()).collect()
}

fn nvidia(container: &Container) -> Vec<Device> {
    let devices = container.devices();
    let of_nvidia = |device: &&Device| device.resource.vendor == Vendor::Nvidia;
    devices.iter().filter(of_nvidia).cloned().collect()
}

#[cfg(test)]
mod tests;
