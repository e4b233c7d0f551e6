//! What is kept of an object: what answers are made of, and nothing else.
//!
//! A cluster has tens of thousands of objects, and of most the name is all that counts. The same is kept of the objects
//! of a folder, so that whatever an answer needs is known to be kept.

use std::io;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use tollgate_admission::{Review, json};

use crate::backend::is_authors;
use crate::scheduler;
use crate::workload::review;

/// What is kept of the objects of a kind besides their place.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Keep {
    /// Nothing.
    Name,
    /// What stands at these places, as JSON pointers with `*` for the items of a list.
    Places(&'static [&'static str]),
    /// What its pods ask for, run and are labelled.
    Pods,
    /// The texts by which devices are shared or schedulers are configured.
    Configuration,
    /// All.
    Whole,
    /// All of a pod; where little is to be kept, by which scheduler it was placed.
    Pod,
}

/// How much is kept.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Measure {
    /// What any question may be about.
    #[default]
    Full,
    /// What questions are about that are asked of a cluster's watches. Nobody there asks what selects pods.
    Sparing,
    /// What an audit asks besides: of all pods of a cluster, what they are selected by.
    Selectable,
}

/// What is kept of one object is no longer than this as text: of a longer one nothing but its place is known.
const LONGEST: usize = 64 << 10;

/// An annotation that repeats the object.
const REPEATED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// What tells that a text in a config map is one of ours to read.
const TELLING: [&str; 3] = ["replicas", "migStrategy", scheduler::CONFIGURATION];

/// What is read of a container, and of a pod's spec besides.
const CONTAINER: [&str; 6] = [
    "name",
    "image",
    "command",
    "args",
    "resources",
    "restartPolicy",
];
const POD: [&str; 7] = [
    "resourceClaims",
    "overhead",
    "resources",
    "nodeSelector",
    "affinity",
    "schedulerName",
    "priorityClassName",
];
/// What tells what a container takes.
const TAKES: [&str; 2] = ["resources", "restartPolicy"];
const CONTAINERS: [&str; 2] = ["containers", "initContainers"];

impl Keep {
    /// What is kept of an object; nothing where its place is all that is known of it.
    pub(crate) fn of(self, object: Value, measure: Measure) -> Option<Value> {
        let kept = match self {
            Self::Name => return None,
            Self::Places(places) => only(&object, places),
            Self::Pods => pods_of(&object, measure),
            Self::Configuration => texts_of(&object),
            Self::Pod => match measure {
                Measure::Full => return Some(object),
                Measure::Sparing => placed(&object),
                Measure::Selectable => selectable(&object),
            },
            Self::Whole => return Some(object),
        };
        is_short(&kept).then_some(kept)
    }
}

/// Values of which equal ones are kept once: of thousands of claims a few differ in more than their names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shared(Vec<Arc<Value>>);

impl Shared {
    /// How many of the newest values are compared.
    const COMPARED: usize = 16;

    pub(crate) fn share(&mut self, value: Value) -> Arc<Value> {
        if let Some(same) = self.0.iter().find(|known| ***known == value) {
            return Arc::clone(same);
        }
        let value = Arc::new(value);
        if self.0.len() == Self::COMPARED {
            self.0.remove(0);
        }
        self.0.push(Arc::clone(&value));
        value
    }
}

/// What stands at some places of an object.
fn only(object: &Value, places: &[&str]) -> Value {
    let mut kept = json!({});
    for place in places {
        let steps: Vec<_> = place.split('/').skip(1).collect();
        copy(object, &steps, &mut kept);
    }
    if let Some(Value::Object(annotations)) = kept.pointer_mut("/metadata/annotations") {
        annotations.remove(REPEATED);
    }
    kept
}

fn copy(from: &Value, steps: &[&str], into: &mut Value) {
    let Some((step, rest)) = steps.split_first() else {
        into.clone_from(from);
        return;
    };
    match (from, *step) {
        (Value::Array(items), "*") => {
            if !into.is_array() {
                *into = Value::Array(vec![Value::Null; items.len()]);
            }
            let kept = into.as_array_mut().into_iter().flatten();
            (items.iter().zip(kept)).for_each(|(item, kept)| copy(item, rest, kept));
        }
        (Value::Object(fields), step) => {
            let Some(field) = fields.get(step) else {
                return;
            };
            if !into.is_object() {
                *into = json!({});
            }
            if let Value::Object(kept) = into {
                copy(field, rest, kept.entry(step).or_insert_with(Value::default));
            }
        }
        _ => {}
    }
}

