//! Pods that have a volume already.

use serde_json::{Value, json};
use tollgate_sdk::test::{Case, Done, PodBuilder, container, pod};

use super::super::SharedMemory;
use super::{gpus, limited, mounted, run, run_with, size_of, sized};

fn unlimited() -> PodBuilder {
    mounted("emptyDir", json!({"medium": "Memory"}))
}

#[test]
fn limits_a_volume_without_limit_to_half_of_the_memory() {
    let done = run(limited(unlimited(), "48Gi"));
    done.assert_patch(
        json!([{"op": "add", "path": "/spec/volumes/0/emptyDir/sizeLimit", "value": "24Gi"}]),
    );
    assert_eq!(done.rules, ["shm-unlimited"]);
    assert_eq!(
        size_of(&run(limited(unlimited(), "1124Gi"))),
        "562Gi",
        "more than the cap may be in use"
    );
    assert_eq!(
        size_of(&run(limited(sized("0"), "10Gi"))),
        "5Gi",
        "zero is no limit"
    );
}

#[test]
fn limits_a_volume_that_no_memory_limit_bounds_to_the_most_that_may_be_in_use() {
    let requesting = |memory: &str| {
        unlimited().with(
            "/spec/containers/0/resources/requests/memory",
            memory.into(),
        )
    };
    assert_eq!(size_of(&run(unlimited())), "64Gi");
    assert_eq!(size_of(&run(requesting("16Gi"))), "64Gi");
    assert_eq!(size_of(&run(requesting("200Gi"))), "200Gi");
    assert_eq!(
        size_of(&run_with(json!({"maximum": "128Gi"}), unlimited())),
        "128Gi"
    );
}

#[test]
fn limits_volumes_whatever_the_accelerator() {
    let volume = json!({"medium": "Memory"});
    for name in [
        "google.com/tpu",
        "nvidia.com/mig-1g.10gb",
        "nvidia.com/gpu.shared",
    ] {
        let one = container("main")
            .limit(name, "1")
            .limit("memory", "8Gi")
            .mount("shm", "/dev/shm/");
        assert_eq!(
            size_of(&run(pod([one]).volume("shm", "emptyDir", volume.clone()))),
            "4Gi",
            "{name}"
        );
    }
    let plain = || {
        pod([container("main").mount("shm", "/dev/shm")]).volume("shm", "emptyDir", volume.clone())
    };
    assert_eq!(
        size_of(&run(plain().annotation("gpu-fraction", "0.5"))),
        "64Gi"
    );
    let claim = json!([{"name": "gpu", "resourceClaimName": "gpu"}]);
    assert_eq!(
        size_of(&run(plain().with("/spec/resourceClaims", claim))),
        "64Gi"
    );
}

#[test]
fn caps_a_size_between_half_of_the_memory_and_all_of_it() {
    let done = run(limited(sized("15Gi"), "16Gi"));
    done.assert_patch(
        json!([{"op": "replace", "path": "/spec/volumes/0/emptyDir/sizeLimit", "value": "8Gi"}]),
    );
    assert_eq!(done.rules, ["shm-half-of-memory"]);
    done.assert_findings(&[]);
    assert_eq!(size_of(&run(limited(sized("16Gi"), "16Gi"))), "8Gi");
    run(limited(sized("8Gi"), "16Gi")).assert_quiet();
    run(sized("500Gi")).assert_quiet();
}

#[test]
fn denies_a_size_above_the_memory_and_leaves_it() {
    let done = run(limited(sized("30Gi"), "16Gi"));
    assert_eq!(done.patch, Vec::<Value>::new());
    done.assert_findings(&["deny shm-over-memory"]);
    let finding = &done.findings[0];
    assert_eq!(finding.path, "/spec/volumes/0/emptyDir/sizeLimit");
    assert_eq!(
        finding.message,
        "`/dev/shm` of container `main` may grow to 30Gi, above the memory limit of 16Gi: OOMKilled before it is full"
    );
    assert_eq!(finding.actual.as_deref(), Some("30Gi"));
    assert_eq!(
        finding.allowed.as_deref(),
        Some("at most 8Gi, 50 % of the memory limit")
    );
    assert_eq!(
        finding.fix.as_deref(),
        Some("set the `sizeLimit` of volume `shm` to 8Gi, or raise the memory limit")
    );
}

#[test]
fn writes_amounts_as_people_do() {
    let done = run(limited(sized("30G"), "20G"));
    assert!(
        done.findings[0]
            .message
            .contains("to 30G, above the memory limit of 20G:"),
        "{:?}",
        done.findings
    );
}

