use serde_json::json;
use tollgate_sdk::test::{Case, pod};

use super::super::SharedMemory;
use super::{gpus, limited, owned, run, run_with, size_of, sized, two};

#[test]
fn grows_with_the_devices_up_to_a_cap() {
    for (count, size) in [
        ("2", "4Gi"),
        ("8", "16Gi"),
        ("100", "64Gi"),
        ("99999999999", "64Gi"),
    ] {
        assert_eq!(size_of(&run(pod([gpus("main", count)]))), size, "{count}");
    }
}

#[test]
fn is_larger_for_training() {
    let job = |builder| owned(builder, "batch/v1", "Job");
    assert_eq!(size_of(&run(job(two()))), "16Gi");
    assert_eq!(
        size_of(&run(owned(two(), "kubeflow.org/v1", "PyTorchJob"))),
        "16Gi"
    );
    assert_eq!(
        size_of(&run(pod(
            [gpus("main", "4").command(&["torchrun", "t.py"])]
        ))),
        "32Gi"
    );
    assert_eq!(
        size_of(&run(pod([gpus("main", "4").command(&["vllm", "serve"])]))),
        "8Gi"
    );
    assert_eq!(size_of(&run(owned(two(), "apps/v1", "ReplicaSet"))), "4Gi");
}

#[test]
fn takes_at_most_half_of_the_memory_limit() {
    for (memory, size) in [
        ("100Gi", "4Gi"),
        ("6Gi", "3Gi"),
        ("5G", "2384Mi"),
        ("512Mi", "256Mi"),
        ("0", "4Gi"),
    ] {
        assert_eq!(size_of(&run(limited(two(), memory))), size, "{memory}");
    }
}

#[test]
fn gives_nothing_where_half_of_the_memory_is_what_the_runtime_gives() {
    run(limited(two(), "128Mi")).assert_quiet();
}

#[test]
fn takes_at_most_half_of_the_pods_own_limit() {
    let within = |memory: &str| two().with("/spec/resources/limits/memory", memory.into());
    assert_eq!(size_of(&run(within("6Gi"))), "3Gi");
    assert_eq!(size_of(&run(within("100Gi"))), "4Gi");
    assert_eq!(size_of(&run(limited(within("6Gi"), "4Gi"))), "2Gi");
}

#[test]
fn adds_up_what_each_container_can_bear() {
    let containers = [gpus("a", "2").limit("memory", "2Gi"), gpus("b", "2")];
    assert_eq!(size_of(&run(pod(containers))), "5Gi");
}

#[test]
fn follows_the_settings() {
    let settings = json!({"servingPerDevice": "512Mi", "minimum": "256Mi", "maximum": "3Gi", "memoryPercent": 25});
    let size = |builder| size_of(&run_with(settings.clone(), builder));
    assert_eq!(size(two()), "1Gi");
    assert_eq!(size(pod([gpus("main", "8")])), "3Gi");
    assert_eq!(size(limited(two(), "2Gi")), "512Mi");
    let training = json!({"trainingPerDevice": "1Gi"});
    assert_eq!(
        size_of(&run_with(training, owned(two(), "batch/v1", "Job"))),
        "2Gi"
    );
    assert_eq!(
        size_of(&run_with(json!({"minimum": "10Gi"}), two())),
        "10Gi"
    );
    run_with(json!({"memoryPercent": 100}), limited(sized("8Gi"), "8Gi")).assert_quiet();
}

#[test]
fn refuses_settings_that_make_no_sense() {
    let cases = [
        (
            json!({"minimum": "2Gi", "maximum": "1Gi"}),
            "`minimum` must not be above `maximum`",
        ),
        (
            json!({"memoryPercent": 0}),
            "memoryPercent: `0` must be from 1 to 100",
        ),
        (json!({"memoryPercent": 101}), "from 1 to 100"),
        (json!({"maximum": "much"}), "`much` is not a quantity"),
        (
            json!({"maximum": "64"}),
            "`64` must be a size of `1Mi` or more",
        ),
        (json!({"perDevice": "1Gi"}), "unknown field `perDevice`"),
    ];
    for (settings, reason) in cases {
        let error = Case::new(two())
            .settings(settings)
            .settings_error::<SharedMemory>();
        assert!(error.contains(reason), "{error}");
    }
}
