//! `gpu-scaling`: what changes the number or the size of pods with accelerators.
//!
//! An autoscaler that has no maximum, looks at the wrong number or fights another one costs devices or never scales.
//! Only those are judged whose target is known to take accelerators, or whose metrics are those of a GPU or of an
//! inference server.

use tollgate_sdk::prelude::*;

mod target;
use target::Target;

mod metric;

mod resource;

mod maximum;

mod utilization;

mod vertical;

mod pair;

mod absent;

mod keda;

/// `Kind.group` of what is judged.
pub(crate) const HORIZONTAL: &str = "HorizontalPodAutoscaler.autoscaling";
pub(crate) const SCALED_OBJECT: &str = "ScaledObject.keda.sh";
pub(crate) const SCALED_JOB: &str = "ScaledJob.keda.sh";
pub(crate) const VERTICAL: &str = "VerticalPodAutoscaler.autoscaling.k8s.io";

/// Settings of `gpu-scaling`: none yet.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct GpuScaling {}

impl Policy for GpuScaling {
    const INFO: Info = Info::new(
        "gpu-scaling",
        "Judges what scales pods with accelerators: HorizontalPodAutoscalers, KEDA's ScaledObjects and ScaledJobs, VerticalPodAutoscalers.",
        &[
            maximum::MISSING,
            utilization::CPU_ONLY,
            metric::NEVER_EXPORTED,
            keda::REMOVED,
            vertical::EVICTS,
            pair::FIGHT,
            pair::TWICE,
            absent::ABSENT,
        ],
    )
    .judges(&[HORIZONTAL, SCALED_OBJECT, SCALED_JOB, VERTICAL])
    .wants(&["cluster"])
    .validates();

    fn validate(&self, review: &Review) -> Outcome {
        let kind = review.kind_dot_group();
        metric::report(review, &kind);
        keda::report(review, &kind);
        let Some(target) = Target::of(review, &kind) else {
            return Ok(());
        };
        absent::report(&target);
        if target.takes_accelerators(review, &kind) {
            maximum::report(review, &kind, &target);
            utilization::report(review, &kind, &target);
            vertical::report(review, &kind, &target);
            pair::report(review, &kind, &target);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
