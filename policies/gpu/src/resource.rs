//! Resource names of accelerators and what each of them counts.
//!
//! Sources, by group of rows: the vendors' device plugins and their documentation, and for shared
//! devices the chart of Project-HAMi/HAMi (`charts/hami/values.yaml` and
//! `templates/scheduler/device-configmap.yaml`). Manifests that use the names were read for most.

use crate::mig::MigName;

/// What the number behind a resource name counts.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Class {
    /// Devices.
    Device,
    /// Fractions of a device: MIG devices, AMD partitions, shares, cores.
    Slice,
    /// Memory, percent or a priority: a property of what another name counts, or a fraction that
    /// no name counts.
    Quantity,
    /// Something that belongs to accelerator pods but is none, such as a network device.
    Companion,
}

/// Who makes the device.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[expect(missing_docs, reason = "the names are the vendors' names")]
pub enum Vendor {
    Amd,
    Aws,
    Biren,
    Cambricon,
    Enflame,
    Furiosa,
    Google,
    Huawei,
    Hygon,
    Iluvatar,
    Intel,
    Kunlunxin,
    MetaX,
    MooreThreads,
    Nvidia,
    Qualcomm,
    Rebellions,
    Vastai,
    /// A network device or another companion, whoever makes it.
    Any,
}

/// One resource name, or one pattern of names.
#[derive(Debug)]
pub struct Resource {
    name: Name,
    /// Who makes the device.
    pub vendor: Vendor,
    /// What the number counts.
    pub class: Class,
    /// The key of the taint that keeps other pods off nodes with this device: the vendor's name
    /// for a whole device. Quantities and companions have none.
    pub taint: Option<&'static str>,
    /// Whether a container that asks for two or more runs several processes that exchange data
    /// through shared memory. Not so for TPUs (one process drives a host), nor for MIG devices and
    /// time-sliced shares (collectives between them do not work, and a share may be under MPS,
    /// which mounts its own `/dev/shm`).
    pub collective: bool,
}

use Name::Between;

