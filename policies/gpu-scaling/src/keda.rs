//! Fields that KEDA no longer reads.

use tollgate_sdk::prelude::*;

use crate::{SCALED_JOB, SCALED_OBJECT};

pub(crate) const REMOVED: Rule = Rule::warn(
    "removed-trigger-field",
    "The triggers of a ScaledObject have no `metadata.metricName`, which KEDA no longer reads: metrics are named by the trigger's place and `name`.",
)
.about(&[SCALED_OBJECT, SCALED_JOB]);

/// Warns about `metricName`.
pub(crate) fn report(review: &Review, kind: &str) {
    if kind != SCALED_OBJECT && kind != SCALED_JOB {
        return;
    }
    let triggers = review.value("/spec/triggers").unwrap_or_default();
    let each = triggers.as_array().into_iter().flatten().enumerate();
    let named = each.filter_map(|(index, trigger)| {
        let name = trigger.get("metadata")?.get("metricName")?.as_str()?;
        Some((index, name))
    });
    for (index, name) in named {
        REMOVED
            .finding(
                format!("/spec/triggers/{index}/metadata/metricName"),
                "KEDA no longer reads `metricName`: nothing finds the metric by it",
            )
            .actual(name)
            .allowed("no `metricName`")
            .fix(format!("remove it; write `name: {name}` beside the trigger's `type` where something needs a name"))
            .report();
    }
}
