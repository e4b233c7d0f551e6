//! What each edit does, what it refuses, and that what it did can be taken back.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::patch::OpKind;
use crate::{GroupVersionKind, Kinds, Operation, Request};

const POD: PodId = PodId(0);
const SETUP: ContainerId = container_id(0);
const SIDECAR: ContainerId = container_id(1);
const MAIN: ContainerId = container_id(2);
const DEBUG: ContainerId = container_id(3);

const fn container_id(index: u32) -> ContainerId {
    ContainerId { pod: POD, index }
}

const fn by(policy: &str) -> Author<'_> {
    Author {
        policy,
        rule: "rule",
    }
}

fn review(api_version: &str, kind: &str, object: Value) -> Review {
    Review::new(
        Request {
            uid: "uid".to_owned(),
            operation: Operation::Create,
            gvk: GroupVersionKind::new(api_version, kind),
            subresource: None,
            resource: None,
            namespace: None,
            name: None,
            user: "user".to_owned(),
            groups: Vec::new(),
            dry_run: false,
            namespace_labels: None,
            object,
            old_object: None,
        },
        Kinds::builtin(),
    )
}

fn pod(object: Value) -> Review {
    review("v1", "Pod", object)
}

/// A pod with something at most places that edits write.
fn full() -> Value {
    json!({
        "metadata": {"name": "p", "labels": {"app": "a"}, "annotations": null},
        "spec": {
            "priority": 7,
            "tolerations": [{"key": "a", "operator": "Exists"}, {"key": "b", "operator": "Exists"}],
            "preemptionPolicy": "Never",
            "volumes": [
                {"name": "data", "persistentVolumeClaim": {"claimName": "c"}},
                {"name": "shm", "emptyDir": {}},
                {"name": "host", "hostPath": {"path": "/dev/shm"}},
            ],
            "initContainers": [{"name": "setup"}, {"name": "side", "restartPolicy": "Always"}],
            "containers": [{
                "name": "main",
                "image": "i",
                "resources": {
                    "requests": {"nvidia.com/gpu": "1", "cpu": "500m", "hugepages-2Mi": "4Mi"},
                    "limits": {"nvidia.com/gpu": 1, "cpu": "1", "hugepages-2Mi": "4Mi"},
                },
                "env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}],
                "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                "securityContext": {"capabilities": {"add": ["CAP_NET_ADMIN"]}},
            }],
            "ephemeralContainers": [{"name": "debug"}],
        },
    })
}

fn tolerate(key: &str) -> Toleration {
    Toleration {
        key: Some(key.to_owned()),
        operator: "Exists".to_owned(),
        ..Toleration::default()
    }
}

fn add_toleration(toleration: Toleration) -> Edit {
    Edit::AddToleration {
        pod: POD,
        toleration,
    }
}

fn remove_toleration(key: &str) -> Edit {
    Edit::RemoveToleration {
        pod: POD,
        toleration: tolerate(key),
    }
}

fn add_volume(name: &str, medium: Option<&str>, size: Option<&str>) -> Edit {
    Edit::AddVolume {
        pod: POD,
        name: name.to_owned(),
        medium: medium.map(str::to_owned),
        size_limit: size.map(str::to_owned),
    }
}

fn set_volume(name: &str, medium: Option<&str>, size: Option<&str>) -> Edit {
    Edit::SetVolume {
        pod: POD,
        name: name.to_owned(),
        medium: medium.map(str::to_owned),
        size_limit: size.map(str::to_owned),
    }
}

fn mount(name: &str, mount_path: &str) -> Edit {
    Edit::MountVolume {
        container: MAIN,
        name: name.to_owned(),
        mount_path: mount_path.to_owned(),
    }
}

fn limit(container: ContainerId, name: &str, quantity: &str) -> Edit {
    Edit::SetResource {
        container,
        name: name.to_owned(),
        quantity: quantity.to_owned(),
    }
}

fn request(container: ContainerId, name: &str, quantity: &str) -> Edit {
    Edit::SetRequest {
        container,
        name: name.to_owned(),
        quantity: quantity.to_owned(),
    }
}

fn remove_resource(name: &str) -> Edit {
    Edit::RemoveResource {
        container: MAIN,
        name: name.to_owned(),
    }
}

fn rename(name: &str, new_name: &str, quantity: Option<&str>) -> Edit {
    Edit::RenameResource {
        container: MAIN,
        name: name.to_owned(),
        new_name: new_name.to_owned(),
        quantity: quantity.map(str::to_owned),
    }
}

