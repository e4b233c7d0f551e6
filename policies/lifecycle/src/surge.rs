//! Rollouts that need devices which nobody has to spare.

use tollgate_sdk::prelude::*;

use crate::spot::names;

pub(crate) const NEEDED: Rule = Rule::warn(
    "surge-needs-devices",
    "A rollout of pods with accelerators can take an old pod away before the new one has its devices (`maxUnavailable`, or `Recreate`): else the new pod waits for a device that the old one holds, and the rollout is stuck.",
)
.about(&["Deployment.apps"]);

const STRATEGY: &str = "/spec/strategy";
const DEFAULT: &str = "25%";

/// Warns about a Deployment that makes new pods before it takes old ones away.
pub(crate) fn report(review: &Review, pod: &Pod) {
    if pod.path().is_empty() || pod.owner().as_deref() != Some("Deployment.apps") {
        return;
    }
    let strategy = |field: &str| review.value(&format!("{STRATEGY}/{field}"));
    let replicas = review.number("/spec/replicas").unwrap_or(1);
    if replicas == 0 || strategy("type").is_some_and(|kind| kind == "Recreate") {
        return;
    }
    let part = |field: &str| {
        let told = strategy(&format!("rollingUpdate/{field}"));
        Part::read(told.as_ref().unwrap_or(&DEFAULT.into()))
    };
    let (Some(surge), Some(unavailable)) = (part("maxSurge"), part("maxUnavailable")) else {
        return;
    };
    let more = surge.rounded_up(replicas);
    if unavailable.rounded_down(replicas) > 0 || more == 0 {
        return;
    }
    NEEDED
        .finding(
            STRATEGY,
            format!("a rollout makes {more} more of the pod of {} before it takes an old one away, and is stuck where no device is free for it", names(pod)),
        )
        .actual(format!("`maxSurge` of {more} and `maxUnavailable` of 0 for {replicas} replicas"))
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
