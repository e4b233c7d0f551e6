//! A pod with accelerators, as far as `/dev/shm` is concerned.

use std::rc::Rc;

use tollgate_sdk::gpu::Quantity;
use tollgate_sdk::prelude::*;
use tollgate_sdk::{Device, Mount, has_fraction};

pub(crate) const SHM: &str = "/dev/shm";

/// A pod with accelerators that can have a `/dev/shm`.
pub(crate) struct Workload<'a> {
    pub(crate) pod: &'a Pod,
    pub(crate) members: Vec<Member>,
}

/// A container of the pod, debug containers excepted.
pub(crate) struct Member {
    pub(crate) container: Container,
    pub(crate) devices: Rc<[Device]>,
    pub(crate) mounts: Rc<[Mount]>,
    /// The name of the volume that it mounts at `/dev/shm`.
    pub(crate) shm: Option<String>,
    /// Whether it stays with the pod: an application container or a sidecar.
    pub(crate) stays: bool,
}

impl<'a> Workload<'a> {
    /// Reads a pod, unless it has no accelerators, or runs on Windows, which has no memory medium.
    pub(crate) fn read(pod: &'a Pod) -> Option<Self> {
        let containers = pod.containers();
        let has_devices = containers
            .iter()
            .any(|container| !container.devices().is_empty());
        let is_concerned = has_devices || has_fraction(pod) || !pod.resource_claims().is_empty();
        if !is_concerned || pod.os().as_deref() == Some("windows") {
            return None;
        }
        let members = containers.iter().filter_map(Member::read).collect();
        Some(Self { pod, members })
    }

    /// The memory limit of the pod itself.
    pub(crate) fn memory_limit(&self) -> Option<Quantity> {
        positive(self.pod.limit("memory"))
    }

    /// The memory that some of the containers may use together, where that is limited.
    pub(crate) fn memory_of(&self, members: &[&Member]) -> Option<Quantity> {
        let staying = members.iter().filter(|member| member.stays);
        let sum = staying
            .map(|member| member.memory_limit())
            .try_fold(Quantity::ZERO, |sum, limit| {
                Some(sum.saturating_add(limit?))
            })
            .filter(|sum| !sum.is_zero());
        sum.into_iter().chain(self.memory_limit()).min()
    }

    /// Whether KubeRay makes the pod. It mounts a `/dev/shm` into Ray's container by itself.
    pub(crate) fn is_made_by_kuberay(&self) -> bool {
        let owner = self.pod.owner();
        owner.is_some_and(|owner| owner.ends_with(".ray.io"))
            || self.pod.label("ray.io/cluster").is_some()
    }
}

impl Member {
    fn read(container: &Container) -> Option<Self> {
        let class = container.class();
        if class == "ephemeral" {
            return None;
        }
        let mounts = container.mounts();
        let shm = mounts.iter().find(|mount| normal(&mount.mount_path) == SHM);
        Some(Self {
            devices: container.devices(),
            shm: shm.map(|mount| mount.name.clone()),
            mounts,
            stays: class == "app" || class == "sidecar",
            container: container.clone(),
        })
    }

    /// Whether a mount at, under or above `/dev/shm` leaves no place for another.
    pub(crate) fn has_its_own(&self) -> bool {
        self.mounts.iter().any(|mount| {
            let path = normal(&mount.mount_path);
            is_within(&path, SHM) || is_within(SHM, &path)
        })
    }

    /// The memory limit; zero is none.
    pub(crate) fn memory_limit(&self) -> Option<Quantity> {
        positive(self.container.limit("memory"))
    }
}

/// The amount, where a text states one above zero.
pub(crate) fn positive(text: Option<String>) -> Option<Quantity> {
    let amount = Quantity::parse(&text?).ok()?;
    (amount > Quantity::ZERO).then_some(amount)
}

/// The path without double, dot and trailing slashes.
pub(crate) fn normal(path: &str) -> String {
    let parts = path
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".");
    parts.fold(String::new(), |normal, part| normal + "/" + part)
}

/// Whether a path is another or lies below it, both without needless slashes.
pub(crate) fn is_within(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