#[derive(Debug)]
enum Name {
    Exact(&'static str),
    /// Any name that begins and ends so, with something between.
    Between(&'static str, &'static str),
    Mig,
    AmdPartition,
    Passthrough,
    VirtualGpu,
}

const NVIDIA: &str = "nvidia.com/gpu";
const AMD: &str = "amd.com/gpu";
const NEURON: &str = "aws.amazon.com/neuron";

/// Every name. Where two rows match, the first counts.
#[rustfmt::skip]
static RESOURCES: &[Resource] = &[
    // NVIDIA k8s-device-plugin; KubeVirt and sandbox plugins (`pgpu`, model names, vGPU types).
    device(NVIDIA, Vendor::Nvidia, NVIDIA),
    slice("nvidia.com/gpu.shared", Vendor::Nvidia, NVIDIA).alone(),
    pattern(Name::Mig, Class::Slice, Vendor::Nvidia, Some(NVIDIA)).alone(),
    device("nvidia.com/pgpu", Vendor::Nvidia, NVIDIA),
    pattern(Name::VirtualGpu, Class::Slice, Vendor::Nvidia, Some(NVIDIA)),
    pattern(Name::Passthrough, Class::Device, Vendor::Nvidia, Some(NVIDIA)),
    // HAMi over NVIDIA.
    quantity("nvidia.com/gpumem", Vendor::Nvidia),
    quantity("nvidia.com/gpumem-percentage", Vendor::Nvidia),
    quantity("nvidia.com/gpucores", Vendor::Nvidia),
    quantity("nvidia.com/priority", Vendor::Nvidia),
    // Implicit names of DRA device classes (KEP-5004).
    device("deviceclass.resource.kubernetes.io/gpu.nvidia.com", Vendor::Nvidia, NVIDIA),
    device("deviceclass.resource.kubernetes.io/vfio.gpu.nvidia.com", Vendor::Nvidia, NVIDIA),
    slice("deviceclass.resource.kubernetes.io/mig.nvidia.com", Vendor::Nvidia, NVIDIA).alone(),
    // Volcano, Alibaba gpushare, Koordinator, Tencent and AWS's sample, all over NVIDIA.
    slice("volcano.sh/vgpu-number", Vendor::Nvidia, NVIDIA),
    quantity("volcano.sh/vgpu-memory", Vendor::Nvidia),
    quantity("volcano.sh/vgpu-cores", Vendor::Nvidia),
    quantity("volcano.sh/vgpu-memory-percentage", Vendor::Nvidia),
    device("volcano.sh/gpu-number", Vendor::Nvidia, NVIDIA),
    quantity("volcano.sh/gpu-memory", Vendor::Nvidia),
    quantity("aliyun.com/gpu-mem", Vendor::Nvidia),
    device("aliyun.com/gpu-count", Vendor::Nvidia, NVIDIA),
    quantity("aliyun.com/gpu-core.percentage", Vendor::Nvidia),
    quantity("koordinator.sh/gpu-core", Vendor::Nvidia),
    quantity("koordinator.sh/gpu-memory", Vendor::Nvidia),
    quantity("koordinator.sh/gpu-memory-ratio", Vendor::Nvidia),
    quantity("tencent.com/vcuda-core", Vendor::Nvidia),
    quantity("tencent.com/vcuda-memory", Vendor::Nvidia),
    slice("k8s.amazonaws.com/vgpu", Vendor::Nvidia, NVIDIA).alone(),
    // ROCm/k8s-device-plugin; HAMi.
    device(AMD, Vendor::Amd, AMD),
    pattern(Name::AmdPartition, Class::Slice, Vendor::Amd, Some(AMD)),
    quantity("amd.com/gpumem", Vendor::Amd),
    quantity("amd.com/gpucores", Vendor::Amd),
    device("deviceclass.resource.kubernetes.io/gpu.amd.com", Vendor::Amd, AMD),
    // intel/intel-device-plugins-for-kubernetes; GAS for the quantities. The monitoring names
    // give sight of every GPU of the node and count none.
    device("gpu.intel.com/i915", Vendor::Intel, "gpu.intel.com/i915"),
    device("gpu.intel.com/xe", Vendor::Intel, "gpu.intel.com/xe"),
    device("gpu.intel.com/dxg", Vendor::Intel, "gpu.intel.com/dxg"),
    companion("gpu.intel.com/monitoring"),
    companion("gpu.intel.com/i915_monitoring"),
    companion("gpu.intel.com/xe_monitoring"),
    quantity("gpu.intel.com/millicores", Vendor::Intel),
    quantity("gpu.intel.com/memory.max", Vendor::Intel),
    quantity("gpu.intel.com/tiles", Vendor::Intel),
    device("npu.intel.com/accel", Vendor::Intel, "npu.intel.com/accel"),
    device("habana.ai/gaudi", Vendor::Intel, "habana.ai/gaudi"),
    // GKE; AWS Neuron (`neurondevice` went with Neuron 2.20).
    device("google.com/tpu", Vendor::Google, "google.com/tpu").alone(),
    device(NEURON, Vendor::Aws, NEURON),
    device("aws.amazon.com/neurondevice", Vendor::Aws, NEURON),
    slice("aws.amazon.com/neuroncore", Vendor::Aws, NEURON),
    // Ascend device plugin and HAMi; `-2c`, `-4c.3cpu` and the like are its virtual NPUs.
    pattern(Between("huawei.com/Ascend", "-memory"), Class::Quantity, Vendor::Huawei, None),
    pattern(Between("huawei.com/Ascend", "-core"), Class::Quantity, Vendor::Huawei, None),
    pattern(Between("huawei.com/Ascend910-", "c"),
        Class::Slice, Vendor::Huawei, Some("huawei.com/Ascend910")),
    pattern(Between("huawei.com/Ascend310P-", "c"),
        Class::Slice, Vendor::Huawei, Some("huawei.com/Ascend310P")),
    pattern(Between("huawei.com/Ascend310P-", "cpu"),
        Class::Slice, Vendor::Huawei, Some("huawei.com/Ascend310P")),
    pattern(Between("huawei.com/Ascend310P-", "dvpp"),
        Class::Slice, Vendor::Huawei, Some("huawei.com/Ascend310P")),
    device("huawei.com/Ascend310", Vendor::Huawei, "huawei.com/Ascend310"),
    device("huawei.com/Ascend310P", Vendor::Huawei, "huawei.com/Ascend310P"),
    device("huawei.com/Ascend910", Vendor::Huawei, "huawei.com/Ascend910"),
    device("huawei.com/Ascend910A", Vendor::Huawei, "huawei.com/Ascend910A"),
    device("huawei.com/Ascend910B", Vendor::Huawei, "huawei.com/Ascend910B"),
    device("huawei.com/Ascend910B2", Vendor::Huawei, "huawei.com/Ascend910B2"),
    device("huawei.com/Ascend910B3", Vendor::Huawei, "huawei.com/Ascend910B3"),
    device("huawei.com/Ascend910B4", Vendor::Huawei, "huawei.com/Ascend910B4"),
    device("huawei.com/Ascend910B4-1", Vendor::Huawei, "huawei.com/Ascend910B4-1"),
    device("huawei.com/Ascend910C", Vendor::Huawei, "huawei.com/Ascend910C"),
    device("huawei.com/ascend-1980", Vendor::Huawei, "huawei.com/ascend-1980"),
    quantity("huawei.com/npu-core", Vendor::Huawei),
    // Cambricon device plugin (`mlu`, `mlu370`) and HAMi.
    slice("cambricon.com/vmlu", Vendor::Cambricon, "cambricon.com/mlu"),
    pattern(Between("cambricon.com/mlu", ".smlu.vcore"), Class::Quantity, Vendor::Cambricon, None),
    pattern(Between("cambricon.com/mlu", ".smlu.vmemory"),
        Class::Quantity, Vendor::Cambricon, None),
    quantity("cambricon.com/mlu.smlu.vcore", Vendor::Cambricon),
    quantity("cambricon.com/mlu.smlu.vmemory", Vendor::Cambricon),
    device("cambricon.com/mlu", Vendor::Cambricon, "cambricon.com/mlu"),
    device("cambricon.com/mlu370", Vendor::Cambricon, "cambricon.com/mlu"),
    // Hygon: HAMi renamed `dcu…` to `hcu…`.
    device("hygon.com/dcu", Vendor::Hygon, "hygon.com/dcu"),
    device("hygon.com/dcunum", Vendor::Hygon, "hygon.com/dcu"),
    quantity("hygon.com/dcumem", Vendor::Hygon),
    quantity("hygon.com/dcucores", Vendor::Hygon),
    device("hygon.com/hcunum", Vendor::Hygon, "hygon.com/dcu"),
    quantity("hygon.com/hcumem", Vendor::Hygon),
    quantity("hygon.com/hcucores", Vendor::Hygon),
    // HAMi: Iluvatar, MetaX, Moore Threads, Enflame, Kunlunxin, Vastai, Biren.
    pattern(Between("iluvatar.ai/", "-vgpu"),
        Class::Slice, Vendor::Iluvatar, Some("iluvatar.ai/gpu")),
    pattern(Between("iluvatar.ai/", ".vCore"), Class::Quantity, Vendor::Iluvatar, None),
    pattern(Between("iluvatar.ai/", ".vMem"), Class::Quantity, Vendor::Iluvatar, None),
    device("iluvatar.ai/gpu", Vendor::Iluvatar, "iluvatar.ai/gpu"),
    device("iluvatar.com/gpu", Vendor::Iluvatar, "iluvatar.com/gpu"),
    device("metax-tech.com/gpu", Vendor::MetaX, "metax-tech.com/gpu"),
    slice("metax-tech.com/sgpu", Vendor::MetaX, "metax-tech.com/gpu"),
    quantity("metax-tech.com/vcore", Vendor::MetaX),
    quantity("metax-tech.com/vmemory", Vendor::MetaX),
    device("mthreads.com/gpu", Vendor::MooreThreads, "mthreads.com/gpu"),
    slice("mthreads.com/vgpu", Vendor::MooreThreads, "mthreads.com/gpu"),
    quantity("mthreads.com/sgpu-core", Vendor::MooreThreads),
    quantity("mthreads.com/sgpu-memory", Vendor::MooreThreads),
    device("enflame.com/gcu", Vendor::Enflame, "enflame.com/gcu"),
    slice("enflame.com/drs-gcu", Vendor::Enflame, "enflame.com/gcu"),
    quantity("enflame.com/gcu-core", Vendor::Enflame),
    quantity("enflame.com/gcu-memory", Vendor::Enflame),
    device("kunlunxin.com/xpu", Vendor::Kunlunxin, "kunlunxin.com/xpu"),
    slice("kunlunxin.com/vxpu", Vendor::Kunlunxin, "kunlunxin.com/xpu"),
    quantity("kunlunxin.com/vxpu-memory", Vendor::Kunlunxin),
    device("vastaitech.com/va", Vendor::Vastai, "vastaitech.com/va"),
    device("birentech.com/gpu", Vendor::Biren, "birentech.com/gpu"),
    // The vendors' own plugins.
    device("furiosa.ai/rngd", Vendor::Furiosa, "furiosa.ai/rngd"),
    device("furiosa.ai/npu", Vendor::Furiosa, "furiosa.ai/npu"),
    device("alpha.furiosa.ai/npu", Vendor::Furiosa, "alpha.furiosa.ai/npu"),
    device("beta.furiosa.ai/npu", Vendor::Furiosa, "beta.furiosa.ai/npu"),
    device("rebellions.ai/ATOM", Vendor::Rebellions, "rebellions.ai/ATOM"),
    device("qualcomm.com/qaic", Vendor::Qualcomm, "qualcomm.com/qaic"),
    // RDMA and network devices: Mellanox/network-operator, EFA, GKE multi-networking, VKE.
    companion("vpc.amazonaws.com/efa"),
    pattern(Between("rdma/", ""), Class::Companion, Vendor::Any, None),
    companion("nvidia.com/rdma-vf"),
    companion("nvidia.com/mlnxnics"),
    companion("nvidia.com/hostdev"),
    companion("nvidia.com/sriovlegacy"),
    pattern(Between("networking.gke.io.networks/", ""), Class::Companion, Vendor::Any, None),
    companion("vke.volcengine.com/rdma"),
];

const fn pattern(
    name: Name,
    class: Class,
    vendor: Vendor,
    taint: Option<&'static str>,
) -> Resource {
    let collective = matches!(class, Class::Device | Class::Slice);
    Resource {
        name,
        vendor,
        class,
        taint,
        collective,
    }
}

const fn device(name: &'static str, vendor: Vendor, taint: &'static str) -> Resource {
    pattern(Name::Exact(name), Class::Device, vendor, Some(taint))
}

const fn slice(name: &'static str, vendor: Vendor, taint: &'static str) -> Resource {
    pattern(Name::Exact(name), Class::Slice, vendor, Some(taint))
}

const fn quantity(name: &'static str, vendor: Vendor) -> Resource {
    pattern(Name::Exact(name), Class::Quantity, vendor, None)
}

const fn companion(name: &'static str) -> Resource {
    pattern(Name::Exact(name), Class::Companion, Vendor::Any, None)
}

/// What is known about a resource name.
///
/// ```
/// use tollgate_gpu::{Class, lookup};
///
/// assert_eq!(lookup("amd.com/cpx_nps4").map(|known| known.class), Some(Class::Slice));
/// assert!(lookup("example.com/foo").is_none());
/// ```
#[must_use]
pub fn lookup(name: &str) -> Option<&'static Resource> {
    // Most names are `cpu` and `memory`, and those of no row.
    if !name.contains('/') {
        return None;
    }
    RESOURCES
        .iter()
        .find(|resource| resource.name.matches(name))
}