fn env(name: &str, value: &str) -> Edit {
    Edit::SetEnv {
        container: MAIN,
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

fn label(key: &str, value: &str) -> Edit {
    Edit::SetLabel {
        pod: POD,
        key: key.to_owned(),
        value: value.to_owned(),
    }
}

fn annotation(key: &str, value: &str) -> Edit {
    Edit::SetAnnotation {
        pod: POD,
        key: key.to_owned(),
        value: value.to_owned(),
    }
}

fn selector(key: &str, value: &str) -> Edit {
    Edit::SetNodeSelector {
        pod: POD,
        key: key.to_owned(),
        value: value.to_owned(),
    }
}

fn affinity(operator: &str, values: &[&str]) -> Edit {
    Edit::AddNodeAffinity {
        pod: POD,
        key: "k".to_owned(),
        operator: operator.to_owned(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    }
}

fn runtime_class(name: &str) -> Edit {
    Edit::SetRuntimeClass {
        pod: POD,
        name: name.to_owned(),
    }
}

fn priority_class(name: &str) -> Edit {
    Edit::SetPriorityClass {
        pod: POD,
        name: name.to_owned(),
    }
}

fn gate(name: &str) -> Edit {
    Edit::SetSchedulingGate {
        pod: POD,
        name: name.to_owned(),
    }
}

fn capability(name: &str) -> Edit {
    Edit::AddCapability {
        container: MAIN,
        name: name.to_owned(),
    }
}

fn pull_policy(policy: &str) -> Edit {
    Edit::SetImagePullPolicy {
        container: MAIN,
        policy: policy.to_owned(),
    }
}

fn probe(container: ContainerId, name: &str, handler: &str, port: Option<&str>) -> Edit {
    let probe = Probe {
        handler: handler.to_owned(),
        port: port.map(str::to_owned),
        period: 10,
        timeout: 1,
        failures: 3,
        ..Probe::default()
    };
    Edit::SetProbe {
        container,
        name: name.to_owned(),
        probe,
    }
}

fn raw(kind: OpKind, path: &str, value: Value) -> Edit {
    Edit::Patch(Op {
        kind,
        path: path.to_owned(),
        value,
    })
}

fn operations(review: &Review) -> Value {
    review
        .applied()
        .iter()
        .map(|done| done.op.to_json())
        .collect()
}

fn add(path: &str, value: Value) -> Value {
    json!({"op": "add", "path": path, "value": value})
}

fn replace(path: &str, value: Value) -> Value {
    json!({"op": "replace", "path": path, "value": value})
}

fn remove(path: &str) -> Value {
    json!({"op": "remove", "path": path})
}

/// Makes an edit twice, and asserts the operations, that the second time does nothing, that the patch applied to
/// the original gives the object, and that rolling back gives the original.
#[track_caller]
fn assert_makes(mut review: Review, edit: Edit, expected: Value) {
    let original = review.object().clone();
    review.edit(by("p"), edit.clone()).unwrap();
    assert_eq!(operations(&review), expected, "{edit:?}");
    review.edit(by("p"), edit.clone()).unwrap();
    assert_eq!(operations(&review), expected, "again: {edit:?}");

    let patch: json_patch::Patch = serde_json::from_value(expected).unwrap();
    let mut patched = original.clone();
    json_patch::patch(&mut patched, &patch).unwrap();
    assert_eq!(&patched, review.object(), "{edit:?}");

    assert_eq!(review.roll_back(0).len(), patch.0.len());
    assert_eq!(
        review.object().to_string(),
        original.to_string(),
        "{edit:?}"
    );
}

#[track_caller]
fn assert_refused(mut review: Review, edit: Edit, reason: &str) {
    let original = review.object().to_string();
    let error = review.edit(by("p"), edit.clone()).unwrap_err();
    assert_eq!(error, EditError::Invalid(reason.to_owned()), "{edit:?}");
    assert_eq!(review.object().to_string(), original, "{edit:?}");
    assert!(review.applied().is_empty(), "{edit:?}");
}

#[test]
fn each_edit_makes_its_operations_once_and_can_be_taken_back() {
    let main = "/spec/containers/0";
    let limits = "/spec/containers/0/resources/limits";
    let requests = "/spec/containers/0/resources/requests";
    let required =
        json!({"nodeSelectorTerms": [{"matchExpressions": [{"key": "k", "operator": "Exists"}]}]});
    let tcp = json!({
        "tcpSocket": {"port": 80},
        "initialDelaySeconds": 0, "periodSeconds": 10, "timeoutSeconds": 1, "failureThreshold": 3,
    });
    let cases = [
        (add_toleration(tolerate("a")), json!([])),
        (
            add_toleration(tolerate("c")),
            json!([add(
                "/spec/tolerations/-",
                json!({"key": "c", "operator": "Exists"})
            )]),
        ),
        (
            add_toleration(Toleration {
                operator: "Equal".to_owned(),
                value: Some(String::new()),
                ..tolerate("c")
            }),
            json!([add(
                "/spec/tolerations/-",
                json!({"key": "c", "operator": "Equal"})
            )]),
        ),
        (
            remove_toleration("a"),
            json!([remove("/spec/tolerations/0")]),
        ),
        (remove_toleration("c"), json!([])),
        (
            add_volume("v", Some("Memory"), Some("1Gi")),
            json!([add(
                "/spec/volumes/-",
                json!({"name": "v", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}})
            )]),
        ),
        (add_volume("shm", None, None), json!([])),
        (
            set_volume("shm", Some("Memory"), Some("1Gi")),
            json!([
                add("/spec/volumes/1/emptyDir/medium", json!("Memory")),
                add("/spec/volumes/1/emptyDir/sizeLimit", json!("1Gi")),
            ]),
        ),
        (
            set_volume("host", Some("Memory"), None),
            json!([
                remove("/spec/volumes/2/hostPath"),
                add("/spec/volumes/2/emptyDir", json!({"medium": "Memory"})),
            ]),
        ),
        (
            mount("shm", "/dev/shm"),
            json!([add(
                "/spec/containers/0/volumeMounts/-",
                json!({"name": "shm", "mountPath": "/dev/shm"})
            )]),
        ),
        (mount("data", "/data/"), json!([])),
        (
            limit(MAIN, "nvidia.com/gpu", "2"),
            json!([
                replace(&format!("{limits}/nvidia.com~1gpu"), json!("2")),
                replace(&format!("{requests}/nvidia.com~1gpu"), json!("2")),
            ]),
        ),
        (
            limit(MAIN, "hugepages-2Mi", "8Mi"),
            json!([
                replace(&format!("{limits}/hugepages-2Mi"), json!("8Mi")),
                replace(&format!("{requests}/hugepages-2Mi"), json!("8Mi")),
            ]),
        ),
        (limit(MAIN, "cpu", "1000m"), json!([])),
        (
            limit(MAIN, "cpu", "2"),
            json!([replace(&format!("{limits}/cpu"), json!("2"))]),
        ),
        (
            limit(SETUP, "memory", "1Gi"),
            json!([add(
                "/spec/initContainers/0/resources",
                json!({"limits": {"memory": "1Gi"}})
            )]),
        ),
        (
            request(MAIN, "memory", "1Gi"),
            json!([add(&format!("{requests}/memory"), json!("1Gi"))]),
        ),
        (
            remove_resource("nvidia.com/gpu"),
            json!([
                remove(&format!("{requests}/nvidia.com~1gpu")),
                remove(&format!("{limits}/nvidia.com~1gpu")),
            ]),
        ),
        (remove_resource("amd.com/gpu"), json!([])),
        (
            rename("nvidia.com/gpu", "nvidia.com/mig-1g.5gb", Some("2")),
            json!([
                remove(&format!("{requests}/nvidia.com~1gpu")),
                remove(&format!("{limits}/nvidia.com~1gpu")),
                add(&format!("{limits}/nvidia.com~1mig-1g.5gb"), json!("2")),
                add(&format!("{requests}/nvidia.com~1mig-1g.5gb"), json!("2")),
            ]),
        ),
        (rename("nvidia.com/gpu", "nvidia.com/gpu", None), json!([])),
        (
            env("A", "3"),
            json!([replace(
                &format!("{main}/env/1"),
                json!({"name": "A", "value": "3"})
            )]),
        ),
        (
            env("B", ""),
            json!([add(
                &format!("{main}/env/-"),
                json!({"name": "B", "value": ""})
            )]),
        ),
        (
            label("app", "b"),
            json!([replace("/metadata/labels/app", json!("b"))]),
        ),
        (
            label("x.io/y", ""),
            json!([add("/metadata/labels/x.io~1y", json!(""))]),
        ),
        (
            annotation("x.io/y", "any text: 1"),
            json!([add(
                "/metadata/annotations",
                json!({"x.io/y": "any text: 1"})
            )]),
        ),
        (
            selector("k", "v"),
            json!([add("/spec/nodeSelector", json!({"k": "v"}))]),
        ),
        (
            affinity("Exists", &[]),
            json!([add(
                "/spec/affinity",
                json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}})
            )]),
        ),
        (
            runtime_class("nvidia"),
            json!([add("/spec/runtimeClassName", json!("nvidia"))]),
        ),
        (
            priority_class("high"),
            json!([
                add("/spec/priorityClassName", json!("high")),
                remove("/spec/priority"),
                remove("/spec/preemptionPolicy"),
            ]),
        ),
        (
            Edit::SetGracePeriod {
                pod: POD,
                seconds: 60,
            },
            json!([add("/spec/terminationGracePeriodSeconds", json!(60))]),
        ),
        (
            gate("x.io/wait"),
            json!([add("/spec/schedulingGates", json!([{"name": "x.io/wait"}]))]),
        ),
        (
            capability("CAP_IPC_LOCK"),
            json!([add(
                &format!("{main}/securityContext/capabilities/add/-"),
                json!("IPC_LOCK")
            )]),
        ),
        (capability("NET_ADMIN"), json!([])),
        (
            pull_policy("Always"),
            json!([add(&format!("{main}/imagePullPolicy"), json!("Always"))]),
        ),
        (
            probe(MAIN, "readiness", "tcpSocket", Some("80")),
            json!([add(&format!("{main}/readinessProbe"), tcp.clone())]),
        ),
        (
            probe(SIDECAR, "startup", "tcpSocket", Some("80")),
            json!([add("/spec/initContainers/1/startupProbe", tcp)]),
        ),
        (
            raw(OpKind::Add, "/spec/dnsPolicy", json!("Default")),
            json!([add("/spec/dnsPolicy", json!("Default"))]),
        ),
        (
            raw(OpKind::Replace, "/metadata/labels/app", json!("z")),
            json!([replace("/metadata/labels/app", json!("z"))]),
        ),
        (
            raw(OpKind::Remove, "/spec/containers/0/env", Value::Null),
            json!([remove("/spec/containers/0/env")]),
        ),
    ];
    for (edit, expected) in cases {
        assert_makes(pod(full()), edit, expected);
    }
}

