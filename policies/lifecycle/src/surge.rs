//! Rollouts that need devices which the nodes do not have.
//!
//! Kubernetes' own default (`maxSurge: 25%`, `maxUnavailable: 25%`) makes a new pod first wherever there are few replicas,
//! so most Deployments would be told of. That is wrong only where no device is free: the rule speaks where all nodes are
//! known and have too few, and is quiet elsewhere.

use std::collections::BTreeMap;

use tollgate_sdk::prelude::*;

use crate::spot::names;

pub(crate) const NEEDED: Rule = Rule::warn(
    "surge-needs-devices",
    "A rollout of pods with accelerators takes an old pod away before it makes a new one (`maxUnavailable`, or `Recreate`) where the nodes have no device to spare: else the new pod waits for a device that the old one holds, and the rollout is stuck. Said only where all nodes are known: Kubernetes' own default makes the new pod first, and is right where devices are free.",
)
.about(&["Deployment.apps"])
.needs("nodes");

const STRATEGY: &str = "/spec/strategy";
const DEFAULT: &str = "25%";

/// Warns about a Deployment that makes more pods at once than the nodes have devices for.
pub(crate) fn report(review: &Review, pod: &Pod) {
    if pod.path().is_empty() || pod.owner().as_deref() != Some("Deployment.apps") {
        return;
    }
    let replicas = review.number("/spec/replicas").unwrap_or(1);
    let Some(more) = surge(review, replicas).filter(|more| *more > 0) else {
        return;
    };
    let scarce = devices(pod).into_iter().find_map(|(name, each)| {
        let there = cluster::pod_total(pod, &name)?;
        let needed = replicas.saturating_add(more).saturating_mul(each);
        (needed > u64::from(there)).then_some((name, needed, there))
    });
    if let Some((name, needed, there)) = scarce {
        report_one(pod, more, &format!("{needed} {name}"), there);
    }
}

/// How many pods a rollout makes before it takes one away; `None` where it takes one away first, or nothing is told.
fn surge(review: &Review, replicas: u64) -> Option<u64> {
    let strategy = |field: &str| review.value(&format!("{STRATEGY}/{field}"));
    let is_recreated = strategy("type").is_some_and(|kind| kind == "Recreate");
    let part = |field: &str| {
        let told = strategy(&format!("rollingUpdate/{field}"));
        Part::read(told.as_ref().unwrap_or(&DEFAULT.into()))
    };
    let (surge, unavailable) = (part("maxSurge")?, part("maxUnavailable")?);
    let waits = unavailable.rounded_down(replicas) == 0;
    (replicas > 0 && !is_recreated && waits).then(|| surge.rounded_up(replicas))
}

/// What the application containers of a pod take, by resource.
fn devices(pod: &Pod) -> BTreeMap<String, u64> {
    let mut sum = BTreeMap::new();
    let containers = pod.containers();
    let apps = containers.iter().filter(|one| one.class() == "app");
    for device in apps.flat_map(|one| one.devices().to_vec()) {
        let total: &mut u64 = sum.entry(device.name.clone()).or_default();
        *total = total.saturating_add(device.count());
    }
    sum
}

fn report_one(pod: &Pod, more: u64, needed: &str, there: u32) {
    NEEDED
        .finding(
            STRATEGY,
            format!(
                "a rollout of {} needs {needed}, and its nodes have {there}",
                names(pod)
            ),
        )
        .actual(format!(
            "{more} more before an old pod goes (`maxUnavailable` comes to 0)"
        ))
        .allowed("`maxUnavailable` of 1 or more, or the strategy `Recreate`")
        .fix("set `rollingUpdate: {maxSurge: 0, maxUnavailable: 1}`, or `type: Recreate`")
        .report();
}

/// A number of pods, or a part of them.
enum Part {
    Number(u64),
    Percent(u64),
}

impl Part {
    fn read(value: &tollgate_sdk::serde_json::Value) -> Option<Self> {
        if let Some(number) = value.as_u64() {
            return Some(Self::Number(number));
        }
        let percent = value.as_str()?.strip_suffix('%')?;
        percent.parse().ok().map(Self::Percent)
    }

    fn rounded_down(&self, of: u64) -> u64 {
        match self {
            Self::Number(number) => *number,
            Self::Percent(percent) => of.saturating_mul(*percent) / 100,
        }
    }

    fn rounded_up(&self, of: u64) -> u64 {
        match self {
            Self::Number(number) => *number,
            Self::Percent(percent) => of.saturating_mul(*percent).div_ceil(100),
        }
    }
}
