use serde_json::{Value, json};
use tollgate_admission::{GroupVersionKind, Kinds, Operation, Request, Review};

use super::{Fit, fit};
use crate::{Builder, Snapshot};

fn snapshot(objects: &[Value]) -> Snapshot {
    let mut builder = Builder::default();
    objects
        .iter()
        .cloned()
        .for_each(|object| builder.insert(object));
    builder.build()
}

fn fit_of(spec: &Value, snapshot: &Snapshot) -> Fit {
    let request = Request {
        uid: String::new(),
        operation: Operation::Create,
        gvk: GroupVersionKind::new("v1", "Pod"),
        subresource: None,
        resource: None,
        namespace: None,
        name: None,
        user: String::new(),
        groups: Vec::new(),
        dry_run: false,
        namespace_labels: None,
        object: json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": spec}),
        old_object: None,
    };
    let review = Review::new(request, Kinds::builtin());
    fit(review.pods().next().unwrap(), snapshot).unwrap()
}

fn words(spec: &Value, objects: &[Value]) -> String {
    fit_of(spec, &snapshot(objects)).to_string()
}

fn gpus(count: &str) -> Value {
    json!({"containers": [{"name": "main", "resources": {"limits": {"nvidia.com/gpu": count}}}]})
}

fn with(mut spec: Value, field: &str, value: Value) -> Value {
    spec[field] = value;
    spec
}

/// A node of eight H100 with the usual taint.
fn node(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": name, "labels": {"accelerator": "nvidia", "nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3"}},
        "spec": {"taints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]},
        "status": {"allocatable": {"nvidia.com/gpu": "8", "cpu": "190", "memory": "1900Gi"}},
    })
}

fn pool(name: &str, labels: &Value, requirements: &Value) -> Value {
    json!({
        "apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": name},
        "spec": {"template": {"metadata": {"labels": labels}, "spec": {"requirements": requirements}}},
    })
}

fn tolerant(spec: Value) -> Value {
    with(
        spec,
        "tolerations",
        json!([{"key": "nvidia.com/gpu", "operator": "Exists"}]),
    )
}

