use serde_json::{Value, json};
use tollgate_sdk::test::{Case, ContainerBuilder, Done, PodBuilder, assert_one, container, pod};

use super::Placement;

mod allowed;
mod architecture;
mod defaults;
mod driver;
mod mixed;
mod objects;
mod scheduler;
mod selectors;

/// A container with one NVIDIA device of a name.
fn one(name: &str) -> ContainerBuilder {
    container("main").limit(name, "1")
}

/// A pod with one NVIDIA GPU.
fn gpu() -> PodBuilder {
    pod([one("nvidia.com/gpu")])
}

/// A pod with one NVIDIA GPU that a Job made.
fn trainer() -> PodBuilder {
    let owner = json!([{"apiVersion": "batch/v1", "kind": "Job", "name": "a", "controller": true}]);
    gpu().with("/metadata/ownerReferences", owner)
}

/// A pod with one NVIDIA GPU that serves.
fn server() -> PodBuilder {
    pod([one("nvidia.com/gpu").image("vllm/vllm-openai:v0.11.0")])
}

fn required(expressions: Value) -> Value {
    json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": expressions}}})
}

fn run(pod: PodBuilder) -> Done {
    Case::new(pod).run::<Placement>()
}

fn set(pod: PodBuilder, settings: &Value) -> Done {
    Case::new(pod).settings(settings.clone()).run::<Placement>()
}

#[test]
fn without_settings_ordinary_pods_are_let_be() {
    for pod in [gpu(), trainer(), server(), pod([container("idle")])] {
        run(pod.clone()).assert_quiet();
        run(pod.node_selector("cloud.google.com/gke-spot", "true")).assert_quiet();
    }
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    for (settings, piece) in [
        (
            json!({"serving": {"gpus": []}}),
            "serving.gpus: an empty list would refuse every pod",
        ),
        (
            json!({"all": {"capacity": []}}),
            "all.capacity: an empty list",
        ),
        (json!({"all": {"gpus": ["half"]}}), "unknown variant `half`"),
        (
            json!({"gpuModel": {"label": "a", "values": []}}),
            "gpuModel.values: name at least one",
        ),
        (
            json!({"gpuModel": {"label": "a", "values": ["b"], "resource": "cpu"}}),
            "`cpu` is no known resource",
        ),
        (json!({"trainings": {}}), "unknown field `trainings`"),
    ] {
        let error = Case::new(gpu())
            .settings(settings)
            .settings_error::<Placement>();
        assert!(error.contains(piece), "{error}");
    }
}
