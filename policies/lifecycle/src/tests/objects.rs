//! Workload objects: rollouts, upgrades, what stays when a job is done.

use serde_json::{Value, json};
use tollgate_sdk::test::{Case, Done, container, pod};

use super::{assert_one, gpu};
use crate::Lifecycle;

fn object(version: &str, kind: &str, spec: Value) -> Value {
    json!({"apiVersion": version, "kind": kind, "metadata": {"name": "test", "namespace": "default"}, "spec": spec})
}

fn judge(object: Value) -> Done {
    Case::object(object).run::<Lifecycle>()
}

fn deployment(replicas: Value, strategy: Value) -> Value {
    let mut object = pod([gpu()]).deployment();
    object["spec"]["replicas"] = replicas;
    object["spec"]["strategy"] = strategy;
    object
}

fn rolling(surge: Value, unavailable: Value) -> Value {
    json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}})
}

fn node(gpus: u32) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"},
        "status": {"allocatable": {"nvidia.com/gpu": gpus}},
    })
}

#[test]
fn a_rollout_takes_old_pods_away_first_where_no_device_is_free() {
    let with =
        |object: Value, gpus: u32| Case::object(object).state([node(gpus)]).run::<Lifecycle>();
    for (replicas, strategy, gpus) in [
        (Value::Null, Value::Null, 1),
        (json!(3), Value::Null, 3),
        (json!(8), rolling(json!(1), json!(0)), 8),
        (json!(8), rolling(json!("25%"), json!("10%")), 9),
    ] {
        assert_one(
            &with(deployment(replicas, strategy), gpus),
            "warn surge-needs-devices",
            "/spec/strategy",
            &["its nodes have", "maxUnavailable: 1"],
        );
    }
    for (replicas, strategy, gpus) in [
        (Value::Null, Value::Null, 2),
        (json!(8), rolling(json!("25%"), json!("10%")), 10),
        (json!(4), Value::Null, 4),
        (json!(0), Value::Null, 0),
        (json!(1), json!({"type": "Recreate"}), 1),
        (json!(1), rolling(json!(0), json!(1)), 1),
        (json!(1), rolling(json!("a"), json!(0)), 1),
    ] {
        with(deployment(replicas, strategy), gpus).assert_quiet();
    }
    with(pod([container("web")]).deployment(), 1).assert_quiet();
}

#[test]
fn a_rollout_is_let_alone_where_more_devices_may_come() {
    let object = || deployment(Value::Null, Value::Null);
    judge(object()).assert_quiet();
    let pool = json!({
        "apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": "p"},
        "spec": {"template": {"spec": {"requirements": []}}},
    });
    Case::object(object())
        .state([node(1), pool])
        .run::<Lifecycle>()
        .assert_quiet();
}

fn ray_cluster(main: tollgate_sdk::test::ContainerBuilder) -> Value {
    let head = pod([main])
        .with("/spec/restartPolicy", "Never".into())
        .build();
    json!({"headGroupSpec": {"template": {"spec": head["spec"]}}})
}

#[test]
fn an_upgrade_of_a_ray_service_takes_its_devices_twice() {
    let service = |main, strategy: Value| {
        let mut spec = json!({"rayClusterConfig": ray_cluster(main)});
        spec["upgradeStrategy"] = strategy;
        object("ray.io/v1", "RayService", spec)
    };
    for strategy in [Value::Null, json!({"type": "NewCluster"})] {
        assert_one(
            &judge(service(gpu(), strategy)),
            "warn upgrade-doubles",
            "/spec/upgradeStrategy",
            &["taken twice", "type: None"],
        );
    }
    for kind in ["None", "NewClusterWithIncrementalUpgrade"] {
        judge(service(gpu(), json!({"type": kind}))).assert_quiet();
    }
    judge(service(container("cpu"), Value::Null)).assert_quiet();
}

#[test]
fn a_canary_takes_its_devices_twice() {
    let service = |percent: Value| {
        let mut object = pod([gpu()]).predictor();
        object["spec"]["predictor"]["canaryTrafficPercent"] = percent;
        object
    };
    assert_one(
        &judge(service(json!(10))),
        "warn upgrade-doubles",
        "/spec/predictor/canaryTrafficPercent",
        &["beside the old predictor"],
    );
    for percent in [Value::Null, json!(0), json!(100)] {
        judge(service(percent)).assert_quiet();
    }
}

#[test]
fn a_ray_job_takes_its_cluster_away() {
    let job = |fields: Value| {
        let mut spec = fields;
        spec["rayClusterSpec"] = ray_cluster(gpu());
        object("ray.io/v1", "RayJob", spec)
    };
    assert_one(
        &judge(job(json!({}))),
        "warn ray-cluster-kept",
        "/spec/shutdownAfterJobFinishes",
        &["until somebody deletes it"],
    );
    judge(job(json!({"shutdownAfterJobFinishes": false})))
        .assert_findings(&["warn ray-cluster-kept"]);
    for told in [
        json!({"shutdownAfterJobFinishes": true}),
        json!({"deletionStrategy": {"onSuccess": {"policy": "DeleteCluster"}}}),
        json!({"clusterSelector": {"ray.io/cluster": "a"}}),
    ] {
        judge(job(told)).assert_quiet();
    }
    let cron = object(
        "ray.io/v1",
        "RayCronJob",
        json!({"jobTemplate": {"rayClusterSpec": ray_cluster(gpu())}}),
    );
    assert_one(
        &judge(cron),
        "warn ray-cluster-kept",
        "/spec/jobTemplate/shutdownAfterJobFinishes",
        &["until somebody deletes it"],
    );
}

#[test]
fn a_notebook_has_one_gpu_at_most() {
    let notebook = |name: &str, count: &str| {
        let pod = pod([container("notebook").limit(name, count)]).build();
        object(
            "kubeflow.org/v1",
            "Notebook",
            json!({"template": {"spec": pod["spec"]}}),
        )
    };
    assert_one(
        &judge(notebook("nvidia.com/gpu", "4")),
        "warn notebook-with-several-gpus",
        "/spec/template/spec",
        &["holds 4 whole GPUs"],
    );
    judge(notebook("nvidia.com/gpu", "1")).assert_quiet();
    judge(notebook("nvidia.com/mig-1g.10gb", "2")).assert_quiet();
    let hub = pod([container("notebook").limit("nvidia.com/gpu", "2")])
        .label("component", "singleuser-server");
    judge(hub.build()).assert_findings(&["warn notebook-with-several-gpus"]);
}

#[test]
fn a_kind_that_was_removed_is_told_of() {
    let job = |version: &str, kind: &str, field: &str| {
        let worker = pod([gpu()])
            .with("/spec/restartPolicy", "Never".into())
            .build();
        let role =
            json!({"replicas": 1, "restartPolicy": "Never", "template": {"spec": worker["spec"]}});
        object(version, kind, json!({field: {"Worker": role}}))
    };
    assert_one(
        &judge(job("kubeflow.org/v1", "MXJob", "mxReplicaSpecs")),
        "warn unserved-kind",
        "/kind",
        &["release 1.9 of the training operator", "removed this kind"],
    );
    judge(job("kubeflow.org/v1", "TFJob", "tfReplicaSpecs")).assert_quiet();
}
