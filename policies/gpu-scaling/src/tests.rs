use serde_json::{Value, json};
use tollgate_sdk::test::{Case, Done, assert_one, container, pod};

use super::GpuScaling;

/// An object of a kind in the namespace of the test, with a spec.
fn object(version: &str, kind: &str, spec: Value) -> Value {
    json!({"apiVersion": version, "kind": kind, "metadata": {"name": "scaler", "namespace": "default"}, "spec": spec})
}

fn hpa(spec: Value) -> Value {
    object("autoscaling/v2", "HorizontalPodAutoscaler", spec)
}

fn scaled_object(spec: Value) -> Value {
    object("keda.sh/v1alpha1", "ScaledObject", spec)
}

fn vpa(spec: Value) -> Value {
    object("autoscaling.k8s.io/v1", "VerticalPodAutoscaler", spec)
}

/// The Deployment `test`, with so many GPUs in each pod.
fn deployment(gpus: &str) -> Value {
    pod([container("main").limit("nvidia.com/gpu", gpus)]).deployment()
}

fn target() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "test"})
}

fn cpu() -> Value {
    json!([{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}])
}

fn query(query: &str) -> Value {
    json!([{"type": "prometheus", "metadata": {"serverAddress": "http://p", "threshold": "1", "query": query}}])
}

fn run(object: Value, state: &[Value]) -> Done {
    Case::object(object)
        .state(state.to_vec())
        .run::<GpuScaling>()
}

#[test]
fn a_scaled_object_of_gpus_has_a_maximum_of_its_own() {
    let triggers = query("sum(vllm:num_requests_waiting)");
    let spec = |maximum: Value| {
        let mut spec = json!({"scaleTargetRef": {"name": "test"}, "triggers": triggers});
        if !maximum.is_null() {
            spec["maxReplicaCount"] = maximum;
        }
        scaled_object(spec)
    };
    for maximum in [Value::Null, json!(100)] {
        assert_one(
            &run(spec(maximum.clone()), &[deployment("8")]),
            "warn default-maximum",
            "/spec/maxReplicaCount",
            &["100 replicas of 8 nvidia.com/gpu each of Deployment `test`"],
        );
        // What it takes is not known, but its metric tells.
        run(spec(maximum), &[]).assert_findings(&["warn default-maximum"]);
    }
    run(spec(json!(4)), &[deployment("8")]).assert_quiet();
    run(spec(Value::Null), &[pod([container("web")]).deployment()]).assert_quiet();
    let other =
        json!({"scaleTargetRef": {"name": "test"}, "triggers": query("sum(http_requests_total)")});
    run(scaled_object(other), &[]).assert_quiet();
}

#[test]
fn a_scaled_job_tells_itself_what_it_takes() {
    let job = |gpus: &str, maximum: u32| {
        let pod = pod([container("main").limit("nvidia.com/gpu", gpus)]).build();
        let spec = json!({"jobTargetRef": {"template": {"spec": pod["spec"]}}, "maxReplicaCount": maximum, "triggers": []});
        object("keda.sh/v1alpha1", "ScaledJob", spec)
    };
    run(job("1", 100), &[]).assert_findings(&["warn default-maximum"]);
    run(job("1", 5), &[]).assert_quiet();
    run(job("0", 100), &[]).assert_quiet();
}

#[test]
fn pods_with_gpus_are_not_scaled_by_their_cpu_alone() {
    let spec = json!({"scaleTargetRef": target(), "maxReplicas": 4, "metrics": cpu()});
    assert_one(
        &run(hpa(spec.clone()), &[deployment("1")]),
        "warn scaled-by-cpu-alone",
        "/spec/metrics",
        &["Deployment `test`", "scaled by cpu alone"],
    );
    let by_default = json!({"scaleTargetRef": target(), "maxReplicas": 4});
    run(hpa(by_default), &[deployment("1")]).assert_findings(&["warn scaled-by-cpu-alone"]);
    run(hpa(spec.clone()), &[]).assert_quiet();
    run(hpa(spec.clone()), &[deployment("0")]).assert_quiet();
    let mut mixed = spec;
    mixed["metrics"] = json!([
        {"type": "Resource", "resource": {"name": "cpu"}},
        {"type": "Pods", "pods": {"metric": {"name": "vllm_num_requests_waiting"}}},
    ]);
    run(hpa(mixed), &[deployment("1")]).assert_quiet();
}

