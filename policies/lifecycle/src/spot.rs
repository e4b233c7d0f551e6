//! Pods on nodes that may be taken back at short notice.

use tollgate_sdk::gpu::Capacity;
use tollgate_sdk::prelude::*;
use tollgate_sdk::{CapacityChoice, Volume, below, capacities};

use crate::trains;

pub(crate) const NO_CHECKPOINT: Rule = Rule::warn(
    "spot-without-checkpoint",
    "A pod that trains on spot nodes has a volume or an object store that outlives it, or every reclaimed node loses its work.",
);
pub(crate) const SHORT: Rule = Rule::warn(
    "spot-grace-period",
    "A pod on spot nodes uses the time that its cloud gives it to save its work, which is longer than the API's 30 seconds on AWS.",
);
pub(crate) const FROM_SETTING: Rule = Rule::repair(
    "spot-grace-period-default",
    "A pod on spot nodes that has the API's 30 seconds to end gets what the setting `spotGracePeriod` says, at most what its cloud announces.",
);

/// What the API gives a pod that says nothing.
const DEFAULT: u32 = 30;

/// Gives a pod on spot nodes more time to end.
pub(crate) fn repair(seconds: u32, review: &Review, pod: &Pod) -> Outcome {
    let Some(choice) = spot(pod).filter(|_| has_default(pod) && !stops_by_itself(review, pod))
    else {
        return Ok(());
    };
    let most = choice.notice.map_or(seconds, |notice| seconds.min(notice));
    if most > DEFAULT {
        edits::set_grace_period(pod, FROM_SETTING.id, most)?;
    }
    Ok(())
}

/// Warns about work that the end of a spot node loses.
pub(crate) fn report(review: &Review, pod: &Pod) {
    let Some(choice) = spot(pod) else {
        return;
    };
    if trains(pod) && !keeps_its_work(pod) {
        report_no_checkpoint(pod, &choice);
    }
    let notice = choice.notice.filter(|notice| *notice > DEFAULT);
    if let Some(notice) = notice.filter(|_| has_default(pod) && !stops_by_itself(review, pod)) {
        report_short(pod, &choice, notice);
    }
}

fn report_no_checkpoint(pod: &Pod, choice: &CapacityChoice) {
    NO_CHECKPOINT
        .finding(
            choice.path.clone(),
            format!(
                "the pod of {} trains on spot nodes and keeps no checkpoint",
                names(pod)
            ),
        )
        .actual(format!(
            "neither a writable volume that outlives the pod nor an object store; {}",
            choice.words
        ))
        .allowed("a persistent volume that it may write, or the address of an object store")
        .fix("mount a PersistentVolumeClaim for checkpoints, or run it on on-demand nodes")
        .report();
}

fn report_short(pod: &Pod, choice: &CapacityChoice, notice: u32) {
    SHORT
        .finding(
            pod.path() + "/spec/terminationGracePeriodSeconds",
            format!(
                "the pod of {} gives itself {DEFAULT} s of {notice} when its spot node ends",
                names(pod)
            ),
        )
        .actual(format!("{DEFAULT}; {}", choice.words))
        .allowed(format!("up to {notice}, or a preStop hook"))
        .fix(format!(
            "set `terminationGracePeriodSeconds: {notice}`, and save the work on SIGTERM"
        ))
        .report();
}

/// The first place where the pod lets itself onto spot nodes.
fn spot(pod: &Pod) -> Option<CapacityChoice> {
    capacities(pod)
        .into_iter()
        .find(|choice| choice.capacity == Capacity::Spot)
}

/// The API server fills in its default before it asks, so that a default that was written on purpose looks the same.
fn has_default(pod: &Pod) -> bool {
    pod.grace_period().is_none_or(|seconds| seconds == DEFAULT)
}

/// Whether a container has a hook that runs before it is stopped.
fn stops_by_itself(review: &Review, pod: &Pod) -> bool {
    pod.containers().iter().any(|container| {
        let hook = below(&container.path(), &["lifecycle", "preStop"]);
        review.json(&hook).is_some()
    })
}

/// Sources of volumes that end with the pod or with its node, or that are read alone.
const FLEETING: [&str; 8] = [
    "emptyDir",
    "hostPath",
    "ephemeral",
    "configMap",
    "secret",
    "downwardAPI",
    "projected",
    "image",
];

/// How addresses of object stores begin.
const STORES: [&str; 9] = [
    "s3://", "gs://", "az://", "abfs://", "abfss://", "wasb://", "oss://", "obs://", "tos://",
];

/// Whether something of the pod outlives it; a container whose variables come from elsewhere may well have it.
fn keeps_its_work(pod: &Pod) -> bool {
    let lasts = |volume: Volume| !FLEETING.contains(&volume.source.as_str());
    pod.containers().iter().any(|container| {
        let mounts = container.mounts();
        let mut writable = mounts.iter().filter(|mount| !mount.read_only);
        writable.any(|mount| pod.volume(&mount.name).is_some_and(lasts))
            || container.has_env_from()
            || names_a_store(container)
    })
}

fn names_a_store(container: &Container) -> bool {
    let is_store = |text: &str| STORES.iter().any(|store| text.contains(store));
    let variables = container.env_with_prefix("");
    let by_variable = variables.iter().any(|variable| {
        variable.name.contains("BUCKET") || variable.value.as_deref().is_some_and(is_store)
    });
    by_variable || container.words().iter().any(is_store)
}

/// The pod's containers by name.
pub(crate) fn names(pod: &Pod) -> String {
    let containers = pod.containers();
    let apps = containers
        .iter()
        .filter(|container| container.class() == "app");
    let names: Vec<_> = apps
        .map(|container| format!("`{}`", container.name()))
        .collect();
    names.join(", ")
}
