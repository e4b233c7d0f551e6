//! Misspelt resource names: what was meant, and what is merely unknown.
//!
//! A misspelt name leaves a pod pending for ever, so it is worth refusing; a strange but right
//! name must never be. So a name is only called misspelt where it cannot well be anything else:
//! near a known name of the same vendor, and neither a model's name nor a word of its own.

use crate::{
    distance::within,
    mig::MigName,
    resource::{Class, Resource, amd_partition, exact_resources, lookup},
};

/// What to think of a resource name.
#[derive(Debug)]
pub enum Suspicion {
    /// A name of the table.
    Known(&'static Resource),
    /// Not a name of the table, but nearly this one.
    Typo(String),
    /// A name that sounds like an accelerator, or that an accelerator vendor could have given.
    UnknownAccelerator,
    /// A name of something else.
    Other,
}

/// Names that are so far from what is meant that only a list can tell.
const ALIASES: [(&str, &str); 21] = [
    ("gpu", "nvidia.com/gpu"),
    ("gpus", "nvidia.com/gpu"),
    ("nvidia", "nvidia.com/gpu"),
    ("nvidiagpu", "nvidia.com/gpu"),
    ("nvidia-gpu", "nvidia.com/gpu"),
    ("nvidia_gpu", "nvidia.com/gpu"),
    ("nvidia.gpu", "nvidia.com/gpu"),
    ("nvidia.com", "nvidia.com/gpu"),
    ("nvidia.com.gpu", "nvidia.com/gpu"),
    ("nvidia.com-gpu", "nvidia.com/gpu"),
    ("nvidia.com/nvidia-gpu", "nvidia.com/gpu"),
    ("kubernetes.io/gpu", "nvidia.com/gpu"),
    ("alpha.kubernetes.io/nvidia-gpu", "nvidia.com/gpu"),
    ("amd-gpu", "amd.com/gpu"),
    ("amdgpu", "amd.com/gpu"),
    ("amd.gpu", "amd.com/gpu"),
    ("tpu", "google.com/tpu"),
    ("tpus", "google.com/tpu"),
    ("neuron", "aws.amazon.com/neuron"),
    ("gaudi", "habana.ai/gaudi"),
    ("hpu", "habana.ai/gaudi"),
];

/// Words that name a kind of accelerator: as a whole local name they are not a misspelling.
const WORDS: [&str; 15] = [
    "gpu",
    "vgpu",
    "sgpu",
    "pgpu",
    "npu",
    "tpu",
    "xpu",
    "vxpu",
    "ppu",
    "dcu",
    "hcu",
    "gcu",
    "mlu",
    "mig",
    "accelerator",
];

/// Domains under which every name is likely to be an accelerator.
const DOMAINS: [&str; 19] = [
    "nvidia.com",
    "amd.com",
    "gpu.intel.com",
    "npu.intel.com",
    "habana.ai",
    "google.com",
    "aws.amazon.com",
    "huawei.com",
    "cambricon.com",
    "hygon.com",
    "iluvatar.ai",
    "iluvatar.com",
    "metax-tech.com",
    "mthreads.com",
    "enflame.com",
    "kunlunxin.com",
    "furiosa.ai",
    "rebellions.ai",
    "qualcomm.com",
];

/// Parts of the names that sites give to network devices, often under `nvidia.com`.
const NETWORK: [&str; 9] = [
    "rdma",
    "sriov",
    "mlnx",
    "hostdev",
    "roce",
    "nic",
    "infiniband",
    "hca",
    "switchdev",
];

const SEPARATORS: [char; 3] = ['-', '_', '.'];

/// What to think of a resource name: known, misspelt, unknown, or none of our business.
///
/// Only for names under a container's limits and requests: some kinds have keys of their own that
/// are right there, such as the bare `gpu` of a DynamoGraphDeployment.
#[must_use]
pub fn suspicion(name: &str) -> Suspicion {
    match (lookup(name), nearest(name)) {
        (Some(resource), _) => Suspicion::Known(resource),
        (None, Some(meant)) => Suspicion::Typo(meant),
        (None, None) if sounds_like_an_accelerator(name) => Suspicion::UnknownAccelerator,
        (None, None) => Suspicion::Other,
    }
}

/// The name that was probably meant by one that is not known; nothing for names that are known,
/// or that may be right.
///
/// ```
/// use tollgate_gpu::nearest;
///
/// assert_eq!(nearest("nvidia.com/mig1g.5gb").as_deref(), Some("nvidia.com/mig-1g.5gb"));
/// assert_eq!(nearest("gpu").as_deref(), Some("nvidia.com/gpu"));
/// assert_eq!(nearest("example.com/gpu"), None);
/// ```
#[must_use]
pub fn nearest(name: &str) -> Option<String> {
    if lookup(name).is_some() {
        return None;
    }
    let folded = name.to_ascii_lowercase();
    let typed = folded.strip_prefix("requests.").unwrap_or(&folded);
    alias(typed)
        .or_else(|| repaired_mig(typed))
        .or_else(|| repaired_partition(typed))
        .or_else(|| closest(typed))
}

fn alias(typed: &str) -> Option<String> {
    ALIASES
        .iter()
        .find(|(alias, _)| *alias == typed)
        .map(|(_, meant)| (*meant).to_owned())
}

/// `nvidia.com/mig1g.5gb`, `nvidia.com/mig_1g.5gb`, `nvidia/1g.5gb`, `mig-1g.10gb+me`: anything
/// with the two numbers of a profile in their places.
fn repaired_mig(typed: &str) -> Option<String> {
    let (domain, local) = typed.split_once('/').unwrap_or(("nvidia.com", typed));
    domain_distance(domain, "nvidia.com")?;
    let rest = local
        .strip_prefix("mig")
        .unwrap_or(local)
        .trim_start_matches(SEPARATORS);
    let (slices, rest) = leading_number(rest)?;
    let rest = rest.strip_prefix('g')?.trim_start_matches(SEPARATORS);
    let (memory, rest) = leading_number(rest)?;
    let rest = rest
        .strip_prefix("gb")
        .or_else(|| rest.strip_prefix('g'))
        .unwrap_or(rest);
    let suffix = rest.replace(['+', '_'], ".");
    let name = format!("nvidia.com/mig-{slices}g.{memory}gb{suffix}");
    MigName::from_resource(&name).map(|_| name)
}

fn leading_number(text: &str) -> Option<(u16, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    Some((number.parse().ok()?, rest))
}

/// `amd.com/CPX-NPS4`.
fn repaired_partition(typed: &str) -> Option<String> {
    let name = typed.replace('-', "_");
    amd_partition(&name).is_some().then_some(name)
}

/// The known name with the fewest edits; of equals the first of the table.
fn closest(typed: &str) -> Option<String> {
    let (domain, local) = typed.split_once('/')?;
    exact_resources()
        .filter(|(_, resource)| resource.class != Class::Companion)
        .filter_map(|(name, _)| {
            let (known_domain, known_local) = name.split_once('/')?;
            let distance = domain_distance(domain, known_domain)?
                + local_distance(local, &known_local.to_ascii_lowercase())?;
            (distance <= 2).then_some((distance, name))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name.to_owned())
}

/// Edits between domains; none for the vendor's bare name, as in `nvidia/gpu`. A short domain
/// allows one edit only: two turn `arm.com` into `amd.com`.
fn domain_distance(typed: &str, known: &str) -> Option<usize> {
    let limit = if known.len() < 10 { 1 } else { 2 };
    let bare = known
        .split_once('.')
        .is_some_and(|(first, _)| first == typed);
    if bare {
        Some(0)
    } else {
        within(typed, known, limit)
    }
}

fn local_distance(typed: &str, known: &str) -> Option<usize> {
    if typed == known {
        return Some(0);
    }
    if may_be_right(typed) || has_digit(typed) || has_digit(known) {
        return None;
    }
    let limit = match typed.len() {
        0..=2 => 0,
        3..=4 => 1,
        _ => 2,
    };
    within(typed, known, limit)
}

/// A word of its own, or a site's name for GPUs of one kind, such as `gpu-a100` or `gpu-shared`:
/// the device plugin lets a site rename resources as it likes.
fn may_be_right(local: &str) -> bool {
    WORDS.contains(&local)
        || local
            .strip_prefix("gpu")
            .is_some_and(|rest| rest.starts_with(SEPARATORS))
}

/// Names with numbers are models' names, where another letter is another model.
fn has_digit(local: &str) -> bool {
    local.contains(|letter: char| letter.is_ascii_digit())
}

fn sounds_like_an_accelerator(name: &str) -> bool {
    let folded = name.to_ascii_lowercase();
    let Some((domain, local)) = folded.split_once('/') else {
        return false;
    };
    if NETWORK.iter().any(|word| local.contains(word)) {
        return false;
    }
    DOMAINS.contains(&domain)
        || local.contains("gpu")
        || local
            .split(|letter: char| !letter.is_ascii_alphanumeric())
            .any(|word| WORDS.contains(&word.trim_end_matches(|c: char| c.is_ascii_digit())))
}

#[cfg(test)]
mod tests {
    use super::{Suspicion, nearest, suspicion};

    #[test]
    fn names_what_was_meant() {
        for (typed, meant) in [
            ("gpu", "nvidia.com/gpu"),
            ("GPU", "nvidia.com/gpu"),
            ("nvidia/gpu", "nvidia.com/gpu"),
            ("nvidia.com/gpus", "nvidia.com/gpu"),
            ("nvidia.com/GPU", "nvidia.com/gpu"),
            ("NVIDIA.com/gpu", "nvidia.com/gpu"),
            ("nvidia.com/gup", "nvidia.com/gpu"),
            ("nvdia.com/gpu", "nvidia.com/gpu"),
            ("nividia.com/gpus", "nvidia.com/gpu"),
            ("nvidia.io/gpu", "nvidia.com/gpu"),
            ("requests.nvidia.com/gpu", "nvidia.com/gpu"),
            ("alpha.kubernetes.io/nvidia-gpu", "nvidia.com/gpu"),
            ("nvidia.com/gpucore", "nvidia.com/gpucores"),
            ("amd.com/gpus", "amd.com/gpu"),
            ("amd/gpu", "amd.com/gpu"),
            ("google/tpu", "google.com/tpu"),
            ("google.com/tpus", "google.com/tpu"),
            ("aws.amazon.com/neuroncores", "aws.amazon.com/neuroncore"),
            ("habana.ai/guadi", "habana.ai/gaudi"),
            ("huawei.com/ascend910b4", "huawei.com/Ascend910B4"),
            ("rebellions.ai/atom", "rebellions.ai/ATOM"),
        ] {
            assert_eq!(nearest(typed).as_deref(), Some(meant), "{typed}");
        }
    }

    #[test]
    fn repairs_mig_names_and_partitions() {
        for (typed, meant) in [
            ("nvidia.com/mig1g.5gb", "nvidia.com/mig-1g.5gb"),
            ("nvidia.com/mig_1g.5gb", "nvidia.com/mig-1g.5gb"),
            ("nvidia.com/MIG-1g.5gb", "nvidia.com/mig-1g.5gb"),
            ("nvidia.com/mig-1g.5GB", "nvidia.com/mig-1g.5gb"),
            ("nvidia.com/mig-1g5gb", "nvidia.com/mig-1g.5gb"),
            ("nvidia.com/mig-1g-5gb", "nvidia.com/mig-1g.5gb"),
            ("nvidia.com/mig-1g.05gb", "nvidia.com/mig-1g.5gb"),
            ("nvidia.com/mig-3g.40", "nvidia.com/mig-3g.40gb"),
            ("nvidia.com/3g.40gb", "nvidia.com/mig-3g.40gb"),
            ("nvidia/mig-3g.40gb", "nvidia.com/mig-3g.40gb"),
            ("mig-3g.40gb", "nvidia.com/mig-3g.40gb"),
            ("nvidia.com/mig-1g.10gb+me", "nvidia.com/mig-1g.10gb.me"),
            (
                "nvidia.com/mig1g.5gb.shared",
                "nvidia.com/mig-1g.5gb.shared",
            ),
            ("amd.com/CPX_NPS4", "amd.com/cpx_nps4"),
            ("amd.com/cpx-nps4", "amd.com/cpx_nps4"),
        ] {
            assert_eq!(nearest(typed).as_deref(), Some(meant), "{typed}");
        }
    }

    #[test]
    fn says_nothing_of_names_that_are_or_may_be_right() {
        for name in [
            "nvidia.com/gpu",
            "nvidia.com/mig-1g.5gb",
            "nvidia.com/A100",
            "nvidia.com/GRID_T4-1Q",
            "nvidia.com/GA102GL_A10",
            "nvidia.com/gpu-a100",
            "nvidia.com/gpu-shared",
            "nvidia.com/vgpu",
            "nvidia.com/h100",
            "nvidia.com/rdma-vf2",
            "nvidia.com/mig-9g.90gb",
            "amd.com/npu",
            "arm.com/gpu",
            "huawei.com/Ascend950",
            "huawei.com/Ascend910D",
            "furiosa.ai/rngd2",
            "example.com/foo",
            "example.com/gpu",
            "smarter-devices/fuse",
            "cpu",
            "memory",
            "ephemeral-storage",
            "hugepages-2Mi",
            "rdma/hca_shared_devices_a",
            "intel.com/sriov_111",
            "1g.foo",
            "",
            "/",
        ] {
            assert_eq!(nearest(name), None, "{name}");
        }
    }

    #[test]
    fn suspects_only_what_sounds_like_an_accelerator() {
        for name in [
            "example.com/gpu",
            "example.com/my-gpus",
            "example.com/npu0",
            "nvidia.com/gpu-a100",
            "nvidia.com/h100",
            "amd.com/npu",
            "google.com/something",
            "nvidia.com/mig-9g.90gb",
        ] {
            assert!(
                matches!(suspicion(name), Suspicion::UnknownAccelerator),
                "{name}"
            );
        }
        for name in [
            "cpu",
            "hugepages-2Mi",
            "example.com/foo",
            "example.com/input",
            "smarter-devices/fuse",
            "nvidia.com/mlnx_sriov_rdma_ib",
            "nvidia.com/rdma_vf_rail0",
            "intel.com/sriov_111",
            "openshift.io/mlxnics",
            "deviceclass.resource.kubernetes.io/nic",
        ] {
            assert!(matches!(suspicion(name), Suspicion::Other), "{name}");
        }
        assert!(matches!(suspicion("rdma/ib"), Suspicion::Known(_)));
        assert!(
            matches!(suspicion("nvidia.com/gpus"), Suspicion::Typo(name) if name == "nvidia.com/gpu")
        );
    }
}
