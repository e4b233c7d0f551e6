//! Which class of device a pod asks for.

use tollgate_sdk::gpu::{Class, Resource, is_partition, lookup};
use tollgate_sdk::prelude::*;
use tollgate_sdk::{Device, GpuUnit, below, gpu_unit};

use crate::terms::GpuClass;

/// Something that a pod asks for, and what it may be: one class, or two where only the node tells.
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) words: String,
    pub(crate) classes: &'static [GpuClass],
}

const WHOLE: &[GpuClass] = &[GpuClass::Whole];
const MIG: &[GpuClass] = &[GpuClass::Mig];
const SHARED: &[GpuClass] = &[GpuClass::Shared];
const WHOLE_OR_MIG: &[GpuClass] = &[GpuClass::Whole, GpuClass::Mig];
const WHOLE_OR_SHARED: &[GpuClass] = &[GpuClass::Whole, GpuClass::Shared];

/// The annotation of KAI and Run:ai for a part of a GPU.
const FRACTIONS: [&str; 2] = ["gpu-fraction", "gpu-memory"];

/// What is asked for that is of none of the allowed classes.
pub(crate) fn outside(pod: &Pod, allowed: &[GpuClass]) -> Vec<Asked> {
    let mut asked: Vec<_> = pod
        .containers()
        .iter()
        .flat_map(|container| of_container(pod, container, allowed))
        .collect();
    if !allowed.contains(&GpuClass::Shared) {
        asked.extend(by_annotation(pod));
    }
    asked
}

fn of_container(pod: &Pod, container: &Container, allowed: &[GpuClass]) -> Vec<Asked> {
    let limits = container.limits();
    let quantities: Vec<_> = limits
        .iter()
        .filter_map(|(name, _)| Some((name, lookup(name)?)))
        .filter(|(_, known)| known.class == Class::Quantity)
        .collect();
    let is_allowed = |classes: &[GpuClass]| classes.iter().any(|class| allowed.contains(class));
    let devices = container.devices();
    if let (true, Some((name, _))) = (devices.is_empty(), quantities.first()) {
        // A quantity that no device stands beside is a part of one.
        let part = (!is_allowed(SHARED)).then(|| asked(container, name, SHARED));
        return part.into_iter().collect();
    }
    let classes = devices.iter().map(|device| {
        let is_part = |known: &&Resource| known.vendor == device.resource.vendor;
        let shares = quantities
            .iter()
            .map(|(_, known)| *known)
            .any(|known| is_part(&known));
        (device, classes(pod, device, shares))
    });
    classes
        .filter(|(_, classes)| !is_allowed(classes))
        .map(|(device, classes)| asked(container, &device.name, classes))
        .collect()
}

/// What one unit of a device's resource may be.
fn classes(pod: &Pod, device: &Device, shares: bool) -> &'static [GpuClass] {
    match device.resource.class {
        Class::Slice if is_partition(&device.name) => MIG,
        Class::Slice => SHARED,
        _ if shares => SHARED,
        _ if device.name == "nvidia.com/gpu" => of_nvidia(pod),
        _ => WHOLE,
    }
}

/// What one `nvidia.com/gpu` may be: as the selected nodes say, else as the site may have it.
fn of_nvidia(pod: &Pod) -> &'static [GpuClass] {
    match gpu_unit(pod) {
        GpuUnit::Mig => MIG,
        GpuUnit::Shared => SHARED,
        GpuUnit::Whole if site::sharing().is_some_and(|sharing| sharing != "none") => {
            WHOLE_OR_SHARED
        }
        GpuUnit::Whole if site::mig_strategy().as_deref() == Some("single") => WHOLE_OR_MIG,
        GpuUnit::Whole => WHOLE,
    }
}

fn asked(container: &Container, name: &str, classes: &'static [GpuClass]) -> Asked {
    Asked {
        path: below(&container.path(), &["resources", "limits", name]),
        words: format!("container `{}` asks for `{name}`", container.name()),
        classes,
    }
}

fn by_annotation(pod: &Pod) -> Option<Asked> {
    let key = FRACTIONS
        .into_iter()
        .find(|key| pod.annotation(key).is_some())?;
    Some(Asked {
        path: below(&pod.path(), &["metadata", "annotations", key]),
        words: format!("the pod asks for a part of a GPU by the annotation `{key}`"),
        classes: SHARED,
    })
}
