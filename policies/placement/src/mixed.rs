//! The GPU model that a pod selects or leaves open, against the models that the cluster has.
//!
//! Warnings, never refusals: clouds have pools that no object shows.

use tollgate_sdk::gpu::model_keys;
use tollgate_sdk::prelude::*;
use tollgate_sdk::{below, selected_models};

pub(crate) const ABSENT: Rule = Rule::warn(
    "absent-model",
    "The GPU model that a pod selects is one that a node of the cluster has or a pool could bring, or the pod stays Pending.",
)
.needs("nodes");
pub(crate) const OPEN: Rule = Rule::warn(
    "model-left-open",
    "In a cluster of several GPU models a pod says which it wants, or a small model lands on the largest GPU and a large one on the smallest.",
)
.needs("nodes");

/// Warns about models that nobody has, and about pods that leave the choice open where there is one.
pub(crate) fn report(pod: &Pod) {
    let labels = pod.node_selectors();
    let by_model = labels
        .iter()
        .filter(|(key, _)| model_keys().any(|known| known == key));
    let absent = by_model.filter_map(|(key, value)| {
        let known = cluster::node_label(key).filter(|known| known.complete)?;
        (!known.values.contains(value)).then_some((key, value, known.values))
    });
    absent.for_each(|(key, value, there)| report_absent(pod, key, value, &there));
    if pod.is_whole() && selected_models(pod).is_none() && takes_whole_gpus(pod) {
        report_open(pod);
    }
}

fn report_absent(pod: &Pod, key: &str, value: &str, there: &[String]) {
    let names: Vec<_> = there.iter().map(|value| format!("`{value}`")).collect();
    let allowed = match names.is_empty() {
        true => "a label that nodes have".to_owned(),
        false => names.join(" or "),
    };
    ABSENT
        .finding(
            below(&pod.path(), &["spec", "nodeSelector", key]),
            format!("no node and no known pool has `{key}: {value}`"),
        )
        .actual(value)
        .allowed(allowed)
        .fix("select a model that the cluster has, or add a pool that has it")
        .report();
}

fn report_open(pod: &Pod) {
    let Some(models) = cluster::pod_gpu_models(pod).map(|known| known.values) else {
        return;
    };
    if models.len() > 1 {
        let models = models.join(", ");
        OPEN.finding(
            below(&pod.path(), &["spec", "nodeSelector"]),
            format!("the pod may run on GPUs of several models: {models}"),
        )
        .actual("no GPU model is selected")
        .allowed(format!("one or more of {models}"))
        .fix("select the model by a node label such as `nvidia.com/gpu.product`")
        .report();
    }
}

fn takes_whole_gpus(pod: &Pod) -> bool {
    let containers = pod.containers();
    let mut devices = containers
        .iter()
        .flat_map(|container| container.devices().to_vec());
    devices.any(|device| device.name == "nvidia.com/gpu")
}