#[test]
fn a_toleration_that_stands_twice_is_removed_twice() {
    let twice = json!({"spec": {"tolerations": [
        {"key": "a", "operator": "Exists"}, {"key": "b"}, {"operator": "Exists", "key": "a"},
    ]}});
    assert_makes(
        pod(twice),
        remove_toleration("a"),
        json!([remove("/spec/tolerations/0"), remove("/spec/tolerations/1")]),
    );
}

#[test]
fn node_affinity_is_added_to_every_term_that_lacks_it() {
    let expression = json!({"key": "k", "operator": "In", "values": ["v"]});
    let other = json!({"key": "z", "operator": "Exists"});
    let at = "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";
    let object = json!({"spec": {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
        "nodeSelectorTerms": [
            {"matchExpressions": [other]},
            {"matchExpressions": [{"values": ["v"], "operator": "In", "key": "k"}]},
            {"matchFields": [], "matchExpressions": null},
        ],
    }}}}});
    assert_makes(
        pod(object),
        affinity("In", &["v"]),
        json!([
            add(&format!("{at}/0/matchExpressions/-"), expression.clone()),
            add(&format!("{at}/2/matchExpressions"), json!([expression])),
        ]),
    );
}

#[test]
fn null_lists_and_maps_count_as_absent() {
    let object = json!({
        "metadata": {"labels": null},
        "spec": {"tolerations": null, "volumes": null, "containers": [{
            "name": "main", "env": null, "resources": {"limits": null}, "securityContext": null,
        }]},
    });
    let container = container_id(0);
    let cases = [
        (
            add_toleration(tolerate("c")),
            add(
                "/spec/tolerations",
                json!([{"key": "c", "operator": "Exists"}]),
            ),
        ),
        (
            add_volume("v", None, None),
            add("/spec/volumes", json!([{"name": "v", "emptyDir": {}}])),
        ),
        (label("a", "b"), add("/metadata/labels", json!({"a": "b"}))),
        (
            Edit::SetEnv {
                container,
                name: "A".to_owned(),
                value: "1".to_owned(),
            },
            add(
                "/spec/containers/0/env",
                json!([{"name": "A", "value": "1"}]),
            ),
        ),
        (
            limit(container, "cpu", "1"),
            add("/spec/containers/0/resources/limits", json!({"cpu": "1"})),
        ),
        (
            Edit::AddCapability {
                container,
                name: "IPC_LOCK".to_owned(),
            },
            add(
                "/spec/containers/0/securityContext",
                json!({"capabilities": {"add": ["IPC_LOCK"]}}),
            ),
        ),
    ];
    for (edit, expected) in cases {
        assert_makes(pod(object.clone()), edit, json!([expected]));
    }
}

