use std::sync::LazyLock;

use cel::{Context, Program, Value as Cel};
use proptest::prelude::*;
use serde_json::{Value, json};
use tollgate_gpu::{Pattern, Place, SIGNS, Sign};

use super::{is_privileged, names_accelerator};
use crate::{GroupVersionKind, Kind, Kinds, Operation, Request, Review};

fn review(api_version: &str, kind: &str, object: Value) -> Review {
    Review::new(
        Request {
            uid: "1".to_owned(),
            operation: Operation::Create,
            gvk: GroupVersionKind::new(api_version, kind),
            subresource: None,
            resource: None,
            namespace: Some("ml".to_owned()),
            name: None,
            user: String::new(),
            groups: Vec::new(),
            dry_run: false,
            namespace_labels: None,
            object,
            old_object: None,
        },
        Kinds::builtin(),
    )
}

/// Both conditions for pods, compiled once.
static NAMES_ACCELERATOR: LazyLock<Program> = LazyLock::new(|| compile(&names_accelerator(&[""])));
static IS_PRIVILEGED: LazyLock<Program> = LazyLock::new(|| compile(&is_privileged(&[""])));

fn compile(expression: &str) -> Program {
    Program::compile(expression).unwrap()
}

/// What the API server would answer.
fn holds(program: &Program, object: &Value) -> bool {
    let mut context = Context::default();
    context.add_variable("object", object).unwrap();
    match program.execute(&context).unwrap() {
        Cel::Bool(truth) => truth,
        other => panic!("{other:?} is no truth"),
    }
}

fn both(pod: &Value) -> (bool, bool) {
    let review = review("v1", "Pod", pod.clone());
    let native = review.pods().any(|pod| pod.names_accelerator());
    (native, holds(&NAMES_ACCELERATOR, pod))
}

fn pod(spec: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": spec})
}

fn pod_with(container: Value) -> Value {
    pod(json!({"containers": [container]}))
}

/// A pod that has a text at a place, and nothing else.
fn pod_that_says(place: Place, text: &str) -> Value {
    match place {
        Place::Resource => pod_with(json!({"name": "a", "resources": {"limits": {text: "1"}}})),
        Place::Variable => pod_with(json!({"name": "a", "env": [{"name": text, "value": "all"}]})),
        Place::MountPath => {
            pod_with(json!({"name": "a", "volumeMounts": [{"name": "v", "mountPath": text}]}))
        }
        Place::RuntimeClass => {
            pod(json!({"containers": [{"name": "a"}], "runtimeClassName": text}))
        }
        Place::HostPath => pod(
            json!({"containers": [{"name": "a"}], "volumes": [{"name": "v", "hostPath": {"path": text}}]}),
        ),
        Place::Toleration => pod(
            json!({"containers": [{"name": "a"}], "tolerations": [{"operator": "Exists"}, {"key": text, "operator": "Exists"}]}),
        ),
        Place::Annotation => {
            json!({"metadata": {"annotations": {text: "1"}}, "spec": {"containers": [{"name": "a"}]}})
        }
    }
}

#[test]
fn each_row_of_the_table_is_seen_by_both() {
    for Sign { place, pattern } in SIGNS {
        let text = match pattern {
            Pattern::Is(text) => (*text).to_owned(),
            Pattern::Starts(text) => format!("{text}x"),
            Pattern::Ends(text) => format!("x{text}"),
            Pattern::Has(text) => format!("x{text}x"),
        };
        let pod = pod_that_says(*place, &text);
        assert_eq!(both(&pod), (true, true), "{place:?} {text}");
    }
}

