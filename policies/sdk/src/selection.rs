//! What a pod's own node selector and required affinity say of the nodes that it needs.

use tollgate_gpu::{Model, model_of, partition_of};

use crate::{NodeTerm, Pod, cluster, site};

/// What the pod's node selector and required affinity leave of something that node labels tell; `None` where they
/// tell nothing, or contradict themselves.
///
/// `read` gives what a label of a value stands for, and nothing for labels and values that it does not know. The
/// expressions of a term must all hold and terms are alternatives; only `In` narrows.
pub fn selected<T: Copy + PartialEq>(
    pod: &Pod,
    read: impl Fn(&str, &str) -> Option<Vec<T>>,
) -> Option<Vec<T>> {
    let labels = pod.node_selectors();
    let by_label = labels
        .iter()
        .filter_map(|(key, value)| read(key, value))
        .reduce(common);
    let terms = pod.node_terms();
    // Required ones come first.
    let required = terms.iter().take_while(|term| term.required).count();
    let left = match (
        by_label,
        of_terms(terms.get(..required).unwrap_or_default(), &read),
    ) {
        (Some(by_label), Some(by_term)) => Some(common(by_label, by_term)),
        (by_label, by_term) => by_label.or(by_term),
    };
    left.filter(|left| !left.is_empty())
}

/// The GPU models that the pod selects: several where a label is ambiguous, `None` where it selects none.
pub fn selected_models(pod: &Pod) -> Option<Vec<&'static Model>> {
    pod.models().as_ref().clone()
}

pub(crate) fn read_models(pod: &Pod) -> Option<Vec<&'static Model>> {
    selected(pod, |key, value| model_of(key, value).map(<[_]>::to_vec))
}

/// The GPU models of the cluster: from the `Site` document, else all that its nodes and pools have, where those are
/// all known; empty when nobody said.
pub fn cluster_models() -> Vec<&'static Model> {
    let mut models = site::gpu_models();
    if models.is_empty() {
        let known = cluster::gpu_models().filter(|known| known.complete);
        models = known.map_or_else(Vec::new, |known| known.values);
    }
    models
        .iter()
        .filter_map(|id| Model::parse(id).ok())
        .collect()
}

/// What one `nvidia.com/gpu` is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum GpuUnit {
    /// A whole GPU.
    Whole,
    /// A MIG device of a node that is all cut alike (strategy `single`, GKE's partitions).
    Mig,
    /// A share in time, or under MPS.
    Shared,
}

/// What one `nvidia.com/gpu` is on the nodes that the pod selects: as its own selectors say, else as the nodes and
/// pools agree that they leave, else a whole GPU.
pub fn gpu_unit(pod: &Pod) -> GpuUnit {
    pod.unit()
}

pub(crate) fn read_unit(pod: &Pod) -> GpuUnit {
    let units = selected(pod, |key, value| unit_of(key, value).map(|unit| vec![unit]));
    match units.as_deref() {
        Some([unit]) => *unit,
        Some(_) => GpuUnit::Whole,
        None => unit_of_cluster(pod),
    }
}

/// What the nodes and pools that are left to the pod agree on.
fn unit_of_cluster(pod: &Pod) -> GpuUnit {
    match cluster::pod_gpu_units(pod).as_slice() {
        [one, more @ ..] if more.iter().all(|other| other.sharing == one.sharing) => {
            match (one.sharing.as_str(), &one.mig_profile) {
                ("none", None) => GpuUnit::Whole,
                ("none", Some(_)) if more.iter().all(|other| other.mig_profile.is_some()) => {
                    GpuUnit::Mig
                }
                ("none", Some(_)) => GpuUnit::Whole,
                _ => GpuUnit::Shared,
            }
        }
        _ => GpuUnit::Whole,
    }
}

fn unit_of(key: &str, value: &str) -> Option<GpuUnit> {
    let shared = match key {
        "nvidia.com/gpu.product" => value.ends_with("-SHARED"),
        "nvidia.com/gpu.sharing-strategy" => value != "none",
        "cloud.google.com/gke-gpu-sharing-strategy" => true,
        _ => false,
    };
    match shared {
        true => Some(GpuUnit::Shared),
        false => partition_of(key, value).map(|_| GpuUnit::Mig),
    }
}

