//! The pods that work on one thing together, as the object tells that makes them.

use tollgate_sdk::prelude::*;

/// A kind whose pods work together.
struct Row {
    /// `Kind.group`
    kind: &'static str,
    /// Where the pods of one group stand, as in the table of kinds; empty where that is wherever their paths begin alike.
    at: &'static [&'static str],
    /// How many keys of their paths the pods of one group share.
    shared: usize,
    /// The numbers whose product tells how many such groups there are. A `*` in a pointer stands for the key that a pod's
    /// path has in the same place.
    copies: &'static [Number],
    /// Whether one group serves one model, and nothing besides.
    serves_one: bool,
}

/// The first of some fields that is there, else one.
type Number = &'static [&'static str];

const fn row(kind: &'static str, shared: usize, copies: &'static [Number]) -> Row {
    Row {
        kind,
        at: &[],
        shared,
        copies,
        serves_one: false,
    }
}

/// A kind of which one group serves one model.
const fn server(kind: &'static str, shared: usize, copies: &'static [Number]) -> Row {
    Row {
        serves_one: true,
        ..row(kind, shared, copies)
    }
}

/// The same, of whose groups there are several kinds.
const fn pool(kind: &'static str, at: &'static [&'static str], copies: &'static [Number]) -> Row {
    Row {
        at,
        ..server(kind, 0, copies)
    }
}

const REPLICAS: &[Number] = &[&["/spec/replicas"]];
const LLM: &str = "LLMInferenceService.serving.kserve.io";
const OME: &str = "InferenceService.ome.io";

/// Paths and fields as in the table of kinds.
static GROUPS: &[Row] = &[
    server("LeaderWorkerSet.leaderworkerset.x-k8s.io", 0, REPLICAS),
    server(
        "DisaggregatedSet.disaggregatedset.x-k8s.io",
        3,
        &[&["/spec/roles/*/spec/replicas"]],
    ),
    server("Service.inference.llmaz.io", 0, REPLICAS),
    server(
        "RoleBasedGroup.workloads.x-k8s.io",
        3,
        &[&["/spec/roles/*/replicas"]],
    ),
    server(
        "ModelServing.workload.serving.volcano.sh",
        4,
        &[&["/spec/replicas"], &["/spec/template/roles/*/replicas"]],
    ),
    server(
        "DynamoGraphDeployment.nvidia.com",
        3,
        &[&["/spec/services/*/replicas"]],
    ),
    server(
        "StormService.orchestration.aibrix.ai",
        5,
        &[
            &["/spec/replicas"],
            &["/spec/template/spec/roles/*/replicas"],
        ],
    ),
    server(
        "RoleSet.orchestration.aibrix.ai",
        3,
        &[&["/spec/roles/*/replicas"]],
    ),
    server("PodSet.orchestration.aibrix.ai", 0, &[]),
    pool(
        LLM,
        &["/spec/template", "/spec/worker"],
        &[&["/spec/scaling/maxReplicas", "/spec/replicas"]],
    ),
    pool(
        LLM,
        &["/spec/prefill/template", "/spec/prefill/worker"],
        &[&[
            "/spec/prefill/scaling/maxReplicas",
            "/spec/prefill/replicas",
        ]],
    ),
    pool(
        "InferenceService.serving.kserve.io",
        &["/spec/predictor", "/spec/predictor/workerSpec"],
        &[&["/spec/predictor/maxReplicas", "/spec/predictor/minReplicas"]],
    ),
    pool(
        OME,
        &["/spec/engine", "/spec/engine/leader", "/spec/engine/worker"],
        &[&["/spec/engine/maxReplicas", "/spec/engine/minReplicas"]],
    ),
    pool(
        OME,
        &[
            "/spec/decoder",
            "/spec/decoder/leader",
            "/spec/decoder/worker",
        ],
        &[&["/spec/decoder/maxReplicas", "/spec/decoder/minReplicas"]],
    ),
    server(
        "NIMService.apps.nvidia.com",
        0,
        &[&["/spec/scale/hpa/maxReplicas", "/spec/replicas"]],
    ),
    // Kinds whose pods serve one each.
    server(
        "Service.serving.knative.dev",
        0,
        &[&[
            "/spec/template/metadata/annotations/autoscaling.knative.dev~1max-scale",
            "/spec/template/metadata/annotations/autoscaling.knative.dev~1min-scale",
        ]],
    ),
    row("Notebook.kubeflow.org", 0, &[]),
    row("ScaledJob.keda.sh", 0, &[&["/spec/maxReplicaCount"]]),
    // All cliques of a replica together, since which of them make one server is not told.
    row("PodCliqueSet.grove.io", 0, REPLICAS),
    row("RayClusterFleet.orchestration.aibrix.ai", 0, REPLICAS),
    row("RayClusterReplicaSet.orchestration.aibrix.ai", 0, REPLICAS),
    row("RayCluster.ray.io", 0, &[]),
    row("RayJob.ray.io", 0, &[]),
    row("RayService.ray.io", 0, &[]),
    row("RayCronJob.ray.io", 0, &[]),
    row(
        "JobSet.jobset.x-k8s.io",
        3,
        &[&["/spec/replicatedJobs/*/replicas"]],
    ),
    row("Job.batch.volcano.sh", 0, &[]),
    row("CronJob.batch.volcano.sh", 0, &[]),
    row("TrainJob.trainer.kubeflow.org", 0, &[]),
    row("PyTorchJob.kubeflow.org", 0, &[]),
    row("TFJob.kubeflow.org", 0, &[]),
    row("MXJob.kubeflow.org", 0, &[]),
    row("MPIJob.kubeflow.org", 0, &[]),
    row("XGBoostJob.kubeflow.org", 0, &[]),
    row("PaddleJob.kubeflow.org", 0, &[]),
    row("JAXJob.kubeflow.org", 0, &[]),
    row("ElasticJob.elastic.pytorch.org", 0, &[]),
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
    /// How many pods all groups of the object have together, where that is known.
    pub(crate) of_object: Option<u64>,
    /// Whether it serves one model, and nothing besides.
    pub(crate) serves_one: bool,
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
        let is_of = |row: &&Row| row.kind == owner && row.reaches(&path);
        let row = table.iter().find(is_of)?;
        // An object within another has its fields elsewhere.
        if review.kind_dot_group() != owner {
            return None;
        }
        let copies = row.copies(review, &path).filter(|copies| *copies > 0)?;
        let mut members = Vec::new();
        for other in pods {
            if row.brings_together(&path, &other.path()) {
                let count = u64::from(other.count()?);
                let each = (count % copies == 0).then(|| count / copies)?;
                members.push((other.clone(), each));
            }
        }
        members.retain(|(_, each)| *each > 0);
        let counts = pods.iter().map(|pod| pod.count().map(u64::from));
        Some(Self {
            members,
            of_object: counts.sum(),
            serves_one: row.serves_one,
        })
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

impl Row {
    fn reaches(&self, path: &str) -> bool {
        self.at.is_empty() || self.at.contains(&path)
    }

    /// Whether pods of these paths are of one group.
    fn brings_together(&self, path: &str, other: &str) -> bool {
        self.reaches(other) && beginning(path, self.shared) == beginning(other, self.shared)
    }

    /// How many groups there are; nothing where that is more than can be counted.
    fn copies(&self, review: &Review, path: &str) -> Option<u64> {
        self.copies.iter().try_fold(1, |product: u64, fields| {
            let mut numbers = fields.iter();
            let number = numbers.find_map(|pointer| review.number(&bind(pointer, path)));
            product.checked_mul(number.unwrap_or(1))
        })
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
