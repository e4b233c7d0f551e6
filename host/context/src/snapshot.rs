//! What is known of a cluster at a moment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use tollgate_admission::{GroupVersionKind, json};

use crate::kept::{Keep, Measure, Shared};
use crate::kinds::{CLUSTER_POLICY, CONFIG_MAP, NODE, NODE_POOL, POD, SCHEDULERS, known_kind};
use crate::offer::Offer;
use crate::plugin::{self, Plugin};
use crate::{node, pool, scheduler};

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

/// What is kept of each object; nothing where its place is all that is known of it.
type Objects = BTreeMap<Place, Option<Arc<Value>>>;

/// All objects, by kind. Snapshots share what does not change between them.
type ByKind = BTreeMap<&'static str, Arc<Objects>>;

/// Collects the objects that snapshots are made of.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    objects: ByKind,
    complete: BTreeSet<&'static str>,
    measure: Measure,
    shared: Shared,
    shows_schedulers: bool,
    reading: Option<Reading>,
    changes: u64,
}

/// What was made of objects and still holds.
#[derive(Clone, Debug)]
struct Reading {
    offers: Arc<[Offer]>,
    schedulers: Option<Known>,
}

/// What is known of a cluster at a moment. It never changes.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    offers: Arc<[Offer]>,
    schedulers: Option<Known>,
    objects: ByKind,
    complete: BTreeSet<&'static str>,
}

impl Builder {
    /// One that keeps no more of objects than reviews in a cluster ask for: of a workload without accelerators its name,
    /// of a pod by which scheduler it was placed.
    pub fn sparing() -> Self {
        Self {
            measure: Measure::Sparing,
            ..Self::default()
        }
    }

    /// One that keeps besides what Services and InferencePools select pods by.
    pub fn selectable() -> Self {
        Self {
            measure: Measure::Selectable,
            ..Self::default()
        }
    }

    /// Takes note of an object, or of the newer version of one; of kinds that tell nothing it takes none.
    pub fn insert(&mut self, object: Value) {
        if let Some((kind, keep, place)) = identity(&object) {
            self.keep(kind, place, keep.of(object, self.measure));
        }
    }

    fn keep(&mut self, kind: &'static str, place: Place, kept: Option<Value>) {
        let kept = kept.map(|value| self.shared.share(value));
        let objects = self.objects.entry(kind).or_default();
        if objects.get(&place) != Some(&kept) {
            Arc::make_mut(objects).insert(place, kept);
            self.note(kind);
        }
    }

    /// Forgets an object.
    pub fn remove(&mut self, object: &Value) {
        if let Some((kind, _, place)) = identity(object)
            && let Some(objects) = self.objects.get_mut(kind)
            && objects.contains_key(&place)
        {
            Arc::make_mut(objects).remove(&place);
            self.note(kind);
        }
    }

    /// Takes note of all objects of a kind, `Kind.group`: of others it has none.
    pub fn replace(&mut self, kind: &str, all: Vec<Value>) {
        let places = all.iter().filter_map(identity);
        let places: BTreeSet<_> = places.map(|(_, _, place)| place).collect();
        if let Some((kind, _)) = known_kind(kind)
            && let Some(objects) = self.objects.get_mut(kind)
            && objects.keys().any(|place| !places.contains(place))
        {
            Arc::make_mut(objects).retain(|place, _| places.contains(place));
            self.note(kind);
        }
        all.into_iter().for_each(|object| self.insert(object));
    }

    /// States that all objects of a kind, `Kind.group`, have been inserted.
    pub fn complete(&mut self, kind: &str) {
        if let Some((kind, _)) = known_kind(kind)
            && self.complete.insert(kind)
        {
            self.note(kind);
        }
    }

    /// States that of every kind that has an object all have been inserted.
    pub fn complete_all(&mut self) {
        self.complete.extend(self.objects.keys());
        self.reading = None;
    }

    /// States that the pods which other schedulers than the default one have placed are among the objects, though not all
    /// pods are: so that schedulers which have neither placed a pod nor run as a workload have not been seen.
    pub fn show_schedulers(&mut self) {
        self.shows_schedulers = true;
        self.note(POD);
    }

    /// Forgets all objects of a kind, `Kind.group`, and that they were all.
    pub fn forget(&mut self, kind: &str) {
        let Some((kind, _)) = known_kind(kind) else {
            return;
        };
        let had_any = self.objects.remove(kind).is_some();
        if self.complete.remove(kind) || had_any {
            self.shows_schedulers &= kind != POD;
            self.note(kind);
        }
    }

