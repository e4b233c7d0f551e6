//! What is scaled.

use tollgate_sdk::prelude::*;

use crate::{SCALED_JOB, VERTICAL, metric};

/// What a scaler scales.
pub(crate) struct Target {
    /// `Kind.group`
    pub(crate) kind: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// Where the object names it.
    pub(crate) path: &'static str,
    /// The accelerators of one replica, where they are known.
    pub(crate) devices: Option<Vec<(String, u32)>>,
}

impl Target {
    /// Reads it; nothing where the object names none.
    pub(crate) fn of(review: &Review, kind: &str) -> Option<Self> {
        let namespace = review.namespace().unwrap_or_default();
        if kind == SCALED_JOB {
            return Some(Self {
                kind: kind.to_owned(),
                namespace,
                name: review.name().unwrap_or_default(),
                path: "/spec/jobTargetRef",
                devices: Some(of_pods(review)),
            });
        }
        let path = match kind {
            VERTICAL => "/spec/targetRef",
            _ => "/spec/scaleTargetRef",
        };
        let text = |field: &str| review.text(&format!("{path}/{field}"));
        let name = text("name")?;
        // KEDA scales a Deployment unless told otherwise.
        let kind = text("kind").unwrap_or_else(|| "Deployment".to_owned());
        let version = text("apiVersion").unwrap_or_else(|| "apps/v1".to_owned());
        let kind = match version.rsplit_once('/') {
            Some((group, _)) => format!("{kind}.{group}"),
            None => kind,
        };
        let devices = cluster::workload_devices(&kind, &namespace, &name);
        Some(Self {
            kind,
            namespace,
            name,
            path,
            devices,
        })
    }

    /// Whether its pods take accelerators: as the workload says, or where it is not known as the metrics do.
    pub(crate) fn takes_accelerators(&self, review: &Review, kind: &str) -> bool {
        match &self.devices {
            Some(devices) => !devices.is_empty(),
            None => metric::are_of_accelerators(review, kind),
        }
    }

    /// `Deployment `vllm``
    pub(crate) fn in_words(&self) -> String {
        let kind = self.kind.split('.').next().unwrap_or(&self.kind);
        format!("{kind} `{}`", self.name)
    }

    /// ` of 8 nvidia.com/gpu each`, where it is known.
    pub(crate) fn each_in_words(&self) -> String {
        let devices = self.devices.iter().flatten();
        let devices: Vec<_> = devices
            .map(|(name, count)| format!("{count} {name}"))
            .collect();
        match devices.is_empty() {
            true => String::new(),
            false => format!(" of {} each", devices.join(" and ")),
        }
    }
}

/// What the pods take that the object makes by itself.
fn of_pods(review: &Review) -> Vec<(String, u32)> {
    let mut sum = Vec::<(String, u32)>::new();
    for pod in review.pods().iter() {
        for container in pod.containers().iter() {
            for device in container.devices().iter() {
                let count = u32::try_from(device.count()).unwrap_or(u32::MAX);
                match sum.iter_mut().find(|(name, _)| *name == device.name) {
                    Some((_, there)) => *there = there.saturating_add(count),
                    None => sum.push((device.name.clone(), count)),
                }
            }
        }
    }
    sum
}