#[test]
fn templates_get_their_prefix() {
    let template = json!({"metadata": {"labels": {}}, "spec": {"containers": [{"name": "c"}]}});
    let cases = [
        (
            "apps/v1",
            "Deployment",
            "/spec/template",
            json!({"spec": {"template": template}}),
        ),
        (
            "batch/v1",
            "CronJob",
            "/spec/jobTemplate/spec/template",
            json!({"spec": {"jobTemplate": {"spec": {"template": template}}}}),
        ),
    ];
    for (api_version, kind, prefix, object) in cases {
        let edits = [
            (
                label("a", "b"),
                add(&format!("{prefix}/metadata/labels/a"), json!("b")),
            ),
            (
                limit(container_id(0), "cpu", "1"),
                add(
                    &format!("{prefix}/spec/containers/0/resources"),
                    json!({"limits": {"cpu": "1"}}),
                ),
            ),
            (
                raw(OpKind::Add, &format!("{prefix}/spec/hostname"), json!("h")),
                add(&format!("{prefix}/spec/hostname"), json!("h")),
            ),
        ];
        for (edit, expected) in edits {
            assert_makes(
                review(api_version, kind, object.clone()),
                edit,
                json!([expected]),
            );
        }
    }
}

#[test]
fn what_the_api_server_would_refuse_is_refused_with_the_reason() {
    let toleration = |change: fn(&mut Toleration)| {
        let mut toleration = tolerate("k");
        change(&mut toleration);
        add_toleration(toleration)
    };
    let not_label = |text: &str| {
        format!(
            "`{text}` must be a label value: at most 63 letters, digits, `-`, `_` and `.`, alphanumeric at both ends"
        )
    };
    let not_port = |text: &str| {
        format!(
            "`{text}` must be a port: 1 to 65535, or a name of at most 15 lower case letters, digits and `-`"
        )
    };
    let no_native = |text: &str| {
        format!(
            "`{text}` must be `cpu`, `memory`, `ephemeral-storage`, `hugepages-…` or a name with a domain"
        )
    };
    let cases: Vec<(Edit, String)> = vec![
        (
            limit(MAIN, "nvidia.com/gpu", "500m"),
            "`500m` of `nvidia.com/gpu` must be an integer".into(),
        ),
        (
            limit(MAIN, "cpu", "-1"),
            "`-1` of `cpu` must not be negative".into(),
        ),
        (
            limit(MAIN, "cpu", "100m"),
            "the request of `cpu`, `500m`, would be above its limit `100m`".into(),
        ),
        (
            request(MAIN, "cpu", "2"),
            "the request of `cpu`, `2`, would be above its limit `1`".into(),
        ),
        (
            request(MAIN, "nvidia.com/gpu", "1"),
            "the request of `nvidia.com/gpu` is its limit: set the limit".into(),
        ),
        (
            request(MAIN, "hugepages-2Mi", "4Mi"),
            "the request of `hugepages-2Mi` is its limit: set the limit".into(),
        ),
        (limit(MAIN, "memroy", "1Gi"), no_native("memroy")),
        (rename("nvidia.com/gpu", "gpu", None), no_native("gpu")),
        (
            rename("amd.com/gpu", "nvidia.com/gpu", Some("4")),
            "container `main` has no resource `amd.com/gpu`".into(),
        ),
        (
            limit(DEBUG, "cpu", "1"),
            "an ephemeral container cannot have resources".into(),
        ),
        (
            request(DEBUG, "cpu", "1"),
            "an ephemeral container cannot have resources".into(),
        ),
        (label("k", "-x"), not_label("-x")),
        (selector("k", "a b"), not_label("a b")),
        (affinity("In", &["a b"]), not_label("a b")),
        (affinity("In", &[]), "operator `In` with 0 values".into()),
        (
            affinity("Exists", &["v"]),
            "operator `Exists` with 1 values".into(),
        ),
        (
            affinity("Gt", &["1", "2"]),
            "operator `Gt` with 2 values".into(),
        ),
        (
            affinity("Is", &["1"]),
            "`Is` must be one of `In`, `NotIn`, `Exists`, `DoesNotExist`, `Gt`, `Lt`".into(),
        ),
        (
            toleration(|it| it.value = Some("v".into())),
            "a toleration with operator `Exists` must have no value".into(),
        ),
        (
            toleration(|it| {
                it.key = None;
                it.operator = "Equal".into();
            }),
            "a toleration without key must have operator `Exists`".into(),
        ),
        (
            toleration(|it| it.seconds = Some(1)),
            "`tolerationSeconds` needs effect `NoExecute`".into(),
        ),
        (
            toleration(|it| it.effect = Some("No".into())),
            "`No` must be one of `NoSchedule`, `PreferNoSchedule`, `NoExecute`".into(),
        ),
        (
            mount("shm", "/data/"),
            "volume `data` is already mounted at `/data/`".into(),
        ),
        (
            mount("shm", "/data"),
            "volume `data` is already mounted at `/data`".into(),
        ),
        (
            mount("shm", "data"),
            "`data` must be an absolute path without `:`".into(),
        ),
        (
            mount("nope", "/x"),
            "there is no volume named `nope` to mount".into(),
        ),
        (
            add_volume("data", None, None),
            "a volume named `data` already exists".into(),
        ),
        (
            add_volume("A", None, None),
            "`A` must be a DNS label: lower case letters, digits and `-`, at most 63".into(),
        ),
        (
            add_volume("v", Some("Disk"), None),
            "`Disk` must be one of ``, `Memory`".into(),
        ),
        (
            add_volume("v", None, Some("0")),
            "size limit `0` must be positive".into(),
        ),
        (
            set_volume("data", None, None),
            "volume `data` is neither an emptyDir nor a hostPath".into(),
        ),
        (
            set_volume("nope", None, None),
            "there is no volume named `nope`".into(),
        ),
        (
            probe(SETUP, "liveness", "tcpSocket", Some("80")),
            "a container of class `init` has no probes".into(),
        ),
        (
            probe(DEBUG, "liveness", "tcpSocket", Some("80")),
            "a container of class `ephemeral` has no probes".into(),
        ),
        (
            probe(MAIN, "liveness", "exec", None),
            "`exec` must be one of `httpGet`, `tcpSocket`".into(),
        ),
        (
            probe(MAIN, "liveness", "httpGet", None),
            "a `httpGet` probe needs a port".into(),
        ),
        (
            probe(MAIN, "liveness", "httpGet", Some("70000")),
            not_port("70000"),
        ),
        (probe(MAIN, "liveness", "httpGet", Some("0")), not_port("0")),
        (
            probe(MAIN, "life", "httpGet", Some("80")),
            "`life` must be one of `liveness`, `readiness`, `startup`".into(),
        ),
        (
            capability("ipc_lock"),
            "`ipc_lock` must be a capability such as `IPC_LOCK`".into(),
        ),
        (
            capability("CAP_"),
            "`CAP_` must be a capability such as `IPC_LOCK`".into(),
        ),
        (
            pull_policy("Sometimes"),
            "`Sometimes` must be one of `Always`, `IfNotPresent`, `Never`".into(),
        ),
        (
            env("A=B", "1"),
            "`A=B` must be the name of a variable: printable ASCII without `=`".into(),
        ),
        (
            runtime_class("A"),
            "`A` must be a DNS subdomain name of at most 253 characters".into(),
        ),
        (
            priority_class(""),
            "`` must be a DNS subdomain name of at most 253 characters".into(),
        ),
        (
            limit(container_id(9), "cpu", "1"),
            "there is no such container".into(),
        ),
        (
            Edit::SetGracePeriod {
                pod: PodId(1),
                seconds: 1,
            },
            "there is no such pod".into(),
        ),
    ];
    for (edit, reason) in cases {
        assert_refused(pod(full()), edit, &reason);
    }
    assert_refused(
        pod(json!({"spec": {"nodeName": "n"}})),
        gate("x.io/wait"),
        "a pod with `nodeName` cannot have scheduling gates",
    );
    assert_refused(
        pod(json!({"spec": {"tolerations": {}}})),
        add_toleration(tolerate("a")),
        "`/spec/tolerations` is not a list",
    );
}

