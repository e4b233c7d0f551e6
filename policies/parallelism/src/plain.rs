//! PyTorchJobs that start one process in a pod of several GPUs.

use tollgate_sdk::Program;
use tollgate_sdk::prelude::*;

use crate::supply::Supply;

pub(crate) const ONE: Rule = Rule::warn(
    "one-process-for-several-gpus",
    "A PyTorchJob whose pods have several GPUs each says how many processes a pod runs (`nprocPerNode`), or runs a launcher: else its world has one process a pod, and one GPU of each pod is used.",
)
.about(&["PyTorchJob.kubeflow.org"]);

const TOLD: [&str; 2] = ["/spec/nprocPerNode", "/spec/elasticPolicy/nProcPerNode"];

/// Reports a plain Python program in a pod with several GPUs.
pub(crate) fn report(review: &Review, pod: &Pod, container: &Container) {
    let is_template = !pod.path().is_empty();
    if !is_template || pod.owner().as_deref() != Some("PyTorchJob.kubeflow.org") {
        return;
    }
    let Some(supply) = Supply::of(container).filter(|supply| supply.count > 1) else {
        return;
    };
    let is_told = TOLD.iter().any(|pointer| review.json(pointer).is_some());
    if is_told || !runs_python(container) || supply.is_counted_otherwise(pod, container) {
        return;
    }
    let (name, count) = (container.name(), supply.count);
    ONE.finding(
        container.path(),
        format!(
            "container `{name}` starts one process for its {count} {}",
            supply.resource
        ),
    )
    .actual("no `nprocPerNode`")
    .allowed(format!(
        "`nprocPerNode: \"{count}\"`, `gpu`, or a launcher such as torchrun"
    ))
    .fix("set `spec.nprocPerNode: gpu` and start the program by `torchrun`")
    .report();
}

/// Whether the command is Python with a script, and no launcher that is known.
fn runs_python(container: &Container) -> bool {
    if Program::of(container).is_some() {
        return false;
    }
    let words = container.words();
    let mut words = words.iter();
    let program = words.next().unwrap_or_default();
    let program = program.rsplit('/').next().unwrap_or(program);
    program.starts_with("python") && words.next().is_some_and(|script| script.ends_with(".py"))
}
