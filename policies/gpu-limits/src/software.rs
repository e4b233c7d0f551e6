//! Programs that need a GPU, in pods that ask for none.
//!
//! Warns only where nothing else can give the pod a device, and where the program is known to need one: many
//! servers run on CPUs as well, launchers start their processes in other pods, and routers need none.

use tollgate_sdk::gpu::{Invocation, Role, Workload, recognise};
use tollgate_sdk::prelude::*;
use tollgate_sdk::{Words, below, has_fraction};

pub(crate) const IDLE: Rule = Rule::warn(
    "gpu-workload-without-gpu",
    "A pod runs a program that needs a GPU and asks for none: it crashes, runs on the CPU, or takes a GPU that nobody counts.",
);

/// Servers that have no use without an accelerator.
const NEEDY: [&str; 7] = [
    "vllm",
    "sglang",
    "text-generation-inference",
    "tensorrt-llm",
    "nim",
    "lmdeploy",
    "dynamo",
];

/// Programs that start others, in pods of their own.
const LAUNCHERS: [&str; 3] = ["mpirun", "horovodrun", "ray-serve"];

/// Warns about a pod without any accelerator that runs a program which needs one.
pub(crate) fn report(review: &Review, pod: &Pod) {
    let containers = pod.containers();
    let needy = containers
        .iter()
        .find_map(|container| Some((container, need(container)?)));
    let Some((container, what)) = needy else {
        return;
    };
    if has_other_devices(pod) || !pod.is_whole() || is_filled_in_later(review) {
        return;
    }
    IDLE.finding(
        below(&container.path(), &["resources"]),
        format!(
            "container `{}` {what}, and the pod asks for no GPU",
            container.name()
        ),
    )
    .actual("no accelerator in any container")
    .allowed("an accelerator under limits, a resource claim, or a program for CPUs")
    .fix("add `nvidia.com/gpu: 1` to the container's limits, or use an image for CPUs")
    .report();
}

/// What the container does that needs a GPU.
fn need(container: &Container) -> Option<String> {
    let image = container.image().unwrap_or_default().to_ascii_lowercase();
    if container.class() != "app" || says(&image, |word| word == "cpu") {
        return None;
    }
    let (command, args) = (container.command(), container.args());
    let what = match recognise(&Invocation {
        image: &image,
        command: &command,
        args: &args,
    }) {
        Some(known) => {
            let words = container.words();
            let needs = !is_told_cpu(&words) && needs(known, &image, &words);
            needs.then(|| format!("runs {}", known.name))
        }
        None => is_cuda(&image).then(|| "has a CUDA image".to_owned()),
    };
    what.filter(|_| !hides_gpus(container))
}

fn needs(known: &Workload, image: &str, words: &Words) -> bool {
    if LAUNCHERS.contains(&known.name) {
        return false;
    }
    let per_gpu = || {
        words
            .values(&["--nproc-per-node"])
            .any(|value| value == "gpu")
    };
    NEEDY.contains(&known.name)
        || says(image, is_gpu_word)
        || (known.role == Role::Training && (per_gpu() || words.number(&["--num-gpus"]).is_some()))
}

fn is_told_cpu(words: &Words) -> bool {
    words.values(&["--device"]).any(|device| device == "cpu")
}

/// Whether the author says that the container shall see no GPU.
fn hides_gpus(container: &Container) -> bool {
    let says = |name: &str, values: &[&str]| {
        let value = container.env(name).and_then(|var| var.value);
        value.is_some_and(|value| values.contains(&value.as_str()))
    };
    says("NVIDIA_VISIBLE_DEVICES", &["void", "none"]) || says("CUDA_VISIBLE_DEVICES", &["", "-1"])
}

/// Whether a word of the image's name or tag is such.
fn says(image: &str, such: fn(&str) -> bool) -> bool {
    let mut words = image.split(|letter: char| !letter.is_ascii_alphanumeric());
    words.any(such)
}

/// `gpu`, `rocm6`, `cuda12`, `cu128`.
fn is_gpu_word(word: &str) -> bool {
    let numbered = |prefix: &str| {
        let number = word.strip_prefix(prefix);
        number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    word == "gpu" || numbered("cuda") || numbered("rocm") || (numbered("cu") && word.len() > 3)
}

/// NVIDIA's base image.
fn is_cuda(image: &str) -> bool {
    let name = image.split(['@', ':']).next().unwrap_or(image);
    name == "nvidia/cuda" || name.ends_with("/nvidia/cuda")
}

/// Whether the pod may have a device all the same. Agents of every node are what DaemonSets are for.
fn has_other_devices(pod: &Pod) -> bool {
    let by_runtime = || {
        pod.runtime_class()
            .is_some_and(|class| class.starts_with("nvidia"))
    };
    let is_agent = || pod.owner().as_deref() == Some("DaemonSet.apps");
    has_fraction(pod) || !pod.resource_claims().is_empty() || by_runtime() || is_agent()
}

/// Whether another object will say what the pods of this one ask for: a TrainJob that of its runtime, an
/// InferenceService that of its.
fn is_filled_in_later(review: &Review) -> bool {
    review.kind().ends_with("Runtime")
}
