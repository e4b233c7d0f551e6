//! Variables, annotations and mounts that the runtime obeys, and the variable that hides GPUs.

use serde_json::json;
use tollgate_sdk::gpu::RUNTIME_VARIABLES;
use tollgate_sdk::test::{Case, container, pod};

use super::super::GpuIsolation;
use super::{debugged, gpus, in_every_class, one, plain, run, run_with};

const NVIDIA: &str = "NVIDIA_VISIBLE_DEVICES";

#[test]
fn refuses_the_variable_in_every_class_of_container() {
    for builder in in_every_class(&json!({"name": NVIDIA, "value": "all"})) {
        let done = run(builder.clone());
        let rule = match builder.build().pointer("/spec/ephemeralContainers") {
            Some(_) => "deny debug-container",
            None => "deny visible-devices",
        };
        done.assert_findings(&[rule]);
        assert!(done.findings[0].path.ends_with("/env/0"));
        assert_eq!(
            done.findings[0].actual.as_deref(),
            Some("NVIDIA_VISIBLE_DEVICES=all")
        );
    }
}

#[test]
fn refuses_every_value_that_is_not_none() {
    for value in [
        "all", "0", "0,1", "GPU-1b2c", "MIG-1b2c", "void,all", "ALL", "$(WHICH)", " ",
    ] {
        let done = run(pod([container("main").env(NVIDIA, value)]));
        done.assert_findings(&["deny visible-devices"]);
    }
    for value in ["void", "none", ""] {
        run(pod([container("main").env(NVIDIA, value)])).assert_quiet();
    }
}

#[test]
fn refuses_values_that_come_from_elsewhere() {
    for from in ["configMapKeyRef", "secretKeyRef", "fieldRef"] {
        let var = json!([{"name": NVIDIA, "valueFrom": {from: {"key": "a"}}}]);
        run(pod([container("main").with("/env", var)])).assert_findings(&["deny visible-devices"]);
    }
}

#[test]
fn the_last_variable_of_a_name_counts() {
    let twice =
        |first: &str, last: &str| pod([container("main").env(NVIDIA, first).env(NVIDIA, last)]);
    let done = run(twice("void", "all"));
    done.assert_findings(&["deny visible-devices"]);
    assert_eq!(done.findings[0].path, "/spec/containers/0/env/1");
    run(twice("all", "void")).assert_quiet();
}

#[test]
fn knows_the_variables_of_every_vendor() {
    for row in RUNTIME_VARIABLES {
        let done = run(pod([container("main").env(row.name, "all")]));
        done.assert_findings(&["deny visible-devices"]);
        assert!(done.findings[0].message.contains(row.name));
    }
}

#[test]
fn refuses_the_variable_beside_a_container_that_asks() {
    let done = run(pod([
        gpus("main", "1"),
        container("spy").env(NVIDIA, "all"),
    ]));
    done.assert_findings(&["deny visible-devices"]);
    assert!(done.findings[0].message.starts_with("container `spy`"));
}

#[test]
fn zero_is_no_request() {
    run(pod([gpus("main", "0").env(NVIDIA, "all")])).assert_findings(&["deny visible-devices"]);
}

#[test]
fn lets_schedulers_hand_out_parts_of_gpus() {
    let from =
        |kind: &str| json!([{"name": NVIDIA, "valueFrom": {kind: {"name": "a", "key": "b"}}}]);
    let part = |kind: &str| {
        pod([container("main").with("/env", from(kind))]).annotation("gpu-fraction", "0.5")
    };
    let scheduled = |kind: &str| part(kind).with("/spec/schedulerName", "kai-scheduler".into());
    run(scheduled("configMapKeyRef")).assert_quiet();
    run(scheduled("secretKeyRef")).assert_findings(&["deny visible-devices"]);
    run(part("configMapKeyRef")).assert_findings(&["deny visible-devices"]);
    let literal = pod([container("main").env(NVIDIA, "all")]).annotation("gpu-fraction", "0.5");
    run(literal.with("/spec/schedulerName", "kai-scheduler".into()))
        .assert_findings(&["deny visible-devices"]);
}

#[test]
fn refuses_annotations_that_inject_devices() {
    let done = run(plain().annotation(
        "nvidia.cdi.k8s.io/container.main",
        "management.nvidia.com/gpu=all",
    ));
    done.assert_findings(&["deny visible-devices"]);
    assert_eq!(
        done.findings[0].path,
        "/metadata/annotations/nvidia.cdi.k8s.io~1container.main"
    );
    run(one().annotation("cdi.k8s.io/vendor", "nvidia.com/gpu=all"))
        .assert_findings(&["deny visible-devices"]);
    run(plain().annotation("cdi.kubevirt.io/storage.import", "x")).assert_quiet();
}

