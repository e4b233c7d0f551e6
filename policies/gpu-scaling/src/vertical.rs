//! VerticalPodAutoscalers that evict pods with accelerators.

use tollgate_sdk::prelude::*;

use crate::target::Target;
use crate::{VERTICAL, resource};

pub(crate) const EVICTS: Rule = Rule::warn(
    "vpa-evicts-accelerators",
    "A VerticalPodAutoscaler sets the CPU alone of pods with accelerators, or acts when they start: else it evicts them in the middle of their work, and may set their memory below what `/dev/shm` takes.",
)
.about(&[VERTICAL])
.needs("Deployment.apps");

const MODE: &str = "/spec/updatePolicy/updateMode";

/// Modes in which nothing is evicted.
const HARMLESS: [&str; 2] = ["Off", "Initial"];

/// Warns about a mode that evicts, or sets memory while the pod runs.
pub(crate) fn report(review: &Review, kind: &str, target: &Target) {
    let mode = review.text(MODE);
    let is_harmless = mode.as_deref().is_some_and(|mode| HARMLESS.contains(&mode));
    let sets_memory = resource::of(review, kind)
        .iter()
        .any(|name| name == "memory");
    if kind != VERTICAL || is_harmless || !sets_memory {
        return;
    }
    let mode = mode.unwrap_or_else(|| "no `updateMode`, which evicts".to_owned());
    EVICTS
        .finding(
            MODE,
            format!(
                "the memory of {} is changed while it works on accelerators, by evicting its pods where that is needed",
                target.in_words()
            ),
        )
        .actual(mode)
        .allowed("`Off`, `Initial`, or `controlledResources: [cpu]`")
        .fix("set `updateMode: Initial`, or `controlledResources: [cpu]` in its container policies")
        .report();
}
