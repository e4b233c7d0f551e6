//! Two scalers of one workload that chase each other.

use tollgate_sdk::prelude::*;

use crate::target::Target;
use crate::{HORIZONTAL, SCALED_OBJECT, VERTICAL, resource};

pub(crate) const FIGHT: Rule = Rule::warn(
    "scalers-fight",
    "A workload is not scaled by a resource that a VerticalPodAutoscaler sets at the same time: more of it in each pod makes the use fall, fewer pods make it rise, and so on.",
)
.about(&[HORIZONTAL, SCALED_OBJECT, VERTICAL])
.needs(VERTICAL);

/// Warns about another scaler of the same target and resource, one of the two being vertical.
pub(crate) fn report(review: &Review, kind: &str, target: &Target) {
    let own = resource::of(review, kind);
    let others = cluster::scalers(&target.kind, &target.namespace, &target.name);
    let is_other_way = |other: &&cluster::Scaler| (other.kind == VERTICAL) != (kind == VERTICAL);
    for other in others.iter().filter(is_other_way) {
        let mut shared = own.iter().filter(|name| other.resources.contains(name));
        if let Some(resource) = shared.next() {
            report_one(target, other, resource);
        }
    }
}

fn report_one(target: &Target, other: &cluster::Scaler, resource: &str) {
    let kind = other.kind.split('.').next().unwrap_or(&other.kind);
    FIGHT
        .finding(
            target.path,
            format!(
                "{kind} `{}` acts on the {resource} of {} as well: the two chase each other",
                other.name,
                target.in_words()
            ),
        )
        .actual(format!("{resource} by both"))
        .allowed("different resources, or one of the two")
        .fix(format!("leave `{resource}` to one of the two"))
        .report();
}
