use serde_json::{Value, json};
use tollgate_sdk::test::{Case, ContainerBuilder, Done, PodBuilder, assert_one, container, pod};

use super::NodeResources;

mod hugepages;
mod memlock;
mod network;
mod proportion;
mod storage;

/// A container with NVIDIA GPUs.
fn gpus(count: &str) -> ContainerBuilder {
    container("main").limit("nvidia.com/gpu", count)
}

fn run(pod: PodBuilder) -> Done {
    Case::new(pod).run::<NodeResources>()
}

fn set(pod: PodBuilder, settings: Value) -> Done {
    Case::new(pod).settings(settings).run::<NodeResources>()
}

#[test]
fn says_nothing_about_pods_without_accelerators() {
    let idle = container("main")
        .limit("rdma/hca", "1")
        .limit("hugepages-2Mi", "1Gi")
        .limit("nvidia.com/gpu", "0")
        .limit("cpu", "100m");
    run(pod([idle]).with("/spec/hostNetwork", true.into())).assert_quiet();
}

#[test]
fn refuses_settings_that_make_no_sense() {
    for (settings, piece) in [
        (
            json!({"mostPercent": 0}),
            "mostPercent: `0` must be from 1 to 1000",
        ),
        (json!({"mostpercent": 50}), "unknown field `mostpercent`"),
    ] {
        let error = Case::new(pod([gpus("1")]))
            .settings(settings)
            .settings_error::<NodeResources>();
        assert!(error.contains(piece), "{error}");
    }
}
