//! Servers on accelerators that are scaled by their CPU.

use tollgate_sdk::prelude::*;

use crate::target::Target;
use crate::{HORIZONTAL, SCALED_OBJECT, resource};

pub(crate) const CPU_ONLY: Rule = Rule::warn(
    "scaled-by-cpu-alone",
    "Pods with accelerators are scaled by what their accelerators or their queues tell: their CPU idles or spins whatever the load, so that they scale too late or for ever.",
)
.about(&[HORIZONTAL, SCALED_OBJECT])
.needs("Deployment.apps");

/// Warns about a scaler that looks at CPU and memory alone.
pub(crate) fn report(review: &Review, kind: &str, target: &Target) {
    let place = match kind {
        HORIZONTAL => "/spec/metrics",
        SCALED_OBJECT => "/spec/triggers",
        _ => return,
    };
    if !resource::are_all(review, kind) {
        return;
    }
    let resources = resource::of(review, kind);
    let actual = match resources.is_empty() {
        // What a HorizontalPodAutoscaler does that names no metric.
        true => "cpu, by default".to_owned(),
        false => resources.join(" and "),
    };
    CPU_ONLY
        .finding(
            place,
            format!(
                "{} takes accelerators and is scaled by {actual} alone",
                target.in_words()
            ),
        )
        .actual(actual)
        .allowed("a metric of the server's queue or of its accelerators")
        .fix("scale by the requests that wait (`vllm:num_requests_waiting`) or by the GPU's use (`DCGM_FI_DEV_GPU_UTIL`)")
        .report();
}
