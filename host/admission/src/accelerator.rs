//! Whether a pod names an accelerator: what tells the pods that Tollgate looks at from all others.
//!
//! The API server asks the same before it calls, by the expressions of [`crate::condition`]; both read the table
//! [`tollgate_gpu::SIGNS`]. Only what the pod itself says counts. What an image, a config map, a claim's class or a
//! node's label says cannot be seen by either.

use serde_json::Value;
use tollgate_gpu::Place;

use crate::{PodView, json};

/// The lists of containers in a pod's spec.
pub(crate) const CONTAINERS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// The maps of a container's or a pod's resources.
pub(crate) const RESOURCES: [&str; 2] = ["limits", "requests"];

/// The fields of a pod's spec that tell which devices it takes, besides their number.
const WHICH: [&str; 4] = [
    "nodeSelector",
    "affinity",
    "resourceClaims",
    "priorityClassName",
];

impl PodView<'_> {
    /// Whether the pod says anything that names an accelerator: a resource, a claim, a variable, an annotation, a
    /// runtime class, a path of the node, or a toleration of an accelerator's taint.
    pub fn names_accelerator(&self) -> bool {
        let in_container = || self.containers().any(|it| container_names_one(it.json));
        any_key(self.metadata_map("annotations"), Place::Annotation)
            || self.spec().is_some_and(spec_names_one)
            || in_container()
    }

    /// Whether the pod takes the same devices as another, or fewer of them.
    pub(crate) fn takes_no_more(&self, other: PodView<'_>) -> bool {
        let named = |pod: &PodView<'_>| {
            let mut annotations = pod.annotations();
            annotations.retain(|(key, _)| Place::Annotation.is_sign(key));
            annotations
        };
        let before = other.devices();
        let is_there = |(name, count): &(String, u64)| {
            let mut before = before.iter();
            before.any(|(known, most)| known == name && count <= most)
        };
        WHICH
            .iter()
            .all(|field| self.spec_field(field) == other.spec_field(field))
            && named(self) == named(&other)
            && self.devices().iter().all(is_there)
    }

    /// Whether a container of the pod is privileged: then it sees every device of its node without naming any.
    pub fn is_privileged(&self) -> bool {
        self.containers().any(|it| it.privileged())
    }
}

fn spec_names_one(spec: &Value) -> bool {
    !json::list(spec, "resourceClaims").is_empty()
        || json::text(spec, "runtimeClassName").is_some_and(|it| Place::RuntimeClass.is_sign(it))
        || any_field(spec, "tolerations", "key", Place::Toleration)
        || json::list(spec, "volumes")
            .iter()
            .filter_map(|volume| json::text(volume.get("hostPath")?, "path"))
            .any(|path| Place::HostPath.is_sign(path))
        || resources_name_one(spec)
}

fn container_names_one(container: &Value) -> bool {
    resources_name_one(container)
        || any_field(container, "env", "name", Place::Variable)
        || any_field(container, "volumeMounts", "mountPath", Place::MountPath)
}

fn resources_name_one(holder: &Value) -> bool {
    let Some(resources) = holder.get("resources") else {
        return false;
    };
    RESOURCES
        .iter()
        .any(|map| any_key(json::object(resources, map), Place::Resource))
}

fn any_key(map: Option<&serde_json::Map<String, Value>>, place: Place) -> bool {
    map.is_some_and(|map| map.keys().any(|key| place.is_sign(key)))
}

fn any_field(holder: &Value, list: &str, field: &str, place: Place) -> bool {
    json::list(holder, list)
        .iter()
        .filter_map(|item| json::text(item, field))
        .any(|text| place.is_sign(text))
}
