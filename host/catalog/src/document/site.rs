//! The document `Site`: what is true of the cluster.

use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tollgate_gpu::Model;

use super::{ModelName, PlatformName, object::Spec, schema};
use crate::exempt::Platform;

/// What is true of the cluster. There is one, named `default`.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Site {
    /// The operators and clouds whose own namespaces are let off, such as `gpu-operator` and `gke`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exempt: Vec<PlatformName>,
    /// The models of GPUs that the cluster has, such as `A100-40GB`: what holds where nothing
    /// nearer to a pod says which model it gets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gpu_models: Vec<ModelName>,
    /// How NVIDIA's device plugin offers MIG devices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mig_strategy: Option<MigStrategy>,
    /// How whole GPUs are shared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sharing: Option<Sharing>,
}

/// How NVIDIA's device plugin offers MIG devices.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MigStrategy {
    /// Not at all.
    None,
    /// As `nvidia.com/gpu`: all of a node's GPUs are cut into equal devices.
    Single,
    /// As `nvidia.com/mig-…`, a resource for each profile.
    Mixed,
}

/// How whole GPUs are shared.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sharing {
    /// Not at all.
    None,
    /// By turns.
    TimeSlicing,
    /// By NVIDIA's Multi-Process Service.
    Mps,
}

impl MigStrategy {
    /// The word in configuration and in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Single => "single",
            Self::Mixed => "mixed",
        }
    }
}

impl Sharing {
    /// The word in configuration and in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::TimeSlicing => "time-slicing",
            Self::Mps => "mps",
        }
    }
}

impl Site {
    /// The operators and clouds that are let off.
    pub fn platforms(&self) -> impl Iterator<Item = &'static Platform> {
        self.exempt.iter().map(|name| name.platform)
    }

    /// The models of GPUs that the cluster has.
    pub fn models(&self) -> impl Iterator<Item = &'static Model> {
        self.gpu_models.iter().map(|name| name.model)
    }
}

impl Spec for Site {
    fn schema() -> &'static Value {
        static SCHEMA: LazyLock<Value> = LazyLock::new(schema::of::<Site>);
        &SCHEMA
    }
}
