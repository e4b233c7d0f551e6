//! What node labels say about the accelerators of a node.
//!
//! Sources: NVIDIA GPU feature discovery, ROCm node labeller, GKE, EKS, Karpenter and Cluster
//! Autoscaler labels as manifests and the tools' code write them; CoreWeave's labels.

use crate::{
    instance::instance,
    mig::MigName,
    model::{self, Model},
};

/// Models that a label or a name may mean; more than one where it does not tell the memory.
pub type Models = &'static [&'static Model];

/// How the values of a label are read.
enum Reading {
    /// A product name in some spelling.
    Product,
    /// An instance type of a cloud.
    Instance,
    /// Listed in [`EXACT`] and nowhere else.
    Listed,
}

const PRODUCT: &str = "nvidia.com/gpu.product";
const GKE: &str = "cloud.google.com/gke-accelerator";
const GKE_TPU: &str = "cloud.google.com/gke-tpu-accelerator";
const GKE_PARTITION: &str = "cloud.google.com/gke-gpu-partition-size";
const KARPENTER: &str = "karpenter.k8s.aws/instance-gpu-name";
const EKS: &str = "eks.amazonaws.com/instance-gpu-name";

static KEYS: [(&str, Reading); 14] = [
    (PRODUCT, Reading::Product),
    (GKE, Reading::Product),
    (GKE_TPU, Reading::Listed),
    (KARPENTER, Reading::Product),
    (
        "karpenter.k8s.aws/instance-accelerator-name",
        Reading::Product,
    ),
    ("karpenter.azure.com/sku-gpu-name", Reading::Product),
    (EKS, Reading::Product),
    ("k8s.amazonaws.com/accelerator", Reading::Product),
    ("node.kubernetes.io/instance-type", Reading::Instance),
    ("beta.kubernetes.io/instance-type", Reading::Instance),
    ("gpu.nvidia.com/model", Reading::Product),
    ("gpu.nvidia.com/class", Reading::Product),
    ("amd.com/gpu.product-name", Reading::Product),
    ("beta.amd.com/gpu.product-name", Reading::Product),
];

/// Values that say more under their key than as a product name.
static EXACT: &[(&str, &str, Models)] = &[
    // GKE names the A100 of 80 GB apart, and has V100 of 16 GB only.
    (GKE, "nvidia-tesla-a100", &[&model::A100_40GB]),
    (GKE, "nvidia-tesla-v100", &[&model::V100_16GB]),
    // AWS has H100 of 80 GB only.
    (KARPENTER, "h100", &[&model::H100_80GB]),
    (EKS, "h100", &[&model::H100_80GB]),
    (GKE_TPU, "tpu-v4-podslice", &[&model::TPU_V4]),
    (GKE_TPU, "tpu-v5-lite-podslice", &[&model::TPU_V5E]),
    (GKE_TPU, "tpu-v5-lite-device", &[&model::TPU_V5E]),
    (GKE_TPU, "tpu-v5p-slice", &[&model::TPU_V5P]),
    (GKE_TPU, "tpu-v6e-slice", &[&model::TPU_V6E]),
    (GKE_TPU, "tpu7x", &[&model::TPU_7X]),
];

