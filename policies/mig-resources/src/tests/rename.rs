use serde_json::{Value, json};
use tollgate_sdk::test::{Case, container, pod};

use super::{
    A100_40, A100_80, GPU, MEMORY, MigResources, PRODUCT, assert_one, assert_renamed, needs,
    needs_profile, run, set, with,
};

#[test]
fn the_same_size_is_another_resource_on_another_model() {
    let done = run(needs("20Gi").node_selector(PRODUCT, A100_80));
    done.assert_patch(json!([
        {"op": "remove", "path": GPU},
        {"op": "add", "path": "/spec/containers/0/resources/limits/nvidia.com~1mig-1g.20gb", "value": "1"},
    ]));
    assert_renamed(&done, "nvidia.com/mig-1g.20gb");
    assert_renamed(
        &run(needs("20Gi").node_selector(PRODUCT, A100_40)),
        "nvidia.com/mig-3g.20gb",
    );
}

#[test]
fn reads_sizes_as_people_write_them() {
    for (written, name) in [
        ("10Gi", "1g.10gb"),
        ("9Gi", "1g.10gb"),
        ("512Mi", "1g.10gb"),
        ("10240Mi", "1g.10gb"),
        ("10.5Gi", "1g.20gb"),
        ("20G", "1g.20gb"),
        ("21Gi", "3g.40gb"),
        ("80Gi", "7g.80gb"),
    ] {
        let done = run(needs(written).node_selector(PRODUCT, A100_80));
        assert_renamed(&done, &format!("nvidia.com/mig-{name}"));
    }
}

#[test]
fn reads_profiles_by_slices_and_by_name() {
    for (written, name) in [
        ("1g", "1g.10gb"),
        ("2g", "2g.20gb"),
        ("7g", "7g.80gb"),
        ("2g.20gb", "2g.20gb"),
        ("1g.20gb", "1g.20gb"),
        ("1g.10gb+me", "1g.10gb.me"),
        ("1g.10gb.me", "1g.10gb.me"),
    ] {
        let done = run(needs_profile(written).node_selector(PRODUCT, A100_80));
        assert_renamed(&done, &format!("nvidia.com/mig-{name}"));
    }
}

#[test]
fn a_setting_speaks_for_pods_that_say_nothing() {
    let plain = || with("nvidia.com/gpu", "1").node_selector(PRODUCT, A100_40);
    assert_renamed(
        &set(plain(), json!({"gpuMemory": "10Gi"})),
        "nvidia.com/mig-1g.10gb",
    );
    assert_renamed(
        &set(plain(), json!({"migProfile": "2g"})),
        "nvidia.com/mig-2g.10gb",
    );
    let own = needs("5Gi").node_selector(PRODUCT, A100_40);
    assert_renamed(
        &set(own, json!({"gpuMemory": "10Gi"})),
        "nvidia.com/mig-1g.5gb",
    );
    set(
        with("nvidia.com/gpu", "2").node_selector(PRODUCT, A100_40),
        json!({"migProfile": "1g"}),
    )
    .assert_quiet();
    run(plain()).assert_quiet();
}

#[test]
fn refuses_settings_that_make_no_sense() {
    for (settings, piece) in [
        (
            json!({"gpuMemory": "10Gi", "migProfile": "1g"}),
            "leave one out",
        ),
        (
            json!({"gpuMemory": "10GB"}),
            "write an amount of memory such as `10Gi`",
        ),
        (
            json!({"migProfile": "9g"}),
            "`9g` is no MIG profile; write a number of slices such as `1g`",
        ),
        (json!({"gpumemory": "10Gi"}), "unknown field `gpumemory`"),
    ] {
        let error = Case::new(needs("1Gi"))
            .settings(settings)
            .settings_error::<MigResources>();
        assert!(error.contains(piece), "{error}");
    }
}

