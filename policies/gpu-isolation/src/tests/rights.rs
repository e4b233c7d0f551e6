//! Privilege, debug containers, and rights over the devices of others.

use serde_json::json;
use tollgate_sdk::test::{PodBuilder, container, pod};

use super::{debugged, gpus, one, plain, run, run_with};

const PRIVILEGED: &str = "/securityContext/privileged";

#[test]
fn refuses_privilege_with_and_without_accelerators() {
    let with =
        |main: tollgate_sdk::test::ContainerBuilder| run(pod([main.with(PRIVILEGED, true.into())]));
    for done in [with(gpus("main", "1")), with(container("main"))] {
        done.assert_findings(&["deny privileged"]);
        assert_eq!(
            done.findings[0].path,
            "/spec/containers/0/securityContext/privileged"
        );
    }
    let init = plain().init(container("init").with(PRIVILEGED, true.into()));
    run(init).assert_findings(&["deny privileged"]);
    run(pod([gpus("main", "1").with(PRIVILEGED, false.into())])).assert_quiet();
}

#[test]
fn refuses_privileged_debug_containers_and_lets_others_be() {
    let debug = |privileged: bool| json!({"name": "d", "image": "a", "securityContext": {"privileged": privileged}});
    let done = run(debugged(gpus("main", "1"), debug(true)));
    done.assert_findings(&["deny debug-container"]);
    assert!(done.findings[0].message.starts_with("debug container `d`"));
    run(debugged(gpus("main", "1"), debug(false))).assert_quiet();
    run(debugged(container("main"), debug(false))).assert_quiet();
}

#[test]
fn refuses_variables_that_give_rights() {
    for name in [
        "NVIDIA_MIG_CONFIG_DEVICES",
        "NVIDIA_MIG_MONITOR_DEVICES",
        "NVIDIA_IMEX_CHANNELS",
    ] {
        for main in [gpus("main", "1"), container("main")] {
            let done = run(pod([main.env("A", "b").env(name, "all")]));
            done.assert_findings(&["deny device-rights"]);
            assert_eq!(done.findings[0].path, "/spec/containers/0/env/1");
        }
        run(pod([gpus("main", "1").env(name, "void")])).assert_quiet();
    }
    run(pod([
        gpus("main", "1").env("NVIDIA_DRIVER_CAPABILITIES", "compute,utility")
    ]))
    .assert_quiet();
}

fn capable(builder: PodBuilder, capability: &str) -> PodBuilder {
    builder.with(
        "/spec/containers/0/securityContext/capabilities",
        json!({"add": ["NET_RAW", capability]}),
    )
}

#[test]
fn refuses_the_capability_in_every_spelling() {
    for capability in ["SYS_ADMIN", "CAP_SYS_ADMIN", "sys_admin", "ALL", "all"] {
        let done = run(capable(one(), capability));
        done.assert_findings(&["deny device-rights"]);
        assert_eq!(
            done.findings[0].path,
            "/spec/containers/0/securityContext/capabilities/add/1"
        );
    }
    run(capable(one(), "IPC_LOCK")).assert_quiet();
    run(capable(one(), "SYS_PTRACE")).assert_quiet();
}

#[test]
fn the_capability_matters_where_devices_are() {
    run(capable(plain(), "SYS_ADMIN")).assert_quiet();
    let site = json!({"runtimeClasses": ["accelerated"]});
    let under = capable(plain(), "SYS_ADMIN").with("/spec/runtimeClassName", "accelerated".into());
    run_with(site, under).assert_findings(&["deny device-rights", "deny gpu-runtime-class"]);
}
