use serde_json::{Value, json};
use tollgate_sdk::test::{Case, ContainerBuilder, Done, PodBuilder, container, pod};

use super::GpuIsolation;

mod bypass;
mod node;
mod numbered;
mod placing;
mod rights;
mod visible;

/// A container with NVIDIA GPUs.
fn gpus(name: &str, count: &str) -> ContainerBuilder {
    container(name).limit("nvidia.com/gpu", count)
}

/// A pod with a GPU.
fn one() -> PodBuilder {
    pod([gpus("main", "1")])
}

/// A pod without.
fn plain() -> PodBuilder {
    pod([container("main").limit("memory", "1Gi")])
}

/// A pod with a container and a debug container.
fn debugged(main: ContainerBuilder, debug: Value) -> PodBuilder {
    pod([main]).with("/spec/ephemeralContainers", json!([debug]))
}

/// Containers of every class that name something, each in a pod whose other container asks for nothing.
fn in_every_class(env: &Value) -> Vec<PodBuilder> {
    let with = |name: &str| container(name).with("/env", json!([env]));
    let sidecar = with("side").with("/restartPolicy", "Always".into());
    vec![
        pod([with("main")]),
        plain().init(with("init")),
        plain().init(sidecar),
        debugged(
            container("main"),
            json!({"name": "debug", "image": "registry.example/debug:1", "env": [env]}),
        ),
    ]
}

fn run(builder: PodBuilder) -> Done {
    Case::new(builder).run::<GpuIsolation>()
}

fn run_with(settings: Value, builder: PodBuilder) -> Done {
    Case::new(builder).settings(settings).run::<GpuIsolation>()
}
