use serde_json::{Value, json};
use tollgate_sdk::test::{
    Case, ContainerBuilder, Done, PodBuilder, assert_one_early as assert_one, container, pod,
};

use super::MigResources;

mod models;
mod rename;
mod shape;
mod tensor;

const PRODUCT: &str = "nvidia.com/gpu.product";
const A100_80: &str = "NVIDIA-A100-SXM4-80GB";
const A100_40: &str = "NVIDIA-A100-SXM4-40GB";
const GPU: &str = "/spec/containers/0/resources/limits/nvidia.com~1gpu";
const MEMORY: &str = "/metadata/annotations/tollgate.dev~1gpu-memory";

fn with(name: &str, amount: &str) -> PodBuilder {
    pod([container("main").limit(name, amount)])
}

/// A pod with one GPU that says how much of it it needs.
fn needs(memory: &str) -> PodBuilder {
    with("nvidia.com/gpu", "1").annotation("tollgate.dev/gpu-memory", memory)
}

fn needs_profile(profile: &str) -> PodBuilder {
    with("nvidia.com/gpu", "1").annotation("tollgate.dev/mig-profile", profile)
}

fn run(pod: PodBuilder) -> Done {
    Case::new(pod).run::<MigResources>()
}

fn set(pod: PodBuilder, settings: Value) -> Done {
    Case::new(pod).settings(settings).run::<MigResources>()
}

/// Asserts that the GPU of the first container became this MIG resource.
fn assert_renamed(done: &Done, name: &str) {
    done.assert_findings(&[]);
    assert_eq!(
        done.at("/spec/containers/0/resources/limits"),
        json!({name: "1"})
    );
    assert!(
        done.rules.iter().all(|rule| rule == "mig-from-size") && !done.rules.is_empty(),
        "{:?}",
        done.rules
    );
}

fn server(name: &str, count: &str, line: &[&str]) -> ContainerBuilder {
    container("main").limit(name, count).command(line)
}
