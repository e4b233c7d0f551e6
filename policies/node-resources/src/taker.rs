//! The containers of a pod that takes accelerators.

use std::rc::Rc;

use tollgate_sdk::gpu::{Fabric, Quantity, fabric};
use tollgate_sdk::prelude::*;
use tollgate_sdk::{Device, below};

/// A container of a pod of which at least one container takes a device.
pub(crate) struct Taker<'a> {
    pub(crate) container: &'a Container,
    pub(crate) devices: Rc<[Device]>,
    /// The network devices that it takes.
    pub(crate) networks: Vec<(String, Fabric)>,
}

impl<'a> Taker<'a> {
    /// The containers of a pod, debug containers excepted; none where none of them takes a device.
    pub(crate) fn of(containers: &'a [Container]) -> Vec<Self> {
        if containers
            .iter()
            .all(|container| container.devices().is_empty())
        {
            return Vec::new();
        }
        containers
            .iter()
            .filter(|container| container.class() != "ephemeral")
            .map(|container| Self {
                networks: networks(container),
                container,
                devices: container.devices(),
            })
            .collect()
    }

    /// Where its resources stand.
    pub(crate) fn resources_path(&self) -> String {
        below(&self.container.path(), &["resources"])
    }

    /// Its devices in words: `2 nvidia.com/gpu`.
    pub(crate) fn words(&self) -> String {
        let each: Vec<_> = self
            .devices
            .iter()
            .map(|device| format!("{} {}", device.count(), device.name))
            .collect();
        each.join(" and ")
    }
}

fn networks(container: &Container) -> Vec<(String, Fabric)> {
    // A request alone counts: `gpu-limits` gives it a limit, before or after.
    let (limits, requests) = (container.limits(), container.requests());
    let has_limit = |name: &str| limits.iter().any(|(there, _)| there == name);
    let known = limits
        .iter()
        .chain(requests.iter().filter(|(name, _)| !has_limit(name)))
        .filter(|(_, amount)| Quantity::parse(amount).is_ok_and(|amount| amount > Quantity::ZERO));
    known
        .filter_map(|(name, _)| Some((name.clone(), fabric(name)?)))
        .collect()
}
