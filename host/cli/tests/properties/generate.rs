//! Pods that look like those of GPU users, right and wrong ones.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const RESOURCES: [&str; 12] = [
    "nvidia.com/gpu",
    "nvidia.com/mig-1g.10gb",
    "nvidia.com/mig-3g.40gb",
    "nvidia.com/gpu.shared",
    "amd.com/gpu",
    "google.com/tpu",
    "habana.ai/gaudi",
    "nvidia.com/gpus",
    "nvidia.com/gpumem",
    "rdma/hca",
    "cpu",
    "memory",
];

const QUANTITIES: [&str; 9] = ["0", "1", "2", "4", "8", "0.5", "1000m", "16Gi", "200Mi"];

const MOUNTS: [&str; 6] = [
    "/dev/shm",
    "/dev/shm/",
    "/dev",
    "/dev/shm/x",
    "/data",
    "/run/shm",
];

const IMAGES: [&str; 4] = [
    "registry.example/app:1",
    "vllm/vllm-openai:v0.11.0",
    "pytorch/pytorch:2.8.0",
    "app",
];

fn of<T: Copy + std::fmt::Debug + 'static>(items: &'static [T]) -> impl Strategy<Value = T> {
    proptest::sample::select(items)
}

fn resources() -> impl Strategy<Value = Value> {
    let list = || {
        vec((of(&RESOURCES), of(&QUANTITIES)), 0..4).prop_map(|pairs| {
            Value::Object(
                pairs
                    .into_iter()
                    .map(|(name, quantity)| (name.to_owned(), quantity.into()))
                    .collect(),
            )
        })
    };
    (option::of(list()), option::of(list())).prop_map(|(limits, requests)| {
        let lists = [("limits", limits), ("requests", requests)];
        Value::Object(
            lists
                .into_iter()
                .filter_map(|(key, list)| Some((key.to_owned(), list?)))
                .collect(),
        )
    })
}

fn mounts() -> impl Strategy<Value = Value> {
    let mount = (of(&["shm", "data", "host"]), of(&MOUNTS));
    vec(mount, 0..3).prop_map(|mounts| {
        mounts
            .iter()
            .map(|(name, path)| json!({"name": name, "mountPath": path}))
            .collect()
    })
}

const ARGS: [&[&str]; 4] = [
    &[],
    &["--tensor-parallel-size", "2"],
    &["--tensor-parallel-size=4"],
    &["torchrun", "--nproc-per-node=2", "train.py"],
];

fn container(name: String) -> impl Strategy<Value = Value> {
    (of(&IMAGES), of(&ARGS), resources(), mounts()).prop_map(move |(image, args, resources, mounts)| {
        json!({"name": name, "image": image, "args": args, "resources": resources, "volumeMounts": mounts})
    })
}

fn volume(name: &'static str) -> impl Strategy<Value = Value> {
    let source = prop_oneof![
        Just(json!({"emptyDir": {}})),
        Just(json!({"emptyDir": {"medium": "Memory"}})),
        Just(json!({"emptyDir": {"medium": "Memory", "sizeLimit": "8Gi"}})),
        Just(json!({"emptyDir": {"medium": "Memory", "sizeLimit": "64Gi"}})),
        Just(json!({"hostPath": {"path": "/dev/shm"}})),
        Just(json!({"persistentVolumeClaim": {"claimName": "a"}})),
    ];
    source.prop_map(move |source| {
        let mut volume = Map::from_iter([("name".to_owned(), name.into())]);
        volume.extend(source.as_object().cloned().unwrap_or_default());
        Value::Object(volume)
    })
}

fn toleration() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({"operator": "Exists"})),
        Just(json!({"key": "nvidia.com/gpu", "operator": "Exists"})),
        Just(
            json!({"key": "nvidia.com/gpu", "operator": "Equal", "value": "present", "effect": "NoSchedule"})
        ),
        Just(json!({"key": "dedicated", "value": "ml"})),
    ]
}

fn selector() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({})),
        Just(json!({"nvidia.com/gpu.product": "NVIDIA-A100-SXM4-80GB"})),
        Just(json!({"nvidia.com/gpu.product": "Tesla-T4"})),
        Just(json!({"kubernetes.io/os": "windows"})),
        Just(json!({"cloud.google.com/gke-gpu-sharing-strategy": "mps"})),
    ]
}

fn annotations() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({})),
        Just(json!({"tollgate.dev/gpu-memory": "10Gi"})),
        Just(json!({"tollgate.dev/mig-profile": "1g"})),
        Just(json!({"gpu-fraction": "0.5"})),
    ]
}

prop_compose! {
    pub fn pod()(
        containers in (1_usize..4).prop_flat_map(|count| (0..count).map(|n| container(format!("c{n}"))).collect::<Vec<_>>()),
        init in option::of(container("init".to_owned())),
        sidecar in any::<bool>(),
        volumes in (volume("shm"), volume("data"), volume("host")),
        tolerations in vec(toleration(), 0..3),
        selector in selector(),
        annotations in annotations(),
        host_ipc in any::<bool>(),
    ) -> Value {
        let mut pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "a", "namespace": "ml", "annotations": annotations},
            "spec": {
                "containers": containers, "volumes": [volumes.0, volumes.1, volumes.2],
                "tolerations": tolerations, "nodeSelector": selector, "hostIPC": host_ipc,
            },
        });
        if let Some(mut init) = init {
            if sidecar {
                init["restartPolicy"] = "Always".into();
            }
            pod["spec"]["initContainers"] = json!([init]);
        }
        pod
    }
}
