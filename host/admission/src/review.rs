//! A request together with the pods that its object would make and the edits made so far.

use serde_json::Value;

use crate::kinds::{Count, Field, Kind, PodPath};
use crate::patch::{self, Applied, Op, PatchError};
use crate::{ContainerClass, ContainerView, PodView, Request, json};

/// A pod of a review, by its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PodId(pub u32);

/// A container of a pod of a review, by its indexes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ContainerId {
    /// The pod.
    pub pod: PodId,
    /// The index among the pod's containers of all classes.
    pub index: u32,
}

/// Where a pod stands in the object, and what it is.
#[derive(Clone, Debug)]
pub(crate) struct PodSlot {
    pub(crate) path: String,
    pub(crate) role: String,
    pub(crate) count: Option<u32>,
    pub(crate) containers: Vec<ContainerSlot>,
}

/// Where a container stands in its pod. Edits add no containers, so slots hold for the whole review.
#[derive(Clone, Debug)]
pub(crate) struct ContainerSlot {
    /// The list in the pod's spec, and the place in it.
    pub(crate) list: &'static str,
    pub(crate) index: usize,
    pub(crate) class: ContainerClass,
}

/// The object under review.
#[derive(Clone, Debug)]
pub struct Review {
    pub(crate) request: Request,
    pub(crate) pods: Vec<PodSlot>,
    pub(crate) applied: Vec<Applied>,
    revision: u32,
}

impl Review {
    /// Takes a request and finds the pods that its object would make, by the table of kinds. An object of a
    /// kind that is not in the table has none.
    pub fn new(request: Request) -> Self {
        let kind = Kind::find(&request.gvk.group, &request.gvk.kind);
        let pods = kind.map_or_else(Vec::new, |kind| find_pods(&request.object, kind));
        Self {
            request,
            pods,
            applied: Vec::new(),
            revision: 0,
        }
    }

    /// A number that changes whenever the object does.
    pub fn revision(&self) -> u32 {
        self.revision
    }

    /// The request.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The object as it is now, edits included.
    pub fn object(&self) -> &Value {
        &self.request.object
    }

    /// The pods that the object would make.
    pub fn pods(&self) -> impl Iterator<Item = PodView<'_>> {
        (0u32..).zip(&self.pods).map(|(index, slot)| PodView {
            review: self,
            id: PodId(index),
            slot,
        })
    }

    /// A pod.
    pub fn pod(&self, id: PodId) -> Option<PodView<'_>> {
        let slot = self.pods.get(usize::try_from(id.0).ok()?)?;
        Some(PodView {
            review: self,
            id,
            slot,
        })
    }

    /// A container.
    pub fn container(&self, id: ContainerId) -> Option<ContainerView<'_>> {
        self.pod(id.pod)?.container(id.index)
    }

    /// The operations applied so far, in order. Together they are the patch of the review.
    pub fn applied(&self) -> &[Applied] {
        &self.applied
    }

    /// Takes back every operation after the first `keep`, newest first, and returns them, oldest first.
    pub fn roll_back(&mut self, keep: usize) -> Vec<Applied> {
        let undone = self.applied.split_off(keep.min(self.applied.len()));
        if !undone.is_empty() {
            self.revision = self.revision.wrapping_add(1);
        }
        for applied in undone.iter().rev() {
            // An undo fits by construction: it was computed when its operation was applied.
            let undone = patch::take_back(&mut self.request.object, &applied.undo);
            debug_assert!(undone.is_ok(), "{undone:?}");
        }
        undone
    }

    /// Gives the request back, with the object as it is now, and the operations that made it so.
    pub fn into_parts(self) -> (Request, Vec<Applied>) {
        (self.request, self.applied)
    }

    pub(crate) fn apply(&mut self, op: Op, policy: &str, rule: &str) -> Result<(), PatchError> {
        let undo = patch::apply(&mut self.request.object, &op)?;
        self.revision = self.revision.wrapping_add(1);
        self.applied.push(Applied {
            op,
            policy: policy.to_owned(),
            rule: rule.to_owned(),
            undo,
        });
        Ok(())
    }
}

