//! Pods that must not get a volume.

use serde_json::{Value, json};
use tollgate_sdk::test::{Case, PodBuilder, container, pod};

use super::super::SharedMemory;
use super::{gpus, mounted, owned, run, size_of, two};

fn mounts_at(path: &str) -> PodBuilder {
    let volume = json!({"medium": "Memory", "sizeLimit": "1Gi"});
    pod([gpus("main", "2").mount("there", path)]).volume("there", "emptyDir", volume)
}

#[test]
fn leaves_mounts_at_under_and_above_alone() {
    for path in [
        "/dev/shm",
        "/dev/shm/",
        "//dev/./shm",
        "/dev/shm/cache",
        "/dev",
        "/dev/",
    ] {
        run(mounts_at(path)).assert_quiet();
    }
    for path in ["/dev/shmem", "/devices", "/data/dev/shm"] {
        assert_eq!(
            run(mounts_at(path)).rules,
            ["shm-missing", "shm-missing"],
            "{path}"
        );
    }
}

#[test]
fn leaves_mounts_of_volumes_that_the_template_does_not_have_alone() {
    run(pod([gpus("main", "2").mount("claimed", "/dev/shm")])).assert_quiet();
}

#[test]
fn finds_a_name_that_is_free() {
    let named = |names: &[&str]| {
        names
            .iter()
            .fold(two(), |pod, name| pod.volume(name, "emptyDir", json!({})))
    };
    assert_eq!(run(named(&["dshm"])).at("/spec/volumes/1/name"), "dshm-1");
    assert_eq!(
        run(named(&["dshm", "dshm-1"])).at("/spec/volumes/2/name"),
        "dshm-2"
    );
    let expected = pod([gpus("main", "2").mount("dshm", "/data")]);
    assert_eq!(run(expected).at("/spec/volumes/0/name"), "dshm-1");
}

#[test]
fn leaves_windows_alone() {
    run(two().with("/spec/os/name", "windows".into())).assert_quiet();
    run(two().node_selector("kubernetes.io/os", "windows")).assert_quiet();
    assert_eq!(
        size_of(&run(two().node_selector("kubernetes.io/os", "linux"))),
        "4Gi"
    );
}

#[test]
fn leaves_pods_with_the_nodes_ipc_alone() {
    run(two().with("/spec/hostIPC", true.into())).assert_quiet();
    let shared = mounted("hostPath", json!({"path": "/dev/shm"}));
    run(shared.with("/spec/hostIPC", true.into())).assert_quiet();
}

fn affinity(kind: &str, expression: Value) -> PodBuilder {
    let term = json!({"matchExpressions": [expression]});
    let terms = match kind {
        "required" => {
            json!({"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}})
        }
        _ => {
            json!({"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference": term}]})
        }
    };
    two().with("/spec/affinity/nodeAffinity", terms)
}

const GKE: &str = "cloud.google.com/gke-gpu-sharing-strategy";
const NVIDIA: &str = "nvidia.com/gpu.sharing-strategy";
const CAPABLE: &str = "nvidia.com/mps.capable";

#[test]
fn leaves_pods_that_select_mps_alone() {
    let wanted =
        |key: &str| json!({"key": key, "operator": "In", "values": ["time-slicing", "mps"]});
    let shared = [
        two().node_selector(GKE, "mps"),
        two().node_selector(NVIDIA, "mps"),
        two().node_selector(CAPABLE, "true"),
        affinity("required", wanted(GKE)),
        affinity("preferred", wanted(NVIDIA)),
        affinity("required", json!({"key": CAPABLE, "operator": "Exists"})),
    ];
    for builder in shared {
        run(builder).assert_quiet();
    }
    let apart = [
        two().node_selector(GKE, "time-sharing"),
        two().node_selector(CAPABLE, "false"),
        affinity(
            "required",
            json!({"key": NVIDIA, "operator": "NotIn", "values": ["mps"]}),
        ),
    ];
    for builder in apart {
        assert_eq!(size_of(&run(builder)), "4Gi");
    }
}

#[test]
fn leaves_pods_that_talk_to_mps_alone() {
    run(pod([
        gpus("main", "2").env("CUDA_MPS_PIPE_DIRECTORY", "/tmp/nvidia-mps")
    ]))
    .assert_quiet();
    run(pod([
        gpus("main", "2"),
        container("other").env("CUDA_MPS_LOG_DIRECTORY", "/var/log"),
    ]))
    .assert_quiet();
    for path in ["/tmp/nvidia-mps", "/run/nvidia/mps/"] {
        run(two().volume("mps", "hostPath", json!({"path": path}))).assert_quiet();
    }
    let by_hand = mounted("hostPath", json!({"path": "/dev/shm"}));
    run(by_hand.volume("mps", "hostPath", json!({"path": "/tmp/nvidia-mps"}))).assert_quiet();
}

#[test]
fn believes_the_site_about_mps() {
    let on = |builder: PodBuilder, sharing: &str| {
        Case::new(builder).sharing(sharing).run::<SharedMemory>()
    };
    on(two(), "mps").assert_quiet();
    assert_eq!(size_of(&on(two(), "time-slicing")), "4Gi");
    assert_eq!(
        size_of(&on(two().node_selector(NVIDIA, "none"), "mps")),
        "4Gi"
    );
    assert_eq!(
        size_of(&on(
            pod([container("main").limit("amd.com/gpu", "2")]),
            "mps"
        )),
        "4Gi"
    );
}

#[test]
fn never_gives_a_volume_to_shares_that_may_be_under_mps() {
    run(pod([container("main")
        .limit("nvidia.com/gpu.shared", "2")
        .command(&["torchrun", "t.py"])]))
    .assert_quiet();
}

#[test]
fn leaves_kuberays_volume_alone() {
    for size in [
        json!({"medium": "Memory"}),
        json!({"medium": "Memory", "sizeLimit": "32Gi"}),
    ] {
        let ray = pod([gpus("ray", "2")
            .limit("memory", "32Gi")
            .mount("shared-mem", "/dev/shm")]);
        let ray = ray.volume("shared-mem", "emptyDir", size);
        run(owned(ray.clone(), "ray.io/v1", "RayCluster")).assert_quiet();
        run(ray.clone().label("ray.io/cluster", "c")).assert_quiet();
        assert_eq!(
            run(ray).patch.len(),
            1,
            "somebody else's volume of that name"
        );
    }
    let other = owned(two(), "ray.io/v1", "RayCluster");
    assert_eq!(size_of(&run(other)), "4Gi");
}

#[test]
fn leaves_pods_without_accelerators_alone() {
    let cpu = || pod([container("main").mount("shm", "/dev/shm")]);
    run(cpu().volume("shm", "emptyDir", json!({"medium": "Memory"}))).assert_quiet();
    run(cpu().volume("shm", "hostPath", json!({"path": "/dev/shm"}))).assert_quiet();
}