/// Whether the name asks for an accelerator, in devices, slices or quantities of one.
#[must_use]
pub fn is_accelerator(name: &str) -> bool {
    lookup(name).is_some_and(|resource| resource.class != Class::Companion)
}

/// Whether a taint of this key marks nodes with accelerators.
#[must_use]
pub fn is_taint_key(key: &str) -> bool {
    RESOURCES.iter().any(|resource| resource.taint == Some(key))
}

impl Resource {
    /// Whether the number counts devices or fractions of them.
    #[must_use]
    pub fn counts_devices(&self) -> bool {
        matches!(self.class, Class::Device | Class::Slice)
    }

    /// The name, unless this row is a pattern of names.
    #[must_use]
    pub const fn exact_name(&self) -> Option<&'static str> {
        match self.name {
            Name::Exact(name) => Some(name),
            _ => None,
        }
    }

    /// One process per container, or none that may share memory.
    const fn alone(self) -> Self {
        Self {
            collective: false,
            ..self
        }
    }
}

/// The rows that stand for one name.
pub fn exact_resources() -> impl Iterator<Item = (&'static str, &'static Resource)> {
    RESOURCES
        .iter()
        .filter_map(|resource| Some((resource.exact_name()?, resource)))
}

/// The compute mode and the memory mode of an AMD partition, such as `cpx` and `4`.
pub(crate) fn amd_partition(name: &str) -> Option<(&str, &str)> {
    let (compute, memory) = name.strip_prefix("amd.com/")?.split_once("_nps")?;
    let letters = compute.len() == 3 && compute.ends_with("px");
    let digit = memory.len() == 1 && memory.starts_with(|digit: char| digit.is_ascii_digit());
    (letters && digit).then_some((compute, memory))
}

