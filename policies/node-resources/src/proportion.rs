//! CPU and memory in proportion to devices.
//!
//! Only whole devices count, and only of models whose machines are known: what comes with a slice or a share is not
//! a matter of the node's size.

use tollgate_sdk::gpu::{Class, Model, Quantity};
use tollgate_sdk::prelude::*;
use tollgate_sdk::{Device, Finding, GpuUnit, cluster_models, gpu_unit, selected_models};

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
    let models = models(pod);
    let mut found = Vec::new();
    for taker in takers {
        if let Some(device) = whole(&taker.devices) {
            let mut own = over(settings, taker, device, &models);
            own.extend(starved(settings, taker, device));
            if !own.is_empty() && !is_share(taker.container, device) {
                found.append(&mut own);
            }
        }
    }
    // What a GPU is on these nodes is only worth asking where there is something to say.
    if !found.is_empty() && counts_whole(pod) {
        found.into_iter().for_each(Finding::report);
    }
}

/// The device, where there is one kind of them, and it is whole.
fn whole(devices: &[Device]) -> Option<&Device> {
    match devices {
        [device] if device.resource.class == Class::Device => Some(device),
        _ => None,
    }
}

/// Whether the container asks for memory or cores of the vendor's devices, as HAMi's and MetaX's do, so that a device
/// is a share.
fn is_share(container: &Container, device: &Device) -> bool {
    let limits = container.limits();
    let mut known = limits.iter().filter_map(|(name, _)| gpu::lookup(name));
    known.any(|known| known.class == Class::Quantity && known.vendor == device.resource.vendor)
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

fn starved(settings: &NodeResources, taker: &Taker<'_>, device: &Device) -> Option<Finding> {
    let least = i128::from(settings.least_cpu_millis) * MILLI * i128::from(device.count());
    let text = taker.container.limit("cpu").filter(|_| least > 0)?;
    if Quantity::parse(&text).ok()?.nanos() >= least {
        return None;
    }
    let (name, words) = (taker.container.name(), taker.words());
    let least = Quantity::from_nanos(least);
    let finding = STARVED
        .finding(
            taker.resources_path() + "/limits/cpu",
            format!(
                "container `{name}` has a CPU limit of {text} for {words}, which waits for its data"
            ),
        )
        .actual(text)
        .allowed(format!("{least} or more, or no CPU limit"))
        .fix(format!(
            "set `cpu: {least}` or more under limits, or leave the CPU limit out"
        ));
    Some(finding)
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

fn over(
    settings: &NodeResources,
    taker: &Taker<'_>,
    device: &Device,
    models: &[&Model],
) -> Vec<Finding> {
    let Some(Most { cpu, memory }) = Most::of(device, models) else {
        return Vec::new();
    };
    let found = [("cpu", cpu), ("memory", memory)]
        .into_iter()
        .filter_map(|(name, most)| {
            let request = || taker.container.request(name);
            let text = request().or_else(|| taker.container.limit(name))?;
            let all = most.nanos() * i128::from(settings.most_percent) / 100;
            let all = Quantity::from_nanos(all.saturating_mul(i128::from(device.count())));
            let is_over = Quantity::parse(&text).is_ok_and(|wanted| wanted > all);
            is_over.then(|| over_one(taker, models, name, text, all))
        });
    found.collect()
}

fn over_one(
    taker: &Taker<'_>,
    models: &[&Model],
    name: &str,
    text: String,
    most: Quantity,
) -> Finding {
    let (container, words) = (taker.container.name(), taker.words());
    let ids: Vec<_> = models.iter().map(|model| model.id).collect();
    let ids = ids.join(" or ");
    let most = match name {
        "memory" => most.to_binary_string(),
        _ => most.to_string(),
    };
    OVER.finding(
        taker.resources_path(),
        format!("container `{container}` takes {text} {name} with {words}; {ids} has less"),
    )
    .actual(text)
    .allowed(format!("at most {most}"))
    .fix(format!(
        "ask for `{name}: {most}` or less, or for more devices"
    ))
}
