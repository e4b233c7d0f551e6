//! The devices that a container has for its processes.

use tollgate_sdk::gpu::takes_one_each;
use tollgate_sdk::prelude::*;
use tollgate_sdk::{GpuUnit, gpu_unit, has_quantities};

/// Devices of which each process takes one.
pub(crate) struct Supply {
    /// The resource name.
    pub(crate) resource: String,
    /// How many.
    pub(crate) count: u64,
}

impl Supply {
    /// What an application container asks for; nothing where it is not whole devices of one kind, each for one process.
    pub(crate) fn of(container: &Container) -> Option<Self> {
        let devices = container.devices();
        let [device] = devices.as_ref() else {
            return None;
        };
        let is_counted = takes_one_each(&device.name) && container.class() == "app";
        is_counted.then(|| Self {
            count: device.count(),
            resource: device.name.clone(),
        })
    }

    /// Whether the number means something else: shares and MIG devices under the name of a whole GPU, a virtual
    /// scheduler's count, or devices that a claim brings besides.
    pub(crate) fn is_counted_otherwise(&self, pod: &Pod, container: &Container) -> bool {
        has_quantities(container)
            || !container.resource_claims().is_empty()
            || gpu_unit(pod) != GpuUnit::Whole
    }
}