#[test]
fn metrics_have_the_names_that_servers_export() {
    let spec = |name: &str| {
        let triggers = query(&format!("sum(rate({name}{{model=\"m\"}}[1m]))"));
        scaled_object(
            json!({"scaleTargetRef": {"name": "test"}, "maxReplicaCount": 2, "triggers": triggers}),
        )
    };
    for (wrong, right) in [
        (
            "torchserve_queue_latency_microseconds",
            "ts_queue_latency_microseconds",
        ),
        ("num_requests_waiting", "vllm:num_requests_waiting"),
        ("vllm_num_requests_waiting", "vllm:num_requests_waiting"),
    ] {
        let done = run(spec(wrong), &[]);
        assert_one(
            &done,
            "warn metric-never-exported",
            "/spec/triggers/0/metadata/query",
            &[wrong],
        );
        assert_eq!(done.findings[0].allowed, Some(format!("`{right}`")));
        run(spec(right), &[]).assert_quiet();
    }
    let named = |name: &str| {
        let metrics = json!([{"type": "Pods", "pods": {"metric": {"name": name}}}]);
        hpa(json!({"scaleTargetRef": target(), "maxReplicas": 2, "metrics": metrics}))
    };
    assert_one(
        &run(named("torchserve_queue_latency_microseconds"), &[]),
        "warn metric-never-exported",
        "/spec/metrics/0/pods/metric/name",
        &["torchserve_queue_latency_microseconds"],
    );
    // An adapter may have renamed it.
    run(named("vllm_num_requests_waiting"), &[]).assert_quiet();
}

#[test]
fn a_field_that_keda_no_longer_reads_is_told_of() {
    let mut spec =
        json!({"scaleTargetRef": {"name": "test"}, "maxReplicaCount": 2, "triggers": query("up")});
    run(scaled_object(spec.clone()), &[]).assert_quiet();
    spec["triggers"][0]["metadata"]["metricName"] = "waiting".into();
    assert_one(
        &run(scaled_object(spec), &[]),
        "warn removed-trigger-field",
        "/spec/triggers/0/metadata/metricName",
        &["no longer reads `metricName`"],
    );
}

#[test]
fn a_vertical_autoscaler_does_not_evict_pods_with_gpus() {
    let spec = |mode: &str, resources: &[&str]| {
        let mut spec = json!({"targetRef": target(), "updatePolicy": {"updateMode": mode}});
        if !resources.is_empty() {
            spec["resourcePolicy"] = json!({"containerPolicies": [{"containerName": "*", "controlledResources": resources}]});
        }
        vpa(spec)
    };
    for mode in ["Auto", "Recreate", "InPlaceOrRecreate", "InPlace"] {
        assert_one(
            &run(spec(mode, &[]), &[deployment("1")]),
            "warn vpa-evicts-accelerators",
            "/spec/updatePolicy/updateMode",
            &["the memory of Deployment `test`"],
        );
    }
    run(vpa(json!({"targetRef": target()})), &[deployment("1")])
        .assert_findings(&["warn vpa-evicts-accelerators"]);
    run(spec("Off", &[]), &[deployment("1")]).assert_quiet();
    run(spec("Initial", &[]), &[deployment("1")]).assert_quiet();
    run(spec("Recreate", &["cpu"]), &[deployment("1")]).assert_quiet();
    run(spec("Recreate", &[]), &[deployment("0")]).assert_quiet();
    run(spec("Recreate", &[]), &[]).assert_quiet();
}

