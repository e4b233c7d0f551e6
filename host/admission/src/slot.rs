//! Finding the pods that an object would make.
//!
//! A pod's parts have *addresses* in the review. Most stand in the object, and their address is a JSON pointer. What
//! a controller would make of fields of its own is put together here, and its address is a JSON pointer after the
//! index of the pod among those: `0/spec/containers`.

use serde_json::{Map, Value, json};

use crate::count::{bind, field};
use crate::kinds::{Holds, Kind, Kinds, Part, Parts, PodPath, Take};
use crate::{ContainerClass, GroupVersionKind, json};

/// Where a pod stands in the object, and what it is.
#[derive(Clone, Debug)]
pub(crate) struct PodSlot {
    /// The JSON pointer of the place in the object. In what policies say, the pod's `spec` and `metadata` are below.
    pub(crate) path: String,
    pub(crate) role: String,
    pub(crate) count: Option<u32>,
    /// What makes the pods, as `Kind.group`; none for a Pod itself.
    pub(crate) owner: Option<String>,
    /// The addresses of the spec, and of what holds labels and annotations.
    pub(crate) spec: String,
    pub(crate) metadata: Option<String>,
    pub(crate) containers: Vec<ContainerSlot>,
    /// Whether that is all of the pod.
    pub(crate) is_whole: bool,
    /// How many of them there are already.
    pub(crate) existing: u32,
    /// Whether another object makes it.
    pub(crate) is_lent: bool,
}

impl PodSlot {
    /// Whether the pod stands in the object as policies see it.
    pub(crate) fn is_template(&self) -> bool {
        self.spec.strip_prefix(&self.path) == Some("/spec")
    }
}

/// Where a container stands in its pod. Edits add no containers, so slots hold for the whole review.
#[derive(Clone, Debug)]
pub(crate) struct ContainerSlot {
    /// The field of the pod's spec, and the place in it where it is a list.
    pub(crate) field: &'static str,
    pub(crate) index: Option<usize>,
    pub(crate) class: ContainerClass,
}

impl ContainerSlot {
    /// The container in its pod's spec.
    pub(crate) fn of<'a>(&self, spec: &'a Value) -> Option<&'a Value> {
        let field = spec.get(self.field)?;
        match self.index {
            Some(index) => field.get(index),
            None => Some(field),
        }
    }

    /// The JSON pointer of the container below its pod's spec.
    pub(crate) fn path_below(&self, spec: &str) -> String {
        match self.index {
            Some(index) => format!("{spec}/{}/{index}", self.field),
            None => format!("{spec}/{}", self.field),
        }
    }
}

/// A pod that was put together, and where each part of it comes from.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) pod: Value,
    /// The place in the object of what is not known to come from elsewhere.
    path: String,
    origins: Vec<Origin>,
}

#[derive(Clone, Debug)]
struct Origin {
    to: String,
    from: String,
    /// Whether what is below came along.
    whole: bool,
}

impl Made {
    /// A pod of another object, of which nothing stands in this one but the place that says how many there are.
    pub(crate) fn lent(pod: Value, path: &str) -> Self {
        Self {
            pod,
            path: path.to_owned(),
            origins: Vec::new(),
        }
    }

    /// The place in the object that a part of the pod comes from.
    pub(crate) fn place(&self, pointer: &str) -> String {
        let below = |origin: &Origin| {
            let rest = json::below(pointer, &origin.to)?;
            let rest = if origin.whole { rest } else { "" };
            Some((origin.to.len(), format!("{}{rest}", origin.from)))
        };
        let origins = self.origins.iter().filter_map(below);
        let nearest = origins.max_by_key(|(length, _)| *length);
        nearest.map_or_else(|| self.path.clone(), |(_, place)| place)
    }
}

/// The pods that an object of a kind would make.
pub(crate) fn find(object: &Value, kind: &Kind, kinds: &Kinds) -> (Vec<PodSlot>, Vec<Made>) {
    let mut finder = Finder {
        kinds,
        slots: Vec::new(),
        made: Vec::new(),
    };
    finder.add(kind, &Outer::root(object), MAX_DEPTH);
    (finder.slots, finder.made)
}

/// How deep whole objects may stand in one another.
const MAX_DEPTH: usize = 4;

