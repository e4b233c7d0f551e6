//! The containers of a pod that take devices: one that computes is enough.

use tollgate_sdk::gpu::ContainerClass;
use tollgate_sdk::prelude::*;

use crate::asked::{Asked, totals};

pub(crate) const SEVERAL: Rule = Rule::warn(
    "several-gpu-containers",
    "Several containers of a pod take accelerators: each gets devices of its own, so the pod costs their sum and shares nothing.",
);
pub(crate) const SIDECAR: Rule = Rule::deny(
    "gpu-on-sidecar",
    "A sidecar takes an accelerator: it holds the device for the whole life of the pod, beside those of the containers that compute.",
);
pub(crate) const INIT: Rule = Rule::warn(
    "gpu-on-init-container",
    "An init container takes an accelerator: downloads and checks need none, and the pod reserves the larger of both needs for its whole life.",
);

/// Warns about devices in places that need none, and refuses them on sidecars.
pub(crate) fn report(pod: &Pod, asked: &[Asked]) {
    let mut apps = Vec::new();
    for taker in asked.iter().filter(|asked| asked.has_devices()) {
        match taker.class() {
            ContainerClass::App => apps.push(taker),
            ContainerClass::Sidecar => report_sidecar(taker),
            ContainerClass::Init => report_init(taker),
            ContainerClass::Ephemeral => {}
        }
    }
    if apps.len() > 1 {
        report_several(pod, asked, &apps);
    }
}

fn report_several(pod: &Pod, asked: &[Asked], apps: &[&Asked]) {
    let names: Vec<_> = apps
        .iter()
        .map(|app| format!("`{}`", app.container.name()))
        .collect();
    let each: Vec<_> = apps
        .iter()
        .map(|app| format!("{}: {}", app.container.name(), app.devices_in_words()))
        .collect();
    let sum: Vec<_> = totals(asked)
        .iter()
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
    SEVERAL
        .finding(
            format!("{}/spec/containers", pod.path()),
            format!("containers {} each take devices of their own, {} in all: none is shared between them", names.join(", "), sum.join(" and ")),
        )
        .actual(each.join("; "))
        .allowed("devices on one container, unless each of them computes")
        .fix("take the device out of the limits of the containers that do not compute")
        .report();
}

fn report_sidecar(taker: &Asked) {
    let (name, devices) = (taker.container.name(), taker.devices_in_words());
    SIDECAR
        .finding(
            taker.resources_place(),
            format!("sidecar `{name}` takes {devices} for the whole life of the pod; a sidecar needs no device"),
        )
        .actual(devices)
        .allowed("no devices on a sidecar")
        .fix("take the device out of its limits, or make it an ordinary container if it computes")
        .report();
}

fn report_init(taker: &Asked) {
    let (name, devices) = (taker.container.name(), taker.devices_in_words());
    INIT.finding(
        taker.resources_place(),
        format!("init container `{name}` takes {devices}; the pod reserves the larger of its need and the application's"),
    )
    .actual(devices)
    .allowed("no devices on an init container that only downloads or waits")
    .fix("take the device out of its limits unless it computes on it")
    .report();
}
