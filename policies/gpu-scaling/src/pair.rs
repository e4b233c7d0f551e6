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
pub(crate) const TWICE: Rule = Rule::warn(
    "scaled-twice",
    "One HorizontalPodAutoscaler or ScaledObject sets the number of a workload's pods: two set it by turns, to what each wants, and pods with accelerators are started and killed for it.",
)
.about(&[HORIZONTAL, SCALED_OBJECT])
.needs(HORIZONTAL);

/// Warns about other scalers of the same target: of the same kind, or of a resource that both act on.
pub(crate) fn report(review: &Review, kind: &str, target: &Target) {
    let own = resource::of(review, kind);
    let others = cluster::scalers(&target.kind, &target.namespace, &target.name);
    for other in &others {
        match (kind == VERTICAL, other.kind == VERTICAL) {
            (false, false) => report_twice(target, other),
            (true, true) => {}
            _ => {
                let mut shared = own.iter().filter(|name| other.resources.contains(name));
                if let Some(resource) = shared.next() {
                    report_fight(target, other, resource);
                }
            }
        }
    }
}

fn report_twice(target: &Target, other: &cluster::Scaler) {
    let (other, target_name) = (in_words(other), target.in_words());
    TWICE
        .finding(
            target.path,
            format!("{other} sets the number of {target_name} too"),
        )
        .actual(format!("two scalers of {target_name}"))
        .allowed("one scaler with the metrics of both")
        .fix(format!(
            "add its metrics to {other}, or remove one of the two"
        ))
        .report();
}

fn report_fight(target: &Target, other: &cluster::Scaler, resource: &str) {
    FIGHT
        .finding(
            target.path,
            format!(
                "{} acts on the {resource} of {} too",
                in_words(other),
                target.in_words()
            ),
        )
        .actual(format!("{resource} by both"))
        .allowed("different resources, or one of the two")
        .fix(format!("leave `{resource}` to one of the two"))
        .report();
}

fn in_words(scaler: &cluster::Scaler) -> String {
    let kind = scaler.kind.split('.').next().unwrap_or(&scaler.kind);
    format!("{kind} `{}`", scaler.name)
}
