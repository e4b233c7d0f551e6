use serde_json::{Value, json};
use tollgate_sdk::test::{Case, Done, PodBuilder, container, pod};

use super::GpuTolerations;

fn gpu(name: &str) -> PodBuilder {
    pod([container("main").limit(name, "1")])
}

fn run(pod: PodBuilder) -> Done {
    Case::new(pod).run::<GpuTolerations>()
}

fn exists(key: &str) -> Value {
    json!({"key": key, "operator": "Exists", "effect": "NoSchedule"})
}

#[test]
fn adds_the_toleration_of_the_whole_device_for_every_vendor() {
    for key in [
        "nvidia.com/gpu",
        "amd.com/gpu",
        "google.com/tpu",
        "habana.ai/gaudi",
        "aws.amazon.com/neuron",
    ] {
        let done = run(gpu(key));
        done.assert_patch(
            json!([{"op": "add", "path": "/spec/tolerations", "value": [exists(key)]}]),
        );
        assert_eq!(done.rules, ["missing-toleration"]);
    }
}

#[test]
fn maps_slices_and_shares_to_the_vendors_taint() {
    for name in [
        "nvidia.com/mig-1g.10gb",
        "nvidia.com/gpu.shared",
        "nvidia.com/mig-3g.40gb.me",
    ] {
        let done = run(gpu(name));
        assert_eq!(
            done.at("/spec/tolerations"),
            json!([exists("nvidia.com/gpu")]),
            "{name}"
        );
        assert_eq!(done.rules, ["slice-toleration"]);
    }
}

#[test]
fn adds_it_once_for_several_containers_and_beside_what_is_there() {
    let two = pod([
        container("a").limit("nvidia.com/gpu", "1"),
        container("b").limit("nvidia.com/gpu", "1"),
    ]);
    let done = run(two.toleration(json!({"key": "dedicated", "operator": "Equal", "value": "ml"})));
    done.assert_patch(
        json!([{"op": "add", "path": "/spec/tolerations/-", "value": exists("nvidia.com/gpu")}]),
    );
}

#[test]
fn compares_by_meaning_not_by_key() {
    let quiet = [
        json!({"operator": "Exists"}),
        json!({"key": "nvidia.com/gpu", "operator": "Exists"}),
        json!({"operator": "Exists", "effect": "NoSchedule"}),
    ];
    for toleration in quiet {
        run(gpu("nvidia.com/gpu").toleration(toleration)).assert_quiet();
    }
    let not_enough = [
        json!({"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoExecute"}),
        json!({"key": "nvidia.com/gpu", "operator": "Equal", "value": "present", "effect": "NoSchedule"}),
        json!({"key": "nvidia/gpu", "operator": "Exists"}),
    ];
    for toleration in not_enough {
        assert_eq!(
            run(gpu("nvidia.com/gpu").toleration(toleration)).rules,
            ["missing-toleration"]
        );
    }
}

#[test]
fn says_nothing_about_pods_without_accelerators() {
    run(pod([container("main").limit("cpu", "1")])).assert_quiet();
    run(gpu("rdma/hca")).assert_quiet();
    run(pod([container("main").limit("nvidia.com/gpu", "0")])).assert_quiet();
}

#[test]
fn reads_init_containers_and_fractions_by_annotation() {
    let init = pod([container("main")]).init(container("warm").limit("nvidia.com/gpu", "1"));
    assert_eq!(run(init).rules, ["missing-toleration"]);
    let fraction = pod([container("main")]).annotation("gpu-fraction", "0.5");
    assert_eq!(run(fraction).rules, ["slice-toleration"]);
}

#[test]
fn repairs_templates_at_their_place() {
    let done = Case::object(gpu("nvidia.com/gpu").deployment()).run::<GpuTolerations>();
    done.assert_patch(json!([
        {"op": "add", "path": "/spec/template/spec/tolerations", "value": [exists("nvidia.com/gpu")]}
    ]));
}

