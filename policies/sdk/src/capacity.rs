//! Spot and on-demand nodes, as a pod asks for them.

use tollgate_gpu::{Capacity, capacity_of, is_spot_taint, spot_notice};

use crate::{Pod, below};

/// A place where a pod says on what capacity it may run.
#[derive(Clone, Debug)]
pub struct CapacityChoice {
    /// The capacity.
    pub capacity: Capacity,
    /// The place, as a JSON pointer from the object's root.
    pub path: String,
    /// What stands there, in words.
    pub words: String,
    /// How many seconds before its end such a spot node is told of it.
    pub notice: Option<u32>,
}

/// The capacities that a pod asks for or lets itself onto, in the order of node selector, affinity and tolerations;
/// empty where it says nothing of them.
///
/// A preference counts, since that is where the pod will run when it can. A toleration of spot nodes does not where
/// the node selector asks for others, nor does one of every taint.
pub fn capacities(pod: &Pod) -> Vec<CapacityChoice> {
    let mut choices = selected(pod);
    let is_bound = !choices.is_empty();
    choices.extend(preferred(pod));
    if !is_bound {
        choices.extend(tolerated(pod));
    }
    choices
}

fn selected(pod: &Pod) -> Vec<CapacityChoice> {
    let labels = pod.node_selectors();
    let known = labels.iter().filter_map(|(key, value)| {
        let capacity = capacity_of(key, value)?;
        let path = || below(&pod.path(), &["spec", "nodeSelector", key]);
        Some(choice(
            capacity,
            path(),
            key,
            format!("its node selector asks for `{key}: {value}`"),
        ))
    });
    known.collect()
}

fn preferred(pod: &Pod) -> Vec<CapacityChoice> {
    let terms = pod.node_terms();
    let wanted = terms.iter().filter(|term| term.operator == "In");
    let values = wanted.flat_map(|term| term.values.iter().map(|value| (&term.key, value)));
    let known = values.filter_map(|(key, value)| {
        let capacity = capacity_of(key, value)?;
        let path = pod.path() + "/spec/affinity/nodeAffinity";
        let words = format!("its node affinity names `{key}` `{value}`");
        Some(choice(capacity, path, key, words))
    });
    known.collect()
}

fn tolerated(pod: &Pod) -> Vec<CapacityChoice> {
    let tolerations = pod.tolerations();
    let known = tolerations
        .iter()
        .enumerate()
        .filter_map(|(index, toleration)| {
            let key = toleration.key.as_deref().filter(|key| is_spot_taint(key))?;
            let path = format!("{}/spec/tolerations/{index}", pod.path());
            let words = format!("it tolerates the taint `{key}`");
            Some(choice(Capacity::Spot, path, key, words))
        });
    known.collect()
}

fn choice(capacity: Capacity, path: String, key: &str, words: String) -> CapacityChoice {
    CapacityChoice {
        capacity,
        path,
        words,
        notice: spot_notice(key).filter(|_| capacity == Capacity::Spot),
    }
}
