//! Sizes of `/dev/shm`.

use tollgate_sdk::gpu::{Quantity, QuantityError};
use tollgate_sdk::prelude::*;

use crate::SharedMemory;
use crate::need::Need;
use crate::workload::Workload;

/// A size that a setting states.
#[derive(Clone, Copy, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
#[serde(try_from = "String")]
pub(crate) struct Size(Quantity);

impl Size {
    pub(crate) const fn gib(count: i128) -> Self {
        Self(Quantity::from_nanos(Quantity::GIB.nanos() * count))
    }
}

impl TryFrom<String> for Size {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let size = Quantity::parse(&text).map_err(|err: QuantityError| err.to_string())?;
        let mebibytes = size >= Quantity::MIB;
        mebibytes
            .then_some(Self(size))
            .ok_or_else(|| format!("`{text}` must be a size of `1Mi` or more"))
    }
}

impl SharedMemory {
    /// What containers that need it get together: each what its devices bring, within its own memory.
    pub(crate) fn for_needs(&self, workload: &Workload<'_>, needs: &[Need<'_>]) -> Quantity {
        let sum = needs.iter().fold(Quantity::ZERO, |sum, need| {
            let wanted = self.for_devices(need);
            let limit = need.member.memory_limit();
            sum.saturating_add(limit.map_or(wanted, |limit| wanted.min(self.share(limit))))
        });
        let size = sum.min(self.maximum.0);
        let limit = workload.memory_limit();
        limit
            .map_or(size, |limit| size.min(self.share(limit)))
            .floor_to(Quantity::MIB)
    }

    fn for_devices(&self, need: &Need<'_>) -> Quantity {
        let Size(each) = if need.trains {
            self.training_per_device
        } else {
            self.serving_per_device
        };
        let times = u32::try_from(need.devices).unwrap_or(u32::MAX);
        let wanted = each.checked_mul(times).unwrap_or(self.maximum.0);
        wanted.max(self.minimum.0)
    }

    /// A limit for a volume that had none and may be in use to any extent: as much as the memory limit can bear,
    /// else no less than what the containers asked of the node.
    pub(crate) fn for_unlimited(&self, memory: Option<Quantity>, requested: Quantity) -> Quantity {
        let most = || requested.max(self.maximum.0);
        memory
            .map_or_else(most, |memory| self.share(memory))
            .floor_to(Quantity::MIB)
    }

    /// The part of a memory limit that `/dev/shm` may take.
    pub(crate) fn share(&self, memory: Quantity) -> Quantity {
        Quantity::from_nanos(memory.nanos() / 100 * i128::from(self.memory_percent))
    }
}
