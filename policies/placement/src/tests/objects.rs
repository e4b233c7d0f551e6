//! Workload objects: devices on every node, queues and groups, volumes.

use serde_json::{Value, json};
use tollgate_sdk::test::{Case, Done, container, pod};

use super::{Placement, assert_one, gpu};

fn object(version: &str, kind: &str, spec: Value) -> Value {
    json!({"apiVersion": version, "kind": kind, "metadata": {"name": "test", "namespace": "ml"}, "spec": spec})
}

fn judge(object: Value) -> Done {
    Case::object(object).run::<Placement>()
}

fn template() -> Value {
    json!({"metadata": {}, "spec": gpu().build()["spec"]})
}

#[test]
fn a_daemon_set_takes_no_devices() {
    let set = |template: Value| object("apps/v1", "DaemonSet", json!({"template": template}));
    assert_one(
        &judge(set(template())),
        "deny daemon-set-with-devices",
        "/spec/template/spec/containers/0/resources",
        &["`nvidia.com/gpu` on every node", "Exemption"],
    );
    judge(set(
        json!({"spec": pod([container("agent")]).build()["spec"]}),
    ))
    .assert_quiet();
    let owner =
        json!([{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "a", "controller": true}]);
    judge(gpu().with("/metadata/ownerReferences", owner).build()).assert_quiet();
}

fn pytorch(workers: u32) -> Value {
    let role = json!({"replicas": workers, "template": template()});
    object(
        "kubeflow.org/v1",
        "PyTorchJob",
        json!({"pytorchReplicaSpecs": {"Worker": role}}),
    )
}

fn queue(namespace: &str) -> Value {
    json!({"apiVersion": "kueue.x-k8s.io/v1beta2", "kind": "LocalQueue", "metadata": {"name": "team", "namespace": namespace}})
}

#[test]
fn pods_that_wait_for_one_another_are_placed_together() {
    assert_one(
        &judge(pytorch(4)),
        "warn no-gang",
        "/spec/pytorchReplicaSpecs/Worker/template/spec",
        &["4 pods wait for one another", "minAvailable"],
    );
    judge(pytorch(1)).assert_quiet();
    let job = object(
        "batch/v1",
        "Job",
        json!({"parallelism": 4, "completions": 4, "template": template()}),
    );
    judge(job).assert_quiet();
    let at = "/spec/pytorchReplicaSpecs/Worker/template";
    for (pointer, key, value) in [
        (
            "/metadata",
            "labels",
            json!({"kueue.x-k8s.io/queue-name": "team"}),
        ),
        (
            "/metadata",
            "labels",
            json!({"kai.scheduler/queue": "team"}),
        ),
        (
            "/spec",
            "runPolicy",
            json!({"schedulingPolicy": {"minAvailable": 4}}),
        ),
        ("/spec", "runPolicy", json!({"suspend": true})),
        (&format!("{at}/spec"), "schedulerName", json!("volcano")),
        (
            &format!("{at}/spec"),
            "schedulingGroup",
            json!({"podGroupName": "g"}),
        ),
        (
            &format!("{at}/metadata"),
            "labels",
            json!({"scheduling.x-k8s.io/pod-group": "g"}),
        ),
        (
            &format!("{at}/metadata"),
            "annotations",
            json!({"scheduling.k8s.io/group-name": "g"}),
        ),
    ] {
        let mut job = pytorch(4);
        job.pointer_mut(pointer).unwrap()[key] = value;
        judge(job).assert_quiet();
    }
}

#[test]
fn batch_work_goes_through_the_queue_of_its_namespace() {
    let within = |object: Value, namespace: &str| {
        Case::object(object)
            .state([queue(namespace)])
            .run::<Placement>()
    };
    assert_one(
        &within(pytorch(4), "ml"),
        "warn no-queue",
        "/metadata/labels",
        &["names no queue", "`kueue.x-k8s.io/queue-name: team`"],
    );
    within(pytorch(1), "ml").assert_findings(&["warn no-queue"]);
    within(pytorch(1), "other").assert_quiet();
    let mut queued = pytorch(4);
    queued["metadata"]["labels"] = json!({"kueue.x-k8s.io/queue-name": "team"});
    within(queued, "ml").assert_quiet();
    within(gpu().deployment(), "default").assert_quiet();
}

