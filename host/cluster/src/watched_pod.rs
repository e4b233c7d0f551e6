//! Pods as the leader watches them: of a hundred thousand, only what their cost depends on is kept, and only as text.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use kube::Resource;
use kube::api::ObjectMeta;
use kube::core::NamespaceResourceScope;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};
use tollgate_admission::{GroupVersionKind, Kinds, Operation, Request, Review};

/// A pod.
#[derive(Clone, Debug)]
pub(crate) struct WatchedPod {
    /// Its name, its namespace, its uid and its version.
    metadata: ObjectMeta,
    /// What it may cost something for, as JSON; nothing where it names no accelerator.
    text: Option<Box<str>>,
}

/// What of its metadata a cost may depend on.
const METADATA: [&str; 8] = [
    "name",
    "namespace",
    "uid",
    "labels",
    "annotations",
    "creationTimestamp",
    "deletionTimestamp",
    "ownerReferences",
];

/// An annotation that repeats the object.
const REPEATED: &str = "kubectl.kubernetes.io/last-applied-configuration";

impl WatchedPod {
    /// The pod as JSON, where it names an accelerator.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_str(self.text.as_deref()?).ok()
    }

    /// A number that changes when what it may cost does.
    pub(crate) fn substance(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.text.hash(&mut hasher);
        hasher.finish()
    }

    fn of(mut pod: Value) -> Self {
        let part = |pointer: &str| {
            pod.pointer(pointer)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let metadata = ObjectMeta {
            name: part("/metadata/name"),
            namespace: part("/metadata/namespace"),
            uid: part("/metadata/uid"),
            resource_version: part("/metadata/resourceVersion"),
            ..ObjectMeta::default()
        };
        let phase = part("/status/phase");
        let mut take = |key: &str| pod.get_mut(key).map(Value::take).unwrap_or_default();
        let (spec, Value::Object(mut known)) = (take("spec"), take("metadata")) else {
            return Self {
                metadata,
                text: None,
            };
        };
        known.retain(|key, _| METADATA.contains(&key.as_str()));
        if let Some(Value::Object(annotations)) = known.get_mut("annotations") {
            annotations.remove(REPEATED);
        }
        let kept = pruned(known, spec, phase);
        Self {
            metadata,
            text: names_accelerator(kept).map(|kept| kept.to_string().into()),
        }
    }
}

fn pruned(metadata: Map<String, Value>, spec: Value, phase: Option<String>) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec,
        "status": {"phase": phase},
    })
}

/// The pod, where the API server would ask about it.
fn names_accelerator(pod: Value) -> Option<Value> {
    let request = Request {
        uid: String::new(),
        operation: Operation::Create,
        gvk: GroupVersionKind::new("v1", "Pod"),
        subresource: None,
        resource: None,
        namespace: None,
        name: None,
        user: String::new(),
        groups: Vec::new(),
        dry_run: true,
        namespace_labels: None,
        object: pod,
        old_object: None,
    };
    let review = Review::new(request, Kinds::builtin());
    let names_one = review.pods().any(|pod| pod.names_accelerator());
    let (request, _) = review.into_parts();
    names_one.then_some(request.object)
}

impl<'de> Deserialize<'de> for WatchedPod {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::of)
    }
}

impl Resource for WatchedPod {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        "Pod".into()
    }

    fn group((): &()) -> Cow<'_, str> {
        "".into()
    }

    fn version((): &()) -> Cow<'_, str> {
        "v1".into()
    }

    fn plural((): &()) -> Cow<'_, str> {
        "pods".into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

#[cfg(test)]
mod tests {
    use kube::ResourceExt as _;
    use serde_json::{Value, json};

    use super::WatchedPod;

    fn pod(limits: &Value, phase: &str) -> WatchedPod {
        let pod = json!({
            "metadata": {
                "name": "a", "namespace": "ml", "uid": "1", "resourceVersion": "7", "managedFields": [{}],
                "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"},
            },
            "spec": {"containers": [{"name": "main", "resources": {"limits": limits}}]},
            "status": {"phase": phase, "conditions": [{"type": "Ready"}]},
        });
        serde_json::from_value(pod).unwrap()
    }

    #[test]
    fn of_a_pod_without_accelerators_only_the_name_is_kept() {
        let pod = pod(&json!({"cpu": "1"}), "Running");
        assert_eq!((pod.name_any().as_str(), pod.json()), ("a", None));
    }

    #[test]
    fn of_others_what_a_cost_depends_on_is_kept() {
        let gpu = json!({"nvidia.com/gpu": "1"});
        let kept = pod(&gpu, "Running").json().unwrap();
        let expected = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "a", "namespace": "ml", "uid": "1", "annotations": {}},
            "spec": {"containers": [{"name": "main", "resources": {"limits": gpu}}]},
            "status": {"phase": "Running"},
        });
        assert_eq!(kept, expected);
    }

    #[test]
    fn the_substance_changes_when_a_pod_ends_or_asks_for_something_else() {
        let [one, two] = ["1", "2"].map(|count| json!({"nvidia.com/gpu": count}));
        let substance = pod(&one, "Running").substance();
        assert_eq!(substance, pod(&one, "Running").substance());
        assert_ne!(substance, pod(&one, "Succeeded").substance());
        assert_ne!(substance, pod(&two, "Running").substance());
    }
}
