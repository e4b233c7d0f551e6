//! Which kinds of objects are watched for what they tell of a cluster.

use std::collections::BTreeSet;

use kube::api::{ApiResource, DynamicObject};
use kube::core::GroupVersionKind;
use kube::{Api, Client};

use crate::pages::Which;

/// A kind that is watched.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) group: &'static str,
    /// The versions, the one that is wanted most first.
    pub(crate) versions: &'static [&'static str],
    pub(crate) kind: &'static str,
    pub(crate) plural: &'static str,
    pub(crate) extent: Extent,
}

/// Which objects of a kind are watched.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Extent {
    /// All: what is not there is known to be absent.
    All,
    /// Pods that another scheduler than the default one has placed, which shows that it runs.
    Placed,
    /// The one that another object names.
    Named,
}

/// The groups and versions that a cluster serves, as `group/version`.
pub(crate) type Served = BTreeSet<String>;

const V1: &[&str] = &["v1"];
const KUEUE: &[&str] = &["v1beta2", "v1beta1"];
const RESOURCE: &[&str] = &["v1", "v1beta2", "v1beta1"];
const CLUSTER_API: &[&str] = &["v1beta2", "v1beta1"];

const fn row(
    group: &'static str,
    versions: &'static [&'static str],
    kind: &'static str,
    plural: &'static str,
) -> Watched {
    let extent = Extent::All;
    Watched {
        group,
        versions,
        kind,
        plural,
        extent,
    }
}

/// What is watched where it is served and the role may read it. Services, ReplicaSets and Jobs are not: no rule that runs in
/// a cluster asks for them, and there are many.
#[rustfmt::skip]
pub(crate) static KINDS: [Watched; 28] = [
    row("", V1, "Node", "nodes"),
    row("karpenter.sh", V1, "NodePool", "nodepools"),
    row("cluster.x-k8s.io", CLUSTER_API, "MachineDeployment", "machinedeployments"),
    row("cluster.x-k8s.io", CLUSTER_API, "MachinePool", "machinepools"),
    row("nvidia.com", V1, "ClusterPolicy", "clusterpolicies"),
    row("nvidia.com", &["v1alpha1"], "NVIDIADriver", "nvidiadrivers"),
    row("scheduling.k8s.io", V1, "PriorityClass", "priorityclasses"),
    row("node.k8s.io", V1, "RuntimeClass", "runtimeclasses"),
    row("storage.k8s.io", V1, "StorageClass", "storageclasses"),
    row("resource.k8s.io", RESOURCE, "DeviceClass", "deviceclasses"),
    row("resource.k8s.io", RESOURCE, "ResourceClaim", "resourceclaims"),
    row("resource.k8s.io", RESOURCE, "ResourceClaimTemplate", "resourceclaimtemplates"),
    row("kueue.x-k8s.io", KUEUE, "LocalQueue", "localqueues"),
    row("kueue.x-k8s.io", KUEUE, "ClusterQueue", "clusterqueues"),
    row("kueue.x-k8s.io", KUEUE, "ResourceFlavor", "resourceflavors"),
    row("kueue.x-k8s.io", KUEUE, "WorkloadPriorityClass", "workloadpriorityclasses"),
    row("scheduling.volcano.sh", &["v1beta1"], "Queue", "queues"),
    row("scheduling.run.ai", &["v2"], "Queue", "queues"),
    row("", V1, "PersistentVolumeClaim", "persistentvolumeclaims"),
    row("", V1, "PodTemplate", "podtemplates"),
    row("autoscaling", &["v2"], "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
    row("keda.sh", &["v1alpha1"], "ScaledObject", "scaledobjects"),
    row("autoscaling.k8s.io", V1, "VerticalPodAutoscaler", "verticalpodautoscalers"),
    row("apps", V1, "Deployment", "deployments"),
    row("apps", V1, "StatefulSet", "statefulsets"),
    row("leaderworkerset.x-k8s.io", V1, "LeaderWorkerSet", "leaderworkersets"),
    row("ray.io", V1, "RayCluster", "rayclusters"),
    Watched { extent: Extent::Placed, ..row("", V1, "Pod", "pods") },
];

/// What leads requests to pods, where it is served: an audit reads it, and nobody watches it.
#[rustfmt::skip]
pub(crate) static BACKENDS: [Watched; 3] = [
    row("", V1, "Service", "services"),
    row("inference.networking.k8s.io", V1, "InferencePool", "inferencepools"),
    row("inference.networking.x-k8s.io", &["v1alpha2", "v1alpha1"], "InferencePool", "inferencepools"),
];

/// The config map by which the device plugin shares GPUs. No other one is read.
pub(crate) static CONFIG_MAP: Watched = Watched {
    extent: Extent::Named,
    ..row("", V1, "ConfigMap", "configmaps")
};

/// Whether a replica does without reading a resource: rules that need it are then quiet. Whoever counts for budgets needs
/// the pods.
pub(crate) fn is_optional(group: &str, plural: &str) -> bool {
    let rows = KINDS.iter().chain([&CONFIG_MAP]);
    let mut rows = rows.filter(|row| row.extent != Extent::Placed);
    rows.any(|row| row.group == group && row.plural == plural)
}

impl Watched {
    /// `Kind.group`
    pub(crate) fn name(&self) -> String {
        match self.group {
            "" => self.kind.to_owned(),
            group => format!("{}.{group}", self.kind),
        }
    }

    /// The first of its versions that is served. The core group always is.
    pub(crate) fn version(&self, served: &Served) -> Option<&'static str> {
        let mut versions = self.versions.iter().copied();
        versions.find(|version| {
            self.group.is_empty() || served.contains(&format!("{}/{version}", self.group))
        })
    }

    /// Which objects of those that its `Api` reaches are meant; `named` is what the one is named that another names.
    pub(crate) fn which(&self, named: &str) -> Which {
        match self.extent {
            Extent::All => Which::All,
            Extent::Placed => {
                Which::Selected("spec.schedulerName!=default-scheduler,spec.nodeName!=".to_owned())
            }
            Extent::Named => Which::named(named),
        }
    }

    pub(crate) fn resource(&self, version: &str) -> ApiResource {
        let kind = GroupVersionKind::gvk(self.group, version, self.kind);
        ApiResource::from_gvk_with_plural(&kind, self.plural)
    }

    pub(crate) fn api(&self, client: &Client, version: &str) -> Api<DynamicObject> {
        Api::all_with(client.clone(), &self.resource(version))
    }
}

