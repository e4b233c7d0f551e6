//! Devices that are picked by hand.

use tollgate_sdk::test::{Done, container, pod};

use super::{gpus, run};

fn cuda(resource: &str, count: &str, value: &str) -> Done {
    run(pod([container("main")
        .limit(resource, count)
        .env("CUDA_VISIBLE_DEVICES", value)]))
}

const GPU: &str = "nvidia.com/gpu";

#[test]
fn all_devices_in_order_are_harmless() {
    cuda(GPU, "1", "0").assert_quiet();
    cuda(GPU, "2", "0,1").assert_quiet();
    cuda(GPU, "4", " 0, 1,2,3").assert_quiet();
}

#[test]
fn warns_about_a_choice() {
    for value in [
        "0",
        "1",
        "1,0",
        "0,0",
        "",
        "-1",
        "all",
        "GPU-8f2c",
        "NoDevFiles",
    ] {
        let done = cuda(GPU, "2", value);
        done.assert_findings(&["warn hand-picked-devices"]);
        assert_eq!(done.findings[0].path, "/spec/containers/0/env/0");
    }
}

#[test]
fn refuses_an_index_that_cannot_exist() {
    for (count, value) in [
        ("1", "0,1"),
        ("1", "1"),
        ("2", "2"),
        ("4", "0,1,2,7"),
        ("1", "7"),
    ] {
        let done = cuda(GPU, count, value);
        done.assert_findings(&["deny impossible-device-index"]);
        assert_eq!(
            done.findings[0].actual,
            Some(format!("CUDA_VISIBLE_DEVICES={value}"))
        );
    }
    let done = cuda(GPU, "2", "0-7");
    assert_eq!(done.findings[0].allowed.as_deref(), Some("0 to 1"));
}

#[test]
fn anything_with_mig_is_wrong() {
    cuda("nvidia.com/mig-1g.10gb", "1", "0").assert_findings(&["warn hand-picked-devices"]);
    cuda("nvidia.com/mig-1g.10gb", "1", "1").assert_findings(&["deny impossible-device-index"]);
    cuda("nvidia.com/mig-1g.10gb", "1", "$(WHICH)").assert_quiet();
}

#[test]
fn says_nothing_of_what_cannot_be_told() {
    for value in ["$(WHICH)", "${WHICH}", "<gpu>"] {
        cuda(GPU, "1", value).assert_quiet();
    }
    cuda("google.com/tpu", "4", "0,1").assert_quiet();
    run(pod([container("main").env("CUDA_VISIBLE_DEVICES", "")])).assert_quiet();
    run(pod([container("main").env("CUDA_VISIBLE_DEVICES", "3")])).assert_quiet();
}

#[test]
fn quantities_alone_count_no_devices() {
    cuda("volcano.sh/gpu-memory", "1024", "1").assert_findings(&["warn hand-picked-devices"]);
}

#[test]
fn knows_the_variables_of_other_vendors() {
    for (resource, name) in [
        ("amd.com/gpu", "HIP_VISIBLE_DEVICES"),
        ("amd.com/gpu", "ROCR_VISIBLE_DEVICES"),
        ("hygon.com/dcunum", "HIP_VISIBLE_DEVICES"),
        ("huawei.com/Ascend910B4", "ASCEND_RT_VISIBLE_DEVICES"),
        ("aws.amazon.com/neuroncore", "NEURON_RT_VISIBLE_CORES"),
    ] {
        let with = |value: &str| {
            run(pod([container("main")
                .limit(resource, "2")
                .env(name, value)]))
        };
        with("0,1").assert_quiet();
        with("1").assert_findings(&["warn hand-picked-devices"]);
        with("0,2").assert_findings(&["deny impossible-device-index"]);
    }
}

#[test]
fn a_neuron_chip_has_several_cores() {
    let with = |value: &str| {
        let main = container("main").limit("aws.amazon.com/neuron", "16");
        run(pod([main.env("NEURON_RT_VISIBLE_CORES", value)]))
    };
    with("0-31").assert_quiet();
    with("0-127").assert_quiet();
    with("0-128").assert_findings(&["deny impossible-device-index"]);
    with("4-7").assert_findings(&["warn hand-picked-devices"]);
}

#[test]
fn warns_about_the_plugins_variable_beside_a_request() {
    let with = |value: &str| {
        run(pod(
            [gpus("main", "1").env("NVIDIA_VISIBLE_DEVICES", value)],
        ))
    };
    with("all").assert_findings(&["warn hand-picked-devices"]);
    with("void").assert_quiet();
    let gaudi = container("main").limit("habana.ai/gaudi", "8");
    run(pod([gaudi.env("HABANA_VISIBLE_DEVICES", "all")]))
        .assert_findings(&["warn hand-picked-devices"]);
}