/// What the alternatives leave together; `None` as soon as one of them leaves everything open.
fn of_terms<T: Copy + PartialEq>(
    terms: &[NodeTerm],
    read: &impl Fn(&str, &str) -> Option<Vec<T>>,
) -> Option<Vec<T>> {
    let alternatives = terms.chunk_by(|one, next| one.term == next.term);
    let left: Vec<Vec<T>> = alternatives
        .map(|term| {
            let narrowed = term
                .iter()
                .filter_map(|expression| values(expression, read));
            narrowed.reduce(common)
        })
        .collect::<Option<_>>()?;
    left.into_iter().reduce(union)
}

/// What an expression leaves; `None` where one of its values tells nothing.
fn values<T: Copy + PartialEq>(
    expression: &NodeTerm,
    read: &impl Fn(&str, &str) -> Option<Vec<T>>,
) -> Option<Vec<T>> {
    if expression.operator != "In" {
        return None;
    }
    let each = expression
        .values
        .iter()
        .map(|value| read(&expression.key, value));
    each.collect::<Option<Vec<_>>>()?.into_iter().reduce(union)
}

fn common<T: PartialEq>(mut left: Vec<T>, right: Vec<T>) -> Vec<T> {
    left.retain(|item| right.contains(item));
    left
}

fn union<T: PartialEq>(mut left: Vec<T>, right: Vec<T>) -> Vec<T> {
    for item in right {
        if !left.contains(&item) {
            left.push(item);
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use tollgate_gpu::model_of;

    use super::{of_terms, union};
    use crate::NodeTerm;

    fn term(term: u32, key: &str, operator: &str, values: &[&str]) -> NodeTerm {
        NodeTerm {
            term,
            key: key.to_owned(),
            operator: operator.to_owned(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
            required: true,
        }
    }

    fn models(terms: &[NodeTerm]) -> Option<Vec<&'static str>> {
        let read = |key: &str, value: &str| {
            model_of(key, value).map(|models| models.iter().map(|model| model.id).collect())
        };
        of_terms(terms, &read)
    }

    const PRODUCT: &str = "nvidia.com/gpu.product";
    const KARPENTER: &str = "karpenter.k8s.aws/instance-gpu-name";

    #[test]
    fn the_values_of_an_expression_are_alternatives() {
        let one = [term(0, PRODUCT, "In", &["NVIDIA-L4", "Tesla-T4"])];
        assert_eq!(models(&one), Some(vec!["L4", "T4"]));
        assert_eq!(
            models(&[term(0, PRODUCT, "In", &["NVIDIA-L4", "new"])]),
            None
        );
        assert_eq!(models(&[term(0, PRODUCT, "NotIn", &["NVIDIA-L4"])]), None);
    }

    #[test]
    fn the_expressions_of_a_term_must_all_hold_and_terms_are_alternatives() {
        let ambiguous = term(0, KARPENTER, "In", &["a100"]);
        assert_eq!(
            models(std::slice::from_ref(&ambiguous)),
            Some(vec!["A100-40GB", "A100-80GB"])
        );
        let size = term(0, PRODUCT, "In", &["NVIDIA-A100-SXM4-80GB"]);
        assert_eq!(models(&[ambiguous.clone(), size]), Some(vec!["A100-80GB"]));
        let other = term(1, PRODUCT, "In", &["NVIDIA-L4"]);
        assert_eq!(
            models(&[ambiguous.clone(), other]),
            Some(vec!["A100-40GB", "A100-80GB", "L4"])
        );
        assert_eq!(models(&[ambiguous, term(1, "zone", "In", &["a"])]), None);
    }

    #[test]
    fn a_union_holds_each_once() {
        assert_eq!(union(vec![1, 2], vec![2, 3]), [1, 2, 3]);
    }
}
