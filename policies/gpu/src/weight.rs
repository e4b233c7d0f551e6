//! What part of a GPU a resource name stands for.

use crate::{
    mig::MigName,
    model::{MODELS, Model},
    resource::{Class, Resource, amd_partition, lookup},
};

/// A whole GPU in the unit of weights: a 56th is exact for sevenths, eighths, quarters and halves.
pub const WHOLE: u32 = 56;

/// Parts of an AMD GPU by compute mode, in 56ths. MI300X has eight dies; MI300A, which has six,
/// knows `tpx`, a third, rounded up.
const AMD_MODES: [(&str, u32); 5] = [
    ("spx", 56),
    ("dpx", 28),
    ("tpx", 19),
    ("qpx", 14),
    ("cpx", 7),
];

/// A NeuronCore in 56ths: chips have two cores (Inferentia2, Trainium) or more, so at most half.
const NEURON_CORE: u32 = 28;

/// The models that a pod may get, as far as anything tells.
#[derive(Clone, Copy, Debug, Default)]
pub struct Candidates<'a> {
    /// The models that the pod selects: none when it selects none, several when a label is
    /// ambiguous.
    pub selected: &'a [&'static Model],
    /// The models that the cluster has; none when unknown.
    pub cluster: &'a [&'static Model],
}

/// The share of a GPU that one unit of this resource takes, in 56ths.
///
/// Whole devices weigh [`WHOLE`], quantities and companions nothing. A MIG name may stand for
/// different shares on different boards: it is resolved on the models that the pod selects, else
/// on those of the cluster, else on every known model, leaving out those that cannot be cut so,
/// and of several weights the largest counts. What nothing tells, such as the share of a
/// time-sliced GPU, weighs a whole one. Names that this crate does not know have no weight.
///
/// ```
/// use tollgate_gpu::{Candidates, Model, weight_56ths};
///
/// let selected = [Model::parse("A100-80GB")?];
/// let known = Candidates { selected: &selected, ..Candidates::default() };
/// assert_eq!(weight_56ths("nvidia.com/mig-1g.10gb", &known), Some(8));
/// assert_eq!(weight_56ths("nvidia.com/mig-1g.10gb", &Candidates::default()), Some(14));
/// assert_eq!(weight_56ths("nvidia.com/gpu", &known), Some(56));
/// # Ok::<(), tollgate_gpu::ModelError>(())
/// ```
#[must_use]
pub fn weight_56ths(name: &str, candidates: &Candidates<'_>) -> Option<u32> {
    let resource = lookup(name)?;
    Some(match resource.class {
        Class::Device => WHOLE,
        Class::Quantity | Class::Companion => 0,
        Class::Slice => slice(name, resource, candidates),
    })
}

fn slice(name: &str, resource: &Resource, candidates: &Candidates<'_>) -> u32 {
    let Candidates { selected, cluster } = *candidates;
    if let Some(mig) = MigName::from_resource(name) {
        return [selected, cluster, MODELS]
            .into_iter()
            .find_map(|models| largest(mig, models))
            .unwrap_or(WHOLE);
    }
    if let Some((mode, _)) = amd_partition(name) {
        return AMD_MODES
            .iter()
            .find(|(known, _)| *known == mode)
            .map_or(WHOLE, |(_, w)| *w);
    }
    if resource.exact_name() == Some("aws.amazon.com/neuroncore") {
        return NEURON_CORE;
    }
    WHOLE
}

fn largest(mig: MigName, models: &[&Model]) -> Option<u32> {
    models
        .iter()
        .filter_map(|model| model.board?.find(mig))
        .map(|profile| profile.weight_56ths)
        .max()
}

#[cfg(test)]
mod tests {
    use super::{Candidates, weight_56ths};
    use crate::model::Model;

    fn weight(name: &str, selected: &[&str], cluster: &[&str]) -> Option<u32> {
        let models = |ids: &[&str]| {
            ids.iter()
                .map(|id| Model::parse(id).unwrap())
                .collect::<Vec<_>>()
        };
        let (selected, cluster) = (models(selected), models(cluster));
        weight_56ths(
            name,
            &Candidates {
                selected: &selected,
                cluster: &cluster,
            },
        )
    }

