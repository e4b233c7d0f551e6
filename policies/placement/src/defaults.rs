//! The GPU model and the priority class of pods that name none, by settings.

use tollgate_sdk::Device;
use tollgate_sdk::gpu::model_keys;
use tollgate_sdk::prelude::*;

use crate::Placement;

pub(crate) const MODEL: Rule = Rule::repair(
    "gpu-model-default",
    "A pod that selects no GPU model gets the one that the setting `gpuModel` names, or a small model lands on the largest GPU of a mixed cluster and a large one on the smallest.",
);
pub(crate) const PRIORITY: Rule = Rule::repair(
    "priority-class-default",
    "A pod that names no priority class gets the one that the setting `priorityClass` names for its work, or experiments compete with serving as equals.",
);

/// The GPU model of pods that select none.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ModelDefault {
    /// The node label that names the model here, such as `nvidia.com/gpu.product`.
    label: String,
    /// Its values, each of which will do.
    values: Vec<String>,
    /// The resource of which pods ask that get it: `nvidia.com/gpu` when left out.
    #[serde(default = "nvidia")]
    resource: String,
}

fn nvidia() -> String {
    "nvidia.com/gpu".to_owned()
}

/// Labels that name the nodes themselves or their pool: the pod has chosen already.
const POOLS: [&str; 7] = [
    "kubernetes.io/hostname",
    "karpenter.sh/nodepool",
    "eks.amazonaws.com/nodegroup",
    "cloud.google.com/gke-nodepool",
    "cloud.google.com/compute-class",
    "agentpool",
    "kubernetes.azure.com/agentpool",
];

impl ModelDefault {
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.values.is_empty() {
            return Err("gpuModel.values: name at least one value of the label".to_owned());
        }
        if gpu::lookup(&self.resource).is_none_or(|known| !known.counts_devices()) {
            let resource = &self.resource;
            return Err(format!(
                "gpuModel.resource: `{resource}` is no known resource that counts devices"
            ));
        }
        Ok(())
    }

    /// Selects the model for a pod that selects neither a model nor its nodes.
    pub(crate) fn repair(&self, pod: &Pod) -> Outcome {
        if !self.is_for(pod) || self.has_chosen(pod) {
            return Ok(());
        }
        match self.values.as_slice() {
            [value] => edits::set_node_selector(pod, MODEL.id, &self.label, value)?,
            values => edits::add_node_affinity(pod, MODEL.id, &self.label, "In", values)?,
        }
        Ok(())
    }

    /// Whether the pod asks for the resource, and for no other device.
    fn is_for(&self, pod: &Pod) -> bool {
        let containers = pod.containers();
        let is_other = |device: &Device| device.name != self.resource;
        let mut takers = containers.iter().map(Container::devices);
        let has_some = containers
            .iter()
            .any(|container| !container.devices().is_empty());
        has_some && takers.all(|devices| !devices.iter().any(is_other))
    }

    fn has_chosen(&self, pod: &Pod) -> bool {
        let is_choice = |key: &String| {
            *key == self.label
                || POOLS.contains(&key.as_str())
                || model_keys().any(|known| known == key)
        };
        pod.node_name().is_some()
            || pod.node_selectors().iter().any(|(key, _)| is_choice(key))
            || pod
                .node_terms()
                .iter()
                .any(|term| term.required && is_choice(&term.key))
    }
}

impl Placement {
    /// Names the priority class of a pod that names none.
    pub(crate) fn repair_priority(&self, pod: &Pod) -> Outcome {
        if !self.has(|terms| terms.priority_class.is_some()) || pod.priority_class().is_some() {
            return Ok(());
        }
        if let Some(class) = self.term(pod, |terms| terms.priority_class.as_ref()) {
            edits::set_priority_class(pod, PRIORITY.id, class.value)?;
        }
        Ok(())
    }
}
