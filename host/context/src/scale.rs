//! The pods that an object makes by saying how many replicas another has: an autoscaler by its maximum, a write of the
//! `scale` subresource by its number.

use tollgate_admission::{Kind, Kinds, Request, Review, Scaled, json};

use crate::question::Workload;
use crate::scaler::{self, Maximum};
use crate::snapshot::Snapshot;
use crate::workload;

/// The kind of what the `scale` subresource of any kind takes, as `Kind.group`.
pub const SCALE: &str = "Scale.autoscaling";

/// The kinds with a `scale` subresource whose objects tell what their pods take.
pub const SCALED: [&str; 3] = [
    "Deployment.apps",
    "StatefulSet.apps",
    "LeaderWorkerSet.leaderworkerset.x-k8s.io",
];

const REPLICAS: &str = "/spec/replicas";

/// Lends a review the pods of what its object scales, as far as that is known.
pub fn lend(review: &mut Review, snapshot: &Snapshot, kinds: &Kinds) {
    let request = review.request();
    let maximum = match request.gvk.kind_dot_group() == SCALE {
        true => written(request, kinds),
        false => scaler::maximum(request),
    };
    let Some(Maximum {
        target,
        path,
        replicas,
    }) = maximum
    else {
        return;
    };
    let Some(object) = target.object(snapshot) else {
        return;
    };
    let existing = match &request.old_object {
        Some(old) if path == REPLICAS => json::count_at(old, REPLICAS).unwrap_or_default(),
        // What is left out is one, as the API server has it.
        _ => json::count_at(object, REPLICAS).unwrap_or(1),
    };
    let of = workload::one(object);
    review.lend(&Scaled {
        of: &of,
        path,
        replicas,
        existing,
    });
}

/// What a write of the subresource asks for.
fn written(request: &Request, kinds: &Kinds) -> Option<Maximum> {
    let (group, plural) = request.resource.as_ref()?;
    let is_of = |kind: &&Kind| kind.group == *group && kind.plural == *plural;
    let kind = kinds.rows().iter().find(is_of)?;
    Some(Maximum {
        target: Workload {
            kind: kind.kind_dot_group(),
            namespace: request.namespace.clone()?,
            name: request.name.clone()?,
        },
        path: REPLICAS,
        // The API server leaves a zero out.
        replicas: json::count_at(&request.object, REPLICAS).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests;
