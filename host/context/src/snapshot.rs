//! What is known of a cluster at a moment.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tollgate_admission::{GroupVersionKind, json};

use crate::offer::Offer;
use crate::plugin::Plugin;
use crate::{node, pool, scheduler};

/// The kinds of objects that tell something, as `Kind.group`.
pub const KINDS: [&str; 36] = [
    NODE,
    NODE_POOL,
    "MachineDeployment.cluster.x-k8s.io",
    "MachinePool.cluster.x-k8s.io",
    "MachineSet.cluster.x-k8s.io",
    CLUSTER_POLICY,
    CONFIG_MAP,
    POD,
    "Namespace",
    "PriorityClass.scheduling.k8s.io",
    "RuntimeClass.node.k8s.io",
    "DeviceClass.resource.k8s.io",
    "ClusterQueue.kueue.x-k8s.io",
    "LocalQueue.kueue.x-k8s.io",
    "WorkloadPriorityClass.kueue.x-k8s.io",
    "Queue.scheduling.volcano.sh",
    "Queue.scheduling.run.ai",
    "PersistentVolumeClaim",
    "HorizontalPodAutoscaler.autoscaling",
    "ScaledObject.keda.sh",
    "VerticalPodAutoscaler.autoscaling.k8s.io",
    "ResourceClaimTemplate.resource.k8s.io",
    "ResourceClaim.resource.k8s.io",
    "StorageClass.storage.k8s.io",
    "PodTemplate",
    "ResourceFlavor.kueue.x-k8s.io",
    "NVIDIADriver.nvidia.com",
    // What leads to pods.
    "Service",
    "InferencePool.inference.networking.k8s.io",
    "InferencePool.inference.networking.x-k8s.io",
    // What can be scaled.
    "Deployment.apps",
    "StatefulSet.apps",
    "ReplicaSet.apps",
    "LeaderWorkerSet.leaderworkerset.x-k8s.io",
    "RayCluster.ray.io",
    "Job.batch",
];

const NODE: &str = "Node";
const NODE_POOL: &str = "NodePool.karpenter.sh";
const CLUSTER_POLICY: &str = "ClusterPolicy.nvidia.com";
pub(crate) const CONFIG_MAP: &str = "ConfigMap";
pub(crate) const POD: &str = "Pod";

type ReadOffer = fn(&Value, &Plugin) -> Option<Offer>;

/// The kinds of what pods may run on, and how each is read.
const OFFERS: [(&str, ReadOffer); 5] = [
    (NODE, node::read),
    (NODE_POOL, pool::karpenter),
    ("MachineDeployment.cluster.x-k8s.io", pool::node_group),
    ("MachinePool.cluster.x-k8s.io", pool::node_group),
    ("MachineSet.cluster.x-k8s.io", pool::node_group),
];

/// Names or values that are known, and whether there can be no others.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Known {
    /// The names or values, each once, in order.
    pub values: Vec<String>,
    /// Whether these are all.
    pub is_complete: bool,
}

/// An object's namespace, empty where it is in none, and its name.
type Place = (String, String);

type Objects = BTreeMap<Place, Value>;

/// Collects the objects that a snapshot is made of.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    objects: BTreeMap<&'static str, Objects>,
    complete: BTreeSet<&'static str>,
}

/// What is known of a cluster at a moment. It never changes.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    offers: Vec<Offer>,
    schedulers: Option<Known>,
    objects: BTreeMap<&'static str, Objects>,
    complete: BTreeSet<&'static str>,
}

impl Builder {
    /// Takes note of an object, or of the newer version of one; of kinds that tell nothing it takes none.
    pub fn insert(&mut self, object: Value) {
        if let Some((kind, place)) = identity(&object) {
            self.objects.entry(kind).or_default().insert(place, object);
        }
    }

    /// Forgets an object.
    pub fn remove(&mut self, object: &Value) {
        if let Some((kind, place)) = identity(object) {
            self.objects.entry(kind).or_default().remove(&place);
        }
    }

    /// Forgets all objects of a kind, `Kind.group`.
    pub fn clear(&mut self, kind: &str) {
        self.objects.remove(kind);
    }

    /// States that all objects of a kind, `Kind.group`, have been inserted.
    pub fn complete(&mut self, kind: &str) {
        self.complete.extend(known_kind(kind));
    }

    /// States that of every kind that has an object all have been inserted.
    pub fn complete_all(&mut self) {
        self.complete.extend(self.objects.keys());
    }

