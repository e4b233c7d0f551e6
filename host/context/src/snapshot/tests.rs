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