#[track_caller]
fn assert_conflict(first: Edit, second: Edit, path: &str) {
    let mut review = pod(full());
    let author = Author {
        policy: "first",
        rule: "one",
    };
    review.edit(author, first).unwrap();
    let before = review.object().to_string();
    let error = review.edit(by("second"), second.clone()).unwrap_err();
    let expected = EditError::Conflict {
        path: path.to_owned(),
        policy: "first".to_owned(),
        rule: "one".to_owned(),
    };
    assert_eq!(error, expected, "{second:?}");
    assert_eq!(review.object().to_string(), before, "{second:?}");
}

#[test]
fn a_conflict_names_path_policy_and_rule() {
    let main = "/spec/containers/0";
    assert_conflict(label("k", "1"), label("k", "2"), "/metadata/labels/k");
    assert_conflict(
        selector("k", "1"),
        selector("k", "2"),
        "/spec/nodeSelector/k",
    );
    assert_conflict(env("B", "1"), env("B", "2"), &format!("{main}/env/2"));
    assert_conflict(
        add_volume("v", None, Some("1Gi")),
        set_volume("v", None, Some("2Gi")),
        "/spec/volumes/3/emptyDir/sizeLimit",
    );
    assert_conflict(
        mount("shm", "/x"),
        mount("data", "/x/"),
        &format!("{main}/volumeMounts/1"),
    );
    assert_conflict(
        limit(MAIN, "nvidia.com/gpu", "2"),
        remove_resource("nvidia.com/gpu"),
        &format!("{main}/resources/requests/nvidia.com~1gpu"),
    );
    assert_conflict(
        selector("k", "1"),
        raw(OpKind::Replace, "/spec/nodeSelector/k", json!("2")),
        "/spec/nodeSelector/k",
    );
}