struct Finder<'a> {
    kinds: &'a Kinds,
    slots: Vec<PodSlot>,
    made: Vec<Made>,
}

/// An object, and what is around it.
struct Outer<'a> {
    object: &'a Value,
    path: String,
    role: String,
    count: Option<u32>,
    owner: Option<String>,
}

impl<'a> Outer<'a> {
    fn root(object: &'a Value) -> Self {
        Self {
            object,
            path: String::new(),
            role: String::new(),
            count: Some(1),
            owner: None,
        }
    }
}

impl Finder<'_> {
    fn add(&mut self, kind: &Kind, outer: &Outer<'_>, depth: usize) {
        let owner = match kind.is_pod() {
            true => outer.owner.clone(),
            false => Some(kind.kind_dot_group()),
        };
        for pods in &kind.pods {
            for place in expand(outer.object, &pods.path) {
                let Some(value) = json::at(outer.object, &place.path) else {
                    continue;
                };
                let found = PodSlot {
                    path: format!("{}{}", outer.path, place.path),
                    role: joined([
                        outer.role.as_str(),
                        place.names.as_str(),
                        pods.role.as_str(),
                    ]),
                    count: times(outer.count, pods.count.of(outer.object, &place.stars)),
                    owner: owner.clone(),
                    spec: String::new(),
                    metadata: None,
                    containers: Vec::new(),
                    is_whole: pods.is_whole,
                    existing: 0,
                    is_lent: false,
                };
                self.add_pod(pods, outer, &place, value, found, depth);
            }
        }
    }

    fn add_pod(
        &mut self,
        pods: &PodPath,
        outer: &Outer<'_>,
        place: &Place,
        value: &Value,
        mut slot: PodSlot,
        depth: usize,
    ) {
        match &pods.holds {
            Holds::Template => {
                slot.spec = format!("{}/spec", slot.path);
                slot.metadata = Some(format!("{}/metadata", slot.path));
                let spec = value.get("spec");
                slot.containers = spec.map_or_else(Vec::new, |spec| containers(spec, &[]));
            }
            Holds::Spec { metadata } => {
                slot.spec = slot.path.clone();
                let place = |pointer| format!("{}{}", outer.path, bind(pointer, &place.stars));
                slot.metadata = metadata.as_deref().map(place);
                slot.containers = containers(value, &SINGLE);
                // What only adds to a pod of elsewhere is none.
                if slot.containers.is_empty() {
                    return;
                }
            }
            Holds::Object => return self.add_object(value, slot, depth),
            Holds::Parts(Parts(parts)) => {
                let made = make(outer, place, &slot.path, parts);
                let index = self.made.len();
                slot.spec = format!("{index}/spec");
                slot.metadata = Some(format!("{index}/metadata"));
                let spec = made.pod.get("spec");
                slot.containers = spec.map_or_else(Vec::new, |spec| containers(spec, &[]));
                self.made.push(made);
            }
        }
        self.slots.push(slot);
    }

    /// The pods of an object that stands in another.
    fn add_object(&mut self, object: &Value, slot: PodSlot, depth: usize) {
        let text = |field| json::text(object, field).unwrap_or_default();
        let gvk = GroupVersionKind::new(text("apiVersion"), text("kind"));
        let kinds = self.kinds;
        let (Some(kind), Some(depth)) = (kinds.find(&gvk.group, &gvk.kind), depth.checked_sub(1))
        else {
            return;
        };
        let inner = Outer {
            object,
            path: slot.path,
            role: slot.role,
            count: slot.count,
            owner: slot.owner,
        };
        self.add(kind, &inner, depth);
    }
}

fn times(one: Option<u32>, other: Option<u32>) -> Option<u32> {
    match (one, other) {
        (Some(0), _) | (_, Some(0)) => Some(0),
        (one, other) => Some(one?.saturating_mul(other?)),
    }
}

fn joined(names: [&str; 3]) -> String {
    let names: Vec<_> = names.into_iter().filter(|name| !name.is_empty()).collect();
    names.join("/")
}

/// A place that exists: its pointer, the tokens that `*` met, and the keys or names of what it met.
#[derive(Clone, Debug, Default)]
struct Place {
    path: String,
    stars: Vec<String>,
    names: String,
}

