use serde_json::{Value, json};
use tollgate_sdk::test::{Case, ContainerBuilder, Done, PodBuilder, container, pod};

use super::SharedMemory;

mod missing;
mod sizes;
mod traps;
mod volumes;

/// A container with NVIDIA GPUs.
fn gpus(name: &str, count: &str) -> ContainerBuilder {
    container(name).limit("nvidia.com/gpu", count)
}

/// A pod with two GPUs in one container.
fn two() -> PodBuilder {
    pod([gpus("main", "2")])
}

/// A pod with two GPUs and a volume at `/dev/shm`.
fn mounted(source: &str, value: Value) -> PodBuilder {
    pod([gpus("main", "2").mount("shm", "/dev/shm")]).volume("shm", source, value)
}

/// The same, in memory and of a size.
fn sized(size: &str) -> PodBuilder {
    mounted("emptyDir", json!({"medium": "Memory", "sizeLimit": size}))
}

/// A pod whose containers are limited to so much memory.
fn limited(builder: PodBuilder, memory: &str) -> PodBuilder {
    builder.with("/spec/containers/0/resources/limits/memory", memory.into())
}

/// A pod that a controller of a kind made.
fn owned(builder: PodBuilder, version: &str, kind: &str) -> PodBuilder {
    let owner = json!([{"apiVersion": version, "kind": kind, "name": "owner", "controller": true}]);
    builder.with("/metadata/ownerReferences", owner)
}

/// A Job that runs several pods.
fn job(builder: PodBuilder, mode: &str) -> Value {
    let pod = builder.build();
    json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "test", "namespace": "default"},
        "spec": {"parallelism": 4, "completionMode": mode, "template": {"metadata": pod["metadata"], "spec": pod["spec"]}},
    })
}

fn run(builder: PodBuilder) -> Done {
    Case::new(builder).run::<SharedMemory>()
}

fn run_with(settings: Value, builder: PodBuilder) -> Done {
    Case::new(builder).settings(settings).run::<SharedMemory>()
}

/// The size of the first volume afterwards.
fn size_of(done: &Done) -> Value {
    done.at("/spec/volumes/0/emptyDir/sizeLimit")
}
