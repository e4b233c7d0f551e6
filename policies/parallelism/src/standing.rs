//! Whether a pod works for itself or with others.

use tollgate_sdk::gpu::{Kinship, group_variables, kinship, marks_group, names_others};
use tollgate_sdk::prelude::*;
use tollgate_sdk::{Program, below};

/// How a pod stands to others.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Standing {
    /// No other pod takes part in its work.
    Alone,
    /// Nothing tells that others do, and they may.
    Unclear,
    /// It is, or looks like, one of a group.
    Grouped,
}

use Standing::{Alone, Grouped, Unclear};

/// Words of a command line by which the pods of a group find one another.
const WORDS: [&str; 7] = [
    "LWS_",
    "RAY_",
    "MASTER_ADDR",
    "NODE_RANK",
    "COMPLETION_INDEX",
    "multi-node",
    "multinode",
];

/// Programs that start processes in other pods.
const SPANNING: [&str; 4] = ["ray", "mpirun", "mpiexec", "srun"];

/// How a pod stands to others, as far as its object tells.
pub(crate) fn of(
    review: &Review,
    has_others: bool,
    pod: &Pod,
    container: &Container,
    program: &Program,
) -> Standing {
    let by_owner = standing_of_owner(pod);
    if has_others
        || by_owner == Grouped
        || is_marked(pod)
        || finds_others(container)
        || program.words.iter().any(speaks_of_others)
        || is_scheduled_with_others(review, pod)
    {
        return Grouped;
    }
    // A service gives such a pod a name, and other objects may hold what `envFrom` brings.
    if container.has_env_from() || has(review, pod, "subdomain") {
        return Unclear;
    }
    by_owner
}

fn standing_of_owner(pod: &Pod) -> Standing {
    let Some(owner) = pod.owner() else {
        return Alone;
    };
    let is_job = owner == "Job.batch" || owner == "CronJob.batch";
    match kinship(&owner) {
        Kinship::Copies if is_job && pod.count().is_none_or(|count| count > 1) => Unclear,
        Kinship::Copies => Alone,
        Kinship::Named => Unclear,
        Kinship::Unknown => Grouped,
    }
}

fn is_marked(pod: &Pod) -> bool {
    let is_mark = |(key, _): &(String, String)| marks_group(key);
    pod.labels().iter().any(is_mark) || pod.annotations().iter().any(is_mark)
}

fn finds_others(container: &Container) -> bool {
    group_variables()
        .filter_map(|name| container.env(name))
        .any(|variable| variable.value.as_deref().is_none_or(names_others))
}

fn speaks_of_others(word: &str) -> bool {
    let program = word.rsplit('/').next().unwrap_or(word);
    SPANNING.contains(&program) || WORDS.iter().any(|mark| word.contains(mark))
}

/// Kubernetes' own groups: `schedulingGroup`, and `workloadRef` before it.
fn is_scheduled_with_others(review: &Review, pod: &Pod) -> bool {
    has(review, pod, "schedulingGroup") || has(review, pod, "workloadRef")
}

fn has(review: &Review, pod: &Pod, field: &str) -> bool {
    review.json(&below(&pod.path(), &["spec", field])).is_some()
}