#[test]
fn counts_the_memory_of_all_containers_that_share_a_volume() {
    let shared = |size: &str, second: Option<&str>| {
        let member = |name: &str| gpus(name, "2").mount("shm", "/dev/shm");
        let two = second
            .into_iter()
            .fold(member("b"), |member, memory| member.limit("memory", memory));
        let volume = json!({"medium": "Memory", "sizeLimit": size});
        run(pod([member("a").limit("memory", "10Gi"), two]).volume("shm", "emptyDir", volume))
    };
    shared("10Gi", Some("10Gi")).assert_quiet();
    assert_eq!(size_of(&shared("12Gi", Some("10Gi"))), "10Gi");
    let done = shared("21Gi", Some("10Gi"));
    assert!(
        done.findings[0]
            .message
            .contains("containers `a`, `b` may grow to 21Gi, above the memory limit of 20Gi")
    );
    shared("21Gi", None).assert_quiet();
}

#[test]
fn counts_the_pods_own_limit_where_it_is_the_less() {
    let pods = sized("30Gi").with("/spec/resources/limits/memory", "16Gi".into());
    run(pods).assert_findings(&["deny shm-over-memory"]);
}

#[test]
fn does_not_count_the_memory_of_init_containers() {
    let warm = container("warm")
        .limit("memory", "64Gi")
        .mount("shm", "/dev/shm");
    run(limited(sized("30Gi"), "16Gi").init(warm)).assert_findings(&["deny shm-over-memory"]);
}

#[test]
fn reads_mounts_of_a_part_of_a_volume() {
    let part = limited(sized("15Gi"), "16Gi")
        .with("/spec/containers/0/volumeMounts/0/subPath", "shm".into());
    assert_eq!(size_of(&run(part)), "8Gi");
}

#[test]
fn leaves_volumes_that_are_mounted_elsewhere_alone() {
    let volume = json!({"medium": "Memory"});
    run(pod([gpus("main", "1").mount("cache", "/cache")]).volume("cache", "emptyDir", volume))
        .assert_quiet();
    let node = json!({"path": "/dev/shm"});
    run(pod([gpus("main", "1").mount("node", "/host/shm")]).volume("node", "hostPath", node))
        .assert_quiet();
}

#[test]
fn takes_the_pod_off_the_nodes_shared_memory() {
    for path in ["/dev/shm", "/dev/shm/", "/dev/shm/team", "/run/shm"] {
        let done = run(limited(
            mounted("hostPath", json!({"path": path, "type": "Directory"})),
            "32Gi",
        ));
        let volume =
            json!([{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "16Gi"}}]);
        assert_eq!(done.at("/spec/volumes"), volume, "{path}");
        assert_eq!(done.rules, ["shm-host-path", "shm-host-path"]);
    }
    assert_eq!(
        size_of(&run(mounted("hostPath", json!({"path": "/dev/shm"})))),
        "64Gi"
    );
    run(mounted("hostPath", json!({"path": "/dev"}))).assert_quiet();
}

fn assert_on_disk(done: &Done, what: &str) {
    assert_eq!(done.patch, Vec::<Value>::new());
    done.assert_findings(&["warn shm-on-disk"]);
    let finding = &done.findings[0];
    assert_eq!(finding.path, "/spec/volumes/0");
    let message = format!(
        "`/dev/shm` of container `main` is {what}, not the memory that programs expect there"
    );
    assert_eq!(finding.message, message);
    assert_eq!(finding.actual.as_deref(), Some(what));
    let fix = "make volume `shm` an `emptyDir` with `medium: Memory` and a `sizeLimit`";
    assert_eq!(finding.fix.as_deref(), Some(fix));
}

#[test]
fn warns_about_a_volume_that_is_not_in_memory() {
    let cases = [
        ("emptyDir", json!({}), "an `emptyDir` on the node's disk"),
        (
            "emptyDir",
            json!({"medium": "HugePages"}),
            "an `emptyDir` of medium `HugePages`",
        ),
        (
            "persistentVolumeClaim",
            json!({"claimName": "data"}),
            "a volume of type `persistentVolumeClaim`",
        ),
        (
            "hostPath",
            json!({"path": "/mnt/disk"}),
            "a volume of type `hostPath`",
        ),
    ];
    for (source, value, what) in cases {
        assert_on_disk(&run(mounted(source, value)), what);
    }
}

#[test]
fn reports_templates_at_their_place() {
    let done = Case::object(limited(sized("30Gi"), "16Gi").deployment()).run::<SharedMemory>();
    assert_eq!(
        done.findings[0].path,
        "/spec/template/spec/volumes/0/emptyDir/sizeLimit"
    );
}
