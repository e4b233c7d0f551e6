//! The pods that work on one thing together, as the object tells that makes them.

use tollgate_sdk::prelude::*;

/// A kind whose pods work together.
struct Row {
    /// `Kind.group`
    kind: &'static str,
    /// How many keys of their paths the pods of one group share.
    shared: usize,
    /// The fields that tell how many such groups there are, one each where they are absent. A `*` stands for the key
    /// that a pod's path has in the same place.
    copies: &'static [&'static str],
}

const fn row(kind: &'static str, shared: usize, copies: &'static [&'static str]) -> Row {
    Row {
        kind,
        shared,
        copies,
    }
}

const REPLICAS: &[&str] = &["/spec/replicas"];

/// Paths and fields as in the table of kinds. Kinds that count an autoscaled object by its largest size are left out.
static GROUPS: &[Row] = &[
    row("LeaderWorkerSet.leaderworkerset.x-k8s.io", 0, REPLICAS),
    row(
        "DisaggregatedSet.disaggregatedset.x-k8s.io",
        3,
        &["/spec/roles/*/spec/replicas"],
    ),
    row("Service.inference.llmaz.io", 0, REPLICAS),
    row(
        "RoleBasedGroup.workloads.x-k8s.io",
        3,
        &["/spec/roles/*/replicas"],
    ),
    row(
        "ModelServing.workload.serving.volcano.sh",
        4,
        &["/spec/replicas", "/spec/template/roles/*/replicas"],
    ),
    row(
        "DynamoGraphDeployment.nvidia.com",
        3,
        &["/spec/services/*/replicas"],
    ),
    row(
        "StormService.orchestration.aibrix.ai",
        5,
        &["/spec/replicas", "/spec/template/spec/roles/*/replicas"],
    ),
    row("RayClusterFleet.orchestration.aibrix.ai", 0, REPLICAS),
    row("RayCluster.ray.io", 0, &[]),
    row("RayJob.ray.io", 0, &[]),
    row("RayService.ray.io", 0, &[]),
    row("RayCronJob.ray.io", 0, &[]),
    row(
        "JobSet.jobset.x-k8s.io",
        3,
        &["/spec/replicatedJobs/*/replicas"],
    ),
    row("Job.batch.volcano.sh", 0, &[]),
    row("PyTorchJob.kubeflow.org", 0, &[]),
    row("TFJob.kubeflow.org", 0, &[]),
    row("MPIJob.kubeflow.org", 0, &[]),
    row("XGBoostJob.kubeflow.org", 0, &[]),
    row("PaddleJob.kubeflow.org", 0, &[]),
    row("JAXJob.kubeflow.org", 0, &[]),
    row("Job.batch", 0, &[]),
    row("CronJob.batch", 0, &[]),
];

/// Kinds whose pods are one group each.
static ALONE: &[Row] = &[
    row("Deployment.apps", 0, REPLICAS),
    row("ReplicaSet.apps", 0, REPLICAS),
];

/// One pod of several that work together, and the others.
pub(crate) struct Group {
    /// The pods by their templates, each with how many of them one group has.
    pub(crate) members: Vec<(Pod, u64)>,
    /// How many pods all groups of the object have together.
    pub(crate) of_object: u64,
}

impl Group {
    /// The group of a pod that the object makes; nothing where its size is not known, or where the object is a pod.
    pub(crate) fn of(review: &Review, pods: &[Pod], pod: &Pod) -> Option<Self> {
        Self::read(GROUPS, review, pods, pod)
    }

    /// The same, where a pod that works for itself is a group too.
    pub(crate) fn or_alone(review: &Review, pods: &[Pod], pod: &Pod) -> Option<Self> {
        Self::of(review, pods, pod).or_else(|| Self::read(ALONE, review, pods, pod))
    }

    fn read(table: &[Row], review: &Review, pods: &[Pod], pod: &Pod) -> Option<Self> {
        let path = pod.path();
        let owner = pod.owner().filter(|_| !path.is_empty())?;
        let row = table.iter().find(|row| row.kind == owner)?;
        // An object within another has its fields elsewhere.
        if review.kind_dot_group() != owner {
            return None;
        }
        let copies = row
            .copies
            .iter()
            .try_fold(1, |product: u64, pointer| {
                let number = review.number(&bind(pointer, &path)).unwrap_or(1);
                product.checked_mul(number)
            })
            .filter(|copies| *copies > 0)?;
        let place = beginning(&path, row.shared);
        let mut members = Vec::new();
        let mut of_object: u64 = 0;
        for other in pods {
            let count = u64::from(other.count()?);
            of_object = of_object.saturating_add(count);
            if beginning(&other.path(), row.shared) == place && count > 0 {
                let each = (count % copies == 0).then(|| count / copies)?;
                members.push((other.clone(), each));
            }
        }
        Some(Self { members, of_object })
    }

    /// How many pods it has.
    pub(crate) fn size(&self) -> u64 {
        let each = self.members.iter().map(|(_, count)| *count);
        each.fold(0, u64::saturating_add)
    }

    /// How many pods of it take devices.
    pub(crate) fn takers(&self) -> u64 {
        let takers = self.members.iter().filter(|(pod, _)| takes_devices(pod));
        takers.fold(0, |sum: u64, (_, count)| sum.saturating_add(*count))
    }

    /// How many devices of a name its pods take together; nothing where some take others.
    pub(crate) fn devices(&self, name: &str) -> Option<u64> {
        let mut sum: u64 = 0;
        for (pod, count) in &self.members {
            for container in pod.containers().iter() {
                for device in container.devices().iter() {
                    if device.name != name {
                        return None;
                    }
                    sum = sum.saturating_add(device.count().saturating_mul(*count));
                }
            }
        }
        Some(sum)
    }
}

fn takes_devices(pod: &Pod) -> bool {
    let containers = pod.containers();
    containers
        .iter()
        .any(|container| !container.devices().is_empty())
}

/// The first keys of a path.
fn beginning(path: &str, keys: usize) -> Vec<&str> {
    path.split('/').skip(1).take(keys).collect()
}

/// A pointer with what a path has in the place of each `*`.
fn bind(pointer: &str, path: &str) -> String {
    let mut keys = path.split('/');
    let bound: Vec<_> = pointer
        .split('/')
        .map(|own| (own, keys.next().unwrap_or_default()))
        .map(|(own, there)| if own == "*" { there } else { own })
        .collect();
    bound.join("/")
}

#[cfg(test)]
mod tests {
    use super::{beginning, bind};

    #[test]
    fn pointers_take_the_keys_of_the_pod_s_path() {
        let path = "/spec/roles/2/leaderWorkerPattern/template";
        assert_eq!(
            bind("/spec/roles/*/replicas", path),
            "/spec/roles/2/replicas"
        );
        assert_eq!(bind("/spec/replicas", path), "/spec/replicas");
        assert_eq!(beginning(path, 3), ["spec", "roles", "2"]);
    }
}
