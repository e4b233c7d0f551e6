//! `lifecycle`: how pods with accelerators end, are moved, and start again.
//!
//! A GPU run that is cut off without a checkpoint, moved by an autoscaler, or started again for ever costs hours that
//! nobody gets back.

use tollgate_sdk::prelude::*;
use tollgate_sdk::takes_accelerators;

mod spot;

mod disruption;
use disruption::Keeper;

mod restart;

mod surge;

mod upgrade;

mod kept;

mod notebook;

mod unserved;

/// Settings of `lifecycle`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Lifecycle {
    /// How many seconds pods on spot nodes get to end, where they have the API's 30: at most what the cloud announces.
    /// Left out, only a warning says so.
    spot_grace_period: Option<u32>,
    /// The autoscalers, `karpenter` and `cluster-autoscaler`, that are told to leave pods that train where they are.
    /// Left out, only a warning says so, and only of pods that select nodes of Karpenter.
    keep_training: Vec<Keeper>,
    /// Whether pods that train must have a deadline, their own or their job's, as budgets of GPU hours want it:
    /// `false` when left out.
    require_deadline: bool,
}

impl Policy for Lifecycle {
    const INFO: Info = Info::new(
        "lifecycle",
        "Sees to it that work on accelerators survives the end of spot nodes and the zeal of autoscalers, and does not start again for ever, and that jobs and rollouts give devices back.",
        &[
            spot::NO_CHECKPOINT,
            spot::SHORT,
            spot::FROM_SETTING,
            disruption::DISRUPTABLE,
            disruption::KEPT,
            restart::FOR_EVER,
            restart::NO_DEADLINE,
            surge::NEEDED,
            upgrade::DOUBLES,
            kept::KEPT,
            notebook::SEVERAL,
            unserved::UNSERVED,
        ],
    )
    .wants(&["cluster"])
    .mutates()
    .validates();

    fn check(&self) -> Result<(), String> {
        match self.spot_grace_period {
            Some(seconds) if !(1..=3600).contains(&seconds) => Err(format!(
                "spotGracePeriod: `{seconds}` must be from 1 to 3600 seconds"
            )),
            _ => Ok(()),
        }
    }

    fn mutate(&self, review: &Review) -> Outcome {
        if self.spot_grace_period.is_none() && self.keep_training.is_empty() {
            return Ok(());
        }
        for pod in review.pods().iter().filter(|pod| is_concerned(pod)) {
            if let Some(seconds) = self.spot_grace_period {
                spot::repair(seconds, review, pod)?;
            }
            disruption::repair(&self.keep_training, pod)?;
        }
        Ok(())
    }

    fn validate(&self, review: &Review) -> Outcome {
        let pods = review.pods();
        for pod in pods.iter().filter(|pod| is_concerned(pod)) {
            spot::report(review, pod);
            disruption::report(pod);
            restart::report(review, pod, self.require_deadline);
            surge::report(review, pod);
            notebook::report(pod);
        }
        let is_template = |pod: &Pod| !pod.path().is_empty();
        if pods
            .iter()
            .any(|pod| is_template(pod) && takes_accelerators(pod))
        {
            upgrade::report(review);
            kept::report(review);
            unserved::report(review);
        }
        Ok(())
    }
}

/// Whether a pod trains, which takes reading its command lines: to be asked last.
fn trains(pod: &Pod) -> bool {
    tollgate_sdk::role(pod) == Some(gpu::Role::Training)
}

/// Agents of every node live and die with it. Where other objects add to a pod, nothing is known to be missing.
fn is_concerned(pod: &Pod) -> bool {
    pod.is_whole() && takes_accelerators(pod) && pod.owner().as_deref() != Some("DaemonSet.apps")
}

#[cfg(test)]
mod tests;
