use serde_json::{Value, json};
use tollgate_sdk::test::{Case, Done, PodBuilder, container, pod};

use super::GpuSharing;

const GKE: &str = "cloud.google.com/gke-gpu-sharing-strategy";
const NVIDIA: &str = "nvidia.com/gpu.sharing-strategy";

fn asking(name: &str, count: &str) -> PodBuilder {
    pod([container("main").limit(name, count)])
}

fn run(builder: PodBuilder) -> Done {
    Case::new(builder).run::<GpuSharing>()
}

/// In a cluster that shares its GPUs in some way.
fn on(sharing: &str, builder: PodBuilder) -> Done {
    Case::new(builder).sharing(sharing).run::<GpuSharing>()
}

/// In one that also says what shares are called.
fn renamed(renamed: bool, sharing: &str, builder: PodBuilder) -> Done {
    Case::new(builder)
        .sharing(sharing)
        .settings(json!({"renamed": renamed}))
        .run::<GpuSharing>()
}

#[test]
fn refuses_several_shares_by_name() {
    for name in ["nvidia.com/gpu.shared", "nvidia.com/mig-1g.10gb.shared"] {
        let done = run(asking(name, "2"));
        done.assert_findings(&["deny several-shares"]);
        let pointer = format!(
            "/spec/containers/0/resources/limits/{}",
            name.replace('/', "~1")
        );
        assert_eq!(done.findings[0].path, pointer);
        assert_eq!(done.findings[0].actual.as_deref(), Some("2"));
        run(asking(name, "1")).assert_quiet();
        run(asking(name, "0")).assert_quiet();
        run(asking(name, "$COUNT")).assert_quiet();
    }
    let request = pod([container("main").request("nvidia.com/gpu.shared", "3")]);
    let done = run(request);
    assert_eq!(
        done.findings[0].path,
        "/spec/containers/0/resources/requests/nvidia.com~1gpu.shared"
    );
}

#[test]
fn one_share_in_each_of_several_containers_is_right() {
    let share = |name: &str| container(name).limit("nvidia.com/gpu.shared", "1");
    run(pod([share("a"), share("b")])).assert_quiet();
}

#[test]
fn refuses_several_unrenamed_shares_where_the_site_or_the_selector_says_so() {
    for sharing in ["time-slicing", "mps"] {
        on(sharing, asking("nvidia.com/gpu", "2")).assert_findings(&["deny several-shares"]);
        on(sharing, asking("nvidia.com/gpu", "1")).assert_quiet();
    }
    for (key, value) in [
        (GKE, "time-sharing"),
        (NVIDIA, "time-slicing"),
        (NVIDIA, "mps"),
        ("nvidia.com/gpu.product", "NVIDIA-L4-SHARED"),
    ] {
        let done = run(asking("nvidia.com/gpu", "4").node_selector(key, value));
        done.assert_findings(&["deny several-shares"]);
        assert!(
            done.findings[0]
                .message
                .contains("nodes that the pod selects")
        );
    }
}

#[test]
fn whole_gpus_are_no_shares() {
    run(asking("nvidia.com/gpu", "8")).assert_quiet();
    on("none", asking("nvidia.com/gpu", "8")).assert_quiet();
    on(
        "time-slicing",
        asking("nvidia.com/gpu", "8").node_selector(NVIDIA, "none"),
    )
    .assert_quiet();
    on("time-slicing", asking("nvidia.com/mig-1g.10gb", "2")).assert_quiet();
}

#[test]
fn gke_allows_several_under_mps() {
    run(asking("nvidia.com/gpu", "2").node_selector(GKE, "mps")).assert_quiet();
}

