//! Clusters that outlive their job.

use tollgate_sdk::prelude::*;

pub(crate) const KEPT: Rule = Rule::warn(
    "ray-cluster-kept",
    "A RayJob takes its cluster away when it is done (`shutdownAfterJobFinishes`): else the cluster holds its devices until somebody deletes it.",
)
.about(&["RayJob.ray.io", "RayCronJob.ray.io"]);

/// Warns about a RayJob that leaves its cluster.
pub(crate) fn report(review: &Review) {
    let job = match review.kind_dot_group().as_str() {
        "RayJob.ray.io" => "/spec",
        "RayCronJob.ray.io" => "/spec/jobTemplate",
        _ => return,
    };
    let place = format!("{job}/shutdownAfterJobFinishes");
    let goes = review.value(&place).is_some_and(|value| value == true);
    let is_told = |field: &str| review.value(&format!("{job}/{field}")).is_some();
    // A cluster that was there before is not the job's.
    if goes || is_told("deletionStrategy") || is_told("clusterSelector") {
        return;
    }
    KEPT.finding(
        place,
        "the cluster stays when the job is done, until somebody deletes it",
    )
    .actual("no `shutdownAfterJobFinishes: true`")
    .allowed("`shutdownAfterJobFinishes: true`, or a `deletionStrategy`")
    .fix("set `shutdownAfterJobFinishes: true` and `ttlSecondsAfterFinished`")
    .report();
}
