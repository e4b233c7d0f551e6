//! The node's files and namespaces.

use serde_json::json;
use tollgate_sdk::test::{Case, PodBuilder, container, pod};

use super::super::GpuIsolation;
use super::{gpus, one, plain, run, run_with};

fn host(builder: PodBuilder, path: &str) -> PodBuilder {
    builder.volume("host", "hostPath", json!({"path": path}))
}

/// A pod that mounts a folder below a path of the node.
fn below(path: &str, sub: &str) -> PodBuilder {
    let mount = json!([{"name": "host", "mountPath": "/host", "subPath": sub}]);
    host(pod([container("main").with("/volumeMounts", mount)]), path)
}

#[test]
fn refuses_devices_and_what_hands_them_out() {
    for path in [
        "/dev",
        "/dev/nvidia0",
        "/dev/nvidia-uvm",
        "/dev/dri",
        "/dev/dri/renderD128",
        "/dev/kfd",
        "/dev/infiniband",
        "/var/lib/kubelet/device-plugins",
        "/var/lib/kubelet/pod-resources",
        "/run/nvidia",
        "/run/nvidia/driver",
        "/var/run/nvidia-container-devices",
        "/run/cdi",
        "/var/run/cdi",
        "/dev/accel0",
        "/dev/vfio",
        "/dev/neuron0",
        "/dev/davinci0",
        "/",
        "/var",
        "/var/run",
        "/dev/char",
    ] {
        for builder in [plain(), one()] {
            let done = run(host(builder, path));
            done.assert_findings(&["deny host-devices"]);
            assert_eq!(done.findings[0].path, "/spec/volumes/0/hostPath/path");
            assert_eq!(done.findings[0].actual.as_deref(), Some(path));
        }
    }
}

#[test]
fn refuses_every_spelling() {
    for path in [
        "/dev/",
        "//dev//nvidia0",
        "/dev/shm/../nvidia0",
        "/data/../dev",
        "/dev/./dri/",
        "/proc/1/root/dev/kfd",
        "/var/log/../run",
        "/etc/cdi/",
    ] {
        run(host(plain(), path)).assert_findings(&["deny host-devices"]);
    }
}

#[test]
fn leaves_other_paths_alone() {
    for path in [
        "/home/kubernetes/bin/nvidia",
        "/home/kubernetes/bin/nvidia/lib64",
        "/sys",
        "/proc/sys",
        "/lib64",
        "/tmp",
        "/dev/aperture_devices",
        "/run/tcpx",
        "/var/log",
        "/mnt/k8s-disks/0",
        "/dev/fuse",
        "/dev/null",
        "/etc",
        "/etc/ssl",
    ] {
        run(host(one(), path)).assert_quiet();
        run(host(plain(), path)).assert_quiet();
    }
}

#[test]
fn judges_what_is_mounted_of_a_volume() {
    for (path, sub) in [
        ("/", "dev/nvidia0"),
        ("/dev", "dri"),
        ("/var", "run/cdi"),
        ("/", "$(WHERE)"),
        ("/var/lib", ""),
        ("/data", "../dev"),
    ] {
        run(below(path, sub)).assert_findings(&["deny host-devices"]);
    }
    for (path, sub) in [
        ("/", "data"),
        ("/var", "log/pods"),
        ("/dev", "shm"),
        ("/data", "dev"),
    ] {
        run(below(path, sub)).assert_quiet();
    }
    let both = json!([
        {"name": "host", "mountPath": "/log", "subPath": "log"},
        {"name": "host", "mountPath": "/all", "subPathExpr": "$(POD)"},
    ]);
    let done = run(host(
        pod([container("main").with("/volumeMounts", both)]),
        "/var",
    ));
    done.assert_findings(&["deny host-devices"]);
}

#[test]
fn lets_allowed_paths_be() {
    let settings = json!({"allowedHostPaths": ["/dev/infiniband/", "/run/nvidia/driver"]});
    for path in [
        "/dev/infiniband",
        "/dev/infiniband/uverbs0",
        "/run/nvidia/driver/lib",
    ] {
        run_with(settings.clone(), host(one(), path)).assert_quiet();
    }
    for path in ["/dev", "/run/nvidia", "/dev/infiniband/../nvidia0"] {
        run_with(settings.clone(), host(one(), path)).assert_findings(&["deny host-devices"]);
    }
    let error = Case::new(one())
        .settings(json!({"allowedHostPaths": ["dev"]}))
        .settings_error::<GpuIsolation>();
    assert!(error.contains("`dev` must be absolute"), "{error}");
}

#[test]
fn lets_clients_of_mps_reach_its_pipes() {
    run(host(one(), "/run/nvidia/mps")).assert_quiet();
    run(host(one(), "/tmp/nvidia-mps")).assert_quiet();
    run(host(plain(), "/run/nvidia/mps")).assert_findings(&["deny host-devices"]);
}

#[test]
fn refuses_the_nodes_namespaces_with_accelerators() {
    for field in ["hostIPC", "hostPID"] {
        let with = |builder: PodBuilder| run(builder.with(&format!("/spec/{field}"), true.into()));
        for resource in [
            "nvidia.com/gpu",
            "amd.com/gpu",
            "habana.ai/gaudi",
            "google.com/tpu",
            "nvidia.com/mig-1g.10gb",
        ] {
            let done = with(pod([container("main").limit(resource, "1")]));
            done.assert_findings(&["deny host-namespaces"]);
            assert_eq!(done.findings[0].path, format!("/spec/{field}"));
        }
        with(plain()).assert_quiet();
        with(pod([container("main").limit("rdma/hca", "1")])).assert_quiet();
    }
}

#[test]
fn lets_clients_of_mps_share_the_ipc_namespace() {
    let shared = |key: &str| {
        one()
            .with("/spec/hostIPC", true.into())
            .node_selector(key, "mps")
    };
    run(shared("cloud.google.com/gke-gpu-sharing-strategy")).assert_quiet();
    run(shared("nvidia.com/gpu.sharing-strategy")).assert_quiet();
    let on = |sharing: &str| {
        let case = Case::new(one().with("/spec/hostIPC", true.into()));
        case.sharing(sharing).run::<GpuIsolation>()
    };
    on("mps").assert_quiet();
    on("time-slicing").assert_findings(&["deny host-namespaces"]);
    let pid = shared("nvidia.com/gpu.sharing-strategy").with("/spec/hostPID", true.into());
    run(pid).assert_findings(&["deny host-namespaces"]);
    let talks = pod([gpus("main", "1").env("CUDA_MPS_PIPE_DIRECTORY", "/tmp/x")]);
    run(talks.with("/spec/hostIPC", true.into())).assert_findings(&["deny host-namespaces"]);
}

#[test]
fn refuses_the_nodes_shared_memory_with_accelerators() {
    for path in ["/dev/shm", "/dev/shm/", "/run/shm", "/dev/../dev/shm/a"] {
        run(host(one(), path)).assert_findings(&["deny host-namespaces"]);
        run(host(plain(), path)).assert_quiet();
    }
    let under_mps = one().node_selector("nvidia.com/mps.capable", "true");
    run(host(under_mps, "/dev/shm")).assert_quiet();
}
