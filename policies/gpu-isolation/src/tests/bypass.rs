//! For generated pods: whoever reaches a GPU without asking for one is refused, and nobody else is.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use tollgate_sdk::gpu::{
    INJECTING_ANNOTATIONS, NODE_PATHS, NodePathKind, PATH_ANNOTATIONS, RUNTIME_VARIABLES,
};

use super::{PodBuilder, container, pod, run};

/// Where in the pod a container stands.
const CLASSES: [&str; 4] = [
    "containers",
    "initContainers",
    "sidecars",
    "ephemeralContainers",
];

/// A way to reach a GPU without asking for one.
#[derive(Clone, Debug)]
enum Bypass {
    Variable {
        class: &'static str,
        name: &'static str,
        value: Value,
    },
    Privileged(&'static str),
    HostPath {
        path: String,
        sub: Option<Value>,
    },
    RuntimeClass(&'static str),
    DeviceMount {
        class: &'static str,
        source: Value,
        path: String,
    },
    Annotation(String),
}

fn class() -> impl Strategy<Value = &'static str> {
    select(&CLASSES[..])
}

/// A value by which a runtime gives a device, given in the manifest or from elsewhere.
fn value() -> impl Strategy<Value = Value> {
    let literal = select(vec![
        "all", "0", "0,1", "GPU-4cf8", "MIG-1a2b", "void,0", "$(WHICH)", "All",
    ]);
    let from = select(vec![
        "configMapKeyRef",
        "secretKeyRef",
        "fieldRef",
        "resourceFieldRef",
    ]);
    prop_oneof![
        literal.prop_map(|value| json!({"value": value})),
        from.prop_map(|from| json!({"valueFrom": {from: {"key": "k"}}})),
    ]
}

/// A path that leads to devices, as a name of the table, below one, or above one.
fn target() -> impl Strategy<Value = String> {
    let place = select(NODE_PATHS);
    (place, 0..3_usize).prop_map(|(place, how)| {
        let path = place.pattern.replace('*', "0");
        let above = path.rsplit_once('/').map(|(above, _)| above.to_owned());
        match (how, above, place.kind) {
            (0, _, _) | (_, _, NodePathKind::Specifications) => path,
            (1, Some(above), _) if !above.is_empty() => above,
            _ => path + "/inside",
        }
    })
}

/// The same place in other words.
fn respelt(path: &str, how: usize) -> String {
    match how {
        0 => path.to_owned(),
        1 => format!("{path}/"),
        2 => path.replace('/', "//"),
        3 => format!("/data/..{path}"),
        4 => path.replacen('/', "/./", 1),
        5 => format!("/proc/1/root{path}"),
        _ => path.replacen("/run", "/var/run", usize::from(path.starts_with("/run"))),
    }
}

fn host_path() -> impl Strategy<Value = Bypass> {
    let whole = (target(), 0..7_usize).prop_map(|(path, how)| Bypass::HostPath {
        path: respelt(&path, how),
        sub: None,
    });
    let split = (target(), any::<prop::sample::Index>()).prop_map(|(path, at)| {
        let cuts: Vec<_> = path.match_indices('/').map(|(index, _)| index).collect();
        let cut = cuts[at.index(cuts.len())];
        let above = if cut == 0 { "/" } else { &path[..cut] };
        Bypass::HostPath {
            path: above.to_owned(),
            sub: Some(json!({"subPath": path[cut..].trim_start_matches('/')})),
        }
    });
    let open = select(vec!["/", "/dev", "/var", "/run"]).prop_map(|path| Bypass::HostPath {
        path: path.to_owned(),
        sub: Some(json!({"subPathExpr": "$(WHERE)"})),
    });
    prop_oneof![whole, split, open]
}

fn device_mount() -> impl Strategy<Value = Bypass> {
    let source = select(vec![
        json!({"hostPath": {"path": "/dev/null"}}),
        json!({"projected": {"sources": [{"configMap": {"name": "a"}}]}}),
        json!({"csi": {"driver": "csi.example"}}),
        json!({"emptyDir": {}}),
    ]);
    let path = select(vec![
        "/var/run/nvidia-container-devices/all",
        "/run/nvidia-container-devices/0",
        "//var/run/./nvidia-container-devices/all/",
    ]);
    (class(), source, path).prop_map(|(class, source, path)| Bypass::DeviceMount {
        class,
        source,
        path: path.to_owned(),
    })
}

fn bypass() -> impl Strategy<Value = Bypass> {
    let variable = (class(), select(RUNTIME_VARIABLES), value()).prop_map(|(class, row, value)| {
        Bypass::Variable {
            class,
            name: row.name,
            value,
        }
    });
    let annotation = prop_oneof![select(INJECTING_ANNOTATIONS), select(PATH_ANNOTATIONS)]
        .prop_map(|start| Bypass::Annotation(format!("{start}container.main")));
    prop_oneof![
        4 => variable,
        2 => class().prop_map(Bypass::Privileged),
        4 => host_path(),
        1 => select(vec!["nvidia", "nvidia-cdi", "nvidia-legacy", "habana", "ascend"]).prop_map(Bypass::RuntimeClass),
        2 => device_mount(),
        1 => annotation,
    ]
}

/// What a pod may well have: each of it looks like a bypass and is none.
fn innocent() -> impl Strategy<Value = Value> {
    let env = select(vec![
        json!({"name": "NVIDIA_VISIBLE_DEVICES", "value": "void"}),
        json!({"name": "HABANA_VISIBLE_DEVICES", "value": ""}),
        json!({"name": "CUDA_VISIBLE_DEVICES", "value": ""}),
        json!({"name": "NVIDIA_DRIVER_CAPABILITIES", "value": "all"}),
        json!({"name": "MY_NVIDIA_VISIBLE_DEVICES", "value": "all"}),
        json!({"name": "PATH", "value": "/usr/local/nvidia/bin"}),
    ]);
    let volume = select(vec![
        json!({"hostPath": {"path": "/home/kubernetes/bin/nvidia"}}),
        json!({"hostPath": {"path": "/var/log/"}}),
        json!({"hostPath": {"path": "/dev/../data"}}),
        json!({"hostPath": {"path": "/dev/shm"}}),
        json!({"projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}),
        json!({"csi": {"driver": "secrets-store.csi.k8s.io"}}),
        json!({"emptyDir": {"medium": "Memory"}}),
    ]);
    let path = select(vec![
        "/data",
        "/dev/shm",
        "/dev/nvidia0",
        "/var/run/secrets",
        "/run/nvidia",
    ]);
    let runtime = select(vec![None, Some("gvisor"), Some("kata-qemu")]);
    (env, volume, path, runtime, class(), any::<bool>()).prop_map(
        |(env, volume, path, runtime, class, asks)| {
            json!({"env": env, "volume": volume, "path": path, "runtime": runtime, "class": class, "asks": asks})
        },
    )
}

/// Puts a container of some class, that has more than its name, beside the first one.
fn put(builder: PodBuilder, class: &str, mut fields: Value) -> PodBuilder {
    fields["name"] = "extra".into();
    fields["image"] = "registry.example/app:1".into();
    if class == "sidecars" {
        fields["restartPolicy"] = "Always".into();
    }
    match class {
        "containers" => {
            let main = builder.clone().build()["spec"]["containers"][0].take();
            builder.with("/spec/containers", json!([main, fields]))
        }
        "sidecars" => builder.with("/spec/initContainers", json!([fields])),
        list => builder.with(&format!("/spec/{list}"), json!([fields])),
    }
}

fn named(name: &str, mut source: Value) -> Value {
    source["name"] = name.into();
    source
}

fn quiet(innocent: &Value) -> PodBuilder {
    let mount = json!([{"name": "own", "mountPath": innocent["path"]}]);
    let class = innocent["class"].as_str().unwrap();
    // With accelerators, the node's shared memory is a matter of its own.
    let asks = innocent["asks"] == true
        && innocent["volume"].pointer("/hostPath/path") != Some(&json!("/dev/shm"));
    let main = match asks {
        true => container("main").limit("nvidia.com/gpu", "1"),
        false => container("main"),
    };
    let builder = put(
        pod([main]),
        class,
        json!({"env": [innocent["env"]], "volumeMounts": mount, "securityContext": {"privileged": false}}),
    );
    let builder = builder.with(
        "/spec/volumes",
        json!([named("own", innocent["volume"].clone())]),
    );
    match innocent["runtime"].as_str() {
        Some(class) => builder.with("/spec/runtimeClassName", class.into()),
        None => builder,
    }
}

fn with_bypass(bypass: &Bypass) -> PodBuilder {
    let plain = pod([container("main")]);
    match bypass.clone() {
        Bypass::Variable { class, name, value } => put(
            plain,
            class,
            json!({"env": [{"name": "A", "value": "b"}, named(name, value)]}),
        ),
        Bypass::Privileged(class) => put(
            plain,
            class,
            json!({"securityContext": {"privileged": true}}),
        ),
        Bypass::HostPath { path, sub } => {
            let mut mount = sub.unwrap_or_else(|| json!({}));
            mount["name"] = "host".into();
            mount["mountPath"] = "/data".into();
            put(plain, "containers", json!({"volumeMounts": [mount]})).volume(
                "host",
                "hostPath",
                json!({"path": path}),
            )
        }
        Bypass::RuntimeClass(class) => plain.with("/spec/runtimeClassName", class.into()),
        Bypass::DeviceMount {
            class,
            source,
            path,
        } => {
            let mounting = put(
                plain,
                class,
                json!({"volumeMounts": [{"name": "a", "mountPath": path}]}),
            );
            mounting.with("/spec/volumes", json!([named("a", source)]))
        }
        Bypass::Annotation(key) => plain.annotation(&key, "- path: /dev/nvidia0"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn who_reaches_a_gpu_without_asking_is_refused(bypass in bypass()) {
        let done = run(with_bypass(&bypass));
        let denied = done.findings.iter().any(|found| found.severity.as_str() == "deny");
        prop_assert!(denied, "{bypass:?}\n{:#}", done.object);
    }

    #[test]
    fn who_does_none_of_it_is_not(innocent in innocent()) {
        let done = run(quiet(&innocent));
        prop_assert!(done.findings.is_empty(), "{:#?}\n{:#}", done.findings, done.object);
        prop_assert!(done.rules.iter().all(|rule| rule == "void-devices"), "{:?}", done.patch);
    }
}