/// Words of product names, in capitals, and the models that they mean. The first row whose words
/// all occur counts. A row without models names a product that none of ours is; one with several
/// does not count where the name says a memory size, since that size is then none of theirs.
#[rustfmt::skip]
static PRODUCTS: &[(&[&str], Models)] = &[
    (&["A100", "40GB"], &[&model::A100_40GB]),
    (&["A100", "80GB"], &[&model::A100_80GB]),
    (&["A100"], &[&model::A100_40GB, &model::A100_80GB]),
    (&["A800", "40GB"], &[&model::A800_40GB]),
    (&["A800", "80GB"], &[&model::A800_80GB]),
    (&["A800"], &[&model::A800_40GB, &model::A800_80GB]),
    (&["H100", "NVL"], &[&model::H100_NVL]),
    (&["H100", "94GB"], &[&model::H100_NVL]),
    (&["H100", "96GB"], &[&model::H100_96GB]),
    (&["H100", "80GB"], &[&model::H100_80GB]),
    (&["H100", "PCIE"], &[&model::H100_80GB]),
    (&["H100"], &[&model::H100_80GB, &model::H100_NVL, &model::H100_96GB]),
    (&["H800", "NVL"], &[&model::H800_NVL]),
    (&["H800", "80GB"], &[&model::H800_80GB]),
    (&["H800", "PCIE"], &[&model::H800_80GB]),
    (&["H800"], &[&model::H800_80GB, &model::H800_NVL]),
    (&["H20", "3E"], &[]),
    (&["H20"], &[&model::H20]),
    (&["H200"], &[&model::H200]),
    // The 480 and 120 GB of a GH200's name are the memory of its CPU.
    (&["GH200", "144G"], &[&model::GH200_144GB]),
    (&["GH200", "144GB"], &[&model::GH200_144GB]),
    (&["GH200", "480GB"], &[&model::GH200_96GB]),
    (&["GH200", "120GB"], &[&model::GH200_96GB]),
    (&["GH200", "96GB"], &[&model::GH200_96GB]),
    (&["GH200"], &[&model::GH200_96GB, &model::GH200_144GB]),
    (&["B200"], &[&model::B200]),
    (&["GB200"], &[&model::GB200]),
    (&["B300"], &[&model::B300]),
    (&["GB300"], &[&model::GB300]),
    (&["A30"], &[&model::A30]),
    (&["RTX", "PRO", "6000"], &[&model::RTX_PRO_6000]),
    (&["RTX", "PRO", "5000", "72GB"], &[]),
    (&["RTX", "PRO", "5000"], &[&model::RTX_PRO_5000]),
    (&["RTX", "PRO", "4500"], &[&model::RTX_PRO_4500]),
    (&["T4"], &[&model::T4]),
    (&["T4G"], &[&model::T4G]),
    (&["L4"], &[&model::L4]),
    (&["L40"], &[&model::L40]),
    (&["L40S"], &[&model::L40S]),
    (&["A2"], &[&model::A2]),
    (&["A10"], &[&model::A10]),
    (&["A10G"], &[&model::A10G]),
    (&["A16"], &[&model::A16]),
    (&["A40"], &[&model::A40]),
    (&["V100", "16GB"], &[&model::V100_16GB]),
    (&["V100", "32GB"], &[&model::V100_32GB]),
    (&["V100S"], &[&model::V100_32GB]),
    (&["V100"], &[&model::V100_16GB, &model::V100_32GB]),
    (&["P100"], &[&model::P100]),
    (&["P4"], &[&model::P4]),
    (&["RTX", "6000", "ADA"], &[&model::RTX_6000_ADA]),
    (&["RTX", "A6000"], &[&model::RTX_A6000]),
    (&["RTX", "3090"], &[&model::RTX_3090]),
    (&["RTX", "4090"], &[&model::RTX_4090]),
    (&["RTX", "5090"], &[&model::RTX_5090]),
    (&["MI210"], &[&model::MI210]),
    (&["MI250"], &[&model::MI250]),
    (&["MI250X"], &[&model::MI250X]),
    (&["MI300A"], &[&model::MI300A]),
    (&["MI300X"], &[&model::MI300X]),
    (&["MI325X"], &[&model::MI325X]),
    (&["MI350X"], &[&model::MI350X]),
    (&["MI355X"], &[&model::MI355X]),
    (&["V520"], &[&model::V520]),
    (&["GAUDI"], &[&model::GAUDI]),
    (&["GAUDI2"], &[&model::GAUDI_2]),
    (&["GAUDI3"], &[&model::GAUDI_3]),
    (&["INFERENTIA"], &[&model::INFERENTIA]),
    (&["INFERENTIA2"], &[&model::INFERENTIA_2]),
    (&["TRAINIUM"], &[&model::TRAINIUM]),
    (&["TRAINIUM2"], &[&model::TRAINIUM_2]),
];

/// The labels that name a model, to be looked up in node selectors and affinities.
pub fn model_keys() -> impl Iterator<Item = &'static str> {
    KEYS.iter().map(|(key, _)| *key)
}

/// The models that a node label stands for; nothing for other labels and unknown values.
///
/// ```
/// use tollgate_gpu::model_of;
///
/// let models = model_of("nvidia.com/gpu.product", "NVIDIA-H100-80GB-HBM3-MIG-1g.10gb");
/// assert_eq!(models.map(|models| models[0].id), Some("H100-80GB"));
///
/// let models = model_of("karpenter.k8s.aws/instance-gpu-name", "a100");
/// assert_eq!(models.map(<[_]>::len), Some(2));
/// ```
#[must_use]
pub fn model_of(key: &str, value: &str) -> Option<Models> {
    let (key, reading) = KEYS.iter().find(|(known, _)| *known == key)?;
    if let Some((_, _, models)) = EXACT.iter().find(|(k, v, _)| k == key && *v == value) {
        return Some(models);
    }
    match reading {
        Reading::Product => models_of_words(value),
        Reading::Instance => instance(value).map(|instance| instance.models),
        Reading::Listed => None,
    }
}

