use serde_json::{Value, json};
use tollgate_sdk::test::{
    Case, ContainerBuilder, Done, PodBuilder, assert_one_early as assert_one, container, pod,
};

use super::GpuLimits;

mod count;
mod nodes;
mod places;
mod shape;
mod sharing;
mod software;
mod table;

/// A container that nothing is wrong with but what a test adds.
fn plain(name: &str) -> ContainerBuilder {
    container(name).limit("memory", "16Gi")
}

fn with(name: &str, amount: &str) -> PodBuilder {
    pod([plain("main").limit(name, amount)])
}

fn sidecar(name: &str) -> ContainerBuilder {
    plain(name).with("/restartPolicy", "Always".into())
}

fn run(pod: PodBuilder) -> Done {
    Case::new(pod).run::<GpuLimits>()
}

fn set(pod: PodBuilder, settings: Value) -> Done {
    Case::new(pod).settings(settings).run::<GpuLimits>()
}

#[test]
fn says_nothing_about_a_pod_that_is_right() {
    run(with("nvidia.com/gpu", "1")).assert_quiet();
    run(with("cpu", "1")).assert_quiet();
    run(with("rdma/hca", "1")).assert_quiet();
    run(with("nvidia.com/gpu", "0")).assert_quiet();
}

#[test]
fn refuses_settings_that_make_no_sense() {
    for (settings, piece) in [
        (json!({"maxPerNode": 0}), "would refuse every GPU"),
        (json!({"maxPerNodes": 8}), "unknown field `maxPerNodes`"),
        (
            json!({"perGpu": [{"model": "A100-80GB"}]}),
            "the row of `A100-80GB` has neither `cpu` nor `memory`",
        ),
        (
            json!({"perGpu": [{"cpu": 1}, {"cpu": 2}]}),
            "the row without a model stands there twice",
        ),
        (
            json!({"perGpu": [{"model": "A100", "cpu": 1}]}),
            "`A100` may be `A100-40GB` or `A100-80GB`",
        ),
        (
            json!({"perGpu": [{"model": "H10-80GB", "cpu": 1}]}),
            "`H100-80GB` is",
        ),
        (json!({"perGpu": [{"memory": "16GB"}]}), "`GB` is none of"),
        (json!({"perGpu": [{"memory": "0"}]}), "must be above zero"),
    ] {
        let error = Case::new(with("nvidia.com/gpu", "1"))
            .settings(settings)
            .settings_error::<GpuLimits>();
        assert!(error.contains(piece), "{error}");
    }
}
