use serde_json::json;
use tollgate_sdk::test::{Case, Done, PodBuilder, pod};

use super::{assert_one, one, run};
use crate::Placement;

fn image(image: &str) -> PodBuilder {
    pod([one("nvidia.com/gpu").image(image)])
}

fn on(models: &[&str], pod: PodBuilder) -> Done {
    Case::new(pod).gpu_models(models).run::<Placement>()
}

const AMD64: &str = "registry.example/trainer:1-amd64";

#[test]
fn warns_about_an_x86_image_beside_arm_processors() {
    assert_one(
        &on(&["GB200"], image(AMD64)),
        "warn image-architecture",
        "/spec/containers/0/image",
        &["`main`", "for amd64", "its nodes may be of arm64", AMD64],
    );
    on(&["GB200", "H100-80GB"], image(AMD64)).assert_findings(&["warn image-architecture"]);
    on(&["H100-80GB"], image("trainer:aarch64")).assert_findings(&["warn image-architecture"]);
}

#[test]
fn the_nodes_that_the_pod_selects_count_first() {
    let arm = image(AMD64).node_selector("nvidia.com/gpu.product", "NVIDIA-GB200");
    run(arm).assert_findings(&["warn image-architecture"]);
    let x86 = image(AMD64).node_selector("kubernetes.io/arch", "amd64");
    on(&["GB200"], x86).assert_quiet();
    let h100 = image(AMD64).node_selector("nvidia.com/gpu.product", "NVIDIA-H100-80GB-HBM3");
    on(&["GB200", "H100-80GB"], h100).assert_quiet();
}

#[test]
fn a_toleration_of_arm_nodes_wants_an_image_for_them() {
    let tolerant = |name| {
        image(name).toleration(json!({"key": "kubernetes.io/arch", "operator": "Equal", "value": "arm64", "effect": "NoSchedule"}))
    };
    run(tolerant(AMD64)).assert_findings(&["warn image-architecture"]);
    run(tolerant("trainer:arm64")).assert_quiet();
    run(tolerant("trainer:1")).assert_quiet();
}

#[test]
fn images_that_say_nothing_are_let_be() {
    on(&["GB200"], image("vllm/vllm-openai:v0.11.0")).assert_quiet();
    run(image(AMD64)).assert_quiet();
    on(&["H100-80GB"], image(AMD64)).assert_quiet();
}