/// Every place of a path with `*`.
fn expand(object: &Value, path: &str) -> Vec<Place> {
    let mut places = vec![(object, Place::default())];
    for token in path.split('/').skip(1) {
        let step = |(at, place): (_, Place)| below(at, token, &place);
        places = places.into_iter().flat_map(step).collect();
    }
    places.into_iter().map(|(_, place)| place).collect()
}

fn below<'a>(at: &'a Value, token: &str, place: &Place) -> Vec<(&'a Value, Place)> {
    match (token, at) {
        ("*", Value::Object(map)) => map
            .iter()
            .map(|(key, value)| (value, place.each(json::escape(key), key)))
            .collect(),
        ("*", Value::Array(items)) => items
            .iter()
            .enumerate()
            .map(|(index, item)| (item, place.each(index.to_string(), name(item))))
            .collect(),
        (token, at) => json::step(at, token)
            .filter(|value| !value.is_null())
            .map(|value| (value, place.step(token)))
            .into_iter()
            .collect(),
    }
}

impl Place {
    fn step(&self, token: &str) -> Self {
        Self {
            path: format!("{}/{token}", self.path),
            ..self.clone()
        }
    }

    fn each(&self, token: String, name: &str) -> Self {
        let mut place = self.step(&token);
        place.names = joined([self.names.as_str(), name, ""]);
        place.stars.push(token);
        place
    }
}

/// What an item of a list is called.
fn name(item: &Value) -> &str {
    let names = ["name", "groupName"];
    let mut found = names.iter().filter_map(|field| json::text(item, field));
    found.next().unwrap_or_default()
}

/// The lists of containers in a pod's spec: init containers first, as they start first.
const LISTS: [(&str, ContainerClass); 3] = [
    ("initContainers", ContainerClass::Init),
    ("containers", ContainerClass::App),
    ("ephemeralContainers", ContainerClass::Ephemeral),
];

/// The fields beside the lists in which inference services put one container: KServe's model and its old names by
/// framework, and OME's runner.
const SINGLE: [&str; 11] = [
    "model",
    "runner",
    "triton",
    "pytorch",
    "tensorflow",
    "huggingface",
    "onnx",
    "sklearn",
    "xgboost",
    "lightgbm",
    "paddle",
];

fn containers(spec: &Value, single: &[&'static str]) -> Vec<ContainerSlot> {
    let listed = LISTS.iter().flat_map(|(field, class)| {
        let items = json::list(spec, field).iter().enumerate();
        items.map(move |(index, container)| ContainerSlot {
            field,
            index: Some(index),
            class: match class {
                ContainerClass::Init
                    if json::text(container, "restartPolicy") == Some("Always") =>
                {
                    ContainerClass::Sidecar
                }
                class => *class,
            },
        })
    });
    let alone = single
        .iter()
        .filter(|field| json::object(spec, field).is_some());
    let alone = alone.map(|field| ContainerSlot {
        field,
        index: None,
        class: ContainerClass::App,
    });
    listed.chain(alone).collect()
}

/// Puts a pod together.
fn make(outer: &Outer<'_>, place: &Place, path: &str, parts: &[Part]) -> Made {
    let mut made = Made {
        pod: json!({"metadata": {}, "spec": {}}),
        path: path.to_owned(),
        origins: Vec::new(),
    };
    for part in parts {
        let Some(value) = field(outer.object, &part.from, &place.stars) else {
            continue;
        };
        let from = format!("{}{}", outer.path, bind(&part.from, &place.stars));
        match &part.take {
            Take::Value => made.put(part.to, &from, value.clone(), true),
            Take::Devices { named, name } => {
                let stated = field(outer.object, named, &place.stars);
                let name = stated.and_then(Value::as_str).unwrap_or(name);
                let count = json::scalar_text(value).unwrap_or_default();
                made.put_devices(part.to, &from, Some((name.to_owned(), count)));
            }
            Take::Template { named } => {
                let name = field(outer.object, named, &place.stars);
                let items = value.as_array().into_iter().flatten().enumerate();
                let mut items = items.filter(|(_, item)| item.get("name") == name);
                if let Some((index, Some(template))) = items
                    .next()
                    .map(|(index, item)| (index, item.get("template")))
                {
                    let from = format!("{from}/{index}/template");
                    made.put(part.to, &from, template.clone(), true);
                }
            }
            Take::Instance => {
                let count = value.as_str().and_then(tollgate_gpu::gpu_count);
                let devices = count.map(|count| ("nvidia.com/gpu".to_owned(), count.to_string()));
                made.put_devices(part.to, &from, devices);
            }
            Take::Profile => made.put_devices(part.to, &from, value.as_str().and_then(profile)),
        }
    }
    made
}

impl Made {
    fn put_devices(&mut self, limits: &str, from: &str, devices: Option<(String, String)>) {
        if let Some((name, count)) = devices {
            let to = format!("{limits}/{}", json::escape(&name));
            self.put(&to, from, count.into(), false);
        }
    }

    fn put(&mut self, to: &str, from: &str, value: Value, whole: bool) {
        let Some(at) = entry(&mut self.pod, to) else {
            return;
        };
        self.origins.push(Origin {
            to: to.to_owned(),
            from: from.to_owned(),
            whole,
        });
        join(at, value, to, from, &mut self.origins);
    }
}

/// The place of a pointer, made on the way where it is missing: below an object an object, but in `containers` a list.
fn entry<'a>(root: &'a mut Value, pointer: &str) -> Option<&'a mut Value> {
    let mut tokens = pointer.split('/').skip(1);
    tokens.try_fold(root, |at, token| match at {
        Value::Array(items) => {
            let index = token.parse::<usize>().ok()?;
            if index == items.len() {
                items.push(json!({"name": "main"}));
            }
            items.get_mut(index)
        }
        Value::Object(map) => {
            let empty = || match token {
                "containers" => Value::Array(Vec::new()),
                _ => Value::Object(Map::new()),
            };
            Some(map.entry(json::unescape(token)).or_insert_with(empty))
        }
        _ => None,
    })
}