#[test]
fn a_pod_that_names_no_accelerator_is_seen_by_neither() {
    let pod = json!({
        "metadata": {"annotations": {"prometheus.io/scrape": "true"}, "labels": {"gpu-like": "label"}},
        "spec": {
            "nodeSelector": {"kubernetes.io/os": "linux"},
            "tolerations": [{"operator": "Exists"}, {"key": "node.kubernetes.io/not-ready", "operator": "Exists"}],
            "volumes": [{"name": "root", "hostPath": {"path": "/"}}, {"name": "cache", "emptyDir": {}}],
            "runtimeClassName": "gvisor",
            "initContainers": [{"name": "i", "env": [{"name": "NVIDIA_API_KEY"}]}],
            "containers": [{
                "name": "a",
                "resources": {"limits": {"cpu": "1", "smarter-devices/fuse": "1"}, "requests": {"memory": "1Gi"}},
                "env": [{"name": "CUDA_VERSION", "value": "12"}],
                "volumeMounts": [{"name": "root", "mountPath": "/host"}],
            }],
        },
    });
    assert_eq!(both(&pod), (false, false));
}

#[test]
fn claims_and_containers_of_every_class_are_seen_by_both() {
    let gpu = json!({"name": "a", "resources": {"requests": {"nvidia.com/gpu": 1}}});
    for spec in [
        json!({"containers": [{"name": "a"}], "resourceClaims": [{"name": "c"}]}),
        json!({"containers": [{"name": "a"}, gpu]}),
        json!({"containers": [{"name": "a"}], "initContainers": [gpu]}),
        json!({"containers": [{"name": "a"}], "ephemeralContainers": [{"name": "d", "env": [{"name": "NVIDIA_VISIBLE_DEVICES"}]}]}),
        json!({"containers": [{"name": "a"}], "resources": {"limits": {"nvidia.com/gpu": "1"}}}),
    ] {
        assert_eq!(both(&pod(spec.clone())), (true, true), "{spec}");
    }
    let empty = pod(json!({"containers": [{"name": "a"}], "resourceClaims": []}));
    assert_eq!(both(&empty), (false, false));
}

#[test]
fn privileged_is_seen_by_both() {
    let privileged = json!({"name": "a", "securityContext": {"privileged": true}});
    let not = json!({"name": "a", "securityContext": {"privileged": false, "runAsUser": 0}});
    for (spec, expected) in [
        (json!({"containers": [privileged]}), true),
        (
            json!({"containers": [{"name": "a"}], "initContainers": [privileged]}),
            true,
        ),
        (json!({"containers": [not, {"name": "b"}]}), false),
    ] {
        let pod = pod(spec);
        let native = review("v1", "Pod", pod.clone())
            .pods()
            .any(|pod| pod.is_privileged());
        assert_eq!(
            (native, holds(&IS_PRIVILEGED, &pod)),
            (expected, expected),
            "{pod}"
        );
    }
}

#[test]
fn a_template_is_found_at_every_place_of_every_kind() {
    let kinds = Kinds::builtin().rows().iter();
    for (kind, places) in kinds.filter_map(|kind| Some((kind, kind.plain_places()?))) {
        let expression = compile(&names_accelerator(&places));
        for place in &places {
            for (name, expected) in [("nvidia.com/gpu", true), ("cpu", false)] {
                let template = pod_that_says(Place::Resource, name);
                let object = place.rsplit('/').filter(|token| !token.is_empty()).fold(
                    template,
                    |inner, token| match token {
                        "*" => json!({"Worker": inner}),
                        token => json!({token: inner}),
                    },
                );
                let review = review(&api_version(kind), &kind.kind, object.clone());
                let native = review.pods().any(|pod| pod.names_accelerator());
                assert_eq!(
                    (native, holds(&expression, &object)),
                    (expected, expected),
                    "{} {place}",
                    kind.kind
                );
            }
        }
        assert!(!holds(&expression, &json!({"metadata": {"name": "empty"}})));
    }
}

fn api_version(kind: &Kind) -> String {
    match kind.group.as_str() {
        "" => "v1".to_owned(),
        group => format!("{group}/v1"),
    }
}

