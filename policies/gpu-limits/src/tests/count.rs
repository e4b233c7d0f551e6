use serde_json::json;
use tollgate_sdk::test::{Case, PodBuilder, pod};

use super::{GpuLimits, assert_one, plain, run, set, sidecar, with};

const PATH: &str = "/spec/containers/0/resources/limits/nvidia.com~1gpu";
const INSTANCE: &str = "node.kubernetes.io/instance-type";

fn gpus(count: u32) -> PodBuilder {
    with("nvidia.com/gpu", &count.to_string())
}

#[test]
fn warns_about_counts_that_leave_gpus_of_a_node_unused() {
    for count in [3, 5, 6, 7] {
        let done = run(gpus(count));
        assert_one(
            &done,
            "warn unusual-gpu-count",
            PATH,
            &[&format!("takes {count} nvidia.com/gpu"), "1, 2, 4 or 8"],
        );
    }
    for count in [1, 2, 4, 8] {
        run(gpus(count)).assert_quiet();
    }
}

#[test]
fn warns_about_counts_above_what_most_nodes_have() {
    for count in [9, 16, 32] {
        let done = run(gpus(count));
        assert_one(
            &done,
            "warn unusual-gpu-count",
            PATH,
            &["few nodes have more than 8", "maxPerNode"],
        );
    }
}

#[test]
fn counts_whole_gpus_of_nvidia_and_amd_alone() {
    let done = run(with("amd.com/gpu", "6"));
    assert_one(
        &done,
        "warn unusual-gpu-count",
        "/spec/containers/0/resources/limits/amd.com~1gpu",
        &["6 amd.com/gpu"],
    );
    for name in [
        "google.com/tpu",
        "aws.amazon.com/neuron",
        "habana.ai/gaudi",
        "nvidia.com/gpu.shared",
        "huawei.com/Ascend910",
    ] {
        run(with(name, "16")).assert_quiet();
        run(with(name, "3")).assert_quiet();
    }
}

#[test]
fn a_count_of_shares_is_no_count_of_gpus() {
    run(pod([plain("main")
        .limit("nvidia.com/gpu", "30")
        .limit("nvidia.com/gpumem", "3000")]))
    .assert_quiet();
    Case::new(gpus(10))
        .sharing("time-slicing")
        .run::<GpuLimits>()
        .assert_quiet();
    Case::new(gpus(3))
        .mig_strategy("single")
        .run::<GpuLimits>()
        .assert_quiet();
    for (label, value) in [
        ("cloud.google.com/gke-gpu-sharing-strategy", "time-sharing"),
        ("cloud.google.com/gke-gpu-partition-size", "1g.5gb"),
        ("nvidia.com/gpu.product", "NVIDIA-A100-SXM4-80GB-SHARED"),
    ] {
        run(gpus(3).node_selector(label, value)).assert_quiet();
    }
}

#[test]
fn refuses_more_than_the_configured_maximum() {
    let four = json!({"maxPerNode": 4});
    let done = set(gpus(8), four.clone());
    assert_one(
        &done,
        "deny too-many-gpus",
        PATH,
        &[
            "takes 8 nvidia.com/gpu",
            "nodes here have at most 4",
            "at most 4",
        ],
    );
    set(gpus(4), four).assert_quiet();
    set(gpus(16), json!({"maxPerNode": 16})).assert_quiet();
    set(gpus(6), json!({"maxPerNode": 6})).assert_quiet();
    set(gpus(10), json!({"maxPerNode": 10})).assert_quiet();
    set(gpus(12), json!({"maxPerNode": 16})).assert_findings(&["warn unusual-gpu-count"]);
}

#[test]
fn refuses_more_than_the_selected_instance_has() {
    let done = run(gpus(8).node_selector(INSTANCE, "g5.12xlarge"));
    assert_one(
        &done,
        "deny too-many-gpus",
        PATH,
        &["the nodes that it selects have 4", "at most 4"],
    );
    run(gpus(8).node_selector(INSTANCE, "g5.48xlarge")).assert_quiet();
    run(gpus(16).node_selector(INSTANCE, "a2-megagpu-16g")).assert_quiet();
    run(gpus(3).node_selector(INSTANCE, "g5.12xlarge"))
        .assert_findings(&["warn unusual-gpu-count"]);
    let done = run(gpus(8).node_selector("karpenter.k8s.aws/instance-gpu-count", "4"));
    done.assert_findings(&["deny too-many-gpus"]);
    run(gpus(8).node_selector(INSTANCE, "some.own-type")).assert_quiet();
}

#[test]
fn the_largest_of_the_instances_that_affinity_allows_counts() {
    let affinity = |types: &[&str]| {
        let term =
            json!({"matchExpressions": [{"key": INSTANCE, "operator": "In", "values": types}]});
        let selector = json!({"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}});
        gpus(8).with("/spec/affinity/nodeAffinity", selector)
    };
    run(affinity(&["g5.12xlarge", "g5.48xlarge"])).assert_quiet();
    run(affinity(&["g5.12xlarge", "g5.xlarge"])).assert_findings(&["deny too-many-gpus"]);
    run(affinity(&["g5.12xlarge", "unknown"])).assert_quiet();
}

#[test]
fn the_pod_counts_as_a_whole_by_the_schedulers_formula() {
    let max = json!({"maxPerNode": 4});
    let twice = |count: &str| plain(count).limit("nvidia.com/gpu", "4");
    let done = set(pod([twice("a"), twice("b")]), max.clone());
    done.assert_findings(&["warn several-gpu-containers", "deny too-many-gpus"]);
    let init = set(pod([twice("a")]).init(twice("warm")), max.clone());
    init.assert_findings(&["warn gpu-on-init-container"]);
    let side = set(
        pod([twice("a")]).init(sidecar("s").limit("nvidia.com/gpu", "1")),
        max,
    );
    side.assert_findings(&["deny gpu-on-sidecar", "deny too-many-gpus"]);
}
