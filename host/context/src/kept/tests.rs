use serde_json::{Value, json};

use super::Measure;
use crate::kinds::known_kind;
use crate::{Builder, Snapshot};

fn kept_by(measure: Measure, kind: &str, object: Value) -> Option<Value> {
    let (_, keep) = known_kind(kind).unwrap();
    keep.of(object, measure)
}

fn kept(kind: &str, object: Value) -> Option<Value> {
    kept_by(Measure::Full, kind, object)
}

#[test]
fn of_a_node_what_it_offers_is_kept() {
    let node = json!({
        "metadata": {"name": "a", "labels": {"gpu": "l4"}, "annotations": {"a": "b"}, "managedFields": [{}]},
        "spec": {"taints": [{"key": "k"}], "podCIDR": "10.0.0.0/24"},
        "status": {"allocatable": {"nvidia.com/gpu": "8"}, "images": [], "conditions": [{"lastHeartbeatTime": "now"}]},
    });
    let expected = json!({
        "metadata": {"name": "a", "labels": {"gpu": "l4"}},
        "spec": {"taints": [{"key": "k"}]},
        "status": {"allocatable": {"nvidia.com/gpu": "8"}},
    });
    assert_eq!(kept("Node", node), Some(expected));
}

#[test]
fn of_classes_nothing_but_the_name_is_kept_and_of_claims_how_they_are_mounted() {
    let class = json!({"metadata": {"name": "fast"}, "provisioner": "p"});
    assert_eq!(kept("StorageClass.storage.k8s.io", class), None);
    let claim = json!({
        "metadata": {"name": "models", "namespace": "ml", "labels": {"a": "b"}},
        "spec": {"accessModes": ["ReadWriteOnce"], "volumeName": "pvc-1"}, "status": {"phase": "Bound"},
    });
    let expected = json!({"spec": {"accessModes": ["ReadWriteOnce"]}});
    assert_eq!(kept("PersistentVolumeClaim", claim), Some(expected));
}

#[test]
fn of_lists_each_item_keeps_its_place() {
    let scaler = json!({"metadata": {"name": "s"}, "spec": {
        "scaleTargetRef": {"kind": "Deployment", "name": "vllm"},
        "metrics": [
            {"type": "External", "external": {"metric": {"name": "secret"}}},
            {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization"}}},
        ],
    }});
    let expected = json!({"metadata": {"name": "s"}, "spec": {
        "scaleTargetRef": {"kind": "Deployment", "name": "vllm"},
        "metrics": [null, {"resource": {"name": "cpu"}}],
    }});
    assert_eq!(
        kept("HorizontalPodAutoscaler.autoscaling", scaler),
        Some(expected)
    );
}

fn deployment(container: &Value) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "vllm", "namespace": "ml", "annotations": {"token": "secret"}},
        "spec": {"replicas": 2, "template": {
            "metadata": {"labels": {"app": "vllm"}},
            "spec": {"containers": [container], "volumes": [{"name": "a"}], "serviceAccountName": "b"},
        }},
        "status": {"replicas": 2},
    })
}

fn container(limits: &Value) -> Value {
    json!({
        "name": "main", "image": "vllm", "args": ["--model", "m"], "env": [{"name": "TOKEN", "value": "secret"}],
        "resources": {"limits": limits}, "volumeMounts": [],
    })
}

#[test]
fn of_workloads_no_variable_is_kept() {
    let limits = json!({"nvidia.com/gpu": "1"});
    let expected = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "spec": {"replicas": 2, "template": {
            "metadata": {"labels": {"app": "vllm"}},
            "spec": {
                "containers": [{
                    "name": "main", "image": "vllm", "args": ["--model", "m"], "resources": {"limits": limits},
                }],
                "initContainers": [],
            },
        }},
    });
    for measure in [Measure::Full, Measure::Sparing] {
        let kept = kept_by(measure, "Deployment.apps", deployment(&container(&limits)));
        assert_eq!(kept, Some(expected.clone()), "{measure:?}");
    }
}

