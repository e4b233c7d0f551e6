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

fn cluster_queue(covered: &[&str]) -> [Value; 2] {
    let mut local = queue("ml");
    local["spec"] = json!({"clusterQueue": "all"});
    let group = json!({"coveredResources": covered});
    let cluster = json!({"apiVersion": "kueue.x-k8s.io/v1beta2", "kind": "ClusterQueue", "metadata": {"name": "all"}, "spec": {"resourceGroups": [group]}});
    [local, cluster]
}

#[test]
fn a_queue_has_a_quota_for_the_devices_of_its_work() {
    let job = |resource: &str| {
        let spec = pod([container("main").limit(resource, "1")]).build()["spec"].clone();
        let mut job = object("batch/v1", "Job", json!({"template": {"spec": spec}}));
        job["metadata"]["labels"] = json!({"kueue.x-k8s.io/queue-name": "team"});
        job
    };
    let run = |resource: &str, covered: &[&str]| {
        Case::object(job(resource))
            .state(cluster_queue(covered))
            .run::<Placement>()
    };
    assert_one(
        &run("nvidia.com/mig-1g.10gb", &["cpu", "nvidia.com/gpu"]),
        "warn queue-without-device",
        "/spec/template/spec/containers/0/resources/limits/nvidia.com~1mig-1g.10gb",
        &["queue `team` has no quota", "`coveredResources`"],
    );
    run("nvidia.com/gpu", &["cpu", "nvidia.com/gpu"]).assert_quiet();
    // Kueue may count quantities under another name.
    let hami = pod([container("main")
        .limit("nvidia.com/gpu", "1")
        .limit("nvidia.com/gpumem", "3000")]);
    let mut sliced = job("nvidia.com/gpu");
    sliced["spec"]["template"]["spec"] = hami.build()["spec"].clone();
    Case::object(sliced)
        .state(cluster_queue(&[
            "nvidia.com/gpu",
            "nvidia.com/total-gpumem",
        ]))
        .run::<Placement>()
        .assert_quiet();
    Case::object(job("nvidia.com/mig-1g.10gb"))
        .state([queue("ml")])
        .run::<Placement>()
        .assert_quiet();
}

fn deployment(replicas: u32) -> Value {
    let volume = json!([{"name": "models", "persistentVolumeClaim": {"claimName": "models"}}]);
    let spec = gpu().with("/spec/volumes", volume).build()["spec"].clone();
    object(
        "apps/v1",
        "Deployment",
        json!({"replicas": replicas, "template": {"spec": spec}}),
    )
}

fn claim(name: &str, mode: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": "ml"}, "spec": {"accessModes": [mode]}})
}

#[test]
fn a_claim_that_nobody_shows_is_left_alone() {
    judge(deployment(2)).assert_quiet();
    judge(deployment(1)).assert_quiet();
    let known = |claim: Value| {
        Case::object(deployment(2))
            .state([claim])
            .run::<Placement>()
    };
    known(claim("models", "ReadWriteMany")).assert_quiet();
    known(claim("models", "ReadWriteOnce")).assert_findings(&["warn claim-of-one-node"]);
    // All claims are known, and this one is still to come.
    known(claim("other", "ReadWriteOnce")).assert_quiet();
}

#[test]
fn a_scaler_makes_several_pods_of_one() {
    let scaler = json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "hpa", "namespace": "ml"},
        "spec": {"maxReplicas": 4, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "test"}}});
    let done = Case::object(deployment(1))
        .state([claim("models", "ReadWriteOnce"), scaler])
        .run::<Placement>();
    assert_one(
        &done,
        "warn claim-of-one-node",
        "/spec/template/spec/volumes/0",
        &["a pod and those that HorizontalPodAutoscaler `hpa` adds"],
    );
}

#[test]
fn a_claim_that_the_object_has_made_is_shared_too() {
    let runtime = |mode: &str, replicas: u32, enabled: bool| {
        object(
            "production-stack.vllm.ai/v1alpha1",
            "VLLMRuntime",
            json!({
                "storageConfig": {"enabled": enabled, "accessMode": mode},
                "deploymentConfig": {"replicas": replicas, "resources": {"gpu": "1"}},
            }),
        )
    };
    assert_one(
        &judge(runtime("ReadWriteOnce", 2, true)),
        "warn claim-of-one-node",
        "/spec/storageConfig/accessMode",
        &["2 pods mount a claim that is made for them"],
    );
    judge(runtime("ReadWriteMany", 2, true)).assert_quiet();
    judge(runtime("ReadWriteOnce", 1, true)).assert_quiet();
    judge(runtime("ReadWriteOnce", 2, false)).assert_quiet();
    let service = object(
        "apps.nvidia.com/v1alpha1",
        "NIMService",
        json!({
            "replicas": 2, "resources": {"limits": {"nvidia.com/gpu": 1}},
            "storage": {"pvc": {"create": true, "volumeAccessMode": "ReadWriteOnce"}},
        }),
    );
    judge(service).assert_findings(&["warn claim-of-one-node"]);
}