#[test]
fn several_open_ways_tell_nothing() {
    let term = json!({"matchExpressions": [{"key": NVIDIA, "operator": "In", "values": ["none", "time-slicing"]}]});
    let affinity =
        json!({"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}});
    let open = asking("nvidia.com/gpu", "2").with("/spec/affinity/nodeAffinity", affinity);
    on("time-slicing", open).assert_quiet();
}

#[test]
fn shares_that_add_up_are_left_alone() {
    for name in [
        "amd.com/cpx_nps4",
        "k8s.amazonaws.com/vgpu",
        "volcano.sh/vgpu-number",
        "metax-tech.com/sgpu",
        "google.com/tpu",
        "aws.amazon.com/neuroncore",
    ] {
        on("time-slicing", asking(name, "4")).assert_quiet();
    }
    let hami = container("main")
        .limit("nvidia.com/gpu", "30")
        .limit("nvidia.com/gpumem", "3000");
    on("time-slicing", pod([hami])).assert_quiet();
}

#[test]
fn warns_about_shares_that_the_site_does_not_offer() {
    let shared = || asking("nvidia.com/gpu.shared", "1");
    let done = on("none", shared());
    done.assert_findings(&["warn share-not-offered"]);
    assert_eq!(done.findings[0].allowed.as_deref(), Some("nvidia.com/gpu"));
    run(shared()).assert_quiet();
    on("time-slicing", shared()).assert_quiet();
    renamed(false, "time-slicing", shared()).assert_findings(&["warn share-not-offered"]);
    renamed(true, "time-slicing", shared()).assert_quiet();
    on("none", asking("nvidia.com/mig-1g.10gb.shared", "1")).assert_quiet();
}

#[test]
fn warns_about_whole_names_where_shares_are_renamed() {
    let done = renamed(true, "time-slicing", asking("nvidia.com/gpu", "2"));
    done.assert_findings(&["warn share-not-offered"]);
    assert_eq!(
        done.findings[0].allowed.as_deref(),
        Some("nvidia.com/gpu.shared")
    );
    renamed(true, "none", asking("nvidia.com/gpu", "2")).assert_quiet();
    let whole = asking("nvidia.com/gpu", "2").node_selector(NVIDIA, "none");
    renamed(true, "time-slicing", whole).assert_quiet();
}

fn mounted(source: &str, value: Value, path: &str) -> PodBuilder {
    pod([container("main")
        .limit("nvidia.com/gpu", "1")
        .mount("shm", path)])
    .volume("shm", source, value)
}

#[test]
fn warns_about_volumes_that_hide_the_daemons_shared_memory() {
    let memory = json!({"medium": "Memory"});
    for path in ["/dev/shm", "/dev/shm/", "//dev/./shm"] {
        let done = on("mps", mounted("emptyDir", memory.clone(), path));
        done.assert_findings(&["warn mps-shm"]);
        assert_eq!(done.findings[0].path, "/spec/containers/0/volumeMounts/0");
    }
    run(mounted("emptyDir", memory.clone(), "/dev/shm").node_selector(GKE, "mps"))
        .assert_findings(&["warn mps-shm"]);
    run(mounted("emptyDir", memory.clone(), "/dev/shm")).assert_quiet();
    on(
        "time-slicing",
        mounted("emptyDir", memory.clone(), "/dev/shm"),
    )
    .assert_quiet();
    on("mps", mounted("emptyDir", memory, "/data")).assert_quiet();
    on(
        "mps",
        mounted("hostPath", json!({"path": "/dev/shm"}), "/dev/shm"),
    )
    .assert_quiet();
    let other = pod([container("main")
        .limit("amd.com/gpu", "1")
        .mount("shm", "/dev/shm")]);
    on("mps", other.volume("shm", "emptyDir", json!({}))).assert_quiet();
}

fn part(annotations: &[(&str, &str)]) -> PodBuilder {
    let plain = pod([container("main")]).with("/spec/schedulerName", "kai-scheduler".into());
    annotations
        .iter()
        .fold(plain, |pod, (key, value)| pod.annotation(key, value))
}

#[test]
fn refuses_the_parts_that_kai_refuses() {
    for annotations in [
        &[("gpu-memory", "-1")][..],
        &[("gpu-memory", "4Gi")],
        &[("gpu-memory", "0")],
        &[("gpu-memory", "4096"), ("gpu-fraction", "0.5")],
        &[("gpu-fraction-num-devices", "2")],
        &[("gpu-fraction", "0.2"), ("gpu-fraction-num-devices", "1.2")],
    ] {
        run(part(annotations)).assert_findings(&["deny wrong-gpu-part"]);
    }
    let beside = part(&[("gpu-memory", "4096")]).with(
        "/spec/containers/0/resources/limits",
        json!({"nvidia.com/gpu": 1}),
    );
    run(beside).assert_findings(&["deny wrong-gpu-part"]);
}

#[test]
fn lets_the_parts_be_that_kai_takes_and_the_annotations_of_others() {
    run(part(&[("gpu-memory", "4096")])).assert_quiet();
    run(part(&[("gpu-fraction", "0.5")])).assert_quiet();
    run(part(&[
        ("gpu-memory", "4096"),
        ("gpu-fraction-num-devices", "2"),
    ]))
    .assert_quiet();
    run(part(&[
        ("gpu-fraction", "0.3"),
        ("gpu-fraction-num-devices", "2"),
    ]))
    .assert_quiet();
    run(pod([container("main")]).annotation("gpu-memory", "16Gi")).assert_quiet();
    // The business of gpu-limits.
    run(part(&[("gpu-fraction", "1.5")])).assert_quiet();
}

#[test]
fn plain_gpus_are_shares_where_every_node_that_is_left_shares_them() {
    let node = |name: &str, product: &str| {
        json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": name, "labels": {"nvidia.com/gpu.product": product, "nvidia.com/gpu.replicas": "4"}},
            "status": {"allocatable": {"nvidia.com/gpu": 4}},
        })
    };
    let (shared, whole) = (node("a", "NVIDIA-L4-SHARED"), node("b", "NVIDIA-L4"));
    let two = || asking("nvidia.com/gpu", "2");
    let done = Case::new(two()).state([shared.clone()]).run::<GpuSharing>();
    done.assert_findings(&["deny several-shares"]);
    assert!(
        done.findings[0]
            .message
            .contains("a share on every node that the pod may run on"),
        "{:?}",
        done.findings[0]
    );
    Case::new(two())
        .state([shared, whole])
        .run::<GpuSharing>()
        .assert_quiet();
    run(two()).assert_quiet();
}

#[test]
fn the_plugin_s_configuration_tells_the_name_of_shares() {
    let map = |sharing: &str| {
        let text = format!(
            "sharing:\n  timeSlicing:\n{sharing}    resources: [{{name: nvidia.com/gpu, replicas: 4}}]\n"
        );
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "plugin", "namespace": "gpu-operator"}, "data": {"any": text}})
    };
    let beside = |map: Value| {
        let case = Case::new(asking("nvidia.com/gpu.shared", "1"));
        case.state([map]).run::<GpuSharing>()
    };
    let done = beside(map(""));
    done.assert_findings(&["warn share-not-offered"]);
    assert!(
        done.findings[0]
            .message
            .contains("offers shares as `nvidia.com/gpu`")
    );
    beside(map("    renameByDefault: true\n")).assert_quiet();
    beside(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": "b"}})).assert_quiet();
}