#[test]
fn a_raw_operation_above_another_policys_value_is_a_conflict() {
    let labels = "/metadata/labels";
    assert_conflict(
        label("k", "1"),
        raw(OpKind::Remove, labels, Value::Null),
        "/metadata/labels/k",
    );
    assert_conflict(
        label("k", "1"),
        raw(OpKind::Add, labels, json!({})),
        "/metadata/labels/k",
    );

    let mut review = pod(full());
    review.edit(by("first"), label("k", "1")).unwrap();
    let keeps = raw(OpKind::Replace, labels, json!({"k": "1", "more": "2"}));
    assert_eq!(review.edit(by("second"), keeps), Ok(()));
}

#[test]
fn a_toleration_of_another_policy_is_known_after_items_before_it_went() {
    let mut review = pod(full());
    review
        .edit(by("first"), add_toleration(tolerate("c")))
        .unwrap();
    review
        .edit(by("second"), add_toleration(tolerate("d")))
        .unwrap();
    review.edit(by("second"), remove_toleration("a")).unwrap();
    assert_eq!(
        review.edit(by("second"), remove_toleration("c")),
        Err(EditError::Conflict {
            path: "/spec/tolerations/1".to_owned(),
            policy: "first".to_owned(),
            rule: "rule".to_owned(),
        })
    );
    assert_eq!(review.edit(by("second"), remove_toleration("d")), Ok(()));
    assert_eq!(review.edit(by("second"), remove_toleration("b")), Ok(()));
    review.roll_back(0);
    assert_eq!(review.object().to_string(), full().to_string());
}

#[test]
fn the_same_value_from_two_policies_is_no_conflict() {
    let mut review = pod(full());
    review.edit(by("first"), label("k", "1")).unwrap();
    assert_eq!(review.edit(by("second"), label("k", "1")), Ok(()));
    assert_eq!(review.applied().len(), 1);
}

#[test]
fn renaming_moves_another_policys_value() {
    let mut review = pod(full());
    review
        .edit(by("first"), limit(MAIN, "nvidia.com/gpu", "2"))
        .unwrap();
    review
        .edit(
            by("second"),
            rename("nvidia.com/gpu", "nvidia.com/mig-1g.5gb", None),
        )
        .unwrap();
    let main = review.container(MAIN).unwrap();
    assert_eq!(main.limit("nvidia.com/gpu"), None);
    assert_eq!(main.limit("nvidia.com/mig-1g.5gb").as_deref(), Some("2"));
    assert_eq!(main.request("nvidia.com/mig-1g.5gb").as_deref(), Some("2"));
}

