//! TrainJobs whose processes nobody counts.

use tollgate_sdk::below;
use tollgate_sdk::prelude::*;

pub(crate) const UNTOLD: Rule = Rule::deny(
    "processes-untold",
    "A TrainJob on devices without `gpu` in their name (MIG, TPU, Neuron, Gaudi) says how many processes a node runs: Kubeflow Trainer counts none of those devices, and starts a process for each CPU.",
)
.about(&["TrainJob.trainer.kubeflow.org"]);

const COUNT: &str = "/spec/trainer/numProcPerNode";
const RUNTIME: &str = "/spec/runtimeRef/name";

/// Runtimes whose plugins count the devices, by words of their names.
const COUNTING: [&str; 6] = ["torch", "mpi", "deepspeed", "mlx", "xgboost", "flux"];

/// Refuses a TrainJob without a number of processes; warns where its runtime may be one that needs none.
pub(crate) fn report(review: &Review, pod: &Pod) {
    if pod.path().is_empty() || pod.owner().as_deref() != Some("TrainJob.trainer.kubeflow.org") {
        return;
    }
    let told = review.value(COUNT);
    if told.is_some_and(|told| told != "auto") {
        return;
    }
    let Some((container, device)) = uncounted(pod) else {
        return;
    };
    let runtime = review.text(RUNTIME).unwrap_or_default();
    let finding = UNTOLD
        .finding(
            below(&container.path(), &["resources", "limits", &device]),
            format!("the trainer has `{device}`, which Kubeflow Trainer does not count, and no number of processes: a process is started for each CPU"),
        )
        .actual("no `numProcPerNode`, or `auto`")
        .allowed("a number")
        .fix("set `spec.trainer.numProcPerNode` to the number of devices, on Neuron to that of its cores");
    match COUNTING.iter().any(|word| runtime.contains(word)) {
        true => finding.report(),
        false => finding.warn().report(),
    }
}

/// A device that the trainer does not count, where it has none that it does.
fn uncounted(pod: &Pod) -> Option<(Container, String)> {
    let containers = pod.containers();
    let mut devices = containers.iter().flat_map(|container| {
        let devices = container.devices();
        let named = devices.iter().map(|device| device.name.clone());
        named
            .map(|name| (container.clone(), name))
            .collect::<Vec<_>>()
    });
    let first = devices.next()?;
    let is_counted = |(_, name): &(Container, String)| name.contains("gpu");
    (!is_counted(&first) && !devices.any(|device| is_counted(&device))).then_some(first)
}
