//! Fake nodes: what they are labelled, what they have, and how they are tainted.

use anyhow::Result;
use serde_json::{Map, Value, json};

use crate::Objects;

/// A node's taint: key and value; its effect is `NoSchedule`.
pub type Taint = (&'static str, &'static str);

/// The taint of most NVIDIA nodes.
pub const TAINT: Taint = ("nvidia.com/gpu", "present");

/// Nodes of one kind.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// What their names start with; a number follows.
    pub name: &'static str,
    /// How many there are.
    pub nodes: u32,
    /// What they are tainted with.
    pub taint: Option<Taint>,
    /// Their devices.
    pub devices: &'static [(&'static str, u32)],
    /// The labels that device plugins and clouds put on them.
    pub labels: &'static [(&'static str, &'static str)],
}

/// The nodes of every cluster. Labels are those of NVIDIA's GPU feature discovery, GKE and AMD's node labeller.
pub const NODES: &[Model] = &[
    Model {
        name: "h100",
        nodes: 3,
        taint: Some(TAINT),
        devices: &[("nvidia.com/gpu", 8)],
        labels: &[
            ("nvidia.com/gpu.present", "true"),
            ("nvidia.com/gpu.product", "NVIDIA-H100-80GB-HBM3"),
            ("nvidia.com/gpu.count", "8"),
            ("nvidia.com/gpu.memory", "81559"),
        ],
    },
    Model {
        name: "l4",
        nodes: 1,
        taint: Some(TAINT),
        devices: &[("nvidia.com/gpu", 1)],
        labels: &[
            ("cloud.google.com/gke-accelerator", "nvidia-l4"),
            ("cloud.google.com/gke-accelerator-count", "1"),
        ],
    },
    Model {
        name: "mig-mixed",
        nodes: 1,
        taint: Some(TAINT),
        devices: &[
            ("nvidia.com/mig-1g.10gb", 28),
            ("nvidia.com/mig-3g.40gb", 8),
        ],
        labels: &[
            ("nvidia.com/gpu.present", "true"),
            ("nvidia.com/gpu.product", "NVIDIA-A100-SXM4-80GB"),
            ("nvidia.com/gpu.count", "8"),
            ("nvidia.com/mig.capable", "true"),
            ("nvidia.com/mig.strategy", "mixed"),
        ],
    },
    Model {
        name: "mig-single",
        nodes: 1,
        taint: Some(TAINT),
        devices: &[("nvidia.com/gpu", 56)],
        labels: &[
            ("nvidia.com/gpu.present", "true"),
            (
                "nvidia.com/gpu.product",
                "NVIDIA-A100-SXM4-80GB-MIG-1g.10gb",
            ),
            ("nvidia.com/gpu.count", "56"),
            ("nvidia.com/mig.capable", "true"),
            ("nvidia.com/mig.strategy", "single"),
        ],
    },
    Model {
        name: "mi300x",
        nodes: 1,
        taint: Some(("amd.com/gpu", "present")),
        devices: &[("amd.com/gpu", 8)],
        labels: &[("amd.com/gpu.product-name", "AMD_Instinct_MI300X_OAM")],
    },
    // Its devices are those of resource slices that a test makes.
    Model {
        name: "dra",
        nodes: 1,
        taint: None,
        devices: &[],
        labels: &[],
    },
    Model {
        name: "cpu",
        nodes: 1,
        taint: None,
        devices: &[],
        labels: &[],
    },
];

pub(crate) async fn create(objects: &Objects) -> Result<()> {
    for model in NODES {
        for number in 0..model.nodes {
            objects.create("", &node(model, number)).await?;
        }
    }
    Ok(())
}

fn node(model: &Model, number: u32) -> Value {
    let name = format!("{}-{number}", model.name);
    let mut labels: Map<String, Value> = (model.labels.iter())
        .map(|(key, value)| ((*key).to_owned(), json!(value)))
        .collect();
    labels.insert("kubernetes.io/hostname".to_owned(), json!(name));
    labels.insert("kubernetes.io/arch".to_owned(), json!("amd64"));
    labels.insert("kubernetes.io/os".to_owned(), json!("linux"));
    let taints: Vec<Value> = (model.taint.iter())
        .map(|(key, value)| json!({"key": key, "value": value, "effect": "NoSchedule"}))
        .collect();
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels, "annotations": {"kwok.x-k8s.io/node": "fake"}},
        "spec": {"taints": taints},
        "status": {"capacity": capacity(model), "allocatable": capacity(model)},
    })
}

/// Without ephemeral storage some controllers' pods would fit nowhere.
fn capacity(model: &Model) -> Value {
    let mut capacity =
        json!({"cpu": "192", "memory": "2Ti", "ephemeral-storage": "4Ti", "pods": "2000"});
    for (resource, count) in model.devices {
        capacity[*resource] = json!(count.to_string());
    }
    capacity
}