#[test]
fn the_models_of_the_site_count_where_the_pod_selects_none() {
    let site = |models: &[&str], size: &str| {
        Case::new(needs(size))
            .gpu_models(models)
            .run::<MigResources>()
    };
    assert_renamed(&site(&["A100-80GB"], "20Gi"), "nvidia.com/mig-1g.20gb");
    assert_renamed(
        &site(&["T4", "A100-80GB", "MI300X"], "20Gi"),
        "nvidia.com/mig-1g.20gb",
    );
    assert_renamed(
        &site(&["A100-80GB", "H100-80GB"], "20Gi"),
        "nvidia.com/mig-1g.20gb",
    );
    // One name that both have, though one of them has a smaller that is enough.
    assert_renamed(
        &site(&["H100-NVL", "RTX-PRO-6000"], "12Gi"),
        "nvidia.com/mig-1g.24gb",
    );
    // Only one of them has so much.
    assert_renamed(
        &site(&["A100-40GB", "A100-80GB"], "60Gi"),
        "nvidia.com/mig-7g.80gb",
    );
    let selected = needs("20Gi").node_selector(PRODUCT, A100_40);
    assert_renamed(
        &Case::new(selected)
            .gpu_models(&["A100-80GB"])
            .run::<MigResources>(),
        "nvidia.com/mig-3g.20gb",
    );
}

#[test]
fn the_site_tells_what_an_ambiguous_selector_leaves_open() {
    let ambiguous = || needs("20Gi").node_selector("karpenter.k8s.aws/instance-gpu-name", "a100");
    assert_renamed(
        &Case::new(ambiguous())
            .gpu_models(&["A100-40GB", "L4"])
            .run::<MigResources>(),
        "nvidia.com/mig-3g.20gb",
    );
    let pieces = [
        "needs 20Gi of GPU memory, but that is 3g.20gb on A100-40GB and 1g.20gb on A100-80GB",
        "nvidia.com/gpu.product",
    ];
    assert_one(
        &run(ambiguous()),
        "deny mig-model-unknown",
        MEMORY,
        &["needs 20Gi of GPU memory, but that is 3g.20gb"],
    );
    let whole = run(ambiguous()).findings[0].message.clone();
    assert!(whole.contains(pieces[0]), "{whole}");
    let clear = needs("10Gi").node_selector("karpenter.k8s.aws/instance-gpu-name", "a100");
    assert_renamed(&run(clear), "nvidia.com/mig-1g.10gb");
}