    /// The snapshot of what there is now.
    pub fn build(self) -> Snapshot {
        let Self { objects, complete } = self;
        let of = |kind| {
            objects
                .get(kind)
                .into_iter()
                .flatten()
                .map(|(_, object)| object)
        };
        let named = |name: &str| of(CONFIG_MAP).find(|map| name_of(map) == Some(name));
        let plugin = Plugin::read(of(CLUSTER_POLICY).next(), named);
        let offers = OFFERS.iter().flat_map(|(kind, read)| {
            let stays = of(kind).filter(|object| !is_going(object));
            stays.filter_map(|object| read(object, &plugin))
        });
        let offers = offers.collect();
        let mut names = BTreeSet::from([scheduler::DEFAULT.to_owned()]);
        of(POD).for_each(|pod| scheduler::of_pod(pod, &mut names));
        of(CONFIG_MAP).for_each(|map| scheduler::of_config_map(map, &mut names));
        let is_complete = complete.contains(POD) && complete.contains(CONFIG_MAP);
        let shows_any = is_complete || of(POD).next().is_some();
        let schedulers = shows_any.then(|| Known {
            values: names.into_iter().collect(),
            is_complete,
        });
        Snapshot {
            schedulers,
            offers,
            objects,
            complete,
        }
    }
}

impl Snapshot {
    /// Nodes, and the pools that could bring more; nodes first.
    pub fn offers(&self) -> &[Offer] {
        &self.offers
    }

    /// Whether all nodes are known. Pools may bring more, and clouds have some that no object shows.
    pub fn knows_all_nodes(&self) -> bool {
        self.complete.contains(NODE)
    }

    /// Whether all objects of a kind, `Kind.group`, are known.
    pub(crate) fn is_complete(&self, kind: &str) -> bool {
        self.complete.contains(kind)
    }

    /// The schedulers; `None` where nothing shows any.
    pub fn schedulers(&self) -> Option<&Known> {
        self.schedulers.as_ref()
    }

    /// The names of the objects of a kind, `Kind.group`, in a namespace or in none; `None` where nothing is known of
    /// the kind.
    pub fn names(&self, kind: &str, namespace: Option<&str>) -> Option<Known> {
        let is_complete = self.complete.contains(kind);
        let known = self.objects.get(kind);
        if known.is_none_or(BTreeMap::is_empty) && !is_complete {
            return None;
        }
        let namespace = namespace.unwrap_or_default();
        let here = known
            .into_iter()
            .flatten()
            .filter(|((own, _), _)| own == namespace);
        Some(Known {
            values: here.map(|((_, name), _)| name.clone()).collect(),
            is_complete,
        })
    }

    /// An object, by its kind, namespace and name.
    pub fn object(&self, kind: &str, namespace: Option<&str>, name: &str) -> Option<&Value> {
        let place = (namespace.unwrap_or_default().to_owned(), name.to_owned());
        self.objects.get(kind)?.get(&place)
    }

    /// The objects of a kind in a namespace or in none.
    pub fn objects(&self, kind: &str, namespace: Option<&str>) -> impl Iterator<Item = &Value> {
        let namespace = namespace.unwrap_or_default().to_owned();
        let all = self.objects.get(kind).into_iter().flatten();
        all.filter(move |((own, _), _)| *own == namespace)
            .map(|(_, object)| object)
    }

    /// The objects of a kind, wherever they are.
    pub fn all(&self, kind: &str) -> impl Iterator<Item = &Value> {
        let all = self.objects.get(kind).into_iter().flatten();
        all.map(|(_, object)| object)
    }

    /// Whether anything is known of `nodes`, of `schedulers`, or of the objects of a kind, `Kind.group`.
    pub fn knows(&self, what: &str) -> bool {
        match what {
            "nodes" => !self.offers.is_empty(),
            "schedulers" => self.schedulers.is_some(),
            kind => self.complete.contains(kind) || self.objects.contains_key(kind),
        }
    }
}

fn identity(object: &Value) -> Option<(&'static str, Place)> {
    let gvk = GroupVersionKind::new(
        json::text(object, "apiVersion")?,
        json::text(object, "kind")?,
    );
    let kind = known_kind(&gvk.kind_dot_group())?;
    let namespace = json::text(object.get("metadata")?, "namespace");
    let name = name_of(object)?.to_owned();
    Some((kind, (namespace.unwrap_or_default().to_owned(), name)))
}

fn known_kind(kind: &str) -> Option<&'static str> {
    KINDS.into_iter().find(|known| *known == kind)
}

fn is_going(object: &Value) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some()
}

fn name_of(object: &Value) -> Option<&str> {
    json::text(object.get("metadata")?, "name")
}

#[cfg(test)]
mod tests;