#[test]
fn a_claim_of_one_node_is_not_shared() {
    let claim = |modes: &[&str]| json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "models", "namespace": "default"}, "spec": {"accessModes": modes}});
    let server = |replicas: u32| {
        let source = json!({"claimName": "models"});
        let mut object = gpu()
            .volume("models", "persistentVolumeClaim", source)
            .deployment();
        object["spec"]["replicas"] = replicas.into();
        object
    };
    let within = |object: Value, modes: &[&str]| {
        Case::object(object)
            .state([claim(modes)])
            .run::<Placement>()
    };
    assert_one(
        &within(server(3), &["ReadWriteOnce"]),
        "warn claim-of-one-node",
        "/spec/template/spec/volumes/0",
        &["3 pods mount the claim `models`"],
    );
    within(server(1), &["ReadWriteOnce"]).assert_quiet();
    within(server(3), &["ReadWriteMany"]).assert_quiet();
    within(server(3), &["ReadWriteOnce", "ReadOnlyMany"]).assert_quiet();
    judge(server(3)).assert_quiet();
}

#[test]
fn a_model_is_not_left_open_where_others_add_to_the_pod() {
    let node = |name: &str, model: &str| {
        json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": name, "labels": {"nvidia.com/gpu.product": model}},
            "status": {"allocatable": {"nvidia.com/gpu": "8"}},
        })
    };
    let mixed = [node("a", "NVIDIA-L4"), node("b", "NVIDIA-A100-SXM4-80GB")];
    let within = |object: Value| Case::object(object).state(mixed.clone()).run::<Placement>();
    within(gpu().build()).assert_findings(&["warn model-left-open"]);
    within(gpu().predictor()).assert_quiet();
}

#[test]
fn a_queue_that_is_named_is_there() {
    let job = |labels: Value| {
        let mut job = object("batch/v1", "Job", json!({"template": template()}));
        job["metadata"]["labels"] = labels;
        job
    };
    let judge =
        |object: Value, state: Value| Case::object(object).state([state]).run::<Placement>();
    let named = |name: &str| job(json!({"kueue.x-k8s.io/queue-name": name}));
    assert_one(
        &judge(named("taem"), queue("ml")),
        "warn unknown-queue",
        "/metadata/labels/kueue.x-k8s.io~1queue-name",
        &["no queue `taem`", "`team`"],
    );
    judge(named("team"), queue("ml")).assert_quiet();
    judge(named("team"), queue("other")).assert_findings(&["warn unknown-queue"]);
    Case::object(named("taem"))
        .run::<Placement>()
        .assert_quiet();
    let kai = json!({"apiVersion": "scheduling.run.ai/v2", "kind": "Queue", "metadata": {"name": "team"}});
    let of_kai = |name: &str| job(json!({"kai.scheduler/queue": name}));
    judge(of_kai("taem"), kai.clone()).assert_findings(&["warn unknown-queue"]);
    judge(of_kai("team"), kai).assert_quiet();
}

#[test]
fn a_queue_of_volcano_stands_in_the_spec() {
    let task = json!([{"replicas": 2, "template": template()}]);
    let job = |name: &str| {
        object(
            "batch.volcano.sh/v1alpha1",
            "Job",
            json!({"queue": name, "tasks": task, "schedulerName": "volcano"}),
        )
    };
    let there = json!({"apiVersion": "scheduling.volcano.sh/v1beta1", "kind": "Queue", "metadata": {"name": "default"}});
    let judge = |name: &str| {
        Case::object(job(name))
            .state([there.clone()])
            .run::<Placement>()
    };
    assert!(
        judge("defualt")
            .findings
            .iter()
            .any(|found| found.rule == "unknown-queue")
    );
    assert!(
        !judge("default")
            .findings
            .iter()
            .any(|found| found.rule == "unknown-queue")
    );
}
