//! Work that starts again for ever, or has no end.

use tollgate_sdk::prelude::*;

use crate::spot::names;
use crate::trains;

pub(crate) const FOR_EVER: Rule = Rule::warn(
    "restarts-for-ever",
    "A pod that trains has no restart policy of `Always`: it would start again when it is done, and a crash loop burns GPU hours for ever.",
);
pub(crate) const NO_DEADLINE: Rule = Rule::warn(
    "no-deadline",
    "A pod that trains has `activeDeadlineSeconds`, its own or its job's, so that a hanging run ends: where the setting `requireDeadline` says so.",
);

/// The group of kinds that give each role of pods a restart policy beside its template.
const KUBEFLOW: &str = ".kubeflow.org";

/// Warns about training without an end.
pub(crate) fn report(review: &Review, pod: &Pod, require_deadline: bool) {
    let owner = pod.owner();
    let restarting = restarting(review, pod, owner.as_deref());
    // A pod's controller was reviewed with its deadline.
    let needs_deadline = require_deadline && (owner.is_none() || !pod.path().is_empty());
    if restarting.is_none() && !needs_deadline || !trains(pod) {
        return;
    }
    if let Some(path) = restarting {
        report_for_ever(pod, path, owner.is_some());
    }
    if needs_deadline {
        report_no_deadline(review, pod);
    }
}

/// Where the pod's restart policy is `Always`, unless its kind sees to that.
fn restarting(review: &Review, pod: &Pod, owner: Option<&str>) -> Option<String> {
    let path = pod.path();
    let by_kubeflow = owner.is_some_and(|owner| owner.ends_with(KUBEFLOW));
    if path.is_empty() {
        let is_own = owner.is_none() || by_kubeflow;
        return (is_own && pod.restart_policy() == "Always")
            .then(|| "/spec/restartPolicy".to_owned());
    }
    let beside = format!("{}/restartPolicy", path.strip_suffix("/template")?);
    let is_always = || review.json(&beside).as_deref() == Some("\"Always\"");
    (by_kubeflow && is_always()).then_some(beside)
}

fn report_for_ever(pod: &Pod, path: String, has_owner: bool) {
    let what = match has_owner {
        true => "a crash loop holds its GPUs for ever",
        false => "it starts again when it is done",
    };
    FOR_EVER
        .finding(
            path,
            format!(
                "the pod of {} trains with `restartPolicy: Always`: {what}",
                names(pod)
            ),
        )
        .actual("Always")
        .allowed("OnFailure or Never")
        .fix("set `restartPolicy: OnFailure`, and run it as a Job with a `backoffLimit`")
        .report();
}

fn report_no_deadline(review: &Review, pod: &Pod) {
    let path = pod.path();
    let job = path.strip_suffix("/template").unwrap_or(&path);
    let places = [
        format!("{path}/spec/activeDeadlineSeconds"),
        format!("{job}/activeDeadlineSeconds"),
        "/spec/runPolicy/activeDeadlineSeconds".to_owned(),
    ];
    if places.iter().any(|place| review.json(place).is_some()) {
        return;
    }
    NO_DEADLINE
        .finding(
            path + "/spec",
            format!(
                "the pod of {} trains without a deadline: if it hangs it keeps its GPUs",
                names(pod)
            ),
        )
        .actual("no `activeDeadlineSeconds`")
        .allowed("`activeDeadlineSeconds` on the job or the pod")
        .fix("set `activeDeadlineSeconds` to somewhat more than the run should take")
        .report();
}
