//! The kinds of objects that tell something of a cluster, and what is kept of each.

use crate::kept::Keep::{self, Configuration, Name, Places, Pod, Pods, Whole};

pub(crate) const NODE: &str = "Node";
pub(crate) const NODE_POOL: &str = "NodePool.karpenter.sh";
pub(crate) const CLUSTER_POLICY: &str = "ClusterPolicy.nvidia.com";
pub(crate) const CONFIG_MAP: &str = "ConfigMap";
pub(crate) const POD: &str = "Pod";

/// The kinds that schedulers run as.
pub(crate) const SCHEDULERS: [&str; 2] = ["Deployment.apps", "StatefulSet.apps"];

/// What autoscalers are told of a group of the Cluster API stands in its annotations.
const GROUP: Keep = Places(&[
    "/metadata/name",
    "/metadata/annotations",
    "/metadata/deletionTimestamp",
    "/spec/template/metadata/labels",
]);

/// Each kind, as `Kind.group`.
const KINDS: [(&str, Keep); 36] = [
    (
        NODE,
        Places(&[
            "/metadata/name",
            "/metadata/labels",
            "/metadata/deletionTimestamp",
            "/spec/taints",
            "/status/allocatable",
        ]),
    ),
    (
        NODE_POOL,
        Places(&[
            "/metadata/name",
            "/metadata/deletionTimestamp",
            "/spec/limits",
            "/spec/template/metadata/labels",
            "/spec/template/spec/requirements",
            "/spec/template/spec/taints",
        ]),
    ),
    ("MachineDeployment.cluster.x-k8s.io", GROUP),
    ("MachinePool.cluster.x-k8s.io", GROUP),
    ("MachineSet.cluster.x-k8s.io", GROUP),
    (
        CLUSTER_POLICY,
        Places(&["/spec/devicePlugin/config", "/spec/mig/strategy"]),
    ),
    (CONFIG_MAP, Configuration),
    (POD, Pod),
    ("Namespace", Whole),
    (
        "PriorityClass.scheduling.k8s.io",
        Places(&["/value", "/globalDefault"]),
    ),
    ("RuntimeClass.node.k8s.io", Name),
    ("DeviceClass.resource.k8s.io", Name),
    (
        "ClusterQueue.kueue.x-k8s.io",
        Places(&["/spec/resourceGroups"]),
    ),
    ("LocalQueue.kueue.x-k8s.io", Places(&["/spec/clusterQueue"])),
    ("WorkloadPriorityClass.kueue.x-k8s.io", Name),
    ("Queue.scheduling.volcano.sh", Name),
    ("Queue.scheduling.run.ai", Name),
    ("PersistentVolumeClaim", Places(&["/spec/accessModes"])),
    (
        "HorizontalPodAutoscaler.autoscaling",
        Places(&[
            "/metadata/name",
            "/metadata/ownerReferences/*/kind",
            "/spec/scaleTargetRef",
            "/spec/targetCPUUtilizationPercentage",
            "/spec/metrics/*/resource/name",
            "/spec/metrics/*/containerResource/name",
        ]),
    ),
    (
        "ScaledObject.keda.sh",
        Places(&[
            "/metadata/name",
            "/spec/scaleTargetRef",
            "/spec/triggers/*/type",
        ]),
    ),
    (
        "VerticalPodAutoscaler.autoscaling.k8s.io",
        Places(&[
            "/metadata/name",
            "/spec/targetRef",
            "/spec/updatePolicy/updateMode",
            "/spec/resourcePolicy/containerPolicies/*/controlledResources",
        ]),
    ),
    (
        "ResourceClaimTemplate.resource.k8s.io",
        Places(&["/spec/spec/devices/requests"]),
    ),
    (
        "ResourceClaim.resource.k8s.io",
        Places(&["/spec/devices/requests"]),
    ),
    ("StorageClass.storage.k8s.io", Name),
    ("PodTemplate", Pods),
    (
        "ResourceFlavor.kueue.x-k8s.io",
        Places(&["/spec/nodeLabels"]),
    ),
    ("NVIDIADriver.nvidia.com", Places(&["/spec/nodeSelector"])),
    // What leads to pods.
    ("Service", Places(&["/spec/selector"])),
    (
        "InferencePool.inference.networking.k8s.io",
        Places(&["/spec/selector"]),
    ),
    (
        "InferencePool.inference.networking.x-k8s.io",
        Places(&["/spec/selector"]),
    ),
    // What can be scaled.
    ("Deployment.apps", Pods),
    ("StatefulSet.apps", Pods),
    ("ReplicaSet.apps", Pods),
    ("LeaderWorkerSet.leaderworkerset.x-k8s.io", Pods),
    ("RayCluster.ray.io", Pods),
    ("Job.batch", Pods),
];

/// The kinds of objects that tell something, as `Kind.group`.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|(kind, _)| *kind)
}

/// A kind that tells something, and what is kept of its objects.
pub(crate) fn known_kind(kind: &str) -> Option<(&'static str, Keep)> {
    KINDS.into_iter().find(|(known, _)| *known == kind)
}
