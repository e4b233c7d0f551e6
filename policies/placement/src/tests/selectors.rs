use serde_json::{Value, json};

use super::{assert_one, gpu, required, run};

const PRODUCT: &str = "nvidia.com/gpu.product";
const GKE: &str = "cloud.google.com/gke-accelerator";

fn expression(key: &str, operator: &str, values: &[&str]) -> Value {
    json!({"key": key, "operator": operator, "values": values})
}

fn terms(terms: &[Vec<Value>]) -> Value {
    let terms = terms.iter().map(|term| json!({"matchExpressions": term}));
    required(terms.collect())
}

#[test]
fn refuses_a_selector_and_an_affinity_that_exclude_each_other() {
    for (operator, values) in [
        ("In", &["a100"][..]),
        ("NotIn", &["l4"]),
        ("DoesNotExist", &[]),
    ] {
        let affinity = terms(&[vec![expression("model", operator, values)]]);
        let done = run(gpu()
            .node_selector("model", "l4")
            .with("/spec/affinity", affinity));
        assert_one(
            &done,
            "deny contradictory-selectors",
            "/spec/affinity/nodeAffinity",
            &[
                "`main`",
                "the node selector `model: l4` and the affinity `model`",
                operator,
            ],
        );
    }
}

#[test]
fn refuses_labels_of_different_models() {
    let done = run(gpu()
        .node_selector(GKE, "nvidia-l4")
        .node_selector(PRODUCT, "NVIDIA-A100-SXM4-40GB"));
    assert_one(
        &done,
        "deny contradictory-selectors",
        "/spec/nodeSelector/nvidia.com~1gpu.product",
        &["nvidia-l4", "NVIDIA-A100-SXM4-40GB"],
    );
}

#[test]
fn refuses_only_when_every_alternative_fails() {
    let (wrong, right) = (
        expression("a", "In", &["2"]),
        expression("a", "In", &["1", "3"]),
    );
    let base = || gpu().node_selector("a", "1");
    let both = terms(&[vec![wrong.clone()], vec![right.clone()]]);
    run(base().with("/spec/affinity", both)).assert_quiet();
    let neither = terms(&[vec![wrong.clone()], vec![right, wrong]]);
    run(base().with("/spec/affinity", neither)).assert_findings(&["deny contradictory-selectors"]);
}

#[test]
fn selectors_that_can_hold_together_are_fine() {
    let pairs = [
        (
            (GKE, "nvidia-h100-mega-80gb"),
            (PRODUCT, "NVIDIA-H100-80GB-HBM3"),
        ),
        (
            ("karpenter.k8s.aws/instance-gpu-name", "a100"),
            (PRODUCT, "NVIDIA-A100-SXM4-80GB"),
        ),
        ((GKE, "nvidia-l4"), (PRODUCT, "something-new")),
        (
            ("node.kubernetes.io/instance-type", "g6.xlarge"),
            (PRODUCT, "NVIDIA-H100-80GB-HBM3"),
        ),
        (("zone", "a"), ("region", "b")),
    ];
    for ((key, value), (other, second)) in pairs {
        run(gpu().node_selector(key, value).node_selector(other, second)).assert_quiet();
    }
    let affinity = terms(&[vec![
        expression("a", "NotIn", &["2"]),
        expression("a", "Exists", &[]),
    ]]);
    run(gpu()
        .node_selector("a", "1")
        .with("/spec/affinity", affinity))
    .assert_quiet();
}

#[test]
fn preferences_contradict_nothing() {
    let preferred = json!({"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
        {"weight": 1, "preference": {"matchExpressions": [expression("a", "In", &["2"])]}},
    ]}});
    run(gpu()
        .node_selector("a", "1")
        .node_selector("b", "1")
        .with("/spec/affinity", preferred))
    .assert_quiet();
}