fn find_pods(object: &Value, kind: &Kind) -> Vec<PodSlot> {
    let mut slots = Vec::new();
    for pods in kind.pods {
        let mut places = Vec::new();
        expand(object, pods.path, &mut String::new(), "", &mut places);
        for (path, key) in places {
            let Some(pod) = object.pointer(&path) else {
                continue;
            };
            let role = if pods.role.is_empty() {
                key
            } else {
                pods.role.to_owned()
            };
            slots.push(PodSlot {
                containers: find_containers(pod),
                count: count(object, pods),
                path,
                role,
            });
        }
    }
    slots
}

/// Follows a path with `*` through the object, and gives every place that exists with the last key that a `*` met.
fn expand(
    at: &Value,
    path: &str,
    so_far: &mut String,
    key: &str,
    places: &mut Vec<(String, String)>,
) {
    let Some(rest) = path.strip_prefix('/') else {
        places.push((so_far.clone(), key.to_owned()));
        return;
    };
    let (token, rest) = rest.find('/').map_or((rest, ""), |end| rest.split_at(end));
    let mut step = |token: &str, value: &Value, key: &str| {
        let length = so_far.len();
        so_far.push('/');
        so_far.push_str(token);
        expand(value, rest, so_far, key, places);
        so_far.truncate(length);
    };
    match (token, at) {
        ("*", Value::Object(map)) => map
            .iter()
            .for_each(|(key, value)| step(&json::escape(key), value, key)),
        ("*", Value::Array(items)) => items.iter().enumerate().for_each(|(index, value)| {
            step(
                &index.to_string(),
                value,
                json::text(value, "name").unwrap_or_default(),
            );
        }),
        (token, at) => {
            if let Some(value) = at
                .get(json::unescape(token))
                .filter(|value| !value.is_null())
            {
                step(token, value, key);
            }
        }
    }
}

fn count(object: &Value, pods: &PodPath) -> Option<u32> {
    let number = |pointer| {
        object
            .pointer(pointer)
            .and_then(Value::as_u64)
            .and_then(|n| u32::try_from(n).ok())
    };
    let field = |field: &Field| number(field.pointer).unwrap_or(field.default);
    match &pods.count {
        Count::Is(count) => Some(*count),
        Count::Field(one) => Some(field(one)),
        Count::AtMost(one, most) => {
            Some(number(most).map_or(field(one), |most| most.min(field(one))))
        }
        Count::Unknown => None,
    }
}

/// The lists of containers in a pod's spec: init containers first, as they start first.
const LISTS: [(&str, ContainerClass); 3] = [
    ("initContainers", ContainerClass::Init),
    ("containers", ContainerClass::App),
    ("ephemeralContainers", ContainerClass::Ephemeral),
];

