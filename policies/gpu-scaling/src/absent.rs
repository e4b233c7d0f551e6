//! Scalers of what is not there.

use tollgate_sdk::prelude::*;

use crate::target::Target;
use crate::{HORIZONTAL, SCALED_JOB, SCALED_OBJECT, VERTICAL};

pub(crate) const ABSENT: Rule = Rule::warn(
    "scale-target-absent",
    "A scaler names a workload that is there, or nothing is ever scaled.",
)
.about(&[HORIZONTAL, SCALED_OBJECT, VERTICAL])
.needs("Deployment.apps");

/// Warns where all workloads of the kind are known and the target is not among them.
pub(crate) fn report(target: &Target) {
    if target.kind == SCALED_JOB {
        return;
    }
    let Some(known) = cluster::names(&target.kind, Some(&target.namespace))
        .filter(|known| known.complete && !known.values.contains(&target.name))
    else {
        return;
    };
    let names: Vec<_> = known
        .values
        .iter()
        .map(|name| format!("`{name}`"))
        .collect();
    ABSENT
        .finding(
            format!("{}/name", target.path),
            format!(
                "there is no {} in namespace `{}`: nothing is scaled",
                target.in_words(),
                target.namespace
            ),
        )
        .actual(target.name.clone())
        .allowed(match names.is_empty() {
            true => "the name of a workload that is there".to_owned(),
            false => names.join(" or "),
        })
        .fix("name the workload that is to be scaled, or create it")
        .report();
}