/// Joins maps, items of lists that have the same name, and replaces all else. Items that are appended stand elsewhere
/// than in the list that they come from.
fn join(at: &mut Value, value: Value, to: &str, from: &str, origins: &mut Vec<Origin>) {
    match (at, value) {
        (Value::Object(there), Value::Object(more)) => {
            for (key, value) in more {
                let token = json::escape(&key);
                let at = there.entry(key).or_insert(Value::Null);
                join(
                    at,
                    value,
                    &format!("{to}/{token}"),
                    &format!("{from}/{token}"),
                    origins,
                );
            }
        }
        (Value::Array(there), Value::Array(more)) => {
            for (index, item) in more.into_iter().enumerate() {
                let from = format!("{from}/{index}");
                let same = |other: &Value| key(&item).is_some() && key(other) == key(&item);
                let position = there.iter().position(same).unwrap_or(there.len());
                let to = format!("{to}/{position}");
                match there.get_mut(position) {
                    Some(at) => join(at, item, &to, &from, origins),
                    None => {
                        let whole = true;
                        origins.push(Origin { to, from, whole });
                        there.push(item);
                    }
                }
            }
        }
        (at, value) => {
            origins.push(Origin {
                to: to.to_owned(),
                from: from.to_owned(),
                whole: true,
            });
            *at = value;
        }
    }
}

/// What the API server merges items of a list by: mounts of one volume at two places are two.
fn key(item: &Value) -> Option<&str> {
    json::text(item, "mountPath").or_else(|| json::text(item, "name"))
}

/// The resource and number of a profile such as `nvidia-gpu-l4:2` or `google-tpu-v5e-2x4:1`, whose topology
/// multiplies.
fn profile(text: &str) -> Option<(String, String)> {
    let (name, count) = text.split_once(':').unwrap_or((text, "1"));
    let (_, resource) = PROFILES
        .iter()
        .find(|(prefix, _)| name.starts_with(prefix))?;
    let topology = name.rsplit('-').next().unwrap_or_default().split('x');
    let sides: Option<Vec<u32>> = topology.map(|side| side.parse().ok()).collect();
    let of_one: u32 = sides.map_or(1, |sides| sides.into_iter().product());
    let count = count.parse::<u32>().ok()?.saturating_mul(of_one);
    Some(((*resource).to_owned(), count.to_string()))
}

/// How the names of KubeAI's profiles begin.
const PROFILES: [(&str, &str); 3] = [
    ("nvidia-gpu-", "nvidia.com/gpu"),
    ("amd-gpu-", "amd.com/gpu"),
    ("google-tpu-", "google.com/tpu"),
];
