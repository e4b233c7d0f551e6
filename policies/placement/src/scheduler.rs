//! Schedulers that a cluster does not have.

use tollgate_sdk::prelude::*;

pub(crate) const UNKNOWN: Rule = Rule::deny(
    "unknown-scheduler",
    "The scheduler that a pod names runs in the cluster, or nobody ever looks at the pod: it stays Pending without an event.",
)
.needs("schedulers");

/// Refuses a pod whose scheduler is not there; warns where the cluster may have more schedulers than are known.
pub(crate) fn report(pod: &Pod) {
    let Some(name) = pod.scheduler() else {
        return;
    };
    let Some(known) = cluster::schedulers().filter(|known| !known.values.contains(&name)) else {
        return;
    };
    let quoted: Vec<_> = known
        .values
        .iter()
        .map(|name| format!("`{name}`"))
        .collect();
    let there = quoted.join(", ");
    let message = match known.complete {
        true => format!("the cluster has no scheduler `{name}`: nobody will place the pod"),
        false => {
            format!("no scheduler `{name}` has been seen: nobody may place the pod")
        }
    };
    let finding = UNKNOWN
        .finding(pod.path() + "/spec/schedulerName", message)
        .actual(name)
        .allowed(there)
        .fix("name a scheduler that runs here, or remove `schedulerName`");
    match known.complete {
        true => finding.report(),
        false => finding.warn().report(),
    }
}
