//! Variables by which a container says which accelerators it wants to see.
//!
//! Two kinds: those that a container runtime reads before the container starts, and gives it the devices that they
//! name, whatever was allocated; and those that a program reads inside, where the devices that the container has
//! are numbered from 0.

use crate::resource::Vendor;

/// A variable that a vendor's container runtime obeys.
#[derive(Clone, Copy, Debug)]
pub struct RuntimeVariable {
    /// The name.
    pub name: &'static str,
    /// Whose devices it names.
    pub vendor: Vendor,
}

/// A variable that a program obeys.
#[derive(Clone, Copy, Debug)]
pub struct ProcessVariable {
    /// The name.
    pub name: &'static str,
    /// Whose devices it numbers.
    pub vendors: &'static [Vendor],
    /// How many numbers one device has at most: cores, where the variable counts those.
    pub per_device: u64,
}

/// The variables of container runtimes.
///
/// Sources: NVIDIA/nvidia-container-toolkit, user guide; ROCm/container-toolkit, migration guide; Habana's container
/// runtime, AWS Neuron's OCI hook (`tutorial-oci-hook`); Ascend/mind-cluster, `ascend-docker-runtime`; Cambricon's device
/// plugin (`pkg/mlu`, as vendored by Project-HAMi); Moore Threads' container toolkit; HAMi's device tables for the rest.
#[rustfmt::skip]
pub const RUNTIME_VARIABLES: &[RuntimeVariable] = &[
    RuntimeVariable { name: "NVIDIA_VISIBLE_DEVICES", vendor: Vendor::Nvidia },
    RuntimeVariable { name: "AMD_VISIBLE_DEVICES", vendor: Vendor::Amd },
    RuntimeVariable { name: "HABANA_VISIBLE_DEVICES", vendor: Vendor::Intel },
    RuntimeVariable { name: "AWS_NEURON_VISIBLE_DEVICES", vendor: Vendor::Aws },
    RuntimeVariable { name: "ASCEND_VISIBLE_DEVICES", vendor: Vendor::Huawei },
    RuntimeVariable { name: "CAMBRICON_VISIBLE_DEVICES", vendor: Vendor::Cambricon },
    RuntimeVariable { name: "MTHREADS_VISIBLE_DEVICES", vendor: Vendor::MooreThreads },
    RuntimeVariable { name: "ILUVATAR_VISIBLE_DEVICES", vendor: Vendor::Iluvatar },
    RuntimeVariable { name: "METAX_VISIBLE_DEVICES", vendor: Vendor::MetaX },
    RuntimeVariable { name: "ENFLAME_VISIBLE_DEVICES", vendor: Vendor::Enflame },
];

/// Variables by which NVIDIA's runtime gives rights over all GPUs of a node.
///
/// Source: NVIDIA/nvidia-container-toolkit, user guide: reconfiguring and watching MIG, and IMEX channels of an NVLink
/// domain.
pub const RIGHTS_VARIABLES: &[&str] = &[
    "NVIDIA_MIG_CONFIG_DEVICES",
    "NVIDIA_MIG_MONITOR_DEVICES",
    "NVIDIA_IMEX_CHANNELS",
];

/// The variables of programs.
///
/// Sources: CUDA C++ programming guide, environment variables; ROCm documentation, GPU isolation; AWS Neuron runtime
/// configuration (a chip has 2 cores on trn1 and inf2, 8 on trn2); CANN environment variables; torch_musa and torch_mlu.
#[rustfmt::skip]
pub const PROCESS_VARIABLES: &[ProcessVariable] = &[
    ProcessVariable { name: "CUDA_VISIBLE_DEVICES", vendors: &[Vendor::Nvidia, Vendor::Iluvatar, Vendor::MetaX], per_device: 1 },
    ProcessVariable { name: "ROCR_VISIBLE_DEVICES", vendors: &[Vendor::Amd, Vendor::Hygon], per_device: 1 },
    ProcessVariable { name: "HIP_VISIBLE_DEVICES", vendors: &[Vendor::Amd, Vendor::Hygon], per_device: 1 },
    ProcessVariable { name: "NEURON_RT_VISIBLE_CORES", vendors: &[Vendor::Aws], per_device: 8 },
    ProcessVariable { name: "ASCEND_RT_VISIBLE_DEVICES", vendors: &[Vendor::Huawei], per_device: 1 },
    ProcessVariable { name: "MLU_VISIBLE_DEVICES", vendors: &[Vendor::Cambricon], per_device: 1 },
    ProcessVariable { name: "MUSA_VISIBLE_DEVICES", vendors: &[Vendor::MooreThreads], per_device: 1 },
];

/// What the keys of pod annotations begin with by which accelerators are injected past every request.
///
/// Sources: the NRI plugin of NVIDIA/nvidia-container-toolkit, as the GPU operator's own pods use it
/// (`nvidia.cdi.k8s.io/container.NAME: management.nvidia.com/gpu=all`); CDI's own annotations
/// (cncf-tags/container-device-interface, `pkg/cdi/annotations.go`).
pub const INJECTING_ANNOTATIONS: &[&str] = &["nvidia.cdi.k8s.io/", "cdi.k8s.io/"];

/// What the keys of pod annotations begin with by which devices of any kind are injected by their paths.
///
/// Sources: the device injectors of containerd/nri and of GoogleCloudPlatform/container-engine-accelerators. On GKE
/// the daemon of GPUDirect gets the GPUs of its pod so.
pub const PATH_ANNOTATIONS: &[&str] = &["devices.nri.io/", "devices.gke.io/"];

/// Whether a value asks a runtime for no device: NVIDIA's toolkit treats `void` and the empty string as if it were not
/// there, and gives the libraries but no device for `none`.
#[must_use]
pub fn names_no_device(value: &str) -> bool {
    matches!(value, "" | "void" | "none")
}

#[cfg(test)]
mod tests {
    use super::{PROCESS_VARIABLES, RIGHTS_VARIABLES, RUNTIME_VARIABLES, names_no_device};

    #[test]
    fn only_known_words_ask_for_nothing() {
        for value in ["", "void", "none"] {
            assert!(names_no_device(value), "{value}");
        }
        for value in ["all", "0", "GPU-1", "void,all", "VOID", " void", "$(X)"] {
            assert!(!names_no_device(value), "{value}");
        }
    }

    #[test]
    fn every_variable_occurs_once() {
        let runtime = RUNTIME_VARIABLES.iter().map(|row| row.name);
        let process = PROCESS_VARIABLES.iter().map(|row| row.name);
        let mut names: Vec<_> = runtime
            .chain(process)
            .chain(RIGHTS_VARIABLES.iter().copied())
            .collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
