//! Kinds on which no current controller acts.

use tollgate_sdk::prelude::*;

pub(crate) const UNSERVED: Rule = Rule::warn(
    "unserved-kind",
    "An object is of a kind that a current release of its controller acts upon: one of a kind that was removed is stored, and nothing ever starts.",
)
.about(&["MXJob.kubeflow.org"]);

/// A kind that was removed.
struct Removed {
    /// `Kind.group`
    kind: &'static str,
    by: &'static str,
    instead: &'static str,
}

static REMOVED: &[Removed] = &[Removed {
    kind: "MXJob.kubeflow.org",
    by: "release 1.9 of the training operator",
    instead: "a PyTorchJob, or a TrainJob of Kubeflow Trainer",
}];

/// Warns about an object of a removed kind.
pub(crate) fn report(review: &Review) {
    let kind = review.kind_dot_group();
    let Some(removed) = REMOVED.iter().find(|removed| removed.kind == kind) else {
        return;
    };
    let Removed { by, instead, .. } = removed;
    UNSERVED
        .finding(
            "/kind",
            format!("{by} removed this kind: no pod is ever made"),
        )
        .actual(review.kind())
        .allowed(*instead)
        .fix(format!(
            "write it as {instead}, or keep an older release of the operator"
        ))
        .report();
}