    #[test]
    fn the_same_name_weighs_by_the_board() {
        assert_eq!(
            weight("nvidia.com/mig-1g.10gb", &["A100-80GB"], &[]),
            Some(8)
        );
        assert_eq!(
            weight("nvidia.com/mig-1g.10gb", &["A100-40GB"], &[]),
            Some(14)
        );
        assert_eq!(
            weight("nvidia.com/mig-1g.24gb", &["H100-NVL"], &[]),
            Some(14)
        );
        assert_eq!(
            weight("nvidia.com/mig-1g.24gb", &["RTX-PRO-6000"], &[]),
            Some(14)
        );
        assert_eq!(
            weight("nvidia.com/mig-1g.24gb", &["RTX-PRO-5000"], &[]),
            Some(28)
        );
        assert_eq!(weight("nvidia.com/mig-1g.35gb", &["H200"], &[]), Some(14));
        assert_eq!(weight("nvidia.com/mig-1g.35gb", &["GB300"], &[]), Some(8));
        assert_eq!(
            weight("nvidia.com/mig-2g.48gb", &["RTX-PRO-6000"], &[]),
            Some(28)
        );
        assert_eq!(weight("nvidia.com/mig-4g.48gb", &["H20"], &[]), Some(32));
    }

    #[test]
    fn an_ambiguous_name_weighs_the_most_it_can() {
        assert_eq!(weight("nvidia.com/mig-1g.10gb", &[], &[]), Some(14));
        assert_eq!(weight("nvidia.com/mig-1g.24gb", &[], &[]), Some(28));
        assert_eq!(weight("nvidia.com/mig-2g.48gb", &[], &[]), Some(56));
        assert_eq!(
            weight("nvidia.com/mig-1g.10gb", &["A100-40GB", "A100-80GB"], &[]),
            Some(14)
        );
        assert_eq!(weight("nvidia.com/mig-1g.11gb", &[], &[]), Some(56));
    }

    #[test]
    fn the_models_of_the_cluster_decide_where_the_pod_selects_none() {
        assert_eq!(
            weight("nvidia.com/mig-1g.10gb", &[], &["H100-80GB"]),
            Some(8)
        );
        assert_eq!(
            weight("nvidia.com/mig-1g.10gb", &[], &["H100-80GB", "A100-40GB"]),
            Some(14)
        );
        assert_eq!(
            weight("nvidia.com/mig-1g.10gb", &["A100-80GB"], &["A100-40GB"]),
            Some(8)
        );
        assert_eq!(weight("nvidia.com/mig-1g.10gb", &[], &["L4"]), Some(14));
    }

    #[test]
    fn a_share_of_a_slice_weighs_as_the_slice() {
        assert_eq!(
            weight("nvidia.com/mig-3g.40gb.shared", &[], &["H100-80GB"]),
            Some(28)
        );
    }

    #[test]
    fn amd_partitions_weigh_by_their_mode() {
        assert_eq!(weight("amd.com/spx_nps1", &[], &[]), Some(56));
        assert_eq!(weight("amd.com/dpx_nps2", &[], &[]), Some(28));
        assert_eq!(weight("amd.com/qpx_nps1", &[], &[]), Some(14));
        assert_eq!(weight("amd.com/cpx_nps4", &[], &[]), Some(7));
        assert_eq!(weight("amd.com/zpx_nps4", &[], &[]), Some(56));
    }

    #[test]
    fn only_devices_and_slices_weigh() {
        assert_eq!(weight("nvidia.com/gpu", &["A100-40GB"], &[]), Some(56));
        assert_eq!(weight("nvidia.com/gpu.shared", &[], &[]), Some(56));
        assert_eq!(weight("aws.amazon.com/neuroncore", &[], &[]), Some(28));
        assert_eq!(weight("nvidia.com/gpumem", &[], &[]), Some(0));
        assert_eq!(weight("rdma/hca", &[], &[]), Some(0));
        assert_eq!(weight("example.com/gpu", &[], &[]), None);
    }
}