#[test]
fn names_the_nodes_and_pools_that_fit() {
    let nodes: Vec<_> = ["a", "b", "c", "d", "e"].map(node).to_vec();
    assert_eq!(
        words(&tolerant(gpus("8")), &nodes),
        "nodes `a`, `b`, `c` and 2 more"
    );
    let types = json!([{"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["p5.48xlarge"]}]);
    let objects = [node("a"), pool("gpu", &json!({}), &types)];
    assert_eq!(
        words(&tolerant(gpus("8")), &objects),
        "node `a`; pool `gpu`"
    );
}

#[test]
fn says_what_keeps_a_pod_from_the_nearest() {
    let named = |name: &str| {
        with(
            tolerant(gpus("1")),
            "nodeSelector",
            json!({"accelerator": name}),
        )
    };
    for (spec, expected) in [
        (
            gpus("1"),
            "no node or pool fits: node `a` has the taint `nvidia.com/gpu=present:NoSchedule`, which the pod does not tolerate",
        ),
        (
            tolerant(gpus("16")),
            "no node or pool fits: the pod asks for `nvidia.com/gpu: 16`; node `a` has 8",
        ),
        (
            named("nvidia-a100"),
            "no node or pool fits: none gives `accelerator: nvidia-a100`; node `a` gives `nvidia`",
        ),
        (
            with(tolerant(gpus("1")), "nodeName", json!("b")),
            "no node or pool fits: the pod names the node `b`",
        ),
    ] {
        assert_eq!(words(&spec, &[node("a")]), expected);
    }
}

#[test]
fn what_has_no_such_devices_is_farther_than_what_keeps_the_pod_off() {
    let mut cpus = node("cpus");
    cpus["metadata"]["labels"] = json!({"accelerator": "nvidia"});
    cpus["spec"] = json!({});
    cpus["status"]["allocatable"] = json!({"cpu": "64", "memory": "256Gi"});
    let wants = with(
        gpus("1"),
        "nodeSelector",
        json!({"accelerator": "nvidia", "zone": "a"}),
    );
    let expected = "no node or pool fits: none gives `zone: a`; node `gpus` gives no such label; \
                    node `gpus` has the taint `nvidia.com/gpu=present:NoSchedule`, which the pod does not tolerate";
    assert_eq!(words(&wants, &[cpus, node("gpus")]), expected);
}

#[test]
fn a_pool_that_scales_from_zero_counts_like_a_node() {
    let spot = pool("gpu-spot", &json!({"accelerator": "nvidia"}), &json!([]));
    let wants = with(
        gpus("1"),
        "nodeSelector",
        json!({"accelerator": "nvidia-a100"}),
    );
    let expected = "no node or pool fits: none gives `accelerator: nvidia-a100`; pool `gpu-spot` gives `nvidia`";
    assert_eq!(words(&wants, std::slice::from_ref(&spot)), expected);
    let wants = with(gpus("1"), "nodeSelector", json!({"accelerator": "nvidia"}));
    assert_eq!(words(&wants, &[spot]), "pool `gpu-spot`");
}

#[test]
fn another_value_of_a_label_is_nearer_than_none() {
    let spot = pool("gpu-spot", &json!({"accelerator": "nvidia"}), &json!([]));
    let mut bare = node("a");
    bare["metadata"]["labels"] = json!({});
    bare["spec"]["taints"] = json!([]);
    let wants = with(
        gpus("1"),
        "nodeSelector",
        json!({"accelerator": "nvidia-a100"}),
    );
    assert!(words(&wants, &[bare, spot]).ends_with("pool `gpu-spot` gives `nvidia`"));
}

#[test]
fn a_pool_gives_no_more_than_its_instance_types_categories_and_limits() {
    let requires =
        |key: &str, values: &[&str]| json!([{"key": key, "operator": "In", "values": values}]);
    let none = json!({});
    let kind = "node.kubernetes.io/instance-type";
    let category = "karpenter.k8s.aws/instance-category";
    for (requirements, count, fits) in [
        (requires(kind, &["g5.xlarge", "g5.12xlarge"]), "4", true),
        (requires(kind, &["g5.xlarge", "g5.12xlarge"]), "5", false),
        (requires(kind, &["g5.xlarge", "new.type"]), "5", true),
        (requires(kind, &["m5.xlarge", "hpc7a.96xlarge"]), "1", false),
        (requires(kind, &["m5.xlarge", "gr6.4xlarge"]), "1", true),
        (requires(kind, &["Standard_D4s_v5"]), "1", false),
        (requires(kind, &["Standard_NC4as_T4_v3"]), "1", true),
        (requires(kind, &["VM.Standard.E4.Flex"]), "1", true),
        (
            requires("karpenter.k8s.aws/instance-family", &["m5", "c5"]),
            "1",
            false,
        ),
        (
            requires("karpenter.azure.com/sku-family", &["D"]),
            "1",
            false,
        ),
        (
            requires("karpenter.azure.com/sku-family", &["NC"]),
            "1",
            true,
        ),
        (requires(category, &["c", "m"]), "1", false),
        (requires(category, &["c", "g"]), "1", true),
        (
            requires("karpenter.k8s.aws/instance-gpu-count", &["1", "4"]),
            "8",
            false,
        ),
        (json!([]), "8", true),
    ] {
        let fit = fit_of(&gpus(count), &snapshot(&[pool("p", &none, &requirements)]));
        assert_eq!(!fit.is_nowhere(), fits, "{count} of {requirements}");
    }
    let mut limited = pool("p", &none, &json!([]));
    limited["spec"]["limits"] = json!({"nvidia.com/gpu": "2"});
    assert!(fit_of(&gpus("4"), &snapshot(&[limited])).is_nowhere());
}

#[test]
fn a_pool_gives_no_model_that_its_instance_types_do_not_have() {
    let types = |types: &[&str]| json!([{"key": "node.kubernetes.io/instance-type", "operator": "In", "values": types}]);
    let name = "karpenter.k8s.aws/instance-gpu-name";
    for (machines, label, value, fits) in [
        (&["p4d.24xlarge"][..], name, "a100", true),
        (&["p4d.24xlarge"], name, "h100", false),
        (&["p4d.24xlarge", "p5.48xlarge"], name, "h100", true),
        (&["p4d.24xlarge", "new.type"], name, "h100", true),
        (&["p4d.24xlarge"], name, "new-model", true),
        (&["p4d.24xlarge"], "topology.kubernetes.io/zone", "a", true),
    ] {
        let wants = with(gpus("1"), "nodeSelector", json!({label: value}));
        let fit = fit_of(
            &wants,
            &snapshot(&[pool("p", &json!({}), &types(machines))]),
        );
        assert_eq!(!fit.is_nowhere(), fits, "{label}: {value} of {machines:?}");
    }
}

#[test]
fn labels_of_a_pool_are_open_as_far_as_its_requirements_leave_them() {
    let requires = |key: &str, operator: &str, values: &[&str]| json!([{"key": key, "operator": operator, "values": values}]);
    let zone = "topology.kubernetes.io/zone";
    let older = "failure-domain.beta.kubernetes.io/zone";
    for (requirements, label, fits) in [
        (requires("slots", "Gte", &["2"]), "slots", true),
        (requires("slots", "Exists", &[]), "slots", true),
        (requires("slots", "DoesNotExist", &[]), "slots", false),
        (requires(zone, "In", &["8"]), zone, true),
        (requires(zone, "In", &["8"]), older, true),
        (requires(zone, "In", &["7"]), older, false),
        (json!([]), older, true),
        (json!([]), "slots", false),
    ] {
        let wants = with(gpus("1"), "nodeSelector", json!({label: "8"}));
        let fit = fit_of(&wants, &snapshot(&[pool("p", &json!({}), &requirements)]));
        assert_eq!(!fit.is_nowhere(), fits, "{label} of {requirements}");
    }
}

#[test]
fn a_pool_of_boards_that_cannot_be_cut_so_does_not_fit_a_slice() {
    let slice = json!({"containers": [{"name": "main", "resources": {"limits": {"nvidia.com/mig-1g.10gb": 1}}}]});
    let of = |types: &[&str]| json!([{"key": "node.kubernetes.io/instance-type", "operator": "In", "values": types}]);
    let fits = |types: &[&str]| {
        !fit_of(&slice, &snapshot(&[pool("p", &json!({}), &of(types))])).is_nowhere()
    };
    assert!(fits(&["p4de.24xlarge"]));
    assert!(!fits(&["g5.12xlarge"]));
    assert!(fits(&["g5.12xlarge", "new.type"]));
}

#[test]
fn groups_of_the_cluster_api_are_pools_by_their_annotations() {
    let group = |most: &str| {
        json!({
            "apiVersion": "cluster.x-k8s.io/v1beta1", "kind": "MachineDeployment",
            "metadata": {"name": "md", "annotations": {
                "cluster.x-k8s.io/cluster-api-autoscaler-node-group-max-size": most,
                "capacity.cluster-autoscaler.kubernetes.io/cpu": "16",
                "capacity.cluster-autoscaler.kubernetes.io/memory": "128G",
                "capacity.cluster-autoscaler.kubernetes.io/gpu-type": "nvidia.com/gpu",
                "capacity.cluster-autoscaler.kubernetes.io/gpu-count": "2",
                "capacity.cluster-autoscaler.kubernetes.io/labels": "zone=a,tier=gpu",
                "capacity.cluster-autoscaler.kubernetes.io/taints": "nvidia.com/gpu=present:NoSchedule",
            }},
        })
    };
    let known = snapshot(&[group("5")]);
    assert_eq!(fit_of(&tolerant(gpus("2")), &known).pools, ["md"]);
    assert!(fit_of(&gpus("2"), &known).is_nowhere());
    assert!(fit_of(&tolerant(gpus("3")), &known).is_nowhere());
    let other = with(tolerant(gpus("1")), "nodeSelector", json!({"tier": "cpu"}));
    assert!(fit_of(&other, &known).is_nowhere());
    assert!(snapshot(&[group("0")]).offers().is_empty());
    let mut labelled = group("5");
    labelled["spec"] = json!({"template": {"metadata": {"labels": {"node.cluster.x-k8s.io/pool": "gpu", "team": "ml"}}}});
    let wants =
        |label: &str, value: &str| with(tolerant(gpus("1")), "nodeSelector", json!({label: value}));
    let known = snapshot(&[labelled]);
    assert_eq!(
        fit_of(&wants("node.cluster.x-k8s.io/pool", "gpu"), &known).pools,
        ["md"]
    );
    assert!(fit_of(&wants("team", "ml"), &known).is_nowhere());
}

#[test]
fn terms_of_required_affinity_are_alternatives() {
    let term = |value: &str| json!({"matchExpressions": [{"key": "accelerator", "operator": "In", "values": [value]}]});
    let required = |terms: Value| json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}});
    let spec = |terms: Value| with(tolerant(gpus("1")), "affinity", required(terms));
    let known = snapshot(&[node("a")]);
    assert_eq!(
        fit_of(&spec(json!([term("x"), term("nvidia")])), &known).nodes,
        ["a"]
    );
    assert!(fit_of(&spec(json!([term("x"), term("y")])), &known).is_nowhere());
}

