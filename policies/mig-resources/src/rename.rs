//! A whole GPU becomes the MIG device that the pod says it needs.

use tollgate_sdk::gpu::{Class, MigName, Quantity, lookup};
use tollgate_sdk::prelude::*;
use tollgate_sdk::{Device, EditError, Finding, GpuUnit, below, gpu_unit, selected};

use crate::Taker;
use crate::choice::{NoChoice, candidates, choose, ids, largest, offered};
use crate::shape::UNAVAILABLE;
use crate::size::{Need, Size, Unreadable};

pub(crate) const FROM_SIZE: Rule = Rule::repair(
    "mig-from-size",
    "A pod that asks for one whole GPU and says that it needs less gets the smallest MIG device that is enough, by the name that its GPU model has for it.",
);
pub(crate) const UNREADABLE: Rule = Rule::deny(
    "mig-size-unreadable",
    "The annotations `tollgate.dev/gpu-memory` and `tollgate.dev/mig-profile` say how much of a GPU a pod needs, one of them, in a form that can be read.",
);
pub(crate) const UNCLEAR: Rule = Rule::deny(
    "mig-size-unclear",
    "A pod that says how much of a GPU it needs asks for one GPU in a container: a process can use one MIG device only, so several are not what is needed.",
);
pub(crate) const TOO_LARGE: Rule = Rule::deny(
    "mig-size-too-large",
    "A pod says that it needs more GPU memory than the largest MIG device of its GPU model has.",
);
pub(crate) const UNKNOWN_MODEL: Rule = Rule::deny(
    "mig-model-unknown",
    "A pod says how much of a GPU it needs, but neither its selectors nor the site tell the GPU model well enough to name the MIG device.",
);
pub(crate) const NO_NAMES: Rule = Rule::warn(
    "mig-names-absent",
    "A pod says how much of a GPU it needs where nodes offer MIG devices under no name of their own, so it gets what `nvidia.com/gpu` stands for there.",
);
pub(crate) const DEFAULT_UNUSED: Rule = Rule::warn(
    "mig-default-unused",
    "The size that the settings of `mig-resources` give to pods does not lead to a MIG device, so the pod keeps its whole GPU.",
);

pub(crate) const WHOLE_GPU: &str = "nvidia.com/gpu";
const GKE_MODEL: &str = "cloud.google.com/gke-accelerator";

/// What is to be done about a pod.
enum Plan<'a> {
    Nothing,
    Unreadable(Unreadable),
    Rename(Vec<&'a Taker>, MigName),
    /// MIG devices have no names there; what it would be, where that can be told.
    NoNames(Need, &'a Taker, Option<MigName>),
    NoChoice(Need, &'a Taker, NoChoice),
}

/// Renames the GPUs of a pod.
pub(crate) fn repair(default: Option<&Size>, pod: &Pod, takers: &[Taker]) -> Outcome {
    let Plan::Rename(takers, name) = plan(default, pod, takers) else {
        return Ok(());
    };
    let name = name.resource();
    for taker in takers {
        match edits::rename_resource(&taker.container, FROM_SIZE.id, WHOLE_GPU, &name, Some("1")) {
            // A debug container, which can take nothing: the API server says so.
            Ok(()) | Err(EditError::Invalid(_)) => {}
            Err(refused) => return Err(refused.into()),
        }
    }
    Ok(())
}

/// Reports why the GPUs of a pod are not renamed.
pub(crate) fn report(default: Option<&Size>, pod: &Pod, takers: &[Taker]) {
    match plan(default, pod, takers) {
        Plan::Nothing | Plan::Rename(..) => {}
        Plan::Unreadable(unreadable) => report_unreadable(pod, &unreadable),
        Plan::NoNames(need, taker, name) => report_no_names(pod, &need, taker, name),
        Plan::NoChoice(need, taker, why) => report_no_choice(pod, &need, taker, &why),
    }
    report_unclear(pod, takers);
}

fn plan<'a>(default: Option<&Size>, pod: &Pod, takers: &'a [Taker]) -> Plan<'a> {
    if !takers.iter().any(|taker| taker.whole().is_some()) {
        return Plan::Nothing;
    }
    let need = match Need::of(pod, default) {
        Ok(Some(need)) => need,
        Ok(None) => return Plan::Nothing,
        Err(unreadable) => return Plan::Unreadable(unreadable),
    };
    let mut single: Vec<_> = takers.iter().filter(|taker| taker.is_single()).collect();
    single.retain(|taker| !shares(&taker.container));
    // On nodes that are all cut alike, and where GPUs are shared, the plain name is the right one.
    let Some(first) = single.first().filter(|_| gpu_unit(pod) == GpuUnit::Whole) else {
        return Plan::Nothing;
    };
    match choose(&need.size, &candidates(pod)) {
        chosen if !has_mig_names(pod) => Plan::NoNames(need, first, chosen.ok()),
        Ok(name) => Plan::Rename(single, name),
        Err(why) => Plan::NoChoice(need, first, why),
    }
}

