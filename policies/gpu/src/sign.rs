//! Signs by which a pod that names an accelerator is told from one that does not.
//!
//! The host and the API server ask these questions of every pod of a cluster: the host natively, the API server
//! by an expression that is made of the same rows. So a row is no more than a place and a simple comparison of
//! text, which costs both of them little. A sign is a reason to look, not a verdict: a name that is misspelt, or
//! that is no more than suspicious, must have one too.
//!
//! Two things that a pod may say need no row: any claim on dynamically allocated devices is a sign, and so is any
//! extended resource that a device class stands behind.

/// Where in a pod a sign stands.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Place {
    /// A name under limits or requests.
    Resource,
    /// The name of an environment variable.
    Variable,
    /// The key of an annotation of the pod or template.
    Annotation,
    /// The runtime class.
    RuntimeClass,
    /// The path of a hostPath volume.
    HostPath,
    /// The path of a mount in a container.
    MountPath,
    /// The key of a toleration.
    Toleration,
}

/// How a text is compared.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Pattern {
    /// It is this.
    Is(&'static str),
    /// It begins so.
    Starts(&'static str),
    /// It ends so.
    Ends(&'static str),
    /// It has this in it.
    Has(&'static str),
}

/// A row of the table.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Sign {
    /// Where it stands.
    pub place: Place,
    /// What stands there.
    pub pattern: Pattern,
}

use Pattern::{Ends, Has, Is, Starts};
use Place::{Annotation, HostPath, MountPath, Resource, RuntimeClass, Toleration, Variable};

/// Every sign.
#[rustfmt::skip]
pub static SIGNS: &[Sign] = &[
    // The names of `resource.rs`, and what is written for them by mistake: a domain stands for all names under it
    // where the vendor makes little else, `gpu` for every name that has it, and a vendor's bare name with a dash,
    // a dot or nothing for what `spelling.rs` knows as aliases.
    sign(Resource, Has("gpu")),
    sign(Resource, Has("GPU")),
    sign(Resource, Has("vidia")),
    sign(Resource, Has("deviceclass.resource.kubernetes.io/")),
    sign(Resource, Starts("amd.com/")),
    sign(Resource, Starts("aws.amazon.com/neuron")),
    sign(Resource, Starts("google.com/")),
    sign(Resource, Starts("gpu.intel.com/")),
    sign(Resource, Starts("npu.intel.com/")),
    sign(Resource, Has("habana")),
    sign(Resource, Starts("huawei.com/")),
    sign(Resource, Starts("cambricon.com/")),
    sign(Resource, Starts("hygon.com/")),
    sign(Resource, Starts("iluvatar.")),
    sign(Resource, Starts("metax-tech.com/")),
    sign(Resource, Starts("mthreads.com/")),
    sign(Resource, Starts("enflame.com/")),
    sign(Resource, Starts("kunlunxin.com/")),
    sign(Resource, Starts("vastaitech.com/")),
    sign(Resource, Starts("birentech.com/")),
    sign(Resource, Has("furiosa.ai/")),
    sign(Resource, Starts("rebellions.ai/")),
    sign(Resource, Starts("qualcomm.com/")),
    sign(Resource, Starts("tencent.com/vcuda")),
    sign(Resource, Ends("/npu")),
    sign(Resource, Ends("/tpu")),
    sign(Resource, Ends("/xpu")),
    sign(Resource, Ends("/mlu")),
    sign(Resource, Ends("/accelerator")),
    sign(Resource, Is("tpu")),
    sign(Resource, Is("tpus")),
    sign(Resource, Is("neuron")),
    sign(Resource, Is("gaudi")),
    sign(Resource, Is("hpu")),
    // What runtimes of the vendors obey (NVIDIA, AMD, Habana, Ascend, Moore Threads, Cambricon, …) or libraries
    // read (CUDA, ROCr, HIP). Not all that begins with `NVIDIA_`: `NVIDIA_API_KEY` is a key to a remote service.
    sign(Variable, Ends("_VISIBLE_DEVICES")),
    sign(Variable, Is("NVIDIA_MIG_CONFIG_DEVICES")),
    sign(Variable, Is("NVIDIA_MIG_MONITOR_DEVICES")),
    sign(Variable, Is("NVIDIA_IMEX_CHANNELS")),
    sign(Variable, Is("NVIDIA_GDRCOPY")),
    sign(Variable, Is("NVIDIA_GDS")),
    sign(Variable, Is("NVIDIA_MOFED")),
    sign(Variable, Is("NVIDIA_NVSWITCH")),
    sign(Variable, Is("NVIDIA_DRIVER_CAPABILITIES")),
    sign(Variable, Is("CUDA_MPS_PIPE_DIRECTORY")),
    sign(Variable, Is("NEURON_RT_VISIBLE_CORES")),
    sign(Variable, Is("NEURON_RT_NUM_CORES")),
    sign(Variable, Is("TPU_VISIBLE_CHIPS")),
    sign(Variable, Is("ZE_AFFINITY_MASK")),
    // KAI and Run:ai; HAMi; what Tollgate reads itself.
    sign(Annotation, Starts("gpu-")),
    sign(Annotation, Starts("nvidia.com/")),
    sign(Annotation, Starts("hami.io/")),
    sign(Annotation, Is("tollgate.dev/gpu-memory")),
    sign(Annotation, Is("tollgate.dev/mig-profile")),
    // `nvidia`, `nvidia-cdi`, `nvidia-legacy`, `kata-qemu-nvidia-gpu`; the container runtimes of Habana, Huawei, AMD.
    sign(RuntimeClass, Has("nvidia")),
    sign(RuntimeClass, Is("habana")),
    sign(RuntimeClass, Is("ascend")),
    sign(RuntimeClass, Is("amd")),
    // Device nodes, the sockets of device plugins, and the files that name devices to runtimes.
    sign(HostPath, Is("/dev")),
    sign(HostPath, Is("/dev/")),
    sign(HostPath, Has("nvidia")),
    sign(HostPath, Starts("/dev/dri")),
    sign(HostPath, Starts("/dev/kfd")),
    sign(HostPath, Starts("/dev/accel")),
    sign(HostPath, Starts("/dev/vfio")),
    sign(HostPath, Starts("/dev/neuron")),
    sign(HostPath, Starts("/dev/davinci")),
    sign(HostPath, Starts("/dev/hisi_hdc")),
    sign(HostPath, Starts("/dev/infiniband")),
    sign(HostPath, Starts("/var/lib/kubelet/device-plugins")),
    sign(HostPath, Starts("/var/lib/kubelet/pod-resources")),
    sign(HostPath, Starts("/run/cdi")),
    sign(HostPath, Starts("/var/run/cdi")),
    sign(HostPath, Starts("/etc/cdi")),
    // A path that is not written plainly may hide any of these.
    sign(HostPath, Has("//")),
    sign(HostPath, Has("/./")),
    sign(HostPath, Ends("/.")),
    // The other way to name devices to NVIDIA's runtime.
    sign(MountPath, Has("nvidia-container-devices")),
    // The taints of `resource.rs`. The companions' and sites' own keys are no signs.
    sign(Toleration, Starts("nvidia.com/")),
    sign(Toleration, Starts("nvidia/")),
    sign(Toleration, Is("amd.com/gpu")),
    sign(Toleration, Starts("gpu.intel.com/")),
    sign(Toleration, Is("npu.intel.com/accel")),
    sign(Toleration, Is("habana.ai/gaudi")),
    sign(Toleration, Is("google.com/tpu")),
    sign(Toleration, Is("aws.amazon.com/neuron")),
    sign(Toleration, Starts("huawei.com/")),
    sign(Toleration, Starts("cambricon.com/")),
    sign(Toleration, Starts("hygon.com/")),
    sign(Toleration, Starts("iluvatar.")),
    sign(Toleration, Starts("metax-tech.com/")),
    sign(Toleration, Starts("mthreads.com/")),
    sign(Toleration, Starts("enflame.com/")),
    sign(Toleration, Starts("kunlunxin.com/")),
    sign(Toleration, Starts("vastaitech.com/")),
    sign(Toleration, Starts("birentech.com/")),
    sign(Toleration, Has("furiosa.ai/")),
    sign(Toleration, Starts("rebellions.ai/")),
    sign(Toleration, Starts("qualcomm.com/")),
];

const fn sign(place: Place, pattern: Pattern) -> Sign {
    Sign { place, pattern }
}

impl Place {
    /// Whether a text at this place is a sign of an accelerator.
    ///
    /// ```
    /// use tollgate_gpu::Place;
    ///
    /// assert!(Place::Variable.is_sign("NVIDIA_VISIBLE_DEVICES"));
    /// assert!(!Place::Variable.is_sign("NVIDIA_API_KEY"));
    /// ```
    #[must_use]
    pub fn is_sign(self, text: &str) -> bool {
        self.patterns().any(|pattern| pattern.fits(text))
    }

    /// What is a sign at this place.
    pub fn patterns(self) -> impl Iterator<Item = Pattern> {
        SIGNS
            .iter()
            .filter(move |sign| sign.place == self)
            .map(|sign| sign.pattern)
    }
}

impl Pattern {
    /// Whether the text is as the pattern says.
    #[must_use]
    pub fn fits(self, text: &str) -> bool {
        match self {
            Is(whole) => text == whole,
            Starts(start) => text.starts_with(start),
            Ends(end) => text.ends_with(end),
            Has(part) => text.contains(part),
        }
    }

    /// The text of the pattern.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Is(text) | Starts(text) | Ends(text) | Has(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, SIGNS};
    use crate::resource::exact_resources;
    use crate::{Class, Suspicion, nearest, suspicion};

    #[test]
    fn every_accelerator_of_the_table_is_a_sign() {
        for (name, resource) in exact_resources() {
            if resource.class != Class::Companion {
                assert!(Place::Resource.is_sign(name), "{name}");
            }
            if let Some(taint) = resource.taint {
                assert!(Place::Toleration.is_sign(taint), "{taint}");
            }
        }
    }

    #[test]
    fn patterns_and_misspellings_of_names_are_signs() {
        for name in [
            "nvidia.com/mig-1g.5gb",
            "nvidia.com/GRID_T4-1Q",
            "amd.com/cpx_nps4",
            "huawei.com/Ascend910B4-memory",
            "iluvatar.ai/MR-V100-vgpu",
            "gpu",
            "gpus",
            "nvidia",
            "nvidia-gpu",
            "amdgpu",
            "tpu",
            "neuron",
            "hpu",
            "nvidia/gpu",
            "nvidia.com/gpus",
            "nvidia.com/mig1g.5gb",
            "requests.nvidia.com/gpu",
            "example.com/gpu",
            "example.com/npu",
        ] {
            assert!(Place::Resource.is_sign(name), "{name}");
            let known = !matches!(suspicion(name), Suspicion::Other);
            assert!(known || nearest(name).is_some(), "{name} is nothing");
        }
    }

    #[test]
    fn what_other_pods_say_is_no_sign() {
        for (place, text) in [
            (Place::Resource, "cpu"),
            (Place::Resource, "memory"),
            (Place::Resource, "ephemeral-storage"),
            (Place::Resource, "hugepages-2Mi"),
            (Place::Resource, "smarter-devices/fuse"),
            (Place::Resource, "rdma/hca"),
            (Place::Resource, "vpc.amazonaws.com/efa"),
            (Place::Resource, "example.com/output"),
            (Place::Variable, "NVIDIA_API_KEY"),
            (Place::Variable, "CUDA_VERSION"),
            (Place::Variable, "VISIBLE_DEVICES"),
            (Place::Annotation, "prometheus.io/scrape"),
            (Place::RuntimeClass, "gvisor"),
            (Place::RuntimeClass, "kata"),
            (Place::HostPath, "/"),
            (Place::HostPath, "/proc"),
            (Place::HostPath, "/dev/shm"),
            (Place::HostPath, "/dev/log"),
            (Place::HostPath, "/var/lib/kubelet"),
            (Place::MountPath, "/dev/shm"),
            (Place::Toleration, ""),
            (Place::Toleration, "node.kubernetes.io/not-ready"),
            (Place::Toleration, "node-role.kubernetes.io/control-plane"),
        ] {
            assert!(!place.is_sign(text), "{place:?} {text}");
        }
    }

    #[test]
    fn no_row_stands_twice() {
        for (index, sign) in SIGNS.iter().enumerate() {
            assert!(
                !SIGNS.iter().skip(index + 1).any(|other| other == sign),
                "{sign:?}"
            );
        }
    }
}