#[test]
fn refuses_mounts_that_name_devices_whatever_is_behind_them() {
    let sources = [
        ("hostPath", json!({"path": "/dev/null"})),
        ("emptyDir", json!({})),
        (
            "projected",
            json!({"sources": [{"downwardAPI": {"items": []}}]}),
        ),
        ("csi", json!({"driver": "files.example"})),
    ];
    for (source, value) in sources {
        for path in [
            "/var/run/nvidia-container-devices/all",
            "/run//nvidia-container-devices/cdi/nvidia.com/gpu/0/",
        ] {
            let mounted = pod([container("main").mount("a", path)]);
            let done = run(mounted.volume("a", source, value.clone()));
            done.assert_findings(&["deny visible-devices"]);
            assert_eq!(
                done.findings[0].path,
                "/spec/containers/0/volumeMounts/0/mountPath"
            );
        }
    }
    let debug = json!({"name": "d", "volumeMounts": [{"name": "a", "mountPath": "/var/run/nvidia-container-devices/all"}]});
    let mounted = debugged(container("main"), debug).volume("a", "emptyDir", json!({}));
    run(mounted).assert_findings(&["deny debug-container"]);
}

#[test]
fn hides_gpus_from_containers_that_ask_for_none() {
    let builder = pod([gpus("main", "1"), container("log").env("A", "b")]).init(container("fetch"));
    let done = run(builder);
    done.assert_patch(json!([
        {"op": "add", "path": "/spec/initContainers/0/env", "value": [{"name": NVIDIA, "value": "void"}]},
        {"op": "add", "path": "/spec/containers/1/env/-", "value": {"name": NVIDIA, "value": "void"}},
    ]));
    assert_eq!(done.rules, ["void-devices", "void-devices"]);
}

#[test]
fn hides_them_beside_slices_shares_and_quantities() {
    for name in [
        "nvidia.com/mig-1g.10gb",
        "nvidia.com/gpu.shared",
        "aliyun.com/gpu-mem",
        "nvidia.com/gpumem",
    ] {
        let done = run(pod([container("main").limit(name, "1"), container("log")]));
        assert_eq!(done.rules, ["void-devices"], "{name}");
    }
}

#[test]
fn hides_nothing_where_the_manifest_says_something_or_nothing_is_to_hide() {
    run(one()).assert_quiet();
    run(plain()).assert_quiet();
    run(pod([gpus("main", "1"), gpus("other", "1")])).assert_quiet();
    run(pod([
        gpus("main", "1"),
        container("log").env(NVIDIA, "none"),
    ]))
    .assert_quiet();
    run(pod([
        container("main").limit("google.com/tpu", "4"),
        container("log"),
    ]))
    .assert_quiet();
    run(pod([
        container("main").limit("amd.com/gpu", "1"),
        container("log"),
    ]))
    .assert_quiet();
    let claims = json!([{"name": "gpu"}]);
    run(pod([
        gpus("main", "1"),
        container("other").with("/resources/claims", claims),
    ]))
    .assert_quiet();
    run(pod([
        gpus("main", "1"),
        container("other").limit("example.com/gpu", "1"),
    ]))
    .assert_quiet();
    let windows =
        pod([gpus("main", "1"), container("log")]).with("/spec/os/name", "windows".into());
    run(windows).assert_quiet();
}

#[test]
fn hides_gpus_in_templates_too() {
    let object = pod([gpus("main", "1"), container("log")]).deployment();
    let done = Case::object(object).run::<GpuIsolation>();
    assert_eq!(
        done.at("/spec/template/spec/containers/1/env/0/value"),
        "void"
    );
}

#[test]
fn hides_gpus_from_every_pod_where_asked() {
    let every = json!({"everyPod": true});
    let done = run_with(every.clone(), plain());
    assert_eq!(
        done.at("/spec/containers/0/env/0"),
        json!({"name": NVIDIA, "value": "void"})
    );
    run_with(every, one()).assert_quiet();
}

#[test]
fn refuses_injection_by_path_where_nothing_is_asked_for() {
    for key in [
        "devices.gke.io/container.daemon",
        "devices.nri.io/container.daemon",
    ] {
        for value in [
            "- path: /dev/nvidia0\n- path: /dev/nvidiactl\n",
            "[{\"path\": \"/dev/dri/card0\"}]",
        ] {
            run(plain().annotation(key, value)).assert_findings(&["deny visible-devices"]);
            run(one().annotation(key, value)).assert_quiet();
        }
        run(plain().annotation(key, "- path: /dev/fuse\n")).assert_quiet();
        run(plain().annotation(key, "- path: /dev/dmabuf_import_helper\n")).assert_quiet();
    }
}

#[test]
fn hides_nothing_from_the_daemon_of_gpudirect() {
    let builder = pod([
        gpus("main", "8"),
        container("tcpxo-daemon"),
        container("log"),
    ]);
    let done = run(builder.annotation(
        "devices.gke.io/container.tcpxo-daemon",
        "- path: /dev/nvidia0\n",
    ));
    assert_eq!(done.patch.len(), 1);
    assert_eq!(done.patch[0]["path"], "/spec/containers/2/env");
}