#[test]
fn the_effective_request_of_all_containers_counts() {
    let limits = |count: u32| json!({"limits": {"nvidia.com/gpu": count}});
    let spec = |app: u32, init: u32| {
        tolerant(json!({
            "initContainers": [{"name": "init", "resources": limits(init)}],
            "containers": [{"name": "a", "resources": limits(app)}, {"name": "b", "resources": limits(app)}],
        }))
    };
    let known = snapshot(&[node("a")]);
    assert!(!fit_of(&spec(4, 8), &known).is_nowhere());
    assert!(fit_of(&spec(5, 0), &known).is_nowhere());
    assert!(fit_of(&spec(1, 9), &known).is_nowhere());
}

#[test]
fn nodes_and_pools_that_are_going_do_not_count_and_nodes_that_are_ill_do() {
    let tainted = |key: &str| {
        let mut node = node("a");
        node["spec"]["taints"] = json!([{"key": key, "effect": "NoSchedule"}]);
        snapshot(&[node])
    };
    assert!(tainted("karpenter.sh/disrupted").offers().is_empty());
    for mut going in [node("a"), pool("p", &json!({}), &json!([]))] {
        going["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        assert!(snapshot(&[going]).offers().is_empty());
    }
    assert_eq!(
        fit_of(&gpus("1"), &tainted("node.kubernetes.io/unschedulable")).nodes,
        ["a"]
    );
}

#[test]
fn without_nodes_and_pools_nothing_is_said() {
    let snapshot = Snapshot::default();
    assert!(snapshot.offers().is_empty() && !snapshot.knows("nodes"));
}