impl Taker {
    /// The whole GPUs that it asks for.
    pub(crate) fn whole(&self) -> Option<&Device> {
        self.devices.iter().find(|device| device.name == WHOLE_GPU)
    }

    /// Whether it asks for one whole GPU and nothing else.
    fn is_single(&self) -> bool {
        let one = |text: &String| Quantity::parse(text) == Ok(Quantity::from(1));
        match self.devices.as_slice() {
            [device] => {
                device.name == WHOLE_GPU && device.request.iter().chain(&device.limit).all(one)
            }
            _ => false,
        }
    }
}

/// Whether the container asks for memory or cores of its GPU, as HAMi hands them out.
fn shares(container: &Container) -> bool {
    let is_part = |name: &str| lookup(name).is_some_and(|known| known.class == Class::Quantity);
    container.limits().iter().any(|(name, _)| is_part(name))
}

/// Whether MIG devices have names of their own: not so under the strategies `single` and `none`, nor on GKE, whose
/// nodes are all cut alike.
fn has_mig_names(pod: &Pod) -> bool {
    match site::mig_strategy().as_deref() {
        Some("mixed") => true,
        Some(_) => false,
        None => selected(pod, |key, _| (key == GKE_MODEL).then(|| vec![()])).is_none(),
    }
}

fn report_unreadable(pod: &Pod, unreadable: &Unreadable) {
    let Unreadable {
        annotation,
        written,
        why,
        form,
    } = unreadable;
    UNREADABLE
        .finding(
            below(&pod.path(), &["metadata", "annotations", annotation]),
            format!("the annotation `{annotation}` cannot be read: {why}"),
        )
        .actual(written)
        .allowed(*form)
        .fix(format!("set `{annotation}` to {form}"))
        .report();
}

fn report_no_names(pod: &Pod, need: &Need, taker: &Taker, name: Option<MigName>) {
    let cut = name.map_or_else(|| "parts of that size".to_owned(), |name| name.profile());
    NO_NAMES
        .finding(
            place(pod, need, taker),
            format!("container `{}` keeps `{WHOLE_GPU}` though it needs {}: MIG devices have no names here", taker.container.name(), need.size),
        )
        .actual(format!("{WHOLE_GPU}: 1"))
        .allowed("MIG resource names, which nodes have under the strategy `mixed`")
        .fix(format!("select nodes that are cut into {cut}, on GKE by `cloud.google.com/gke-gpu-partition-size`; where MIG is `mixed`, say so in the Site document"))
        .report();
}

fn report_no_choice(pod: &Pod, need: &Need, taker: &Taker, why: &NoChoice) {
    let (rule, problem, allowed, fix) = explain(need, why);
    let rule = if need.annotation.is_some() {
        rule
    } else {
        DEFAULT_UNUSED
    };
    let message = format!(
        "container `{}` needs {}, but {problem}",
        taker.container.name(),
        need.size
    );
    finding(&rule, pod, need, taker, message)
        .allowed(allowed)
        .fix(fix)
        .report();
}

