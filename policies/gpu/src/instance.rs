//! Instance types of clouds and the accelerators in them.
//!
//! AWS: aws/karpenter-provider-aws generated instance types and the EC2 pages. Google: Compute
//! Engine GPU machine types. Azure: VM size pages. Oracle: compute shapes. Vast as they are, these
//! lists are general knowledge: look a row up before a rule denies by it. Instances with a part of
//! a GPU (`g6f`, `gr6f`, the small `NVads_A10`) are left out, since they advertise no device.

use crate::{label::Models, model};

/// An instance type with accelerators.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Instance {
    /// The type, as `node.kubernetes.io/instance-type` has it.
    pub name: &'static str,
    /// The model in it, as the one element of a slice.
    pub models: Models,
    /// How many devices it has.
    pub count: u32,
}

struct Group {
    models: Models,
    types: &'static [(&'static str, u32)],
}

#[rustfmt::skip]
static GROUPS: &[Group] = &[
    Group { models: &[&model::V100_16GB], types: &[
        ("p3.2xlarge", 1), ("p3.8xlarge", 4), ("p3.16xlarge", 8),
        ("Standard_NC6s_v3", 1), ("Standard_NC12s_v3", 2), ("Standard_NC24s_v3", 4),
        ("Standard_NC24rs_v3", 4),
        ("VM.GPU3.1", 1), ("VM.GPU3.2", 2), ("VM.GPU3.4", 4), ("BM.GPU3.8", 8),
    ]},
    Group { models: &[&model::V100_32GB], types: &[
        ("p3dn.24xlarge", 8), ("Standard_ND40rs_v2", 8),
    ]},
    Group { models: &[&model::A100_40GB], types: &[
        ("p4d.24xlarge", 8),
        ("a2-highgpu-1g", 1), ("a2-highgpu-2g", 2), ("a2-highgpu-4g", 4), ("a2-highgpu-8g", 8),
        ("a2-megagpu-16g", 16),
        ("Standard_ND96asr_v4", 8),
        ("BM.GPU4.8", 8),
    ]},
    Group { models: &[&model::A100_80GB], types: &[
        ("p4de.24xlarge", 8),
        ("a2-ultragpu-1g", 1), ("a2-ultragpu-2g", 2), ("a2-ultragpu-4g", 4), ("a2-ultragpu-8g", 8),
        ("Standard_NC24ads_A100_v4", 1), ("Standard_NC48ads_A100_v4", 2),
        ("Standard_NC96ads_A100_v4", 4), ("Standard_ND96amsr_A100_v4", 8),
        ("Standard_ND96ams_A100_v4", 8),
        ("BM.GPU.A100-v2.8", 8),
    ]},
    Group { models: &[&model::H100_80GB], types: &[
        ("p5.4xlarge", 1), ("p5.48xlarge", 8),
        ("a3-highgpu-1g", 1), ("a3-highgpu-2g", 2), ("a3-highgpu-4g", 4), ("a3-highgpu-8g", 8),
        ("a3-megagpu-8g", 8), ("a3-edgegpu-8g", 8),
        ("Standard_ND96isr_H100_v5", 8), ("Standard_ND96is_H100_v5", 8),
        ("BM.GPU.H100.8", 8),
    ]},
    Group { models: &[&model::H100_NVL], types: &[
        ("Standard_NC40ads_H100_v5", 1), ("Standard_NC80adis_H100_v5", 2),
        ("Standard_NCC40ads_H100_v5", 1),
    ]},
    Group { models: &[&model::H200], types: &[
        ("p5e.48xlarge", 8), ("p5en.48xlarge", 8),
        ("a3-ultragpu-8g", 8),
        ("Standard_ND96isr_H200_v5", 8),
        ("BM.GPU.H200.8", 8),
    ]},
    Group { models: &[&model::B200], types: &[
        ("p6-b200.48xlarge", 8), ("a4-highgpu-8g", 8), ("BM.GPU.B200.8", 8),
    ]},
    Group { models: &[&model::GB200], types: &[
        ("p6e-gb200.36xlarge", 4), ("a4x-highgpu-4g", 4),
        ("Standard_ND128isr_NDR_GB200_v6", 4), ("BM.GPU.GB200.4", 4),
    ]},
    Group { models: &[&model::B300], types: &[
        ("p6-b300.48xlarge", 8), ("BM.GPU.B300.8", 8),
    ]},
    Group { models: &[&model::GB300], types: &[
        ("a4x-maxgpu-4g-metal", 4), ("Standard_ND128isr_GB300_v6", 4), ("BM.GPU.GB300.4", 4),
    ]},
    Group { models: &[&model::RTX_PRO_6000], types: &[
        ("g7e.2xlarge", 1), ("g7e.4xlarge", 1), ("g7e.8xlarge", 1), ("g7e.12xlarge", 2),
        ("g7e.24xlarge", 4), ("g7e.48xlarge", 8),
        ("g4-standard-48", 1), ("g4-standard-96", 2), ("g4-standard-192", 4),
        ("g4-standard-384", 8),
    ]},
    Group { models: &[&model::RTX_PRO_4500], types: &[
        ("g7.2xlarge", 1), ("g7.4xlarge", 1), ("g7.8xlarge", 1), ("g7.12xlarge", 2),
        ("g7.24xlarge", 4), ("g7.48xlarge", 8),
    ]},
    Group { models: &[&model::T4], types: &[
        ("g4dn.xlarge", 1), ("g4dn.2xlarge", 1), ("g4dn.4xlarge", 1), ("g4dn.8xlarge", 1),
        ("g4dn.16xlarge", 1), ("g4dn.12xlarge", 4), ("g4dn.metal", 8),
        ("Standard_NC4as_T4_v3", 1), ("Standard_NC8as_T4_v3", 1), ("Standard_NC16as_T4_v3", 1),
        ("Standard_NC64as_T4_v3", 4),
    ]},
    Group { models: &[&model::T4G], types: &[
        ("g5g.xlarge", 1), ("g5g.2xlarge", 1), ("g5g.4xlarge", 1), ("g5g.8xlarge", 1),
        ("g5g.16xlarge", 2), ("g5g.metal", 2),
    ]},
    Group { models: &[&model::A10G], types: &[
        ("g5.xlarge", 1), ("g5.2xlarge", 1), ("g5.4xlarge", 1), ("g5.8xlarge", 1),
        ("g5.16xlarge", 1), ("g5.12xlarge", 4), ("g5.24xlarge", 4), ("g5.48xlarge", 8),
    ]},
    Group { models: &[&model::A10], types: &[
        ("Standard_NV36ads_A10_v5", 1), ("Standard_NV72ads_A10_v5", 2),
        ("VM.GPU.A10.1", 1), ("VM.GPU.A10.2", 2), ("BM.GPU.A10.4", 4),
    ]},
    Group { models: &[&model::L4], types: &[
        ("g6.xlarge", 1), ("g6.2xlarge", 1), ("g6.4xlarge", 1), ("g6.8xlarge", 1),
        ("g6.16xlarge", 1), ("g6.12xlarge", 4), ("g6.24xlarge", 4), ("g6.48xlarge", 8),
        ("gr6.4xlarge", 1), ("gr6.8xlarge", 1),
        ("g2-standard-4", 1), ("g2-standard-8", 1), ("g2-standard-12", 1), ("g2-standard-16", 1),
        ("g2-standard-32", 1), ("g2-standard-24", 2), ("g2-standard-48", 4), ("g2-standard-96", 8),
    ]},
    Group { models: &[&model::L40S], types: &[
        ("g6e.xlarge", 1), ("g6e.2xlarge", 1), ("g6e.4xlarge", 1), ("g6e.8xlarge", 1),
        ("g6e.16xlarge", 1), ("g6e.12xlarge", 4), ("g6e.24xlarge", 4), ("g6e.48xlarge", 8),
        ("BM.GPU.L40S.4", 4),
    ]},
    Group { models: &[&model::MI300X], types: &[
        ("Standard_ND96isr_MI300X_v5", 8), ("Standard_ND96is_MI300X_v5", 8),
        ("BM.GPU.MI300X.8", 8),
    ]},
    Group { models: &[&model::V520], types: &[
        ("g4ad.xlarge", 1), ("g4ad.2xlarge", 1), ("g4ad.4xlarge", 1), ("g4ad.8xlarge", 2),
        ("g4ad.16xlarge", 4),
    ]},
    Group { models: &[&model::GAUDI], types: &[("dl1.24xlarge", 8)]},
    Group { models: &[&model::INFERENTIA], types: &[
        ("inf1.xlarge", 1), ("inf1.2xlarge", 1), ("inf1.6xlarge", 4), ("inf1.24xlarge", 16),
    ]},
    Group { models: &[&model::INFERENTIA_2], types: &[
        ("inf2.xlarge", 1), ("inf2.8xlarge", 1), ("inf2.24xlarge", 6), ("inf2.48xlarge", 12),
    ]},
    Group { models: &[&model::TRAINIUM], types: &[
        ("trn1.2xlarge", 1), ("trn1.32xlarge", 16), ("trn1n.32xlarge", 16),
    ]},
    Group { models: &[&model::TRAINIUM_2], types: &[("trn2.48xlarge", 16)]},
];