#[test]
fn two_scalers_of_one_resource_chase_each_other() {
    let metrics = json!([
        {"type": "Resource", "resource": {"name": "cpu"}},
        {"type": "Pods", "pods": {"metric": {"name": "queue"}}},
    ]);
    let horizontal = hpa(json!({"scaleTargetRef": target(), "maxReplicas": 4, "metrics": metrics}));
    let vertical = |resource: &str| {
        let policy = json!({"containerPolicies": [{"controlledResources": [resource]}]});
        let mut object = vpa(json!({"targetRef": target(), "resourcePolicy": policy}));
        object["metadata"]["name"] = "vertical".into();
        object
    };
    assert_one(
        &run(horizontal.clone(), &[deployment("1"), vertical("cpu")]),
        "warn scalers-fight",
        "/spec/scaleTargetRef",
        &[
            "VerticalPodAutoscaler `vertical`",
            "the cpu of Deployment `test` too",
        ],
    );
    assert_one(
        &run(vertical("cpu"), &[deployment("1"), horizontal.clone()]),
        "warn scalers-fight",
        "/spec/targetRef",
        &["HorizontalPodAutoscaler `scaler`"],
    );
    let mut advising = vertical("cpu");
    advising["spec"]["updatePolicy"] = json!({"updateMode": "Off"});
    run(horizontal.clone(), &[deployment("1"), advising]).assert_quiet();
    let mut elsewhere = vertical("cpu");
    elsewhere["spec"]["targetRef"]["name"] = "other".into();
    run(horizontal, &[deployment("1"), elsewhere]).assert_quiet();
}

#[test]
fn two_scalers_of_one_number_are_told_of() {
    let queue = json!([{"type": "Pods", "pods": {"metric": {"name": "queue"}}}]);
    let one = hpa(json!({"scaleTargetRef": target(), "maxReplicas": 4, "metrics": queue}));
    let mut other = one.clone();
    other["metadata"]["name"] = "other".into();
    assert_one(
        &run(one.clone(), &[deployment("1"), other.clone()]),
        "warn scaled-twice",
        "/spec/scaleTargetRef",
        &["HorizontalPodAutoscaler `other`", "Deployment `test`"],
    );
    run(one.clone(), &[deployment("1"), one.clone()]).assert_quiet();
    run(one.clone(), &[deployment("0"), other.clone()]).assert_quiet();
    other["metadata"]["ownerReferences"] = json!([
        {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "other", "controller": true},
    ]);
    run(one, &[deployment("1"), other]).assert_quiet();
}

#[test]
fn a_target_that_is_not_there_is_told_of_where_all_are_known() {
    let mut spec = json!({"scaleTargetRef": target(), "maxReplicas": 2, "metrics": []});
    spec["scaleTargetRef"]["name"] = "tset".into();
    assert_one(
        &run(hpa(spec.clone()), &[deployment("0")]),
        "warn scale-target-absent",
        "/spec/scaleTargetRef/name",
        &["no Deployment `tset` in namespace `default`"],
    );
    run(hpa(spec), &[]).assert_quiet();
}

#[test]
fn objects_that_say_nothing_are_let_be() {
    for version_and_kind in [
        ("autoscaling/v2", "HorizontalPodAutoscaler"),
        ("keda.sh/v1alpha1", "ScaledObject"),
        ("keda.sh/v1alpha1", "ScaledJob"),
        ("autoscaling.k8s.io/v1", "VerticalPodAutoscaler"),
    ] {
        let (version, kind) = version_and_kind;
        for spec in [
            json!(null),
            json!({}),
            json!({"metrics": 3, "triggers": "a", "scaleTargetRef": []}),
        ] {
            run(object(version, kind, spec), &[]).assert_quiet();
        }
    }
}
