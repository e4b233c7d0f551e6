use serde_json::json;
use tollgate_sdk::test::{PodBuilder, pod};

use super::{assert_one, one, run, set};

const CUDA_13: &str = "nvidia/cuda:13.0.2-base-ubuntu24.04";

fn image(name: &str) -> PodBuilder {
    pod([one("nvidia.com/gpu").image(name)])
}

#[test]
fn warns_about_cuda_that_the_driver_does_not_run() {
    let settings = json!({"driverBranch": 535});
    assert_one(
        &set(image(CUDA_13), &settings),
        "warn cuda-newer-than-driver",
        "/spec/containers/0/image",
        &["`main`", "CUDA 13", "CUDA 12 at most", "branch 580"],
    );
    set(image("nvidia/cuda:12.9.0-base"), &settings).assert_quiet();
    set(image(CUDA_13), &json!({"driverBranch": 580})).assert_quiet();
    run(image(CUDA_13)).assert_quiet();
}

#[test]
fn labels_of_nodes_tell_the_driver() {
    for (key, value) in [
        ("nvidia.com/cuda.driver-version.major", "535"),
        ("nvidia.com/cuda.driver.major", "535"),
        ("nvidia.com/cuda.runtime-version.major", "12"),
    ] {
        run(image(CUDA_13).node_selector(key, value))
            .assert_findings(&["warn cuda-newer-than-driver"]);
        let newer = image(CUDA_13).node_selector(key, value);
        let newer = newer.with(
            "/spec/nodeSelector",
            json!({key: if value == "12" { "13" } else { "580" }}),
        );
        set(newer, &json!({"driverBranch": 535})).assert_quiet();
    }
}

#[test]
fn what_the_container_requires_counts_before_its_image() {
    let says = |text| {
        pod([one("nvidia.com/gpu")
            .image(CUDA_13)
            .env("NVIDIA_REQUIRE_CUDA", text)])
    };
    let settings = json!({"driverBranch": 535});
    set(says("cuda>=12.4 brand=tesla"), &settings).assert_quiet();
    set(says("cuda>=13.0"), &settings).assert_findings(&["warn cuda-newer-than-driver"]);
}

#[test]
fn warns_about_a_check_that_is_switched_off() {
    let unchecked = |value| pod([one("nvidia.com/gpu").env("NVIDIA_DISABLE_REQUIRE", value)]);
    assert_one(
        &run(unchecked("1")),
        "warn cuda-check-disabled",
        "/spec/containers/0/env",
        &["`main`", "NVIDIA_DISABLE_REQUIRE=1"],
    );
    run(unchecked("0")).assert_quiet();
    let other = pod([one("amd.com/gpu").env("NVIDIA_DISABLE_REQUIRE", "1")]);
    run(other).assert_quiet();
}
