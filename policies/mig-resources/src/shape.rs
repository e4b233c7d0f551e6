//! MIG devices that a model does not have, that are too many for a process, or that hide each other.

use tollgate_sdk::gpu::{MigName, offers};
use tollgate_sdk::prelude::*;
use tollgate_sdk::{Device, GpuUnit, below, gpu_unit, selected_models};

use crate::Taker;
use crate::choice::{ids, offered};
use crate::rename::WHOLE_GPU;

pub(crate) const UNAVAILABLE: Rule = Rule::deny(
    "mig-profile-unavailable",
    "A MIG profile that the GPU model which the pod selects does not have: the pod would stay Pending for ever.",
);
pub(crate) const SEVERAL: Rule = Rule::deny(
    "several-mig-devices",
    "A container asks for several MIG devices: a CUDA process can use one, and NCCL does not work between them, so the others are paid for and idle.",
);
pub(crate) const MIXED: Rule = Rule::deny(
    "mixed-mig",
    "A container asks for a MIG device beside a whole GPU or a MIG device of another size: each device plugin sets `NVIDIA_VISIBLE_DEVICES`, and only the devices of the last are visible.",
);

/// The annotation of pods whose containers run a process for each of several MIG devices.
const SEVERAL_PROCESSES: &str = "tollgate.dev/several-processes";

impl Taker {
    /// The place of a device in the object.
    pub(crate) fn place(&self, device: &Device) -> String {
        let list = if device.limit.is_some() {
            "limits"
        } else {
            "requests"
        };
        below(&self.container.path(), &["resources", list, &device.name])
    }

    /// The MIG devices that it asks for by name.
    fn named(&self) -> impl Iterator<Item = (&Device, MigName)> {
        let devices = self.devices.iter();
        devices.filter_map(|device| Some((device, MigName::from_resource(&device.name)?)))
    }
}

/// Refuses MIG requests that cannot work.
pub(crate) fn report(pod: &Pod, takers: &[Taker]) {
    report_unavailable(pod, takers);
    report_several(pod, takers);
    takers.iter().for_each(report_mixed);
}

fn report_unavailable(pod: &Pod, takers: &[Taker]) {
    if !takers.iter().any(|taker| taker.named().next().is_some()) {
        return;
    }
    let Some(models) = selected_models(pod) else {
        return;
    };
    for (taker, (device, name)) in takers
        .iter()
        .flat_map(|taker| taker.named().map(move |named| (taker, named)))
    {
        if models.iter().any(|model| offers(model, name)) {
            continue;
        }
        let selected = ids(&models);
        UNAVAILABLE
            .finding(
                taker.place(device),
                format!("container `{}` asks for {}, which {selected} does not have", taker.container.name(), device.name),
            )
            .actual(&device.name)
            .allowed(format!("profiles of {selected}: {}", offered(&models)))
            .fix("ask for a profile that the selected model has, or select a model that has this one")
            .report();
    }
}

fn report_several(pod: &Pod, takers: &[Taker]) {
    let mut several = takers
        .iter()
        .flat_map(|taker| several(pod, taker).map(move |device| (taker, device)))
        .peekable();
    if several.peek().is_none() || pod.annotation(SEVERAL_PROCESSES).as_deref() == Some("true") {
        return;
    }
    for (taker, device) in several {
        let count = device.count();
        SEVERAL
            .finding(
                taker.place(device),
                format!("container `{}` asks for {count} {}, but a process can use one MIG device only", taker.container.name(), device.name),
            )
            .actual(count.to_string())
            .allowed(format!("1, or the annotation `{SEVERAL_PROCESSES}: \"true\"`"))
            .fix(format!("ask for one device of a larger profile, or annotate the pod with `{SEVERAL_PROCESSES}: \"true\"` if it runs a process for each"))
            .report();
    }
}

/// Devices of which a container asks for several, and that are MIG devices. Several shares of one are another matter.
fn several<'a>(pod: &Pod, taker: &'a Taker) -> impl Iterator<Item = &'a Device> {
    let all_cut =
        taker.whole().is_some_and(|device| device.count() > 1) && gpu_unit(pod) == GpuUnit::Mig;
    taker.devices.iter().filter(move |device| {
        let is_mig = match MigName::from_resource(&device.name) {
            Some(name) => !name.shared,
            None => device.name == WHOLE_GPU && all_cut,
        };
        is_mig && device.count() > 1
    })
}

fn report_mixed(taker: &Taker) {
    if taker.named().next().is_none() {
        return;
    }
    let of_plugin = |device: &&Device| {
        matches!(device.name.as_str(), WHOLE_GPU | "nvidia.com/gpu.shared")
            || MigName::from_resource(&device.name).is_some()
    };
    let names: Vec<_> = taker
        .devices
        .iter()
        .filter(of_plugin)
        .map(|device| device.name.as_str())
        .collect();
    if names.len() < 2 {
        return;
    }
    let names = names.join(" and ");
    MIXED
        .finding(
            below(&taker.container.path(), &["resources"]),
            format!(
                "container `{}` asks for {names}, of which it would see only one",
                taker.container.name()
            ),
        )
        .actual(names)
        .allowed("devices of one name in a container")
        .fix("keep one of them, or give each its own container")
        .report();
}