/// A workload without what nobody reads of its pods. Where little is to be kept, nothing of one that takes no
/// accelerators and runs no scheduler.
fn pods_of(object: &Value, measure: Measure) -> Value {
    let mut kept = only(object, &["/apiVersion", "/kind"]);
    for holder in ["spec", "template"] {
        if let Some((fields, held)) = kept.as_object_mut().zip(object.get(holder)) {
            fields.insert(holder.to_owned(), without_unread(held));
        }
    }
    if measure != Measure::Sparing || scheduler::runs_one(&kept) {
        return kept;
    }
    let review = review(kept);
    match takes_devices(&review) {
        true => review.into_parts().0.object,
        false => json!({}),
    }
}

fn takes_devices(review: &Review) -> bool {
    let mut pods = review.pods();
    pods.any(|pod| pod.names_accelerator())
}

/// What holds pods, without what nobody reads of them, wherever they stand.
fn without_unread(holder: &Value) -> Value {
    match holder {
        Value::Object(fields) if fields.contains_key("containers") => pod_of(holder),
        Value::Object(fields) => {
            let kept = fields.iter();
            let kept = kept.map(|(key, value)| (key.clone(), without_unread(value)));
            Value::Object(kept.collect())
        }
        Value::Array(items) => items.iter().map(without_unread).collect(),
        plain => plain.clone(),
    }
}

fn pod_of(spec: &Value) -> Value {
    let mut kept = fields_of(spec, &POD);
    for list in CONTAINERS {
        let containers = json::list(spec, list).iter();
        let containers = containers.map(|one| fields_of(one, &CONTAINER).into());
        kept.insert(list.to_owned(), Value::Array(containers.collect()));
    }
    kept.into()
}

fn fields_of(object: &Value, fields: &[&str]) -> Map<String, Value> {
    let there = fields
        .iter()
        .filter_map(|field| Some(((*field).to_owned(), object.get(field)?.clone())));
    there.collect()
}

/// A config map with the texts alone that are ours to read.
fn texts_of(map: &Value) -> Value {
    let texts = json::pairs(map, "data").into_iter();
    let telling = texts.filter(|(_, text)| TELLING.iter().any(|word| text.contains(word)));
    let data: Map<String, Value> = telling.map(|(key, text)| (key, text.into())).collect();
    let mut kept = only(map, &["/metadata/name"]);
    if let Value::Object(fields) = &mut kept {
        fields.insert("data".to_owned(), data.into());
    }
    kept
}

/// That a pod was placed, and by which scheduler.
fn placed(pod: &Value) -> Value {
    let mut kept = only(pod, &["/spec/schedulerName", "/spec/nodeName"]);
    if let Some(node) = kept.pointer_mut("/spec/nodeName") {
        // On which node tells nothing, and pods that differ in nothing else are kept once.
        *node = "any".into();
    }
    kept
}

/// What a pod is selected by, whether it takes accelerators, and by which scheduler it was placed. Pods of a workload are
/// then alike.
fn selectable(pod: &Value) -> Value {
    let mut kept = placed(pod);
    let own = only(pod, &["/apiVersion", "/kind"]);
    let labels = pod.pointer("/metadata/labels").and_then(Value::as_object);
    let labels = labels.into_iter().flatten();
    let labels = labels.filter(|(key, _)| is_authors(key));
    let labels: Map<_, _> = labels
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let (Value::Object(fields), Value::Object(own)) = (&mut kept, own) else {
        return kept;
    };
    fields.extend(own);
    fields.insert("metadata".to_owned(), json!({"labels": labels}));
    let spec = fields.entry("spec").or_insert_with(|| json!({}));
    if let (Some(kept), Some(spec)) = (spec.as_object_mut(), pod.get("spec")) {
        kept.extend(fields_of(spec, &["resourceClaims", "resources"]));
        for list in CONTAINERS {
            let containers = json::list(spec, list).iter();
            let containers = containers.map(|one| fields_of(one, &TAKES).into());
            kept.insert(list.to_owned(), Value::Array(containers.collect()));
        }
    }
    kept
}

fn is_short(value: &Value) -> bool {
    /// Takes in so many bytes and no more.
    struct Room(usize);
    impl io::Write for Room {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self
                .0
                .checked_sub(bytes.len())
                .ok_or(io::ErrorKind::FileTooLarge)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    serde_json::to_writer(Room(LONGEST), value).is_ok()
}

#[cfg(test)]
mod tests;