    /// How often something has changed: a newer version of an object in which nothing is new that is kept changes nothing.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    fn note(&mut self, kind: &str) {
        self.changes += 1;
        let is_read = OFFERS.iter().any(|(offer, _)| *offer == kind)
            || [CLUSTER_POLICY, CONFIG_MAP, POD].contains(&kind)
            || SCHEDULERS.contains(&kind);
        if is_read {
            self.reading = None;
        }
    }

    /// The snapshot of what there is now.
    pub fn build(&mut self) -> Snapshot {
        let reading = self.reading.take().unwrap_or_else(|| self.read());
        let Reading { offers, schedulers } = reading.clone();
        self.reading = Some(reading);
        Snapshot {
            offers,
            schedulers,
            objects: self.objects.clone(),
            complete: self.complete.clone(),
        }
    }

    fn read(&self) -> Reading {
        let of = |kind| all_of(&self.objects, kind);
        let name = plugin::config_name(of(CLUSTER_POLICY).next());
        let named = name.and_then(|name| of(CONFIG_MAP).find(|map| name_of(map) == Some(name)));
        let plugin = Plugin::read(of(CLUSTER_POLICY).next(), named);
        let offers = OFFERS.iter().flat_map(|(kind, read)| {
            let stays = of(kind).filter(|object| !is_going(object));
            stays.filter_map(|object| read(object, &plugin))
        });
        Reading {
            offers: offers.collect(),
            schedulers: self.schedulers(),
        }
    }

    fn schedulers(&self) -> Option<Known> {
        let of = |kind| all_of(&self.objects, kind);
        let is_complete = |kind| self.complete.contains(kind);
        let mut names = BTreeSet::from([scheduler::DEFAULT.to_owned()]);
        of(POD).for_each(|pod| scheduler::of_pod(pod, &mut names));
        of(CONFIG_MAP).for_each(|map| scheduler::of_config_map(map, &mut names));
        let workloads = SCHEDULERS.iter().flat_map(|kind| of(kind));
        workloads.for_each(|workload| scheduler::of_workload(workload, &mut names));
        let are_all = is_complete(POD) && is_complete(CONFIG_MAP);
        let are_shown = self.shows_schedulers && SCHEDULERS.into_iter().all(is_complete);
        let shows_any = are_all || are_shown || of(POD).next().is_some();
        shows_any.then(|| Known {
            values: names.into_iter().collect(),
            is_complete: are_all,
        })
    }
}

/// What is kept of the objects of a kind.
fn all_of<'a>(objects: &'a ByKind, kind: &str) -> impl Iterator<Item = &'a Value> {
    let all = objects.get(kind).into_iter();
    all.flat_map(|objects| objects.values().flatten().map(Arc::as_ref))
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

    /// The name of the config map that says how the device plugin shares GPUs, where the GPU operator's policy names one.
    pub fn plugin_config(&self) -> Option<&str> {
        plugin::config_name(self.all(CLUSTER_POLICY).next())
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
        if known.is_none_or(|known| known.is_empty()) && !is_complete {
            return None;
        }
        let namespace = namespace.unwrap_or_default();
        let here = known.into_iter().flat_map(|known| known.keys());
        let here = here.filter(|(own, _)| own == namespace);
        Some(Known {
            values: here.map(|(_, name)| name.clone()).collect(),
            is_complete,
        })
    }

    /// What is kept of an object, by its kind, namespace and name.
    pub fn object(&self, kind: &str, namespace: Option<&str>, name: &str) -> Option<&Value> {
        let place = (namespace.unwrap_or_default().to_owned(), name.to_owned());
        self.objects.get(kind)?.get(&place)?.as_deref()
    }

    /// What is kept of the objects of a kind in a namespace or in none.
    pub fn objects(&self, kind: &str, namespace: Option<&str>) -> impl Iterator<Item = &Value> {
        let namespace = namespace.unwrap_or_default().to_owned();
        let all = self.objects.get(kind).into_iter();
        let all = all.flat_map(|objects| objects.iter());
        all.filter(move |((own, _), _)| *own == namespace)
            .filter_map(|(_, object)| object.as_deref())
    }

    /// What is kept of the objects of a kind, wherever they are.
    pub fn all(&self, kind: &str) -> impl Iterator<Item = &Value> {
        all_of(&self.objects, kind)
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

fn identity(object: &Value) -> Option<(&'static str, Keep, Place)> {
    let gvk = GroupVersionKind::new(
        json::text(object, "apiVersion")?,
        json::text(object, "kind")?,
    );
    let (kind, keep) = known_kind(&gvk.kind_dot_group())?;
    let namespace = json::text(object.get("metadata")?, "namespace");
    let name = name_of(object)?.to_owned();
    Some((kind, keep, (namespace.unwrap_or_default().to_owned(), name)))
}

fn is_going(object: &Value) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some()
}

fn name_of(object: &Value) -> Option<&str> {
    json::text(object.get("metadata")?, "name")
}

#[cfg(test)]
mod tests;
