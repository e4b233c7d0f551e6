use tollgate_sdk::test::{container, pod};

use super::{A100_40, A100_80, PRODUCT, assert_one, run, with};

fn limit(name: &str) -> String {
    format!(
        "/spec/containers/0/resources/limits/{}",
        name.replace('/', "~1")
    )
}

#[test]
fn refuses_a_profile_that_the_selected_model_does_not_have() {
    let name = "nvidia.com/mig-1g.20gb";
    let done = run(with(name, "1").node_selector(PRODUCT, A100_40));
    assert_one(
        &done,
        "deny mig-profile-unavailable",
        &limit(name),
        &[
            "nvidia.com/mig-1g.20gb, which A100-40GB does not have",
            "1g.5gb, 1g.10gb",
        ],
    );
    run(with(name, "1").node_selector(PRODUCT, A100_80)).assert_quiet();
}

#[test]
fn refuses_mig_on_models_that_have_none() {
    for (label, value, model) in [
        (PRODUCT, "Tesla-T4", "T4"),
        ("cloud.google.com/gke-accelerator", "nvidia-l4", "L4"),
        ("node.kubernetes.io/instance-type", "g5.xlarge", "A10G"),
    ] {
        let done = run(with("nvidia.com/mig-1g.10gb", "1").node_selector(label, value));
        let piece = format!("which {model} does not have");
        assert_one(
            &done,
            "deny mig-profile-unavailable",
            &limit("nvidia.com/mig-1g.10gb"),
            &[&piece, "none"],
        );
    }
}

#[test]
fn says_nothing_where_one_of_the_models_has_it_or_none_is_known() {
    let ambiguous = with("nvidia.com/mig-1g.20gb", "1")
        .node_selector("karpenter.k8s.aws/instance-gpu-name", "a100");
    run(ambiguous).assert_quiet();
    run(with("nvidia.com/mig-1g.20gb", "1")).assert_quiet();
    run(with("nvidia.com/mig-1g.20gb", "1").node_selector(PRODUCT, "NVIDIA-New")).assert_quiet();
    // As other firmware calls it.
    run(with("nvidia.com/mig-3g.95gb", "1").node_selector(PRODUCT, "NVIDIA-GB200")).assert_quiet();
}

#[test]
fn refuses_several_mig_devices_unless_several_processes_are_announced() {
    let name = "nvidia.com/mig-1g.10gb";
    let done = run(with(name, "2"));
    let pieces = [
        "asks for 2 nvidia.com/mig-1g.10gb",
        "tollgate.dev/several-processes: \"true\"",
    ];
    assert_one(&done, "deny several-mig-devices", &limit(name), &pieces);
    let annotated =
        |value| run(with(name, "2").annotation("tollgate.dev/several-processes", value));
    annotated("true").assert_quiet();
    annotated("false").assert_findings(&["deny several-mig-devices"]);
    run(with(name, "1")).assert_quiet();
    run(with("nvidia.com/gpu", "2")).assert_quiet();
    run(with("nvidia.com/mig-1g.10gb.shared", "2")).assert_quiet();
}

#[test]
fn several_gpus_of_nodes_that_are_cut_alike_are_several_mig_devices() {
    let partition = ("cloud.google.com/gke-gpu-partition-size", "1g.5gb");
    let done = run(with("nvidia.com/gpu", "2").node_selector(partition.0, partition.1));
    assert_one(
        &done,
        "deny several-mig-devices",
        &limit("nvidia.com/gpu"),
        &["asks for 2 nvidia.com/gpu"],
    );
    run(with("nvidia.com/gpu", "1").node_selector(partition.0, partition.1)).assert_quiet();
}

#[test]
fn refuses_mig_devices_beside_others_in_a_container() {
    for other in [
        "nvidia.com/gpu",
        "nvidia.com/mig-2g.20gb",
        "nvidia.com/gpu.shared",
        "nvidia.com/mig-1g.10gb.me",
    ] {
        let mixed = container("main")
            .limit("nvidia.com/mig-1g.10gb", "1")
            .limit(other, "1");
        let done = run(pod([mixed]));
        assert_one(
            &done,
            "deny mixed-mig",
            "/spec/containers/0/resources",
            &["asks for nvidia.com/", other, "its own container"],
        );
    }
}

#[test]
fn quantities_beside_gpus_and_devices_in_other_containers_are_right() {
    run(pod([container("main")
        .limit("nvidia.com/gpu", "1")
        .limit("nvidia.com/gpumem", "3000")]))
    .assert_quiet();
    run(pod([container("main")
        .limit("nvidia.com/mig-1g.10gb", "1")
        .limit("nvidia.com/gpu", "0")]))
    .assert_quiet();
    let apart = pod([
        container("a").limit("nvidia.com/mig-1g.10gb", "1"),
        container("b").limit("nvidia.com/gpu", "1"),
    ]);
    run(apart).assert_quiet();
}
