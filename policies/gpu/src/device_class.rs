//! Device classes that pods may ask for by an implicit resource name.

/// What the resource names begin with by which a pod asks for a device class without a claim.
///
/// Source: KEP-5004, extended resources backed by dynamic resource allocation.
pub const CLASS_RESOURCE: &str = "deviceclass.resource.kubernetes.io/";

/// The classes by which the vendors' drivers offer devices to workloads. Their classes for daemons and for administration,
/// such as `compute-domain-daemon.nvidia.com`, are left out, and so is `vfio.gpu.nvidia.com`, which takes a GPU from its driver.
///
/// Sources: kubernetes-sigs/dra-driver-nvidia-gpu, ROCm/k8s-gpu-dra-driver, intel/intel-resource-drivers-for-kubernetes,
/// kubernetes-sigs/dra-driver-google-tpu, awslabs' Neuron driver: the `DeviceClass` objects of their charts.
pub const WORKLOAD_CLASSES: &[&str] = &[
    "gpu.nvidia.com",
    "mig.nvidia.com",
    "gpu.amd.com",
    "gpu.intel.com",
    "gaudi.intel.com",
    "npu.intel.com",
    "tpu.google.com",
    "neuron.aws.com",
];

/// The taint of the nodes whose devices a class offers: that of the vendor's whole device. Intel's GPUs have several.
static TAINTS: [(&str, &str); 6] = [
    ("gpu.nvidia.com", "nvidia.com/gpu"),
    ("mig.nvidia.com", "nvidia.com/gpu"),
    ("gpu.amd.com", "amd.com/gpu"),
    ("gaudi.intel.com", "habana.ai/gaudi"),
    ("tpu.google.com", "google.com/tpu"),
    ("neuron.aws.com", "aws.amazon.com/neuron"),
];

/// The key of the taint that nodes with the devices of a class carry; nothing for classes that are not known.
///
/// ```
/// assert_eq!(tollgate_gpu::class_taint("mig.nvidia.com"), Some("nvidia.com/gpu"));
/// ```
#[must_use]
pub fn class_taint(class: &str) -> Option<&'static str> {
    let row = TAINTS.iter().find(|(known, _)| *known == class);
    row.map(|(_, taint)| *taint)
}

/// The device class that a resource name asks for.
///
/// ```
/// use tollgate_gpu::device_class;
///
/// assert_eq!(device_class("deviceclass.resource.kubernetes.io/gpu.nvidia.com"), Some("gpu.nvidia.com"));
/// assert_eq!(device_class("nvidia.com/gpu"), None);
/// ```
#[must_use]
pub fn device_class(resource: &str) -> Option<&str> {
    resource.strip_prefix(CLASS_RESOURCE)
}
