//! Parts of a device that are cut in hardware, with memory and faults apart from their neighbours'.
//!
//! Sources: NVIDIA's MIG, ROCm's compute partitions, Huawei's virtual NPUs, AWS's NeuronCores. Every other slice is a
//! share in time or in memory.

use crate::{
    mig::MigName,
    resource::{Class, amd_partition, lookup},
};

/// Whether a resource name counts partitions cut in hardware rather than whole devices or shares.
///
/// ```
/// use tollgate_gpu::is_partition;
///
/// assert!(is_partition("nvidia.com/mig-1g.10gb"));
/// assert!(!is_partition("nvidia.com/mig-1g.10gb.shared"));
/// assert!(!is_partition("nvidia.com/gpu.shared"));
/// ```
#[must_use]
pub fn is_partition(name: &str) -> bool {
    let is_mig = || MigName::from_resource(name).is_some() && !name.ends_with(".shared");
    let is_named = || {
        name.starts_with("huawei.com/")
            || name == "aws.amazon.com/neuroncore"
            || name == "deviceclass.resource.kubernetes.io/mig.nvidia.com"
    };
    let is_slice = || lookup(name).is_some_and(|known| known.class == Class::Slice);
    is_mig() || amd_partition(name).is_some() || (is_named() && is_slice())
}

#[cfg(test)]
mod tests {
    use super::is_partition;

    #[test]
    fn tells_partitions_from_shares_and_whole_devices() {
        for name in [
            "amd.com/cpx_nps4",
            "huawei.com/Ascend910-16c",
            "aws.amazon.com/neuroncore",
        ] {
            assert!(is_partition(name), "{name}");
        }
        for name in [
            "nvidia.com/gpu",
            "volcano.sh/vgpu-number",
            "huawei.com/Ascend910",
            "huawei.com/Ascend910B4-memory",
            "cambricon.com/vmlu",
            "cpu",
        ] {
            assert!(!is_partition(name), "{name}");
        }
    }
}