#[test]
fn in_a_cluster_nothing_is_kept_of_workloads_without_accelerators_but_schedulers() {
    let web = deployment(&container(&json!({"cpu": "1"})));
    let sparing = |object: &Value| kept_by(Measure::Sparing, "Deployment.apps", object.clone());
    assert_eq!(sparing(&web), Some(json!({})));
    assert_ne!(
        kept("Deployment.apps", web),
        Some(json!({})),
        "routes may lead there"
    );
    let scheduler = deployment(&json!({"name": "s", "image": "volcanosh/vc-scheduler:v1.12"}));
    let kept = sparing(&scheduler).unwrap();
    assert!(kept.to_string().contains("vc-scheduler"), "{kept}");
}

#[test]
fn in_a_cluster_a_pod_shows_its_scheduler_alone() {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "ml"},
        "spec": {"schedulerName": "volcano", "nodeName": "n1", "containers": []},
    });
    assert_eq!(kept("Pod", pod.clone()), Some(pod.clone()));
    let expected = json!({"spec": {"schedulerName": "volcano", "nodeName": "any"}});
    assert_eq!(kept_by(Measure::Sparing, "Pod", pod), Some(expected));
}

#[test]
fn of_pods_that_may_be_selected_those_of_a_workload_are_alike() {
    let pod = |name: &str, node: &str| {
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": "ml", "labels": {
                "app": "vllm", "app.kubernetes.io/part-of": "chat", "statefulset.kubernetes.io/pod-name": name,
            }},
            "spec": {
                "schedulerName": "volcano", "nodeName": node, "volumes": [{"name": "a"}],
                "containers": [container(&json!({"nvidia.com/gpu": "1"}))],
            },
        })
    };
    let kept = |pod| kept_by(Measure::Selectable, "Pod", pod);
    let expected = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"labels": {"app": "vllm", "app.kubernetes.io/part-of": "chat"}},
        "spec": {
            "schedulerName": "volcano", "nodeName": "any", "initContainers": [],
            "containers": [{"resources": {"limits": {"nvidia.com/gpu": "1"}}}],
        },
    });
    assert_eq!(kept(pod("vllm-0", "n1")), Some(expected));
    assert_eq!(kept(pod("vllm-0", "n1")), kept(pod("vllm-1", "n2")));
    let web = deployment(&container(&json!({"cpu": "1"})));
    let web = kept_by(Measure::Selectable, "Deployment.apps", web);
    assert_ne!(web, Some(json!({})), "routes may lead there");
}

#[test]
fn of_config_maps_the_texts_alone_are_kept_that_share_devices_or_configure_schedulers() {
    let slices = "sharing: {timeSlicing: {resources: [{name: nvidia.com/gpu, replicas: 4}]}}";
    let map = json!({"metadata": {"name": "m"}, "data": {"any": slices, "password": "secret"}});
    let expected = json!({"metadata": {"name": "m"}, "data": {"any": slices}});
    assert_eq!(kept("ConfigMap", map), Some(expected));
}

fn claim(name: &str, classes: usize) -> Value {
    let requests: Vec<_> = (0..classes)
        .map(|number| json!({"name": format!("r{number}"), "exactly": {"deviceClassName": "gpu.example.com"}}))
        .collect();
    json!({
        "apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim", "metadata": {"name": name, "namespace": "ml"},
        "spec": {"devices": {"requests": requests}},
    })
}

const CLAIM: &str = "ResourceClaim.resource.k8s.io";

#[test]
fn of_an_object_that_says_too_much_the_name_alone_is_kept() {
    let mut builder = Builder::default();
    builder.insert(claim("huge", 10_000));
    builder.insert(claim("usual", 1));
    let snapshot = builder.build();
    let names = snapshot.names(CLAIM, Some("ml")).unwrap();
    assert_eq!(names.values, ["huge", "usual"]);
    let is_known = |name| snapshot.object(CLAIM, Some("ml"), name).is_some();
    assert!(!is_known("huge") && is_known("usual"));
}

#[test]
fn what_is_equal_is_kept_once() {
    let mut builder = Builder::default();
    builder.insert(claim("a", 1));
    builder.insert(claim("b", 1));
    let snapshot: Snapshot = builder.build();
    let of = |name| snapshot.object(CLAIM, Some("ml"), name).unwrap();
    assert!(std::ptr::eq(of("a"), of("b")));
}
