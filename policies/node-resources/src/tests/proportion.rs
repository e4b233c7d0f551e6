use tollgate_sdk::test::{Case, PodBuilder, pod};

use super::{assert_one, gpus, run, set};
use crate::NodeResources;

fn on(product: &str, count: &str, name: &str, amount: &str) -> PodBuilder {
    pod([gpus(count).request(name, amount)]).node_selector("nvidia.com/gpu.product", product)
}

const H100: &str = "NVIDIA-H100-80GB-HBM3";

#[test]
fn warns_about_more_cpu_or_memory_than_comes_with_the_gpus() {
    let done = run(on(H100, "1", "cpu", "64"));
    assert_one(
        &done,
        "warn cpu-or-memory-over-proportion",
        "/spec/containers/0/resources",
        &[
            "`main`",
            "64 cpu with 1 nvidia.com/gpu",
            "H100-80GB",
            "at most 28",
        ],
    );
    let done = run(on(H100, "2", "memory", "600Gi"));
    assert_one(
        &done,
        "warn cpu-or-memory-over-proportion",
        "/spec/containers/0/resources",
        &["600Gi memory", "at most 512Gi"],
    );
}

#[test]
fn what_a_machine_of_any_cloud_has_is_in_proportion() {
    for (product, count, name, amount) in [
        (H100, "1", "cpu", "26"),
        (H100, "8", "memory", "1800Gi"),
        ("NVIDIA-A10G", "1", "cpu", "60"),
        ("NVIDIA-A100-SXM4-80GB", "1", "memory", "220Gi"),
        ("NVIDIA-L4", "1", "memory", "120Gi"),
    ] {
        run(on(product, count, name, amount)).assert_quiet();
    }
}

#[test]
fn the_models_of_the_site_count_where_the_pod_selects_none() {
    let greedy = || pod([gpus("1").request("memory", "400Gi")]);
    Case::new(greedy())
        .gpu_models(&["H100-80GB"])
        .run::<NodeResources>()
        .assert_findings(&["warn cpu-or-memory-over-proportion"]);
    Case::new(greedy())
        .gpu_models(&["H100-80GB", "B300"])
        .run::<NodeResources>()
        .assert_quiet();
    run(greedy()).assert_quiet();
}

#[test]
fn models_of_unknown_machines_say_nothing() {
    run(on("NVIDIA-H20", "1", "cpu", "500")).assert_quiet();
}

#[test]
fn warns_about_less_than_a_processor_for_each_device() {
    let done = run(pod([gpus("8").limit("cpu", "4")]));
    assert_one(
        &done,
        "warn cpu-under-proportion",
        "/spec/containers/0/resources/limits/cpu",
        &["`main`", "8 nvidia.com/gpu", "CPU limit of 4", "`cpu: 8`"],
    );
    run(pod([gpus("8").request("cpu", "4")])).assert_quiet();
    run(pod([gpus("1").limit("cpu", "1")])).assert_quiet();
}

#[test]
fn slices_and_shares_need_no_whole_processor() {
    for name in [
        "nvidia.com/mig-1g.10gb",
        "nvidia.com/gpu.shared",
        "aws.amazon.com/neuroncore",
    ] {
        let slice = tollgate_sdk::test::container("main")
            .limit(name, "1")
            .limit("cpu", "500m");
        run(pod([slice])).assert_quiet();
    }
    let hami = gpus("1")
        .limit("nvidia.com/gpumem", "3000")
        .limit("cpu", "500m");
    run(pod([hami])).assert_quiet();
    let metax = tollgate_sdk::test::container("main")
        .limit("metax-tech.com/gpu", "1")
        .limit("metax-tech.com/vmemory", "2048Mi")
        .limit("cpu", "500m");
    run(pod([metax])).assert_quiet();
    let shared = || pod([gpus("1").limit("cpu", "500m")]);
    Case::new(shared())
        .sharing("time-slicing")
        .run::<NodeResources>()
        .assert_quiet();
    Case::new(shared())
        .mig_strategy("single")
        .run::<NodeResources>()
        .assert_quiet();
    run(shared().node_selector("cloud.google.com/gke-gpu-sharing-strategy", "time-sharing"))
        .assert_quiet();
}

#[test]
fn settings_move_the_bounds() {
    let pod = || on(H100, "1", "cpu", "20");
    run(pod()).assert_quiet();
    set(pod(), serde_json::json!({"mostPercent": 50}))
        .assert_findings(&["warn cpu-or-memory-over-proportion"]);
    let starved = tollgate_sdk::test::pod([gpus("1").limit("cpu", "200m")]);
    set(starved, serde_json::json!({"leastCpuMillis": 0})).assert_quiet();
}
