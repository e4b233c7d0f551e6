//! What tells that a pod is one of a group whose pods work on one thing together.
//!
//! Sources: the labels, annotations and variables that the controllers set, read in LeaderWorkerSet, JobSet, KubeRay,
//! the Kubeflow training operator and trainer, Volcano, Grove, RoleBasedGroup, AIBrix, Dynamo, Kueue and the
//! coscheduling plugin; the variables of PyTorch, vLLM and Ray in their documentation.

/// How a pod of an owner relates to the owner's other pods.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kinship {
    /// They are copies of one another, and each works for itself.
    Copies,
    /// They have names of their own by which they may find one another.
    Named,
    /// They may be anything.
    Unknown,
}

/// Kinds of owners, as `Kind.group`, whose pods are no group by themselves.
static KINSHIPS: &[(&str, Kinship)] = &[
    ("Deployment.apps", Kinship::Copies),
    ("ReplicaSet.apps", Kinship::Copies),
    ("ReplicationController", Kinship::Copies),
    ("Job.batch", Kinship::Copies),
    ("CronJob.batch", Kinship::Copies),
    ("StatefulSet.apps", Kinship::Named),
    ("DaemonSet.apps", Kinship::Named),
];

/// Domains of labels and annotations that controllers of groups put on pods.
static DOMAINS: &[&str] = &[
    "leaderworkerset.sigs.k8s.io",
    "jobset.sigs.k8s.io",
    "ray.io",
    "kubeflow.org",
    "volcano.sh",
    "grove.io",
    "workloads.x-k8s.io",
    "orchestration.aibrix.ai",
];

/// The beginnings of single labels and annotations that name a group.
static KEYS: &[&str] = &[
    "batch.kubernetes.io/job-completion-index",
    "kueue.x-k8s.io/pod-group",
    "scheduling.x-k8s.io/pod-group",
    "scheduling.k8s.io/group-name",
    "pod-group.scheduling.sigs.k8s.io",
    "nvidia.com/dynamo",
];

/// Variables by which the pods of a group find one another.
static VARIABLES: &[&str] = &[
    "MASTER_ADDR",
    "NODE_RANK",
    "NNODES",
    "PET_NNODES",
    "PET_NODE_RANK",
    "WORLD_SIZE",
    "RAY_ADDRESS",
    "RAY_IP",
    "LWS_LEADER_ADDRESS",
    "LWS_GROUP_SIZE",
    "LWS_WORKER_INDEX",
    "JOB_COMPLETION_INDEX",
    "VLLM_HOST_IP",
    "VLLM_DP_MASTER_IP",
    "DIST_INIT_ADDR",
];

/// Values of those variables that name no other pod.
static HARMLESS: &[&str] = &["", "1", "localhost", "127.0.0.1"];

/// How the pods of an owner, written `Kind.group`, relate to one another.
#[must_use]
pub fn kinship(owner: &str) -> Kinship {
    let row = KINSHIPS.iter().find(|(known, _)| *known == owner);
    row.map_or(Kinship::Unknown, |(_, kinship)| *kinship)
}

/// Whether a label or an annotation of this key tells that a pod is one of a group.
///
/// ```
/// assert!(tollgate_gpu::marks_group("leaderworkerset.sigs.k8s.io/name"));
/// assert!(!tollgate_gpu::marks_group("app.kubernetes.io/name"));
/// ```
#[must_use]
pub fn marks_group(key: &str) -> bool {
    let domain = key.split_once('/').map_or("", |(domain, _)| domain);
    let is_within = |known: &&str| {
        let rest = domain.strip_suffix(*known);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    DOMAINS.iter().any(is_within) || KEYS.iter().any(|known| key.starts_with(known))
}

/// The variables by which the pods of a group find one another.
pub fn group_variables() -> impl Iterator<Item = &'static str> {
    VARIABLES.iter().copied()
}

/// Whether such a variable of this value names other pods.
#[must_use]
pub fn names_others(value: &str) -> bool {
    !HARMLESS.contains(&value)
}

#[cfg(test)]
mod tests {
    use super::{Kinship, kinship, marks_group, names_others};

    #[test]
    fn knows_the_marks_of_groups() {
        for key in [
            "leaderworkerset.sigs.k8s.io/group-index",
            "ray.io/cluster",
            "training.kubeflow.org/replica-type",
            "modelserving.volcano.sh/name",
            "rolebasedgroup.workloads.x-k8s.io/name",
            "scheduling.x-k8s.io/pod-group",
            "kueue.x-k8s.io/pod-group-name",
        ] {
            assert!(marks_group(key), "{key}");
        }
        for key in [
            "app",
            "model.aibrix.ai/name",
            "kueue.x-k8s.io/queue-name",
            "array.io/cluster",
            "nvidia.com/gpu.product",
        ] {
            assert!(!marks_group(key), "{key}");
        }
    }

    #[test]
    fn owners_that_are_not_listed_may_be_groups() {
        assert_eq!(kinship("Deployment.apps"), Kinship::Copies);
        assert_eq!(kinship("StatefulSet.apps"), Kinship::Named);
        assert_eq!(
            kinship("LeaderWorkerSet.leaderworkerset.x-k8s.io"),
            Kinship::Unknown
        );
        assert_eq!(kinship("Job.batch.volcano.sh"), Kinship::Unknown);
    }

    #[test]
    fn an_address_of_this_pod_names_no_other() {
        assert!(!names_others("localhost"));
        assert!(names_others("leader.svc"));
        assert!(names_others("2"));
    }
}