#[test]
fn an_edit_that_fails_half_way_leaves_nothing_behind() {
    // The limit is written before its request is found to be another policy's.
    let mut review = pod(full());
    let path = "/spec/containers/0/resources/requests/nvidia.com~1gpu";
    review
        .edit(by("first"), raw(OpKind::Replace, path, json!("3")))
        .unwrap();
    let before = review.object().to_string();
    let error = review
        .edit(by("second"), limit(MAIN, "nvidia.com/gpu", "2"))
        .unwrap_err();
    assert!(matches!(error, EditError::Conflict { path: at, .. } if at == path));
    assert_eq!(review.object().to_string(), before);
    assert_eq!(review.applied().len(), 1);
}

#[test]
fn protected_paths_are_refused_to_raw_operations() {
    let cases = [
        ("/metadata/name", "identity"),
        ("/metadata/namespace", "identity"),
        ("/metadata", "identity"),
        ("/metadata/ownerReferences/-", "owners"),
        ("/metadata/finalizers", "finalizers"),
        ("/spec", "the service account"),
        ("/spec/serviceAccountName", "the service account"),
        ("/spec/securityContext/runAsUser", "the security context"),
        ("/spec/hostNetwork", "the security context"),
        ("/spec/containers", "images"),
        ("/spec/containers/-", "images"),
        ("/spec/containers/0", "images"),
        ("/spec/containers/0/image", "images"),
        ("/spec/initContainers/0/image", "images"),
        ("/spec/ephemeralContainers/-", "images"),
        (
            "/spec/containers/0/securityContext/privileged",
            "the security context",
        ),
        ("/spec/volumes/-", "host paths"),
        ("/spec/volumes/0/hostPath/path", "host paths"),
        ("/status/phase", "status or the type of the object"),
        ("/kind", "status or the type of the object"),
        (
            "/spec~1containers/0/image",
            "status or the type of the object",
        ),
        (
            "/spec~1serviceAccountName",
            "status or the type of the object",
        ),
        ("", "what is outside the object's pods"),
        ("spec/hostname", "what is outside the object's pods"),
    ];
    for (path, what) in cases {
        let mut review = pod(full());
        let error = review
            .edit(by("p"), raw(OpKind::Add, path, json!("x")))
            .unwrap_err();
        let reason = format!("`{path}` is protected: a policy may not change {what}");
        assert_eq!(error, EditError::Forbidden(reason));
        assert_eq!(review.object().to_string(), full().to_string());
    }
}

#[test]
fn a_raw_operation_outside_the_template_is_refused() {
    let object = json!({"spec": {"replicas": 1, "template": {"spec": {}}}});
    let cases = [
        ("/spec/replicas", "what is outside the object's pods"),
        ("/metadata/labels/a", "what is outside the object's pods"),
        ("/spec/template", "what is outside the object's pods"),
        (
            "/spec/templates/spec/x",
            "what is outside the object's pods",
        ),
        ("/spec/template/spec", "the service account"),
        ("/spec/template/spec/hostPID", "the security context"),
    ];
    for (path, what) in cases {
        let mut review = review("apps/v1", "Deployment", object.clone());
        let error = review
            .edit(by("p"), raw(OpKind::Add, path, json!("x")))
            .unwrap_err();
        let reason = format!("`{path}` is protected: a policy may not change {what}");
        assert_eq!(error, EditError::Forbidden(reason));
    }
}

#[test]
fn a_raw_operation_that_does_not_fit_is_refused() {
    let error = pod(full())
        .edit(by("p"), raw(OpKind::Replace, "/spec/hostname", json!("x")))
        .unwrap_err();
    let missing = PatchError::Missing("/spec/hostname".to_owned());
    assert_eq!(error, EditError::Patch(missing));
}

/// Any JSON, with the names of fields that views and edits read.
fn junk() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z0-9/~]{0,4}".prop_map(Value::from),
        prop::sample::select(vec!["shm", "Always", "1Gi", "9e99", "a"]).prop_map(Value::from),
    ];
    let keys = vec![
        "name",
        "key",
        "operator",
        "values",
        "labels",
        "limits",
        "requests",
        "nvidia.com/gpu",
        "emptyDir",
        "hostPath",
        "nodeAffinity",
        "requiredDuringSchedulingIgnoredDuringExecution",
        "nodeSelectorTerms",
        "matchExpressions",
        "capabilities",
        "add",
        "mountPath",
        "httpGet",
        "port",
        "valueFrom",
        "env",
        "resources",
        "restartPolicy",
        "claims",
        "controller",
        "kind",
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let key = prop::sample::select(keys.clone());
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..4)
                .prop_map(|pairs| pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
        ]
    })
}

