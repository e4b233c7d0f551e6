//! What is known of the cluster, from a snapshot. Needs the grant `cluster`; without it, and where nobody has a
//! snapshot, nothing is known, and a rule that needs to know should say nothing.

pub use crate::contract::cluster::{
    GpuUnit, Known, Scaler, amounts, claim_classes, claim_devices, claim_modes, gpu_models, names,
    node_label, plugin_mig_strategies, queue_resources, scalers, schedulers, selected, share_names,
    workload_devices,
};
use crate::{Pod, contract::cluster};

/// How many of a resource the nodes have for pods, all together, that the pod's node selector and required affinity leave;
/// nothing where a pool could bring more.
pub fn pod_total(pod: &Pod, resource: &str) -> Option<u32> {
    cluster::pod_total(pod.raw(), resource)
}

/// The values of a label on the nodes and pools that the pod's node selector and required affinity leave.
pub fn pod_node_label(pod: &Pod, key: &str) -> Option<Known> {
    cluster::pod_node_label(pod.raw(), key)
}

/// The GPU models on the nodes and pools that the pod's node selector and required affinity leave.
pub fn pod_gpu_models(pod: &Pod) -> Option<Known> {
    cluster::pod_gpu_models(pod.raw())
}

/// What one `nvidia.com/gpu` is on the nodes and pools that the pod's node selector and required affinity leave; each
/// answer once, none where not all nodes are known.
pub fn pod_gpu_units(pod: &Pod) -> Vec<GpuUnit> {
    cluster::pod_gpu_units(pod.raw())
}