fn finding(rule: &Rule, pod: &Pod, need: &Need, taker: &Taker, message: String) -> Finding {
    rule.finding(place(pod, need, taker), message)
        .actual(need.size.to_string())
}

/// The rule, what is wrong, what would be right, and how to get there.
fn explain(need: &Need, why: &NoChoice) -> (Rule, String, String, String) {
    let select = "select a GPU model with `nodeSelector: {nvidia.com/gpu.product: …}`";
    match why {
        NoChoice::Unknown => (
            UNKNOWN_MODEL,
            "nothing says which GPU model it gets".to_owned(),
            "a model that the pod selects, or models that the site lists".to_owned(),
            format!(
                "{select}, or list the cluster's models under `gpuModels` of the Site document"
            ),
        ),
        NoChoice::Differ(models) => {
            let each: Vec<_> = models
                .iter()
                .map(|(model, name)| format!("{} on {}", name.profile(), model.id))
                .collect();
            (
                UNKNOWN_MODEL,
                format!("that is {}", each.join(" and ")),
                "one GPU model".to_owned(),
                select.to_owned(),
            )
        }
        NoChoice::NotCut(models) => (
            UNAVAILABLE,
            format!("{} cannot be cut by MIG", ids(models)),
            "a GPU model with MIG".to_owned(),
            format!("{select} that has MIG, or take the annotation away to get the whole GPU"),
        ),
        NoChoice::None(models) => none_fits(need, models, select),
    }
}

fn none_fits(
    need: &Need,
    models: &[&'static gpu::Model],
    select: &str,
) -> (Rule, String, String, String) {
    let names = ids(models);
    let allowed = format!("profiles of {names}: {}", offered(models));
    match (&need.size, largest(models)) {
        (Size::Memory { .. }, Some(largest)) => (
            TOO_LARGE,
            format!("the largest MIG device of {names} is {}", largest.profile()),
            allowed,
            format!(
                "ask for at most {}Gi, or {select} with more memory",
                largest.memory_gb
            ),
        ),
        _ => (
            UNAVAILABLE,
            format!("{names} has no such profile"),
            allowed,
            format!("name a profile that {names} has, or {select} that has this one"),
        ),
    }
}

/// Reports containers with several GPUs in a pod that says how much of one it needs. A default is for single GPUs.
fn report_unclear(pod: &Pod, takers: &[Taker]) {
    let several = |taker: &&Taker| taker.whole().is_some_and(|device| device.count() > 1);
    let mut several = takers.iter().filter(several).peekable();
    if several.peek().is_none() {
        return;
    }
    let Ok(Some(need)) = Need::of(pod, None) else {
        return;
    };
    if gpu_unit(pod) != GpuUnit::Whole {
        return;
    }
    for taker in several.filter(|taker| !shares(&taker.container)) {
        let count = taker.whole().map_or(0, Device::count);
        let message = format!(
            "container `{}` asks for {count} {WHOLE_GPU}, but the pod says that it needs {}",
            taker.container.name(),
            need.size
        );
        finding(&UNCLEAR, pod, &need, taker, message)
            .allowed(format!("{WHOLE_GPU}: 1"))
            .fix(format!(
                "ask for `{WHOLE_GPU}: 1`, or take the annotation away to get {count} whole GPUs"
            ))
            .report();
    }
}

/// The annotation, where one says what is needed, else the GPU of the container.
fn place(pod: &Pod, need: &Need, taker: &Taker) -> String {
    match (need.annotation, taker.whole()) {
        (Some(annotation), _) => below(&pod.path(), &["metadata", "annotations", annotation]),
        (None, Some(device)) => taker.place(device),
        (None, None) => taker.container.path(),
    }
}
