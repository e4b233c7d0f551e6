//! CPU and memory in proportion to devices.
//!
//! Only whole devices count, and only of models whose machines are known: what comes with a slice or a share is not
//! a matter of the node's size.

use tollgate_sdk::gpu::{Class, Model, Quantity};
use tollgate_sdk::prelude::*;
use tollgate_sdk::{Device, GpuUnit, cluster_models, gpu_unit, selected_models};

use crate::NodeResources;
use crate::taker::Taker;

pub(crate) const OVER: Rule = Rule::warn(
    "cpu-or-memory-over-proportion",
    "A container asks with each device for no more CPU and memory than a node has for each, or the node's last devices are left without.",
);
pub(crate) const STARVED: Rule = Rule::warn(
    "cpu-under-proportion",
    "A container has at least one processor for each whole device, or the device waits for its data.",
);

const MILLI: i128 = 1_000_000;

/// Reports containers that ask for too much or too little beside their devices.
pub(crate) fn report(settings: &NodeResources, pod: &Pod, takers: &[Taker<'_>]) {
    let mut candidates = takers
        .iter()
        .filter(|taker| is_whole(&taker.devices))
        .peekable();
    if candidates.peek().is_none() || !counts_whole(pod) {
        return;
    }
    let models = models(pod);
    for taker in candidates {
        let Some(device) = taker.devices.first() else {
            continue;
        };
        report_starved(settings, taker, device);
        report_over(settings, taker, device, &models);
    }
}

/// Whether there is one kind of device, and it is whole.
fn is_whole(devices: &[Device]) -> bool {
    matches!(devices, [device] if device.resource.class == Class::Device)
}

/// Whether one `nvidia.com/gpu` is a whole GPU wherever the pod may run.
fn counts_whole(pod: &Pod) -> bool {
    let shared = site::sharing().is_some_and(|sharing| sharing != "none");
    let cut = site::mig_strategy().is_some_and(|strategy| strategy == "single");
    !shared && !cut && gpu_unit(pod) == GpuUnit::Whole
}

/// The models that the pod may get: those that it selects, else those of the cluster.
fn models(pod: &Pod) -> Vec<&'static Model> {
    selected_models(pod).unwrap_or_else(cluster_models)
}

fn report_starved(settings: &NodeResources, taker: &Taker<'_>, device: &Device) {
    let least = i128::from(settings.least_cpu_millis) * MILLI * i128::from(device.count());
    let Some(text) = taker.container.limit("cpu").filter(|_| least > 0) else {
        return;
    };
    if Quantity::parse(&text).is_ok_and(|limit| limit.nanos() < least) {
        let (name, words) = (taker.container.name(), taker.words());
        let least = Quantity::from_nanos(least);
        STARVED
            .finding(
                taker.resources_path() + "/limits/cpu",
                format!("container `{name}` takes {words} and has a CPU limit of {text}: the device waits while its data is prepared"),
            )
            .actual(text)
            .allowed(format!("{least} or more, or no CPU limit"))
            .fix(format!("set `cpu: {least}` or more under limits, or leave the CPU limit out"))
            .report();
    }
}

/// What the machines of some models bring with one device at most.
struct Most {
    cpu: Quantity,
    memory: Quantity,
}

impl Most {
    /// Of the models that the device may be; `None` where there is none, or one of unknown machines.
    fn of(device: &Device, models: &[&Model]) -> Option<Self> {
        let fitting = models
            .iter()
            .filter(|model| model.vendor == device.resource.vendor);
        let shares: Vec<_> = fitting
            .map(|model| model.host.map(|host| host.most))
            .collect::<Option<_>>()?;
        let cpu = shares.iter().map(|share| share.cpu_millis).max()?;
        let memory = shares.iter().map(|share| share.memory_gib).max()?;
        Some(Self {
            cpu: Quantity::from_nanos(MILLI * i128::from(cpu)),
            memory: Quantity::GIB.checked_mul(memory)?,
        })
    }
}

fn report_over(settings: &NodeResources, taker: &Taker<'_>, device: &Device, models: &[&Model]) {
    let Some(Most { cpu, memory }) = Most::of(device, models) else {
        return;
    };
    for (name, most) in [("cpu", cpu), ("memory", memory)] {
        let wanted = taker
            .container
            .request(name)
            .or_else(|| taker.container.limit(name));
        let Some(text) = wanted else {
            continue;
        };
        let all = most.nanos() * i128::from(settings.most_percent) / 100;
        let all = all.saturating_mul(i128::from(device.count()));
        if Quantity::parse(&text).is_ok_and(|wanted| wanted.nanos() > all) {
            report_one(taker, models, name, text, Quantity::from_nanos(all));
        }
    }
}

fn report_one(taker: &Taker<'_>, models: &[&Model], name: &str, text: String, most: Quantity) {
    let (container, words) = (taker.container.name(), taker.words());
    let ids: Vec<_> = models.iter().map(|model| model.id).collect();
    let ids = ids.join(" or ");
    let most = match name {
        "memory" => most.to_binary_string(),
        _ => most.to_string(),
    };
    OVER.finding(
        taker.resources_path(),
        format!("container `{container}` asks for {text} {name} with {words}, more than comes with them on nodes with {ids}: other devices of the node are left without"),
    )
    .actual(text)
    .allowed(format!("at most {most}"))
    .fix(format!("ask for `{name}: {most}` or less, or for more devices"))
    .report();
}
