use serde_json::{Value, json};

use super::{Builder, Known, Snapshot};

fn pod(name: &str, scheduler: &str, node: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "ml"},
        "spec": {"schedulerName": scheduler, "nodeName": node, "containers": []},
    })
}

fn class(name: &str) -> Value {
    json!({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}})
}

fn built(objects: &[Value], is_complete: bool) -> Snapshot {
    let mut builder = Builder::default();
    objects
        .iter()
        .cloned()
        .for_each(|object| builder.insert(object));
    if is_complete {
        builder.complete_all();
    }
    builder.build()
}

fn known(values: &[&str], is_complete: bool) -> Known {
    Known {
        values: values.iter().map(|value| (*value).to_owned()).collect(),
        is_complete,
    }
}

#[test]
fn a_kind_without_objects_is_unknown_unless_stated_otherwise() {
    let kind = "PriorityClass.scheduling.k8s.io";
    assert_eq!(built(&[], true).names(kind, None), None);
    assert_eq!(
        built(&[class("high")], false).names(kind, None),
        Some(known(&["high"], false))
    );
    assert_eq!(
        built(&[class("high")], true).names(kind, None),
        Some(known(&["high"], true))
    );
    let mut builder = Builder::default();
    builder.complete(kind);
    assert_eq!(builder.build().names(kind, None), Some(known(&[], true)));
}

#[test]
fn names_are_those_of_one_namespace() {
    let queue = |namespace: &str, name: &str| json!({"apiVersion": "kueue.x-k8s.io/v1beta1", "kind": "LocalQueue", "metadata": {"name": name, "namespace": namespace}});
    let snapshot = built(&[queue("ml", "a"), queue("other", "b")], true);
    let names = snapshot.names("LocalQueue.kueue.x-k8s.io", Some("ml"));
    assert_eq!(names, Some(known(&["a"], true)));
}

#[test]
fn schedulers_are_those_that_bound_pods_run_or_are_configured() {
    let running = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "s", "namespace": "kube-system"},
        "spec": {"containers": [{"name": "a", "image": "docker.io/volcanosh/vc-scheduler:v1.12", "args": ["--scheduler-name=batch"]}]},
    });
    let config = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "kube-system"},
        "data": {"config.yaml": "kind: KubeSchedulerConfiguration\nprofiles: [{schedulerName: packer}]"},
    });
    let pods = [
        pod("a", "kai-scheduler", "n1"),
        pod("b", "misspelt", ""),
        running,
    ];
    let names = [
        "batch",
        "default-scheduler",
        "kai-scheduler",
        "packer",
        "volcano",
    ];
    let all = [&pods[..], &[config]].concat();
    assert_eq!(built(&all, true).schedulers(), Some(&known(&names, true)));
    let without_config = ["batch", "default-scheduler", "kai-scheduler", "volcano"];
    assert_eq!(
        built(&pods, true).schedulers(),
        Some(&known(&without_config, false))
    );
    assert_eq!(built(&[class("high")], true).schedulers(), None);
}

#[test]
fn objects_that_are_gone_are_forgotten_and_kinds_that_tell_nothing_not_taken() {
    let mut builder = Builder::default();
    builder.insert(class("high"));
    builder.insert(class("low"));
    builder.remove(&class("high"));
    builder.insert(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}));
    let snapshot = builder.build();
    let names = snapshot.names("PriorityClass.scheduling.k8s.io", None);
    assert_eq!(names, Some(known(&["low"], false)));
    assert!(snapshot.object("Secret", None, "s").is_none());
}

fn node(name: &str, heartbeat: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": name},
        "status": {"allocatable": {"nvidia.com/gpu": "8"}, "conditions": [{"lastHeartbeatTime": heartbeat}]},
    })
}

#[test]
fn a_newer_version_in_which_nothing_is_new_changes_nothing() {
    let mut builder = Builder::default();
    builder.insert(node("a", "one"));
    let before = (builder.changes(), builder.build());
    builder.insert(node("a", "two"));
    builder.replace("Node", vec![node("a", "three")]);
    assert_eq!(builder.changes(), before.0);
    let offers = |snapshot: &Snapshot| snapshot.offers().as_ptr();
    assert_eq!(
        offers(&builder.build()),
        offers(&before.1),
        "nothing is read again"
    );
    builder.insert(node("b", "three"));
    assert_ne!(builder.changes(), before.0);
    assert_eq!(builder.build().offers().len(), 2);
}

#[test]
fn a_list_takes_the_place_of_what_was_there() {
    let mut builder = Builder::default();
    builder.insert(node("a", "one"));
    builder.replace("Node", vec![node("b", "one"), node("c", "one")]);
    assert_eq!(
        builder.build().names("Node", None),
        Some(known(&["b", "c"], false))
    );
    builder.replace("Node", Vec::new());
    builder.complete("Node");
    assert_eq!(builder.build().names("Node", None), Some(known(&[], true)));
}

#[test]
fn what_is_forgotten_is_not_known_to_be_absent() {
    let mut builder = Builder::default();
    builder.insert(class("high"));
    builder.complete("PriorityClass.scheduling.k8s.io");
    builder.forget("PriorityClass.scheduling.k8s.io");
    let snapshot = builder.build();
    assert_eq!(
        snapshot.names("PriorityClass.scheduling.k8s.io", None),
        None
    );
    assert!(!snapshot.knows("PriorityClass.scheduling.k8s.io"));
}

fn workload(kind: &str, image: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "s", "namespace": "kube-system"},
        "spec": {"template": {"spec": {"containers": [{"name": "a", "image": image}]}}},
    })
}

#[test]
fn schedulers_are_seen_where_they_place_pods_and_where_they_run() {
    let mut builder = Builder::sparing();
    builder.insert(workload("Deployment", "volcanosh/vc-scheduler:v1.12"));
    builder.complete("Deployment.apps");
    builder.show_schedulers();
    assert_eq!(
        builder.build().schedulers(),
        None,
        "StatefulSets may run others"
    );
    builder.complete("StatefulSet.apps");
    let seen = ["default-scheduler", "volcano"];
    assert_eq!(builder.build().schedulers(), Some(&known(&seen, false)));
    builder.insert(pod("a", "packer", "n1"));
    let seen = ["default-scheduler", "packer", "volcano"];
    assert_eq!(builder.build().schedulers(), Some(&known(&seen, false)));
    builder.forget("Pod");
    assert_eq!(builder.build().schedulers(), None);
}
