use serde_json::{Value, json};
use tollgate_sdk::test::{container, pod};

use super::{gpu, one, required, server, set, trainer};

fn l4() -> Value {
    json!({"gpuModel": {"label": "cloud.google.com/gke-accelerator", "values": ["nvidia-l4"]}})
}

#[test]
fn selects_the_model_for_pods_that_select_none() {
    let done = set(gpu(), &l4());
    done.assert_patch(json!([{
        "op": "add", "path": "/spec/nodeSelector",
        "value": {"cloud.google.com/gke-accelerator": "nvidia-l4"},
    }]));
    assert_eq!(done.rules, ["gpu-model-default"]);
    let several = json!({"gpuModel": {"label": "nvidia.com/gpu.product", "values": ["NVIDIA-L4", "Tesla-T4"]}});
    let done = set(gpu(), &several);
    let terms = json!([{"matchExpressions": [{"key": "nvidia.com/gpu.product", "operator": "In", "values": ["NVIDIA-L4", "Tesla-T4"]}]}]);
    assert_eq!(done.at("/spec/affinity"), required(terms));
}

#[test]
fn pods_that_have_chosen_are_let_be() {
    for (key, value) in [
        ("cloud.google.com/gke-accelerator", "nvidia-h100-80gb"),
        ("nvidia.com/gpu.product", "something-new"),
        ("node.kubernetes.io/instance-type", "p5.48xlarge"),
        ("karpenter.sh/nodepool", "gpu"),
        ("kubernetes.io/hostname", "a"),
    ] {
        set(gpu().node_selector(key, value), &l4()).assert_quiet();
    }
    let term =
        json!([{"matchExpressions": [{"key": "nvidia.com/gpu.product", "operator": "Exists"}]}]);
    set(gpu().with("/spec/affinity", required(term)), &l4()).assert_quiet();
}

#[test]
fn other_devices_get_no_model() {
    for name in ["google.com/tpu", "amd.com/gpu", "nvidia.com/mig-1g.10gb"] {
        set(pod([one(name)]), &l4()).assert_quiet();
    }
    set(pod([container("idle")]), &l4()).assert_quiet();
    let amd = json!({"gpuModel": {"label": "amd.com/gpu.product-name", "values": ["MI300X"], "resource": "amd.com/gpu"}});
    assert_eq!(
        set(pod([one("amd.com/gpu")]), &amd).rules,
        ["gpu-model-default"]
    );
}

#[test]
fn names_the_priority_class_of_the_work() {
    let settings =
        json!({"all": {"priorityClass": "batch"}, "serving": {"priorityClass": "serving"}});
    for (pod, class) in [
        (server(), "serving"),
        (trainer(), "batch"),
        (gpu(), "batch"),
    ] {
        let done = set(pod, &settings);
        assert_eq!(done.at("/spec/priorityClassName"), class);
        assert_eq!(done.rules[0], "priority-class-default");
    }
    set(
        gpu().with("/spec/priorityClassName", "own".into()),
        &settings,
    )
    .assert_quiet();
    set(pod([container("idle")]), &settings).assert_quiet();
    set(trainer(), &json!({"serving": {"priorityClass": "serving"}})).assert_quiet();
}