/// The MIG profile that a node label says every whole-GPU resource of the node stands for (MIG
/// strategy `single`, GKE's partitions).
#[must_use]
pub fn partition_of(key: &str, value: &str) -> Option<MigName> {
    match key {
        GKE_PARTITION => MigName::from_profile(value),
        PRODUCT => {
            let (_, profile) = value.split_once("-MIG-")?;
            MigName::from_profile(profile.strip_suffix("-SHARED").unwrap_or(profile))
        }
        _ => None,
    }
}

/// The models of a product name in the spelling of any tool.
pub(crate) fn models_of_words(name: &str) -> Option<Models> {
    let name = name
        .split_once("-MIG-")
        .map_or(name, |(product, _)| product)
        .to_ascii_uppercase();
    let has = |wanted: &str| words(&name).any(|word| word == wanted);
    let (_, models) = PRODUCTS
        .iter()
        .find(|(needed, _)| needed.iter().all(|word| has(word)))?;
    let says_other_size = models.len() > 1 && words(&name).any(is_size);
    (!models.is_empty() && !says_other_size).then_some(*models)
}

fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|letter: char| !letter.is_ascii_alphanumeric())
}

fn is_size(word: &str) -> bool {
    let number = word.strip_suffix("GB").or_else(|| word.strip_suffix('G'));
    number.is_some_and(|n| !n.is_empty() && n.bytes().all(|digit| digit.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::{model_keys, model_of, partition_of};

    fn ids(key: &str, value: &str) -> Vec<&'static str> {
        model_of(key, value)
            .unwrap_or_default()
            .iter()
            .map(|model| model.id)
            .collect()
    }

    #[test]
    fn reads_the_products_of_feature_discovery() {
        for (value, id) in [
            ("NVIDIA-A100-SXM4-40GB", "A100-40GB"),
            ("NVIDIA-A100-PCIE-40GB", "A100-40GB"),
            ("A100-SXM4-40GB", "A100-40GB"),
            ("NVIDIA-A100-SXM4-80GB", "A100-80GB"),
            ("NVIDIA-A100-80GB-PCIe", "A100-80GB"),
            ("NVIDIA-H100-80GB-HBM3", "H100-80GB"),
            ("NVIDIA-H100-SXM4-80GB", "H100-80GB"),
            ("NVIDIA-H100-PCIe", "H100-80GB"),
            ("NVIDIA-H100-NVL", "H100-NVL"),
            ("NVIDIA-H200", "H200"),
            ("NVIDIA-H200-NVL", "H200"),
            ("NVIDIA-H20", "H20"),
            ("NVIDIA-GH200-480GB", "GH200-96GB"),
            ("NVIDIA-GH200-144G-HBM3e", "GH200-144GB"),
            ("NVIDIA-B200", "B200"),
            ("NVIDIA-GB200", "GB200"),
            ("NVIDIA-B300-SXM6-AC", "B300"),
            ("NVIDIA-L4", "L4"),
            ("NVIDIA-L40S", "L40S"),
            ("NVIDIA-A10G", "A10G"),
            ("Tesla-T4", "T4"),
            ("Tesla-V100-SXM2-16GB", "V100-16GB"),
            (
                "NVIDIA-RTX-PRO-6000-Blackwell-Server-Edition",
                "RTX-PRO-6000",
            ),
            ("NVIDIA-RTX-6000-Ada-Generation", "RTX-6000-Ada"),
        ] {
            assert_eq!(ids("nvidia.com/gpu.product", value), [id], "{value}");
        }
    }

    #[test]
    fn looks_past_the_suffixes_of_sharing_and_mig() {
        for value in [
            "NVIDIA-A100-SXM4-80GB-SHARED",
            "NVIDIA-A100-SXM4-80GB-MIG-3g.40gb",
            "NVIDIA-A100-SXM4-80GB-MIG-3g.40gb-SHARED",
            "NVIDIA-A100-SXM4-80GB-MIG-INVALID",
        ] {
            assert_eq!(
                ids("nvidia.com/gpu.product", value),
                ["A100-80GB"],
                "{value}"
            );
        }
    }

    #[test]
    fn reads_the_labels_of_clouds_and_tools() {
        for (key, value, id) in [
            (
                "cloud.google.com/gke-accelerator",
                "nvidia-tesla-a100",
                "A100-40GB",
            ),
            (
                "cloud.google.com/gke-accelerator",
                "nvidia-a100-80gb",
                "A100-80GB",
            ),
            (
                "cloud.google.com/gke-accelerator",
                "nvidia-h100-mega-80gb",
                "H100-80GB",
            ),
            (
                "cloud.google.com/gke-accelerator",
                "nvidia-h200-141gb",
                "H200",
            ),
            ("cloud.google.com/gke-accelerator", "nvidia-tesla-t4", "T4"),
            (
                "cloud.google.com/gke-accelerator",
                "nvidia-rtx-pro-6000",
                "RTX-PRO-6000",
            ),
            ("cloud.google.com/gke-accelerator", "nvidia-gb300", "GB300"),
            (
                "cloud.google.com/gke-tpu-accelerator",
                "tpu-v6e-slice",
                "TPU-v6e",
            ),
            ("karpenter.k8s.aws/instance-gpu-name", "h100", "H100-80GB"),
            (
                "karpenter.k8s.aws/instance-gpu-name",
                "rtx-pro-server-6000",
                "RTX-PRO-6000",
            ),
            (
                "karpenter.k8s.aws/instance-gpu-name",
                "radeon-pro-v520",
                "V520",
            ),
            ("eks.amazonaws.com/instance-gpu-name", "l40s", "L40S"),
            ("k8s.amazonaws.com/accelerator", "nvidia-tesla-t4", "T4"),
            (
                "node.kubernetes.io/instance-type",
                "p4d.24xlarge",
                "A100-40GB",
            ),
            (
                "beta.kubernetes.io/instance-type",
                "Standard_ND96isr_H200_v5",
                "H200",
            ),
            ("gpu.nvidia.com/class", "A100_NVLINK_80GB", "A100-80GB"),
            (
                "amd.com/gpu.product-name",
                "AMD_Instinct_MI300X_OAM",
                "MI300X",
            ),
        ] {
            assert_eq!(ids(key, value), [id], "{key}={value}");
        }
    }

    #[test]
    fn gives_every_model_that_an_ambiguous_label_may_mean() {
        assert_eq!(
            ids("karpenter.k8s.aws/instance-gpu-name", "a100"),
            ["A100-40GB", "A100-80GB"]
        );
        assert_eq!(
            ids("k8s.amazonaws.com/accelerator", "nvidia-tesla-v100"),
            ["V100-16GB", "V100-32GB"]
        );
    }

    #[test]
    fn says_nothing_of_a_memory_size_or_a_label_that_it_does_not_know() {
        for value in ["NVIDIA-A100-SXM-64GB", "NVIDIA-H20-3e", "NVIDIA-Quadro", ""] {
            assert!(ids("nvidia.com/gpu.product", value).is_empty(), "{value}");
        }
        assert!(ids("example.com/gpu", "NVIDIA-L4").is_empty());
        assert!(ids("cloud.google.com/gke-tpu-accelerator", "nvidia-l4").is_empty());
        assert!(ids("node.kubernetes.io/instance-type", "m5.large").is_empty());
    }

    #[test]
    fn reads_the_partition_of_nodes_that_are_all_cut_alike() {
        let partition = |key, value| partition_of(key, value).map(|mig| mig.profile());
        assert_eq!(
            partition("nvidia.com/gpu.product", "NVIDIA-A100-SXM4-40GB-MIG-1g.5gb").as_deref(),
            Some("1g.5gb")
        );
        assert_eq!(
            partition(
                "nvidia.com/gpu.product",
                "NVIDIA-H100-80GB-HBM3-MIG-1g.10gb.me-SHARED"
            )
            .as_deref(),
            Some("1g.10gb+me")
        );
        assert_eq!(
            partition("cloud.google.com/gke-gpu-partition-size", "2g.10gb").as_deref(),
            Some("2g.10gb")
        );
        assert_eq!(
            partition("nvidia.com/gpu.product", "NVIDIA-H200-MIG-INVALID"),
            None
        );
        assert_eq!(partition("nvidia.com/gpu.product", "NVIDIA-H200"), None);
    }

    #[test]
    fn lists_the_keys_that_it_reads() {
        assert!(model_keys().any(|key| key == "nvidia.com/gpu.product"));
        assert_eq!(model_keys().count(), 14);
    }
}