#[test]
fn stars_stand_for_keys_and_items() {
    let maps = compile(&names_accelerator(&[
        "/spec/replicaSpecs/*/template",
        "/spec/head/template",
    ]));
    let lists = compile(&names_accelerator(&["/spec/jobs/*/template"]));
    let (gpu, cpu) = (
        pod_that_says(Place::Resource, "amd.com/gpu"),
        pod_that_says(Place::Resource, "cpu"),
    );
    for (expression, object, expected) in [
        (
            &maps,
            json!({"spec": {"replicaSpecs": {"A": {"template": cpu}, "B": {"template": gpu}}}}),
            true,
        ),
        (
            &maps,
            json!({"spec": {"replicaSpecs": {"A": {"template": cpu}, "B": {}}}}),
            false,
        ),
        (&maps, json!({"spec": {"head": {"template": gpu}}}), true),
        (
            &lists,
            json!({"spec": {"jobs": [{"template": cpu}, {"name": "x"}, {"template": gpu}]}}),
            true,
        ),
        (
            &lists,
            json!({"spec": {"jobs": [{"template": cpu}]}}),
            false,
        ),
        (&lists, json!({"spec": {}}), false),
    ] {
        assert_eq!(holds(expression, &object), expected, "{object}");
    }
}

/// Words that are in the table, near it, or nothing.
fn word(place: Place) -> impl Strategy<Value = String> {
    let known: Vec<&'static str> = place.patterns().map(Pattern::text).collect();
    let known = prop::sample::select(known);
    prop_oneof![
        1 => known.clone().prop_map(str::to_owned),
        1 => (known.clone(), "[a-z/._A-Z]{0,3}").prop_map(|(word, tail)| format!("{word}{tail}")),
        1 => ("[a-z/._A-Z]{0,3}", known).prop_map(|(head, word)| format!("{head}{word}")),
        9 => "[a-zA-Z][a-zA-Z0-9./_-]{0,12}",
    ]
}

fn a_container() -> impl Strategy<Value = Value> {
    let names = |place| prop::collection::vec(word(place), 0..3);
    (names(Place::Resource), names(Place::Variable), names(Place::MountPath), any::<Option<bool>>()).prop_map(
        |(resources, variables, mounts, privileged)| {
            let map: serde_json::Map<_, _> = resources.into_iter().map(|name| (name, json!("1"))).collect();
            let env: Vec<_> = variables.into_iter().map(|name| json!({"name": name})).collect();
            let mounts: Vec<_> = mounts.into_iter().map(|path| json!({"name": "v", "mountPath": path})).collect();
            let mut container = json!({"name": "c", "resources": {"limits": map}, "env": env, "volumeMounts": mounts});
            if let Some(privileged) = privileged {
                container["securityContext"] = json!({"privileged": privileged});
            }
            container
        },
    )
}

fn a_pod() -> impl Strategy<Value = Value> {
    let names = |place| prop::collection::vec(word(place), 0..2);
    let containers = || prop::collection::vec(a_container(), 0..2);
    (
        (containers(), containers(), containers()),
        names(Place::Annotation),
        names(Place::Toleration),
        names(Place::HostPath),
        prop::option::of(word(Place::RuntimeClass)),
    )
        .prop_map(|((app, init, ephemeral), annotations, tolerations, paths, class)| {
            let annotations: serde_json::Map<_, _> = annotations.into_iter().map(|key| (key, json!("1"))).collect();
            let tolerations: Vec<_> = tolerations.into_iter().map(|key| json!({"key": key})).collect();
            let volumes: Vec<_> = paths.into_iter().map(|path| json!({"name": "v", "hostPath": {"path": path}})).collect();
            let mut spec = json!({"containers": app, "initContainers": init, "tolerations": tolerations, "volumes": volumes});
            if !ephemeral.is_empty() {
                spec["ephemeralContainers"] = json!(ephemeral);
            }
            if let Some(class) = class {
                spec["runtimeClassName"] = json!(class);
            }
            json!({"metadata": {"annotations": annotations}, "spec": spec})
        })
}

proptest! {
    #[test]
    fn the_condition_and_the_host_agree_on_generated_pods(pod in a_pod()) {
        let (native, condition) = both(&pod);
        prop_assert_eq!(native, condition);
        let review = review("v1", "Pod", pod.clone());
        let native = review.pods().any(|pod| pod.is_privileged());
        prop_assert_eq!(native, holds(&IS_PRIVILEGED, &pod));
    }
}
