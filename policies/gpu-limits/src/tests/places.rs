use tollgate_sdk::test::pod;

use super::{assert_one, plain, run, sidecar, with};

#[test]
fn warns_about_devices_on_several_containers_with_their_sum() {
    let two = pod([
        plain("server").limit("nvidia.com/gpu", "2"),
        plain("logger").limit("nvidia.com/gpu", "1"),
    ]);
    let done = run(two);
    assert_one(
        &done,
        "warn several-gpu-containers",
        "/spec/containers",
        &["`server`, `logger`", "3 nvidia.com/gpu in all"],
    );
    run(pod([
        plain("server").limit("nvidia.com/gpu", "2"),
        plain("logger").limit("nvidia.com/gpu", "0"),
    ]))
    .assert_quiet();
}

#[test]
fn refuses_devices_on_native_sidecars() {
    let done =
        run(with("nvidia.com/gpu", "1").init(sidecar("exporter").limit("nvidia.com/gpu", "1")));
    let path = "/spec/initContainers/0/resources";
    assert_one(
        &done,
        "deny gpu-on-sidecar",
        path,
        &[
            "sidecar `exporter` takes 1 nvidia.com/gpu",
            "take the device out",
        ],
    );
    run(with("nvidia.com/gpu", "1").init(sidecar("exporter"))).assert_quiet();
}

#[test]
fn warns_about_devices_on_init_containers() {
    let done = run(pod([plain("main")]).init(plain("download").limit("nvidia.com/gpu", "1")));
    let path = "/spec/initContainers/0/resources";
    assert_one(
        &done,
        "warn gpu-on-init-container",
        path,
        &[
            "init container `download` takes 1 nvidia.com/gpu",
            "unless it computes",
        ],
    );
    run(with("nvidia.com/gpu", "1").init(plain("download"))).assert_quiet();
}