impl Name {
    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Exact(exact) => *exact == name,
            Self::Between(prefix, suffix) => {
                name.len() > prefix.len() + suffix.len()
                    && name.starts_with(prefix)
                    && name.ends_with(suffix)
            }
            Self::Mig => MigName::from_resource(name).is_some(),
            Self::AmdPartition => amd_partition(name).is_some(),
            Self::Passthrough => is_model_name(name),
            Self::VirtualGpu => is_model_name(name) && ends_as_virtual_gpu(name),
        }
    }
}

/// `nvidia.com/GA102GL_A10`, `nvidia.com/A100`: a capital first, and a digit somewhere.
fn is_model_name(name: &str) -> bool {
    name.strip_prefix("nvidia.com/").is_some_and(|model| {
        model.starts_with(|first: char| first.is_ascii_uppercase())
            && model.contains(|letter: char| letter.is_ascii_digit())
            && !model.starts_with("GPU")
            && !model.starts_with("MIG")
    })
}

/// `GRID_T4-1Q`, `NVIDIA_A10-12C`: gigabytes of frame buffer and a licence series.
fn ends_as_virtual_gpu(name: &str) -> bool {
    name.rsplit_once('-')
        .and_then(|(_, size)| size.strip_suffix(['A', 'B', 'C', 'Q']))
        .is_some_and(|size| !size.is_empty() && size.bytes().all(|digit| digit.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::{
        Class, Name, RESOURCES, Vendor, exact_resources, is_accelerator, is_taint_key, lookup,
    };

    fn class(name: &str) -> Option<Class> {
        lookup(name).map(|resource| resource.class)
    }

    #[test]
    fn every_name_has_a_domain() {
        for resource in RESOURCES {
            let name = match resource.name {
                Name::Exact(name) | Name::Between(name, _) => name,
                Name::Mig | Name::Passthrough | Name::VirtualGpu => "nvidia.com/",
                Name::AmdPartition => "amd.com/",
            };
            assert!(name.contains('/'), "{name}");
        }
    }

    #[test]
    fn maps_every_nvidia_name_to_the_vendor_taint() {
        for name in [
            "nvidia.com/gpu",
            "nvidia.com/gpu.shared",
            "nvidia.com/mig-1g.5gb",
            "nvidia.com/mig-1g.10gb.me",
            "nvidia.com/mig-2g.20gb.shared",
            "nvidia.com/pgpu",
            "nvidia.com/A100",
            "nvidia.com/GRID_T4-1Q",
            "deviceclass.resource.kubernetes.io/mig.nvidia.com",
        ] {
            let resource = lookup(name).unwrap();
            assert_eq!(resource.taint, Some("nvidia.com/gpu"), "{name}");
            assert_eq!(resource.vendor, Vendor::Nvidia, "{name}");
        }
    }

    #[test]
    fn tells_devices_from_slices_quantities_and_companions() {
        for (name, expected) in [
            ("nvidia.com/gpu", Class::Device),
            ("nvidia.com/GA102GL_A10", Class::Device),
            ("google.com/tpu", Class::Device),
            ("huawei.com/Ascend910B4", Class::Device),
            ("nvidia.com/gpu.shared", Class::Slice),
            ("nvidia.com/mig-7g.80gb", Class::Slice),
            ("nvidia.com/NVIDIA_A10-12C", Class::Slice),
            ("amd.com/cpx_nps4", Class::Slice),
            ("aws.amazon.com/neuroncore", Class::Slice),
            ("huawei.com/Ascend910-16c", Class::Slice),
            ("huawei.com/Ascend310P-4c.3cpu", Class::Slice),
            ("iluvatar.ai/MR-V100-vgpu", Class::Slice),
            ("nvidia.com/gpumem", Class::Quantity),
            ("nvidia.com/gpumem-percentage", Class::Quantity),
            ("nvidia.com/priority", Class::Quantity),
            ("huawei.com/Ascend910B4-memory", Class::Quantity),
            ("cambricon.com/mlu370.smlu.vcore", Class::Quantity),
            ("cambricon.com/mlu.smlu.vmemory", Class::Quantity),
            ("iluvatar.ai/BI-V150.vMem", Class::Quantity),
            ("metax-tech.com/vmemory", Class::Quantity),
            ("aliyun.com/gpu-mem", Class::Quantity),
            ("rdma/hca_shared_devices_a", Class::Companion),
            ("vpc.amazonaws.com/efa", Class::Companion),
            ("networking.gke.io.networks/vpc1.IP", Class::Companion),
            ("nvidia.com/hostdev", Class::Companion),
        ] {
            assert_eq!(class(name), Some(expected), "{name}");
        }
    }

    #[test]
    fn knows_nothing_of_other_names() {
        for name in [
            "cpu",
            "memory",
            "ephemeral-storage",
            "hugepages-2Mi",
            "example.com/foo",
            "smarter-devices/fuse",
            "nvidia.com/gpus",
            "nvidia.com/GPU",
            "nvidia.com/MIG-1g.5gb",
            "amd.com/cpx_nps",
            "rdma/",
        ] {
            assert_eq!(class(name), None, "{name}");
        }
    }

    #[test]
    fn quantities_count_as_accelerators_and_companions_do_not() {
        assert!(is_accelerator("nvidia.com/gpu"));
        assert!(is_accelerator("aliyun.com/gpu-mem"));
        assert!(!is_accelerator("rdma/ib"));
        assert!(!is_accelerator("cpu"));
    }

    #[test]
    fn only_what_counts_devices_has_a_taint_and_processes() {
        for resource in RESOURCES {
            assert_eq!(
                resource.taint.is_some(),
                resource.counts_devices(),
                "{resource:?}"
            );
            assert!(
                resource.counts_devices() || !resource.collective,
                "{resource:?}"
            );
        }
    }

    #[test]
    fn shared_memory_matters_to_devices_but_not_to_tpus_or_mig() {
        for name in [
            "nvidia.com/gpu",
            "habana.ai/gaudi",
            "aws.amazon.com/neuron",
            "amd.com/gpu",
        ] {
            assert!(lookup(name).unwrap().collective, "{name}");
        }
        for name in [
            "google.com/tpu",
            "nvidia.com/mig-1g.5gb",
            "nvidia.com/gpu.shared",
        ] {
            assert!(!lookup(name).unwrap().collective, "{name}");
        }
    }

    #[test]
    fn recognises_taint_keys() {
        assert!(is_taint_key("nvidia.com/gpu"));
        assert!(is_taint_key("google.com/tpu"));
        assert!(!is_taint_key("nvidia.com/mig-1g.5gb"));
        assert!(!is_taint_key("dedicated"));
    }

    #[test]
    fn every_exact_row_can_be_reached_and_occurs_once() {
        for (name, resource) in exact_resources() {
            let found = lookup(name).unwrap();
            assert!(
                std::ptr::eq(found, resource),
                "{name} is hidden by {found:?}"
            );
        }
    }
}
