//! Runtime classes, device classes, nodes by name.

use serde_json::json;
use tollgate_sdk::test::{Case, Done, PodBuilder, container, pod};

use super::super::GpuIsolation;
use super::{one, plain, run, run_with};

fn under(builder: PodBuilder, class: &str) -> PodBuilder {
    builder.with("/spec/runtimeClassName", class.into())
}

#[test]
fn refuses_vendors_runtime_classes_without_a_request() {
    for class in ["nvidia", "nvidia-cdi", "nvidia-legacy", "habana", "ascend"] {
        let done = run(under(plain(), class));
        done.assert_findings(&["deny gpu-runtime-class"]);
        assert_eq!(done.findings[0].path, "/spec/runtimeClassName");
        run(under(one(), class)).assert_quiet();
    }
    for class in ["gvisor", "kata-qemu-nvidia-gpu", "runc"] {
        run(under(plain(), class)).assert_quiet();
    }
    run(under(
        pod([container("main").limit("rdma/hca", "1")]),
        "nvidia",
    ))
    .assert_findings(&["deny gpu-runtime-class"]);
}

#[test]
fn any_way_to_ask_is_a_request() {
    let claimed = container("main").with("/resources/claims", json!([{"name": "gpu"}]));
    let resource = |name: &str| pod([container("main").limit(name, "1")]);
    let part = plain().annotation("gpu-fraction", "0.5");
    for builder in [
        pod([claimed]),
        resource("nvidia.com/gpumem"),
        resource("deviceclass.resource.kubernetes.io/gpu.nvidia.com"),
        resource("example.com/gpu"),
        plain().init(container("warm").limit("nvidia.com/gpu", "1")),
        part.clone()
            .with("/spec/schedulerName", "kai-scheduler".into()),
    ] {
        let done = run(under(builder, "nvidia"));
        assert!(done.findings.is_empty(), "{:#?}", done.findings);
    }
    run(under(part, "nvidia")).assert_findings(&["deny gpu-runtime-class"]);
}

#[test]
fn templates_may_leave_the_scheduler_to_their_controller() {
    let part = under(plain().annotation("gpu-fraction", "0.5"), "nvidia");
    Case::object(part.deployment())
        .run::<GpuIsolation>()
        .assert_quiet();
}

#[test]
fn knows_the_sites_runtime_classes() {
    let settings = json!({"runtimeClasses": ["accelerated"]});
    run_with(settings, under(plain(), "accelerated")).assert_findings(&["deny gpu-runtime-class"]);
    run(under(plain(), "accelerated")).assert_quiet();
}

fn class(name: &str, settings: serde_json::Value) -> Done {
    let resource = format!("deviceclass.resource.kubernetes.io/{name}");
    run_with(settings, pod([container("main").limit(&resource, "1")]))
}

#[test]
fn refuses_device_classes_that_are_not_for_workloads() {
    for name in [
        "compute-domain-daemon.nvidia.com",
        "vfio.gpu.nvidia.com",
        "admin.example.com",
    ] {
        let done = class(name, json!({}));
        done.assert_findings(&["deny device-class"]);
        assert_eq!(done.findings[0].actual.as_deref(), Some(name));
    }
    for name in ["gpu.nvidia.com", "mig.nvidia.com", "gpu.amd.com"] {
        class(name, json!({})).assert_quiet();
    }
}

#[test]
fn the_setting_is_the_whole_list() {
    let settings = json!({"deviceClasses": ["a100.example.com"]});
    class("a100.example.com", settings.clone()).assert_quiet();
    let done = class("gpu.nvidia.com", settings);
    done.assert_findings(&["deny device-class"]);
    assert_eq!(
        done.findings[0].allowed.as_deref(),
        Some("a100.example.com")
    );
}

#[test]
fn refuses_a_node_by_name_for_accelerators_alone() {
    let on = |builder: PodBuilder| run(builder.with("/spec/nodeName", "node-1".into()));
    for resource in [
        "nvidia.com/gpu",
        "google.com/tpu",
        "volcano.sh/vgpu-number",
        "aliyun.com/gpu-mem",
    ] {
        let done = on(pod([container("main").limit(resource, "1")]));
        done.assert_findings(&["deny node-name"]);
        assert_eq!(done.findings[0].path, "/spec/nodeName");
    }
    on(plain()).assert_quiet();
    run(one().node_selector("kubernetes.io/hostname", "node-1")).assert_quiet();
}

#[test]
fn lets_the_node_of_a_running_pod_be() {
    let running = one().with("/spec/nodeName", "node-1".into());
    let running = running.with(
        "/status",
        json!({"phase": "Running", "startTime": "2026-01-01T00:00:00Z"}),
    );
    run(running.clone()).assert_quiet();
    let pending = running.with("/status", json!({"phase": "Pending"}));
    run(pending).assert_findings(&["deny node-name"]);
}