#[test]
fn reads_required_affinity_as_well() {
    let term =
        json!({"matchExpressions": [{"key": PRODUCT, "operator": "In", "values": [A100_40]}]});
    let selector =
        json!({"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}});
    assert_renamed(
        &run(needs("20Gi").with("/spec/affinity/nodeAffinity", selector)),
        "nvidia.com/mig-3g.20gb",
    );
}

#[test]
fn renames_every_container_with_one_gpu_also_inside_templates() {
    let single = |name| {
        container(name)
            .limit("nvidia.com/gpu", "1")
            .request("nvidia.com/gpu", "1")
    };
    let two = pod([single("a"), container("log")]).init(single("warm"));
    let two = two
        .annotation("tollgate.dev/gpu-memory", "10Gi")
        .node_selector(PRODUCT, A100_40);
    let done = Case::object(two.deployment()).run::<MigResources>();
    for place in ["containers/0", "initContainers/0"] {
        let resources = done.at(&format!("/spec/template/spec/{place}/resources"));
        assert_eq!(
            resources,
            json!({
                "limits": {"nvidia.com/mig-1g.10gb": "1"},
                "requests": {"nvidia.com/mig-1g.10gb": "1"},
            })
        );
    }
}

#[test]
fn a_request_alone_becomes_a_limit() {
    let asked = pod([container("main").request("nvidia.com/gpu", "1000m")]);
    let done = run(asked
        .annotation("tollgate.dev/gpu-memory", "10Gi")
        .node_selector(PRODUCT, A100_40));
    assert_renamed(&done, "nvidia.com/mig-1g.10gb");
}

#[test]
fn leaves_what_is_no_single_whole_gpu() {
    let model = |pod: tollgate_sdk::test::PodBuilder| {
        run(pod
            .annotation("tollgate.dev/gpu-memory", "10Gi")
            .node_selector(PRODUCT, A100_80))
    };
    for (name, count) in [
        ("nvidia.com/mig-3g.40gb", "1"),
        ("nvidia.com/gpu.shared", "1"),
        ("nvidia.com/gpu", "0"),
        ("nvidia.com/gpu", "0.5"),
        ("amd.com/gpu", "1"),
        ("cpu", "1"),
    ] {
        model(with(name, count)).assert_quiet();
    }
    model(pod([container("main")
        .limit("nvidia.com/gpu", "1")
        .limit("nvidia.com/gpumem", "3000")]))
    .assert_quiet();
    model(pod([container("main")
        .limit("nvidia.com/gpu", "1")
        .request("nvidia.com/gpu", "2")]))
    .assert_quiet();
}

#[test]
fn debug_containers_are_the_api_servers_to_refuse() {
    let debug =
        json!([{"name": "debug", "image": "a", "resources": {"limits": {"nvidia.com/gpu": "1"}}}]);
    let pod = pod([container("main")]).with("/spec/ephemeralContainers", debug);
    let pod = pod.annotation("tollgate.dev/gpu-memory", "10Gi");
    run(pod.node_selector(PRODUCT, A100_80)).assert_quiet();
}

#[test]
fn leaves_pods_that_select_nodes_which_are_cut_or_shared_as_a_whole() {
    for (label, value) in [
        ("cloud.google.com/gke-gpu-partition-size", "1g.10gb"),
        (
            "nvidia.com/gpu.product",
            "NVIDIA-A100-SXM4-80GB-MIG-1g.10gb",
        ),
        ("nvidia.com/gpu.product", "NVIDIA-A100-SXM4-80GB-SHARED"),
    ] {
        run(needs("10Gi").node_selector(label, value)).assert_quiet();
    }
}

#[test]
fn refuses_annotations_that_cannot_be_read() {
    for written in ["10GB", "lots", "", "0", "-5Gi", "10"] {
        let done = run(needs(written).node_selector(PRODUCT, A100_80));
        assert_one(
            &done,
            "deny mig-size-unreadable",
            MEMORY,
            &["`tollgate.dev/gpu-memory` cannot be read", "such as `10Gi`"],
        );
    }
    for written in ["10Gi", "8g", "0g", "small", "mig-1g.10gb", "1g.10"] {
        let done = run(needs_profile(written).node_selector(PRODUCT, A100_80));
        let path = "/metadata/annotations/tollgate.dev~1mig-profile";
        assert_one(
            &done,
            "deny mig-size-unreadable",
            path,
            &[
                "`tollgate.dev/mig-profile` cannot be read",
                "such as `2g.20gb`",
            ],
        );
    }
    let both = needs("10Gi")
        .annotation("tollgate.dev/mig-profile", "1g")
        .node_selector(PRODUCT, A100_80);
    assert_one(
        &run(both),
        "deny mig-size-unreadable",
        MEMORY,
        &["cannot be read", "one of the two annotations"],
    );
}

#[test]
fn refuses_several_gpus_in_a_pod_that_needs_a_part_of_one() {
    let two = with("nvidia.com/gpu", "2")
        .annotation("tollgate.dev/gpu-memory", "10Gi")
        .node_selector(PRODUCT, A100_80);
    assert_one(
        &run(two),
        "deny mig-size-unclear",
        MEMORY,
        &["container `main` asks for 2 nvidia.com/gpu", "2 whole GPUs"],
    );
    run(with("nvidia.com/gpu", "2")).assert_quiet();
}

#[test]
fn refuses_a_size_that_is_too_large_with_the_largest() {
    let done = run(needs("100Gi").node_selector(PRODUCT, A100_80));
    assert_one(
        &done,
        "deny mig-size-too-large",
        MEMORY,
        &[
            "the largest MIG device of A100-80GB is 7g.80gb",
            "at most 80Gi",
        ],
    );
    let endless = run(needs("1Ei").node_selector(PRODUCT, A100_80));
    endless.assert_findings(&["deny mig-size-too-large"]);
}

#[test]
fn refuses_a_profile_that_the_model_does_not_have() {
    let done = run(needs_profile("1g.20gb").node_selector(PRODUCT, A100_40));
    let path = "/metadata/annotations/tollgate.dev~1mig-profile";
    assert_one(
        &done,
        "deny mig-profile-unavailable",
        path,
        &[
            "A100-40GB has no such profile",
            "1g.5gb, 1g.10gb, 2g.10gb, 3g.20gb",
        ],
    );
    run(needs_profile("5g").node_selector(PRODUCT, A100_40))
        .assert_findings(&["deny mig-profile-unavailable"]);
}

#[test]
fn refuses_a_size_where_nothing_tells_the_model() {
    let pieces = [
        "needs 20Gi of GPU memory, but nothing says which GPU model",
        "nvidia.com/gpu.product",
        "`gpuModels` of the Site",
    ];
    assert_one(
        &run(needs("20Gi")),
        "deny mig-model-unknown",
        MEMORY,
        &pieces,
    );
    let unknown = run(needs("20Gi").node_selector(PRODUCT, "NVIDIA-New"));
    assert_one(&unknown, "deny mig-model-unknown", MEMORY, &pieces);
    // The names of the models that the cluster has besides are not its own.
    let beside = Case::new(needs("20Gi").node_selector(PRODUCT, "NVIDIA-New"))
        .gpu_models(&["A100-80GB"])
        .run::<MigResources>();
    assert_one(&beside, "deny mig-model-unknown", MEMORY, &pieces);
}

#[test]
fn only_warns_about_a_setting_that_leads_nowhere() {
    let default = json!({"gpuMemory": "20Gi"});
    let done = set(with("nvidia.com/gpu", "1"), default.clone());
    assert_one(
        &done,
        "warn mig-default-unused",
        GPU,
        &["nothing says which GPU model", "Site document"],
    );
    set(
        with("nvidia.com/gpu", "1").node_selector(PRODUCT, "Tesla-T4"),
        default,
    )
    .assert_findings(&["warn mig-default-unused"]);
}

#[test]
fn warns_where_mig_devices_have_no_names() {
    for strategy in ["single", "none"] {
        let case = |pod| Case::new(pod).mig_strategy(strategy).run::<MigResources>();
        let done = case(needs("20Gi").node_selector(PRODUCT, A100_80));
        assert_one(
            &done,
            "warn mig-names-absent",
            MEMORY,
            &[
                "keeps `nvidia.com/gpu` though it needs 20Gi of GPU memory",
                "1g.20gb",
            ],
        );
        case(needs("20Gi")).assert_findings(&["warn mig-names-absent"]);
        assert_eq!(done.patch, Vec::<Value>::new());
    }
}

#[test]
fn on_gke_nodes_are_cut_alike_unless_the_site_says_otherwise() {
    let gke =
        || needs("20Gi").node_selector("cloud.google.com/gke-accelerator", "nvidia-tesla-a100");
    assert_one(
        &run(gke()),
        "warn mig-names-absent",
        MEMORY,
        &[
            "keeps `nvidia.com/gpu`",
            "cut into 3g.20gb, on GKE by `cloud.google.com/gke-gpu-partition-size`",
        ],
    );
    assert_renamed(
        &Case::new(gke()).mig_strategy("mixed").run::<MigResources>(),
        "nvidia.com/mig-3g.20gb",
    );
}
