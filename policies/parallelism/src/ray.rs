//! What Ray is told of the GPUs of its pods.

use tollgate_sdk::gpu::{MigName, takes_one_each};
use tollgate_sdk::prelude::*;

pub(crate) const UNLIKE: Rule = Rule::warn(
    "ray-gpus-unlike-limit",
    "`num-gpus` of a Ray group is the number of GPUs in the limits of its Ray container, or 0 to keep work away: with more, tasks share a GPU that they take for their own; with fewer, GPUs are idle.",
)
.about(RAY);
pub(crate) const UNSEEN: Rule = Rule::warn(
    "ray-gpus-unseen",
    "A Ray group on shared GPUs or on MIG devices with a suffixed name says `num-gpus`: KubeRay does not know these names, Ray sees no GPU, and tasks that need one wait for ever.",
)
.about(RAY);

const RAY: &[&str] = &[
    "RayCluster.ray.io",
    "RayJob.ray.io",
    "RayService.ray.io",
    "RayCronJob.ray.io",
];

/// Reports what Ray is told where it is not what its pod has.
pub(crate) fn report(review: &Review, pod: &Pod) {
    let path = pod.path();
    let is_ray = pod
        .owner()
        .is_some_and(|owner| RAY.contains(&owner.as_str()));
    let Some(group) = path.strip_suffix("/template").filter(|_| is_ray) else {
        return;
    };
    // KubeRay takes the first container for Ray's.
    let containers = pod.containers();
    let mut apps = containers.iter().filter(|one| one.class() == "app");
    let Some(container) = apps.next() else {
        return;
    };
    let devices = container.devices();
    let [device] = devices.as_ref() else {
        return;
    };
    let told_at = format!("{group}/rayStartParams/num-gpus");
    match review.json(&told_at) {
        Some(_) if takes_one_each(&device.name) => {
            let told = review.number(&told_at);
            if let Some(told) = told.filter(|told| *told != 0 && *told != device.count()) {
                report_unlike(told_at, told, device);
            }
        }
        None if !is_seen(&device.name) => report_unseen(group, device),
        _ => {}
    }
}

/// Whether KubeRay derives a number of GPUs from a resource of this name.
fn is_seen(name: &str) -> bool {
    let is_shared = name.ends_with(".shared");
    let mig = MigName::from_resource(name);
    let is_suffixed = mig.is_some_and(|mig| mig.profile().contains(['+', '-']));
    !is_shared && !is_suffixed
}

fn report_unlike(path: String, told: u64, device: &tollgate_sdk::Device) {
    let (there, name) = (device.count(), &device.name);
    UNLIKE
        .finding(
            path,
            format!("Ray is told of {told} GPUs, and its container has {there} {name}"),
        )
        .actual(told.to_string())
        .allowed(format!("{there}, or 0"))
        .fix(format!(
            "remove `num-gpus`, which KubeRay then sets to {there}"
        ))
        .report();
}

fn report_unseen(group: &str, device: &tollgate_sdk::Device) {
    let (there, name) = (device.count(), &device.name);
    UNSEEN
        .finding(
            format!("{group}/rayStartParams"),
            format!("KubeRay does not count `{name}`: Ray sees no GPU in this group"),
        )
        .actual("no `num-gpus`")
        .allowed(format!("`num-gpus: \"{there}\"`"))
        .fix(format!(
            "add `num-gpus: \"{there}\"` to the `rayStartParams` of the group"
        ))
        .report();
}
