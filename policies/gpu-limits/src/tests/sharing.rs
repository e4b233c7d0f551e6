use tollgate_sdk::test::{container, pod};

use super::{assert_one, plain, run, with};

#[test]
fn warns_about_quantities_without_a_count() {
    for name in [
        "nvidia.com/gpumem",
        "nvidia.com/gpucores",
        "volcano.sh/vgpu-memory",
        "hygon.com/dcumem",
    ] {
        let done = run(with(name, "30"));
        let path = format!(
            "/spec/containers/0/resources/limits/{}",
            name.replace('/', "~1")
        );
        assert_one(
            &done,
            "warn quantity-without-count",
            &path,
            &[name, "number of devices"],
        );
    }
}

#[test]
fn quantities_beside_a_count_and_those_that_stand_alone_are_right() {
    for (count, quantity) in [
        ("nvidia.com/gpu", "nvidia.com/gpumem"),
        ("metax-tech.com/sgpu", "metax-tech.com/vcore"),
        ("iluvatar.ai/MR-V100-vgpu", "iluvatar.ai/MR-V100.vCore"),
        ("cambricon.com/vmlu", "cambricon.com/mlu370.smlu.vmemory"),
    ] {
        run(pod([plain("main").limit(count, "1").limit(quantity, "30")])).assert_quiet();
    }
    for alone in [
        "aliyun.com/gpu-mem",
        "volcano.sh/gpu-memory",
        "koordinator.sh/gpu-core",
    ] {
        run(with(alone, "1024")).assert_quiet();
    }
}

#[test]
fn warns_about_more_than_all_of_a_device() {
    let done = run(pod([plain("main")
        .limit("nvidia.com/gpu", "1")
        .limit("nvidia.com/gpucores", "120")]));
    let path = "/spec/containers/0/resources/limits/nvidia.com~1gpucores";
    assert_one(
        &done,
        "warn percent-above-100",
        path,
        &["120 of nvidia.com/gpucores", "1 to 100"],
    );
    run(pod([plain("main")
        .limit("nvidia.com/gpu", "1")
        .limit("nvidia.com/gpucores", "100")]))
    .assert_quiet();
}

#[test]
fn refuses_a_fraction_that_kai_would_refuse() {
    for value in ["half", "0", "-0.5", "1", "1.5", ""] {
        let done = run(pod([container("main")]).annotation("gpu-fraction", value));
        let path = "/metadata/annotations/gpu-fraction";
        assert_one(
            &done,
            "deny wrong-gpu-fraction",
            path,
            &[&format!("`{value}`"), "such as `0.5`"],
        );
    }
    run(pod([container("main")]).annotation("gpu-fraction", "0.5")).assert_quiet();
}

#[test]
fn refuses_a_fraction_beside_whole_gpus() {
    let done = run(with("nvidia.com/gpu", "1").annotation("gpu-fraction", "0.5"));
    let path = "/spec/containers/0/resources";
    assert_one(
        &done,
        "deny wrong-gpu-fraction",
        path,
        &["takes 1 nvidia.com/gpu", "take `nvidia.com/gpu` out"],
    );
    run(with("nvidia.com/gpu", "0").annotation("gpu-fraction", "0.5")).assert_quiet();
}
