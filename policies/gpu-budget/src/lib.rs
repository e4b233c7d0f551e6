//! `gpu-budget`: pods fit into the budgets that they are charged to.
//!
//! What a pod costs is computed by `tollgate_gpu::cost`; this policy says what it is computed of, proposes the charge, and
//! tells in words what does not fit. Where no budget applies it does nothing.
//!
//! Kinds that make pods are compared with the budget and never charged: a controller makes their pods, and those are. So
//! are autoscalers, by the most that they may make of a workload, and whoever scales one.

use tollgate_sdk::prelude::*;

mod pod;
use pod::Costed;

mod demand;
use demand::Demand;

mod fix;

mod words;

/// Settings of `gpu-budget`: there are none, budgets are documents of their own.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GpuBudget {}

const OVER: Rule = Rule::deny(
    "over-budget",
    "A pod fits into each budget that it is charged to; where a budget only warns, so does this.",
);
const SOFT: Rule = Rule::warn(
    "over-soft-limit",
    "With the pod a budget stays within its soft limit: else somebody should see whether all of it is needed.",
);
const NEVER: Rule = Rule::deny(
    "never-fits",
    "The pods of a workload together fit into its budgets, were those empty: else not all of them can ever run. Of what is there already, and does not grow, it is a warning.",
);
const NOT_NOW: Rule = Rule::warn(
    "not-now",
    "The pods of a workload together fit into what is left of its budgets: else some are refused until others have ended.",
);
const GUESSED: Rule = Rule::warn(
    "unknown-price",
    "The price book has a price for each model that the pod may get: else the dearest price of the book is charged.",
);

/// What makes pods, and what says how many pods another object makes.
const JUDGED: &[&str] = &[
    "pods",
    "HorizontalPodAutoscaler.autoscaling",
    "ScaledObject.keda.sh",
    "Scale.autoscaling",
];

impl Policy for GpuBudget {
    const INFO: Info = Info::new(
        "gpu-budget",
        "Charges pods to budgets in GPUs, GPU memory, GPU-hours and money, and refuses what does not fit.",
        &[OVER, SOFT, NEVER, NOT_NOW, GUESSED],
    )
    .judges(JUDGED)
    .wants(&["budget", "cluster"])
    .validates();

    fn validate(&self, review: &Review) -> Outcome {
        let mut demands: Vec<Demand> = Vec::new();
        for pod in review.pods().iter() {
            let accounts = budget::accounts(pod);
            if accounts.is_empty() {
                continue;
            }
            if is_stopped(review) {
                return Ok(());
            }
            let Some(costed) = Costed::of(review, pod) else {
                continue;
            };
            for account in accounts {
                costed.charge(account, &mut demands)?;
            }
        }
        let kind = review.kind_dot_group();
        for demand in &demands {
            match kind.as_str() {
                "Pod" => demand.judge_pod(),
                kind if JUDGED.contains(&kind) => {
                    demand.judge_workload("the pods that it may scale to")
                }
                _ => demand.judge_workload("its pods"),
            }
        }
        Ok(())
    }
}

/// Whether the object makes no pods as it stands: a suspended job, a stopped notebook.
fn is_stopped(review: &Review) -> bool {
    let is_suspended = ["/spec/suspend", "/spec/runPolicy/suspend"]
        .iter()
        .any(|pointer| review.json(pointer).as_deref() == Some("true"));
    is_suspended
        || review
            .json("/metadata/annotations/kubeflow-resource-stopped")
            .is_some()
}

#[cfg(test)]
mod tests;