/// An object with junk at some of its fields.
fn with_junk(fields: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let field = (prop::sample::select(fields), junk());
    prop::collection::vec(field, 0..5)
        .prop_map(|pairs| pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
}

fn junk_pod() -> impl Strategy<Value = Value> {
    let container = with_junk(&[
        "name",
        "image",
        "resources",
        "env",
        "envFrom",
        "command",
        "ports",
        "volumeMounts",
        "livenessProbe",
        "securityContext",
        "restartPolicy",
    ]);
    let containers = prop::collection::vec(prop_oneof![3 => container, 1 => junk()], 0..3);
    let spec = with_junk(&[
        "tolerations",
        "volumes",
        "affinity",
        "nodeSelector",
        "schedulingGates",
        "resources",
        "resourceClaims",
        "os",
        "nodeName",
        "hostIPC",
        "initContainers",
        "priority",
        "terminationGracePeriodSeconds",
        "securityContext",
    ]);
    let metadata = with_junk(&["labels", "annotations", "ownerReferences", "name"]);
    (metadata, spec, containers).prop_map(|(metadata, mut spec, containers)| {
        spec["containers"] = containers.into();
        json!({"metadata": metadata, "spec": spec})
    })
}

fn read_all(review: &Review) {
    for pod in review.pods() {
        let _ = (
            pod.id(),
            pod.role(),
            pod.path(),
            pod.count(),
            pod.owner(),
            pod.label("a"),
        );
        let _ = (
            pod.labels(),
            pod.annotation("a"),
            pod.annotations(),
            pod.node_selector("a"),
        );
        let _ = (
            pod.node_selectors(),
            pod.node_terms(),
            pod.tolerations(),
            pod.volumes(),
        );
        let _ = (
            pod.volume("shm"),
            pod.devices(),
            pod.resource_claims(),
            pod.request("cpu"),
        );
        let _ = (
            pod.limit("cpu"),
            pod.runtime_class(),
            pod.scheduler(),
            pod.priority_class(),
        );
        let _ = (
            pod.node_name(),
            pod.service_account(),
            pod.os(),
            pod.restart_policy(),
        );
        let _ = (
            pod.grace_period(),
            pod.scheduling_gates(),
            pod.host_ipc(),
            pod.host_pid(),
        );
        let _ = pod.host_network();
        for it in pod.containers() {
            let _ = (
                it.id(),
                it.path(),
                it.class(),
                it.name(),
                it.image(),
                it.image_pull_policy(),
            );
            let _ = (
                it.request("cpu"),
                it.limit("cpu"),
                it.requests(),
                it.limits(),
            );
            let _ = (
                it.resource_claims(),
                it.env("a"),
                it.env_with_prefix(""),
                it.has_env_from(),
            );
            let _ = (
                it.command(),
                it.args(),
                it.ports(),
                it.mounts(),
                it.probe("liveness"),
            );
            let _ = (it.privileged(), it.capabilities(), it.run_as_user());
        }
    }
}

fn some_edits() -> Vec<Edit> {
    let main = container_id(0);
    vec![
        add_toleration(tolerate("a")),
        remove_toleration("a"),
        add_volume("shm", Some("Memory"), Some("1Gi")),
        set_volume("shm", Some("Memory"), Some("1Gi")),
        Edit::MountVolume {
            container: main,
            name: "shm".to_owned(),
            mount_path: "/a".to_owned(),
        },
        limit(main, "nvidia.com/gpu", "1"),
        request(main, "cpu", "1"),
        Edit::RenameResource {
            container: main,
            name: "nvidia.com/gpu".to_owned(),
            new_name: "amd.com/gpu".to_owned(),
            quantity: None,
        },
        Edit::SetEnv {
            container: main,
            name: "a".to_owned(),
            value: "1".to_owned(),
        },
        label("a", "b"),
        annotation("a", "b"),
        selector("a", "b"),
        affinity("In", &["v"]),
        priority_class("a"),
        gate("a"),
        Edit::AddCapability {
            container: main,
            name: "IPC_LOCK".to_owned(),
        },
        probe(main, "liveness", "httpGet", Some("80")),
        raw(OpKind::Remove, "/metadata/labels", Value::Null),
        raw(OpKind::Add, "/spec/tolerations/0", json!({})),
    ]
}

proptest! {
    #[test]
    fn junk_never_panics_and_is_restored(object in prop_oneof![junk(), junk_pod()]) {
        let mut review = pod(object.clone());
        read_all(&review);
        for edit in some_edits() {
            let before = review.object().to_string();
            if review.edit(by("p"), edit).is_err() {
                prop_assert_eq!(review.object().to_string(), before);
            }
        }
        read_all(&review);
        let patch: json_patch::Patch = serde_json::from_value(operations(&review)).unwrap();
        let mut patched = object.clone();
        prop_assert_eq!(json_patch::patch(&mut patched, &patch).map_err(|e| e.to_string()), Ok(()));
        prop_assert_eq!(&patched, review.object());
        review.roll_back(0);
        prop_assert_eq!(review.object().to_string(), object.to_string());
    }

    #[test]
    fn junk_where_templates_stand_never_panics(object in junk(), template in junk()) {
        for (api_version, kind) in [("apps/v1", "Deployment"), ("batch/v1", "Job"), ("batch/v1", "CronJob")] {
            read_all(&review(api_version, kind, object.clone()));
            read_all(&review(api_version, kind, json!({"spec": {"template": template, "parallelism": object}})));
        }
    }
}
