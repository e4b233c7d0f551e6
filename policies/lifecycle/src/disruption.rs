//! Training that autoscalers move to save nodes.

use tollgate_sdk::below;
use tollgate_sdk::gpu::{Autoscaler, CLUSTER_AUTOSCALER, KARPENTER};
use tollgate_sdk::prelude::*;

use crate::spot::names;
use crate::trains;

pub(crate) const DISRUPTABLE: Rule = Rule::warn(
    "training-disruptable",
    "A pod that trains on nodes of Karpenter tells it to leave it there, or it is moved mid-run to save a node.",
);
pub(crate) const KEPT: Rule = Rule::repair(
    "training-kept",
    "A pod that trains tells the autoscalers of the setting `keepTraining` to leave it where it is until it ends.",
);

/// An autoscaler, as the setting names it.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Keeper {
    /// Karpenter, by `karpenter.sh/do-not-disrupt`.
    Karpenter,
    /// Cluster Autoscaler, by `cluster-autoscaler.kubernetes.io/safe-to-evict`.
    ClusterAutoscaler,
}

impl Keeper {
    fn autoscaler(self) -> &'static Autoscaler {
        match self {
            Self::Karpenter => &KARPENTER,
            Self::ClusterAutoscaler => &CLUSTER_AUTOSCALER,
        }
    }
}

/// Tells autoscalers to leave a pod that trains, unless it says something to them itself.
pub(crate) fn repair(keepers: &[Keeper], pod: &Pod) -> Outcome {
    if keepers.is_empty() || !trains(pod) {
        return Ok(());
    }
    for keeper in keepers {
        let (key, value) = keeper.autoscaler().keep;
        if pod.annotation(key).is_none() {
            edits::set_annotation(pod, KEPT.id, key, value)?;
        }
    }
    Ok(())
}

/// Warns about a pod that trains where Karpenter may move it.
pub(crate) fn report(pod: &Pod) {
    let (key, value) = KARPENTER.keep;
    if pod.annotation(key).is_some() {
        return;
    }
    let Some(shown) = shown(pod).filter(|_| trains(pod)) else {
        return;
    };
    DISRUPTABLE
        .finding(
            below(&pod.path(), &["metadata", "annotations"]),
            format!("the pod of {} trains on nodes of {} (it names `{shown}`), which may move it mid-run to save a node", names(pod), KARPENTER.name),
        )
        .actual(format!("no annotation `{key}`"))
        .allowed(format!("`{key}: \"{value}\"`, or `\"false\"` where the work may be moved"))
        .fix(format!("add the annotation `{key}: \"{value}\"` to the pod"))
        .report();
}

/// A label or taint by which the pod shows that its nodes are Karpenter's.
fn shown(pod: &Pod) -> Option<String> {
    let labels = pod.node_selectors();
    let label = labels
        .iter()
        .map(|(key, _)| key)
        .find(|key| KARPENTER.sets(key));
    if let Some(key) = label {
        return Some(key.clone());
    }
    let terms = pod.node_terms();
    let term = terms
        .iter()
        .map(|term| &term.key)
        .find(|key| KARPENTER.sets(key));
    term.cloned()
}