#[test]
fn adds_configured_keys() {
    let settings = json!({"extraKeys": [{"key": "sku", "value": "gpu"}, {"key": "dedicated"}]});
    let done = Case::new(gpu("nvidia.com/gpu"))
        .settings(settings.clone())
        .run::<GpuTolerations>();
    let sku = json!({"key": "sku", "operator": "Equal", "value": "gpu", "effect": "NoSchedule"});
    assert_eq!(
        done.at("/spec/tolerations"),
        json!([exists("nvidia.com/gpu"), sku, exists("dedicated")])
    );
    assert_eq!(
        done.rules,
        ["missing-toleration", "extra-toleration", "extra-toleration"]
    );
    Case::new(pod([container("main")]))
        .settings(settings)
        .run::<GpuTolerations>()
        .assert_quiet();
}

#[test]
fn refuses_settings_that_would_let_pods_onto_special_nodes() {
    for key in [
        "cloud.google.com/gke-spot",
        "karpenter.sh/disrupted",
        "kubernetes.io/arch",
        "node.kubernetes.io/not-ready",
    ] {
        let error = Case::new(gpu("nvidia.com/gpu"))
            .settings(json!({"extraKeys": [{"key": key}]}))
            .settings_error::<GpuTolerations>();
        assert!(
            error.contains(key) && error.contains("never tolerated"),
            "{error}"
        );
    }
    let error = Case::new(gpu("nvidia.com/gpu"))
        .settings(json!({"extrakeys": []}))
        .settings_error::<GpuTolerations>();
    assert!(error.contains("unknown field `extrakeys`"), "{error}");
}

#[test]
fn warns_about_tolerations_that_nothing_asks_for() {
    let idle = || pod([container("main")]);
    let done = run(idle().toleration(exists("nvidia.com/gpu")));
    done.assert_findings(&["warn untaken-toleration"]);
    assert_eq!(done.findings[0].path, "/spec/tolerations/0");
    run(idle().toleration(json!({"operator": "Exists"})))
        .assert_findings(&["warn untaken-toleration"]);
    run(idle().toleration(json!({"operator": "Exists", "effect": "NoExecute"}))).assert_quiet();
    run(idle().toleration(exists("dedicated"))).assert_quiet();
}

#[test]
fn lets_daemon_sets_and_claims_tolerate_the_taint() {
    let owner = json!([{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "agent", "controller": true}]);
    let agent = pod([container("main")])
        .toleration(json!({"operator": "Exists"}))
        .with("/metadata/ownerReferences", owner);
    run(agent).assert_quiet();
    let claim = pod([container("main")])
        .toleration(exists("nvidia.com/gpu"))
        .with(
            "/spec/resourceClaims",
            json!([{"name": "gpu", "resourceClaimName": "a"}]),
        );
    run(claim).assert_quiet();
}

#[test]
fn claims_lead_to_the_taint_of_their_device_class() {
    let template = |class: &str| {
        json!({
            "apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaimTemplate",
            "metadata": {"name": "one", "namespace": "default"},
            "spec": {"spec": {"devices": {"requests": [{"name": "gpu", "exactly": {"deviceClassName": class}}]}}},
        })
    };
    let claims = json!([{"name": "gpu", "resourceClaimTemplateName": "one"}]);
    let claimant = || pod([container("main")]).with("/spec/resourceClaims", claims.clone());
    let added =
        |key: &str| json!([{"op": "add", "path": "/spec/tolerations", "value": [exists(key)]}]);
    let done = Case::new(claimant())
        .state([template("gpu.nvidia.com")])
        .run::<GpuTolerations>();
    done.assert_patch(added("nvidia.com/gpu"));
    let own = || Case::new(claimant()).state([template("big.example.com")]);
    own().run::<GpuTolerations>().assert_quiet();
    let named = own().settings(json!({"deviceClasses": {"big.example.com": "example.com/big"}}));
    named
        .run::<GpuTolerations>()
        .assert_patch(added("example.com/big"));
    run(claimant()).assert_quiet();
}
