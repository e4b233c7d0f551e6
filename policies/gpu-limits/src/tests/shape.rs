use serde_json::json;
use tollgate_sdk::test::{Case, pod};

use super::{GpuLimits, assert_one, plain, run, with};

const LIMIT: &str = "/spec/containers/0/resources/limits/nvidia.com~1gpu";
const REQUEST: &str = "/spec/containers/0/resources/requests/nvidia.com~1gpu";

#[test]
fn copies_a_request_to_the_limit() {
    for (name, amount) in [
        ("nvidia.com/gpu", "2"),
        ("nvidia.com/gpu", "1000m"),
        ("nvidia.com/mig-1g.10gb", "1"),
        ("google.com/tpu", "4"),
        ("nvidia.com/gpumem", "3000"),
        ("rdma/hca", "1"),
    ] {
        let device = plain("main")
            .limit("nvidia.com/gpu", "1")
            .request(name, amount);
        let asked = if name == "nvidia.com/gpu" {
            plain("main").request(name, amount)
        } else {
            device
        };
        let done = run(pod([asked]));
        assert_eq!(done.rules, ["request-without-limit"], "{name}");
        let limit = format!(
            "/spec/containers/0/resources/limits/{}",
            name.replace('/', "~1")
        );
        done.assert_patch(json!([{"op": "add", "path": limit, "value": amount}]));
    }
}

#[test]
fn copies_it_inside_templates_and_for_containers_without_limits() {
    let asked = tollgate_sdk::test::container("main")
        .request("nvidia.com/gpu", "1")
        .request("memory", "1Gi");
    let done = Case::object(pod([asked]).deployment()).run::<GpuLimits>();
    let limits = "/spec/template/spec/containers/0/resources/limits";
    done.assert_patch(json!([{"op": "add", "path": limits, "value": {"nvidia.com/gpu": "1"}}]));
}

#[test]
fn leaves_cpu_memory_and_what_is_no_quantity_to_others() {
    let bare = pod([plain("main")
        .request("cpu", "1")
        .request("example.com/foo", "1")]);
    run(bare).assert_quiet();
    run(pod([
        plain("main").request("nvidia.com/gpu", "<number_of_gpus>")
    ]))
    .assert_quiet();
    run(pod([plain("main").request("nvidia.com/gpu", "-1")])).assert_quiet();
    run(pod([plain("main").request("rdma/no such name", "1")])).assert_quiet();
}

#[test]
fn refuses_a_request_that_is_not_the_limit() {
    let done = run(pod([plain("main")
        .request("nvidia.com/gpu", "1")
        .limit("nvidia.com/gpu", "2")]));
    assert_one(
        &done,
        "deny request-not-limit",
        LIMIT,
        &[
            "requests 1 nvidia.com/gpu but limits it to 2",
            "under limits alone",
        ],
    );
    run(pod([plain("main")
        .request("nvidia.com/gpu", "1000m")
        .limit("nvidia.com/gpu", "1")]))
    .assert_quiet();
    run(pod([plain("main")
        .request("memory", "1Gi")
        .limit("nvidia.com/gpu", "1")]))
    .assert_quiet();
}

#[test]
fn refuses_fractions_with_what_gives_a_part() {
    for fraction in ["0.5", "500m", "1.5"] {
        let done = run(with("nvidia.com/gpu", fraction));
        let pieces = [
            &format!("{fraction} nvidia.com/gpu"),
            "nvidia.com/mig-1g.10gb",
            "nvidia.com/gpu.shared",
            "gpu-fraction",
        ];
        assert_one(&done, "deny fractional-gpu", LIMIT, &pieces);
    }
    let done = run(pod([plain("main").request("nvidia.com/gpu", "0.5")]));
    assert_one(
        &done,
        "deny fractional-gpu",
        REQUEST,
        &["0.5 nvidia.com/gpu"],
    );
    let done = run(pod([plain("main")
        .request("nvidia.com/gpu", "0.5")
        .limit("nvidia.com/gpu", "1")]));
    assert_one(&done, "deny fractional-gpu", LIMIT, &["0.5 nvidia.com/gpu"]);
    run(with("nvidia.com/gpu", "1000m")).assert_quiet();
    run(with("cpu", "500m")).assert_quiet();
}

#[test]
fn the_hint_for_a_fraction_is_the_vendors() {
    let fix = |name: &str| run(with(name, "0.5")).findings[0].fix.clone().unwrap();
    assert!(fix("amd.com/gpu").contains("amd.com/cpx_nps1"));
    assert_eq!(fix("google.com/tpu"), "ask for `google.com/tpu: 1`");
    assert_eq!(
        fix("nvidia.com/mig-1g.5gb"),
        "ask for `nvidia.com/mig-1g.5gb: 1`"
    );
}

#[test]
fn refuses_a_misspelt_name_with_the_nearest() {
    for (typed, meant) in [
        ("nvidia.com/gpus", "nvidia.com/gpu"),
        ("nvidia/gpu", "nvidia.com/gpu"),
        ("nvidia.com/GPU", "nvidia.com/gpu"),
        ("gpu", "nvidia.com/gpu"),
        ("nvidia.com/mig1g.5gb", "nvidia.com/mig-1g.5gb"),
        ("amd.com/gpus", "amd.com/gpu"),
        ("google.com/tpus", "google.com/tpu"),
    ] {
        let done = run(with(typed, "1"));
        let path = format!(
            "/spec/containers/0/resources/limits/{}",
            typed.replace('/', "~1")
        );
        assert_one(
            &done,
            "deny misspelt-resource",
            &path,
            &[&format!("`{typed}`"), &format!("write `{meant}`")],
        );
    }
    for name in [
        "nvidia.com/gpu",
        "cpu",
        "hugepages-2Mi",
        "ephemeral-storage",
        "example.com/foo",
        "nvidia.com/GRID_T4-1Q",
    ] {
        run(with(name, "1")).assert_quiet();
    }
}

#[test]
fn warns_about_names_that_sound_like_accelerators() {
    for name in ["nvidia.com/h100", "example.com/gpu", "nvidia.com/gpu-a100"] {
        let done = run(with(name, "1"));
        let path = format!(
            "/spec/containers/0/resources/limits/{}",
            name.replace('/', "~1")
        );
        assert_one(
            &done,
            "warn unknown-accelerator",
            &path,
            &[&format!("`{name}`"), "kubectl describe node"],
        );
    }
    run(with("intel.com/sriov_111", "1")).assert_quiet();
}

#[test]
fn debug_containers_are_the_api_servers_to_refuse() {
    let debug = json!([{"name": "debug", "image": "a", "resources": {"requests": {"nvidia.com/gpu": "1"}}}]);
    let pod = pod([plain("main")]).with("/spec/ephemeralContainers", debug);
    assert_eq!(run(pod).patch, Vec::<serde_json::Value>::new());
}