fn find_containers(pod: &Value) -> Vec<ContainerSlot> {
    let Some(spec) = pod.get("spec") else {
        return Vec::new();
    };
    let slots = LISTS.iter().flat_map(|(list, class)| {
        json::list(spec, list)
            .iter()
            .enumerate()
            .map(move |(index, container)| ContainerSlot {
                list,
                index,
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
    slots.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{GroupVersionKind, Operation};

    fn review(api_version: &str, kind: &str, object: Value) -> Review {
        Review::new(Request {
            uid: String::new(),
            operation: Operation::Create,
            gvk: GroupVersionKind::new(api_version, kind),
            subresource: None,
            namespace: None,
            name: None,
            user: String::new(),
            groups: Vec::new(),
            dry_run: false,
            namespace_labels: None,
            object,
            old_object: None,
        })
    }

    #[test]
    fn each_kind_has_its_pods_with_path_count_and_owner() {
        let template = json!({"spec": {"containers": []}});
        let job = |fields: Value| {
            let mut spec = fields;
            spec["template"] = template.clone();
            json!({"spec": spec})
        };
        let cron = |fields| json!({"spec": {"jobTemplate": job(fields)}});
        let at = "/spec/template";
        let cron_at = "/spec/jobTemplate/spec/template";
        let cases = [
            ("v1", "Pod", template.clone(), "", Some(1), None),
            (
                "v1",
                "ReplicationController",
                job(json!({})),
                at,
                Some(1),
                Some("ReplicationController"),
            ),
            (
                "apps/v1",
                "Deployment",
                job(json!({"replicas": 3})),
                at,
                Some(3),
                Some("Deployment.apps"),
            ),
            (
                "apps/v1",
                "StatefulSet",
                job(json!({"replicas": 0})),
                at,
                Some(0),
                Some("StatefulSet.apps"),
            ),
            (
                "apps/v1",
                "ReplicaSet",
                job(json!({"replicas": null})),
                at,
                Some(1),
                Some("ReplicaSet.apps"),
            ),
            (
                "apps/v1",
                "DaemonSet",
                job(json!({})),
                at,
                None,
                Some("DaemonSet.apps"),
            ),
            (
                "batch/v1",
                "Job",
                job(json!({})),
                at,
                Some(1),
                Some("Job.batch"),
            ),
            (
                "batch/v1",
                "Job",
                job(json!({"parallelism": 8, "completions": 3})),
                at,
                Some(3),
                Some("Job.batch"),
            ),
            (
                "batch/v1",
                "Job",
                job(json!({"parallelism": 2, "completions": 3})),
                at,
                Some(2),
                Some("Job.batch"),
            ),
            (
                "batch/v1",
                "Job",
                job(json!({"parallelism": 8})),
                at,
                Some(8),
                Some("Job.batch"),
            ),
            (
                "batch/v1",
                "CronJob",
                cron(json!({"parallelism": 4, "completions": 2})),
                cron_at,
                Some(2),
                Some("CronJob.batch"),
            ),
            (
                "v1",
                "PodTemplate",
                json!({"template": template}),
                "/template",
                Some(0),
                Some("PodTemplate"),
            ),
        ];
        for (api_version, kind, object, path, count, owner) in cases {
            let review = review(api_version, kind, object);
            let pods: Vec<_> = review
                .pods()
                .map(|pod| (pod.path(), pod.count(), pod.owner()))
                .collect();
            assert_eq!(pods, [(path, count, owner.map(str::to_owned))], "{kind}");
        }
    }

    #[test]
    fn other_kinds_and_absent_templates_have_no_pods() {
        let template = json!({"spec": {"template": {"spec": {}}}});
        let cases = [
            ("v1", "Service", template.clone()),
            ("example.com/v1", "Deployment", template),
            ("apps/v1", "Deployment", json!({"spec": {"template": null}})),
            ("apps/v1", "Deployment", json!([])),
        ];
        for (api_version, kind, object) in cases {
            assert_eq!(
                review(api_version, kind, object).pods().count(),
                0,
                "{kind}"
            );
        }
    }

    #[test]
    fn a_pod_is_owned_by_its_controller() {
        let object = json!({"metadata": {"ownerReferences": [
            {"apiVersion": "v1", "kind": "Node"},
            {"apiVersion": "apps/v1", "kind": "ReplicaSet", "controller": true},
        ]}});
        let review = review("v1", "Pod", object);
        let owner = review.pod(PodId(0)).unwrap().owner();
        assert_eq!(owner.as_deref(), Some("ReplicaSet.apps"));
    }

    #[test]
    fn an_init_container_that_always_restarts_is_a_sidecar() {
        let object = json!({"spec": {
            "containers": [{"name": "main", "restartPolicy": "Always"}],
            "initContainers": [{"name": "once"}, {"name": "side", "restartPolicy": "Always"}],
            "ephemeralContainers": [{"name": "debug"}],
        }});
        let review = review("v1", "Pod", object);
        let pod = review.pod(PodId(0)).unwrap();
        let found: Vec<_> = pod
            .containers()
            .map(|it| (it.name(), it.class(), it.path()))
            .collect();
        let at = |path: &str| path.to_owned();
        assert_eq!(
            found,
            [
                ("once", ContainerClass::Init, at("/spec/initContainers/0")),
                (
                    "side",
                    ContainerClass::Sidecar,
                    at("/spec/initContainers/1")
                ),
                ("main", ContainerClass::App, at("/spec/containers/0")),
                (
                    "debug",
                    ContainerClass::Ephemeral,
                    at("/spec/ephemeralContainers/0")
                ),
            ]
        );
    }

    #[test]
    fn the_last_variable_of_a_name_wins() {
        let object = json!({"spec": {"containers": [{"env": [
            {"name": "A", "value": "1"}, {"name": "A", "value": "2"}, {"name": "B"},
        ]}]}});
        let review = review("v1", "Pod", object);
        let pod = review.pod(PodId(0)).unwrap();
        let main = pod.container(0).unwrap();
        let value = |name| main.env(name).and_then(|var| var.value);
        assert_eq!(value("A").as_deref(), Some("2"));
        assert_eq!(value("B").as_deref(), Some(""));
        assert_eq!(value("C"), None);
    }
}
