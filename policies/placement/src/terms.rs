//! What pods of one kind of work may use.

use tollgate_sdk::gpu::Capacity;
use tollgate_sdk::prelude::*;

/// What pods may use; what is left out is not restricted.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Terms {
    /// The kinds of device: `whole`, `mig` (partitions of other vendors too), `shared` (time-slicing, MPS, HAMi, KAI).
    pub(crate) gpus: Option<Vec<GpuClass>>,
    /// The kinds of capacity, `spot` and `on-demand`, that pods may select or tolerate. One that does neither is let
    /// be.
    pub(crate) capacity: Option<Vec<CapacityType>>,
    /// The priority class of pods that name none.
    pub(crate) priority_class: Option<String>,
}

/// A term and the setting that it stands in.
pub(crate) struct By<'a, T> {
    pub(crate) name: &'static str,
    pub(crate) value: &'a T,
}

/// What one unit of a device resource is.
#[derive(Clone, Copy, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum GpuClass {
    /// A whole device.
    Whole,
    /// A MIG device, or a partition of another vendor's device.
    Mig,
    /// A share in time or in memory.
    Shared,
}

/// On what terms a cloud lends a node.
#[derive(Clone, Copy, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CapacityType {
    /// It may be taken back at short notice.
    Spot,
    /// It stays; reserved capacity as well.
    OnDemand,
}

impl Terms {
    pub(crate) fn check(&self, name: &str) -> Result<(), String> {
        let is_empty = [
            ("gpus", self.gpus.as_ref().is_some_and(Vec::is_empty)),
            (
                "capacity",
                self.capacity.as_ref().is_some_and(Vec::is_empty),
            ),
        ];
        match is_empty.iter().find(|(_, empty)| *empty) {
            Some((list, _)) => Err(format!(
                "{name}.{list}: an empty list would refuse every pod; leave it out for no restriction"
            )),
            None => Ok(()),
        }
    }
}

impl GpuClass {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Mig => "mig",
            Self::Shared => "shared",
        }
    }

    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Self::Whole => "a whole device",
            Self::Mig => "a MIG device or another partition",
            Self::Shared => "a shared device",
        }
    }
}

impl CapacityType {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Spot => "spot",
            Self::OnDemand => "on-demand",
        }
    }
}

impl From<Capacity> for CapacityType {
    fn from(capacity: Capacity) -> Self {
        match capacity {
            Capacity::Spot => Self::Spot,
            Capacity::OnDemand => Self::OnDemand,
        }
    }
}
