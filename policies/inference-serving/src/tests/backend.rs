use serde_json::{Value, json};
use tollgate_sdk::test::{Case, Done, assert_one, container, pod};

use crate::InferenceServing;

fn object(version: &str, kind: &str, spec: &Value) -> Value {
    json!({"apiVersion": version, "kind": kind, "metadata": {"name": "vllm", "namespace": "default"}, "spec": spec})
}

fn service(app: &str) -> Value {
    object("v1", "Service", &json!({"selector": {"app": app}}))
}

/// A Deployment that takes GPUs, whose pods have the label `app: vllm`.
fn servers() -> Value {
    pod([container("main").limit("nvidia.com/gpu", "1")])
        .label("app", "vllm")
        .deployment()
}

fn run(object: &Value, state: &[Value]) -> Done {
    let case = Case::object(object.clone());
    case.state(state.to_vec()).run::<InferenceServing>()
}

#[test]
fn a_route_leads_to_pods() {
    let route = object(
        "gateway.networking.k8s.io/v1",
        "HTTPRoute",
        &json!({"rules": [{"backendRefs": [{"name": "vllm", "port": 80}]}]}),
    );
    assert_one(
        &run(&route, &[service("vlm"), servers()]),
        "warn backend-selects-nothing",
        "/spec/rules/0/backendRefs/0/name",
        &["Service `vllm` selects no pod"],
    );
    run(&route, &[service("vllm"), servers()]).assert_quiet();
    run(&route, &[servers()]).assert_quiet();
    run(&route, &[service("vlm")]).assert_quiet();
}

#[test]
fn an_ingress_leads_to_pods() {
    let backend = json!({"service": {"name": "vllm", "port": {"number": 80}}});
    for (spec, path) in [
        (
            json!({"defaultBackend": backend}),
            "/spec/defaultBackend/service/name",
        ),
        (
            json!({"rules": [{"http": {"paths": [{"path": "/", "backend": backend}]}}]}),
            "/spec/rules/0/http/paths/0/backend/service/name",
        ),
    ] {
        let ingress = object("networking.k8s.io/v1", "Ingress", &spec);
        assert_one(
            &run(&ingress, &[service("vlm"), servers()]),
            "warn backend-selects-nothing",
            path,
            &["Service `vllm`"],
        );
        run(&ingress, &[service("vllm"), servers()]).assert_quiet();
    }
}

#[test]
fn a_pool_has_pods() {
    let pool = |app: &str| {
        let selector = json!({"matchLabels": {"app": app}});
        object(
            "inference.networking.k8s.io/v1",
            "InferencePool",
            &json!({"selector": selector}),
        )
    };
    assert_one(
        &run(&pool("vlm"), &[pool("vlm"), servers()]),
        "warn backend-selects-nothing",
        "/spec/selector",
        &["InferencePool `vllm`"],
    );
    run(&pool("vllm"), &[pool("vllm"), servers()]).assert_quiet();
    let route = object(
        "gateway.networking.k8s.io/v1",
        "HTTPRoute",
        &json!({"rules": [{"backendRefs": [{"group": "inference.networking.k8s.io", "kind": "InferencePool", "name": "vllm"}]}]}),
    );
    run(&route, &[pool("vlm"), servers()]).assert_findings(&["warn backend-selects-nothing"]);
}

#[test]
fn objects_that_say_nothing_are_let_be() {
    for (version, kind) in [
        ("gateway.networking.k8s.io/v1", "HTTPRoute"),
        ("networking.k8s.io/v1", "Ingress"),
        ("inference.networking.k8s.io/v1", "InferencePool"),
    ] {
        for spec in [
            json!(null),
            json!({"rules": 3}),
            json!({"rules": [{"backendRefs": "a"}]}),
        ] {
            run(&object(version, kind, &spec), &[servers()]).assert_quiet();
        }
    }
}