/// What is in an instance type, its letters in any case; nothing where it is not known.
#[must_use]
pub fn instance(instance_type: &str) -> Option<Instance> {
    GROUPS.iter().find_map(|Group { models, types }| {
        let (name, count) = types
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(instance_type))?;
        Some(Instance {
            name,
            models,
            count: *count,
        })
    })
}

/// How many accelerators an instance type has; nothing where it is not known.
///
/// ```
/// assert_eq!(tollgate_gpu::gpu_count("p5.48xlarge"), Some(8));
/// ```
#[must_use]
pub fn gpu_count(instance_type: &str) -> Option<u32> {
    instance(instance_type).map(|instance| instance.count)
}

#[cfg(test)]
mod tests {
    use super::{GROUPS, gpu_count, instance};

    #[test]
    fn counts_the_gpus_of_instance_types() {
        for (name, id, count) in [
            ("p3dn.24xlarge", "V100-32GB", 8),
            ("p4de.24xlarge", "A100-80GB", 8),
            ("g5.12xlarge", "A10G", 4),
            ("g4dn.metal", "T4", 8),
            ("a2-megagpu-16g", "A100-40GB", 16),
            ("g2-standard-24", "L4", 2),
            ("Standard_NC40ads_H100_v5", "H100-NVL", 1),
            ("standard_nc24ads_a100_v4", "A100-80GB", 1),
            ("BM.GPU.A100-v2.8", "A100-80GB", 8),
            ("trn1.32xlarge", "Trainium", 16),
        ] {
            let found = instance(name).unwrap();
            assert_eq!((found.models[0].id, found.count), (id, count), "{name}");
        }
    }

    #[test]
    fn knows_nothing_of_machines_without_whole_gpus() {
        assert_eq!(gpu_count("m5.8xlarge"), None);
        assert_eq!(gpu_count("g6f.large"), None);
    }

    #[test]
    fn every_type_has_one_model_and_occurs_once() {
        for group in GROUPS {
            assert_eq!(group.models.len(), 1);
            for (name, count) in group.types {
                let found = instance(name).unwrap();
                assert_eq!(
                    (found.models, found.count),
                    (group.models, *count),
                    "{name}"
                );
            }
        }
    }
}