/// Asks which groups and versions a cluster serves.
///
/// # Errors
///
/// When the API server refuses or is away.
pub(crate) async fn served(client: &Client) -> kube::Result<Served> {
    let groups = client.list_api_groups().await?.groups.into_iter();
    let versions = groups.flat_map(|group| group.versions);
    Ok(versions.map(|version| version.group_version).collect())
}

#[cfg(test)]
mod tests {
    use super::{BACKENDS, CONFIG_MAP, KINDS, Watched, is_optional};

    /// What tells something and is read of no cluster.
    const UNREAD: [&str; 4] = [
        // The labels of namespaces come from a watch of their own.
        "Namespace",
        "MachineSet.cluster.x-k8s.io",
        "ReplicaSet.apps",
        "Job.batch",
    ];

    #[test]
    fn every_kind_tells_something_and_what_tells_something_is_read() {
        let rows = KINDS.iter().chain([&CONFIG_MAP]).chain(&BACKENDS);
        let mut read: Vec<_> = rows.map(Watched::name).collect();
        read.extend(UNREAD.map(str::to_owned));
        read.sort();
        let mut telling: Vec<_> = tollgate_context::kinds().map(str::to_owned).collect();
        telling.sort();
        assert_eq!(read, telling);
    }

    #[test]
    fn replicas_have_the_rights_to_watch_them_and_do_without() {
        let rights = include_str!("../../../../deploy/chart/files/rbac.yaml");
        for row in KINDS.iter().chain([&CONFIG_MAP]) {
            let rules = rights.split("- apiGroups: ");
            let mut rules = rules.filter(|rule| {
                let groups = rule.lines().next().unwrap_or_default();
                let group = if row.group.is_empty() {
                    "\"\""
                } else {
                    row.group
                };
                let names = |line: &str, name: &str| {
                    line.split(['[', ']', ',', ' ']).any(|word| word == name)
                };
                let resources = rule.lines().find(|line| line.contains("resources: "));
                names(groups, group) && resources.is_some_and(|line| names(line, row.plural))
            });
            let may_watch = rules.any(|rule| rule.contains("verbs: [list, watch]"));
            assert!(may_watch, "{row:?}");
        }
        assert!(is_optional("kueue.x-k8s.io", "localqueues") && is_optional("", "configmaps"));
        assert!(!is_optional("", "pods"), "budgets need them");
    }
}
