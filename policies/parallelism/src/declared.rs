//! What an object tells its operator of processes and of parallel sizes, which the operator hands on to the program.
//!
//! Sources: the Kubeflow training operator (`pkg/controller.v1/pytorch/envvar.go`) and Trainer (`plugins/torch`), KServe
//! (`llm_inference_service_types.go`), the vLLM production stack (`vllmruntime_types.go`).

use tollgate_sdk::Program;
use tollgate_sdk::prelude::*;

use crate::supply::Supply;

pub(crate) const UNLIKE: Rule = Rule::warn(
    "told-unlike-devices",
    "What an object tells its operator (`nprocPerNode`, `numProcPerNode`, `parallelism.tensor`, `tensorParallelSize`) is the number of devices of each pod: with more, the last processes find none; with fewer, devices are idle.",
)
.about(&[
    "PyTorchJob.kubeflow.org",
    "TrainJob.trainer.kubeflow.org",
    LLM,
    RUNTIME,
]);

const LLM: &str = "LLMInferenceService.serving.kserve.io";
const RUNTIME: &str = "VLLMRuntime.production-stack.vllm.ai";

/// Where an object tells how many devices each of its pods uses.
struct Row {
    /// `Kind.group`
    kind: &'static str,
    /// Where the pods stand that it is about; empty for all.
    at: &'static [&'static str],
    /// The field that must be there.
    field: &'static str,
    /// Another that it is multiplied by.
    times: Option<&'static str>,
    /// With this field, and without the other, nothing is told.
    unless: Option<&'static str>,
}

const fn row(kind: &'static str, at: &'static [&'static str], field: &'static str) -> Row {
    Row {
        kind,
        at,
        field,
        times: None,
        unless: None,
    }
}

static ROWS: &[Row] = &[
    row("PyTorchJob.kubeflow.org", &[], "/spec/nprocPerNode"),
    row(
        "TrainJob.trainer.kubeflow.org",
        &["/spec/trainer"],
        "/spec/trainer/numProcPerNode",
    ),
    Row {
        times: Some("/spec/parallelism/dataLocal"),
        unless: Some("/spec/parallelism/data"),
        ..row(
            LLM,
            &["/spec/template", "/spec/worker"],
            "/spec/parallelism/tensor",
        )
    },
    Row {
        times: Some("/spec/prefill/parallelism/dataLocal"),
        unless: Some("/spec/prefill/parallelism/data"),
        ..row(
            LLM,
            &["/spec/prefill/template", "/spec/prefill/worker"],
            "/spec/prefill/parallelism/tensor",
        )
    },
    Row {
        unless: Some("/spec/vllmConfig/extraArgs"),
        ..row(
            RUNTIME,
            &["/spec/deploymentConfig"],
            "/spec/vllmConfig/tensorParallelSize",
        )
    },
];

/// Reports each number that is not that of the devices of a container, by the first such container.
pub(crate) fn report(review: &Review, pods: &[Pod]) {
    let kind = review.kind_dot_group();
    for row in ROWS.iter().filter(|row| row.kind == kind) {
        let Some(told) = row.told(review) else {
            continue;
        };
        let unlike = pods.iter().find_map(|pod| row.unlike(told, pod));
        if let Some((container, supply)) = unlike {
            report_one(row, told, &container, &supply);
        }
    }
}

impl Row {
    /// How many devices each pod is told to use, where that is a literal number.
    fn told(&self, review: &Review) -> Option<u64> {
        let number = review.number(self.field).filter(|number| *number > 0)?;
        let times = self.times.and_then(|field| review.number(field));
        let is_unclear = || {
            self.unless
                .is_some_and(|field| review.json(field).is_some())
        };
        match times {
            Some(times) => number.checked_mul(times),
            None if is_unclear() => None,
            None => Some(number),
        }
    }

    /// A container of the pod that has another number of devices. The program's own flag goes before what the operator
    /// hands on.
    fn unlike(&self, told: u64, pod: &Pod) -> Option<(Container, Supply)> {
        if !self.at.is_empty() && !self.at.contains(&pod.path().as_str()) {
            return None;
        }
        pod.containers().iter().find_map(|container| {
            let supply = Supply::of(container).filter(|supply| supply.count != told)?;
            let is_other =
                !is_told_itself(container) && !supply.is_counted_otherwise(pod, container);
            is_other.then(|| (container.clone(), supply))
        })
    }
}

fn is_told_itself(container: &Container) -> bool {
    let degrees = Program::of(container).and_then(|program| program.parallelism(container));
    degrees.is_some_and(|degrees| !degrees.told.is_empty())
}

fn report_one(row: &Row, told: u64, container: &Container, supply: &Supply) {
    let Supply { resource, count } = supply;
    let dotted = |field: &str| field.trim_start_matches("/spec/").replace('/', ".");
    let name = dotted(row.field);
    let consequence = match told > *count {
        true => "some get none",
        false => "some are idle",
    };
    UNLIKE
        .finding(
            row.field,
            format!(
                "`{name}` comes to {told}, container `{}` has {count} {resource}: {consequence}",
                container.name()
            ),
        )
        .actual(told.to_string())
        .allowed(count.to_string())
        .fix(format!(
            "set `{name}` so that it comes to {count}, or ask for `{resource}: {told}` in the limits"
        ))
        .report();
}
