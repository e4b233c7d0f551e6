use serde_json::{Value, json};
use tollgate_sdk::test::{Case, ContainerBuilder, Done, PodBuilder, container, pod};

use super::Parallelism;

mod groups;
mod objects;
mod processes;
mod servers;
mod told;

const PATH: &str = "/spec/containers/0/resources/limits/nvidia.com~1gpu";

/// A container with so many NVIDIA GPUs that runs a command.
fn runs(gpus: &str, command: &[&str]) -> ContainerBuilder {
    container("main")
        .limit("nvidia.com/gpu", gpus)
        .command(command)
}

/// A container whose shell runs a script.
fn script(gpus: &str, script: &str) -> ContainerBuilder {
    runs(gpus, &["bash", "-c", script])
}

fn run(builder: PodBuilder) -> Done {
    Case::new(builder).run::<Parallelism>()
}

fn alone(container: ContainerBuilder) -> Done {
    run(pod([container]))
}

/// A pod that a controller of a kind made.
fn owned(builder: PodBuilder, version: &str, kind: &str) -> PodBuilder {
    let owner = json!([{"apiVersion": version, "kind": kind, "name": "owner", "controller": true}]);
    builder.with("/metadata/ownerReferences", owner)
}

/// An object with a pod template.
fn template(version: &str, kind: &str, spec: Value, builder: PodBuilder) -> Value {
    let pod = builder.build();
    let mut object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": "test", "namespace": "default"}, "spec": spec});
    object["spec"]["template"] = json!({"metadata": pod["metadata"], "spec": pod["spec"]});
    object
}
