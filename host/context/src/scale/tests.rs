use serde_json::{Value, json};
use tollgate_admission::{GroupVersionKind, Kinds, Operation, Request, Review};

use super::lend;
use crate::{Builder, Snapshot};

fn knowing(object: Value) -> Snapshot {
    let mut builder = Builder::sparing();
    builder.insert(object);
    builder.build()
}

fn group(replicas: u32) -> Value {
    json!({
        "apiVersion": "leaderworkerset.x-k8s.io/v1", "kind": "LeaderWorkerSet",
        "metadata": {"name": "llama", "namespace": "ml"},
        "spec": {"replicas": replicas, "leaderWorkerTemplate": {"size": 4, "workerTemplate": {
            "metadata": {"labels": {"team": "a"}},
            "spec": {"priorityClassName": "high", "nodeSelector": {"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3"},
                "containers": [{"name": "main", "resources": {"limits": {"nvidia.com/gpu": "8"}}}]},
        }}},
    })
}

fn lent(object: Value, old: Option<Value>, snapshot: &Snapshot) -> Review {
    let text = |field: &str| object[field].as_str().unwrap();
    let request = Request {
        uid: String::new(),
        operation: Operation::Update,
        gvk: GroupVersionKind::new(text("apiVersion"), text("kind")),
        subresource: Some("scale".to_owned()),
        resource: Some((
            "leaderworkerset.x-k8s.io".to_owned(),
            "leaderworkersets".to_owned(),
        )),
        namespace: Some("ml".to_owned()),
        name: Some("llama".to_owned()),
        user: String::new(),
        groups: Vec::new(),
        dry_run: false,
        namespace_labels: None,
        object,
        old_object: old,
    };
    let mut review = Review::new(request, Kinds::builtin());
    lend(&mut review, snapshot, Kinds::builtin());
    review
}

fn scale(replicas: u32) -> Value {
    json!({
        "apiVersion": "autoscaling/v1", "kind": "Scale",
        "metadata": {"name": "llama", "namespace": "ml"}, "spec": {"replicas": replicas},
    })
}

#[test]
fn a_write_of_the_subresource_makes_the_pods_of_so_many_groups() {
    let review = lent(scale(5), Some(scale(2)), &knowing(group(2)));
    let pods: Vec<_> = review.pods().collect();
    let [pod] = pods.as_slice() else {
        panic!("{} pods", pods.len());
    };
    assert_eq!((pod.count(), pod.existing()), (Some(20), 8));
    assert!(pod.is_lent());
    assert_eq!(pod.devices(), [("nvidia.com/gpu".to_owned(), 8)]);
    assert_eq!(pod.priority_class(), Some("high"));
    assert_eq!(pod.label("team"), Some("a"));
    assert_eq!(pod.node_selectors().len(), 1);
    let container = pod.container(0).unwrap();
    assert_eq!(review.place(&container.path()), "/spec/replicas");
    assert_eq!(
        review.pointer("/spec/replicas"),
        Some(&json!(5)),
        "the object itself is as it was"
    );
}

#[test]
fn an_autoscaler_makes_its_maximum_of_pods_and_the_targets_own_are_there() {
    let scaler = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "llama", "namespace": "ml"},
        "spec": {"maxReplicas": 3, "scaleTargetRef":
            {"apiVersion": "leaderworkerset.x-k8s.io/v1", "kind": "LeaderWorkerSet", "name": "llama"}},
    });
    let review = lent(scaler, None, &knowing(group(2)));
    let counts: Vec<_> = review
        .pods()
        .map(|pod| (pod.count(), pod.existing()))
        .collect();
    assert_eq!(counts, [(Some(12), 8)]);
}

#[test]
fn nothing_is_lent_of_what_is_unknown_or_takes_no_accelerators() {
    let mut plain = group(2);
    plain["spec"]["leaderWorkerTemplate"]["workerTemplate"]["spec"]["containers"][0]["resources"] =
        json!({});
    plain["spec"]["leaderWorkerTemplate"]["workerTemplate"]["spec"]["nodeSelector"] = json!({});
    for snapshot in [Snapshot::default(), knowing(plain)] {
        let review = lent(scale(5), Some(scale(2)), &snapshot);
        assert_eq!(review.pods().count(), 0);
    }
}
