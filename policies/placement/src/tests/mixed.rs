use serde_json::{Value, json};
use tollgate_sdk::test::Case;

use super::{Placement, assert_one, gpu, one};

const PRODUCT: &str = "nvidia.com/gpu.product";

fn node(product: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": product, "labels": {PRODUCT: product, "kubernetes.io/arch": "amd64", "nvidia.com/cuda.driver-version.major": "535"}},
        "status": {"allocatable": {"nvidia.com/gpu": 8}},
    })
}

fn nodes() -> [Value; 2] {
    ["NVIDIA-L4", "NVIDIA-H100-80GB-HBM3"].map(node)
}

#[test]
fn a_model_that_no_node_has_is_warned_of() {
    let pod = gpu().node_selector(PRODUCT, "NVIDIA-A100-SXM4-80GB");
    let done = Case::new(pod.clone()).state(nodes()).run::<Placement>();
    let pieces = [
        "no node and no known pool has",
        "`NVIDIA-L4`",
        "NVIDIA-A100-SXM4-80GB",
    ];
    assert_one(
        &done,
        "warn absent-model",
        "/spec/nodeSelector/nvidia.com~1gpu.product",
        &pieces,
    );
    Case::new(pod).run::<Placement>().assert_quiet();
}

#[test]
fn a_model_left_open_is_warned_of_where_there_are_several() {
    let done = Case::new(gpu()).state(nodes()).run::<Placement>();
    let pieces = ["H100-80GB, L4", "select the model"];
    assert_one(&done, "warn model-left-open", "/spec/nodeSelector", &pieces);
    let chosen = gpu().node_selector(PRODUCT, "NVIDIA-L4");
    Case::new(chosen)
        .state(nodes())
        .run::<Placement>()
        .assert_quiet();
    Case::new(gpu())
        .state([node("NVIDIA-L4")])
        .run::<Placement>()
        .assert_quiet();
}

#[test]
fn the_driver_and_the_architecture_of_the_nodes_are_those_of_their_labels() {
    let state = || [node("NVIDIA-L4")];
    let newer = tollgate_sdk::test::pod([one("nvidia.com/gpu").image("nvidia/cuda:13.0.1-base")]);
    let done = Case::new(newer.clone()).state(state()).run::<Placement>();
    done.assert_findings(&["warn cuda-newer-than-driver"]);
    Case::new(newer).run::<Placement>().assert_quiet();
    let arm = tollgate_sdk::test::pod([one("nvidia.com/gpu").image("example.com/app:1-arm64")]);
    let done = Case::new(arm.clone()).state(state()).run::<Placement>();
    done.assert_findings(&["warn image-architecture"]);
    Case::new(arm).run::<Placement>().assert_quiet();
}
