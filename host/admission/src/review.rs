//! A request together with the pods that its object would make and the edits made so far.

use serde_json::{Value, json};

use crate::patch::{self, Applied, Op, PatchError, Undo};
use crate::slot::{self, Made, PodSlot};
use crate::{ContainerView, Kinds, PodView, Request, json};

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

/// The object under review.
#[derive(Clone, Debug)]
pub struct Review {
    pub(crate) request: Request,
    pub(crate) pods: Vec<PodSlot>,
    made: Vec<Made>,
    pub(crate) applied: Vec<Applied>,
    revision: u32,
}

/// An object of which another says how many replicas there are.
#[derive(Clone, Copy, Debug)]
pub struct Scaled<'a> {
    /// The review of the object, as it would be with one replica.
    pub of: &'a Review,
    /// Where the other object says how many there are, as a JSON pointer.
    pub path: &'a str,
    /// How many there may be.
    pub replicas: u32,
    /// How many there are.
    pub existing: u32,
}

impl Review {
    /// Takes a request and finds the pods that its object would make, by a table of kinds. An object of a kind that
    /// is not in the table has none.
    pub fn new(request: Request, kinds: &Kinds) -> Self {
        let kind = kinds.find(&request.gvk.group, &request.gvk.kind);
        let (pods, made) = kind.map_or_else(Default::default, |kind| {
            slot::find(&request.object, kind, kinds)
        });
        Self {
            request,
            pods,
            made,
            applied: Vec::new(),
            revision: 0,
        }
    }

    /// Tells how many of the pods there are already: those of the object before an update, where they take no more of the
    /// same devices.
    pub fn follow(&mut self, old: &Self) {
        let existing = |pod: PodView<'_>| {
            let before = old.pods().find(|before| before.path() == pod.path())?;
            pod.takes_no_more(before).then(|| before.count())?
        };
        let existing: Vec<_> = self.pods().map(existing).collect();
        for (slot, existing) in self.pods.iter_mut().zip(existing) {
            slot.existing = existing.unwrap_or_default();
        }
    }

    /// Lends the review the pods of another object, of which this one says at a place how many replicas there are. What
    /// is said of the pods is said of that place.
    pub fn lend(&mut self, scaled: &Scaled<'_>) {
        let Scaled {
            of,
            path,
            replicas,
            existing,
        } = scaled;
        for slot in &of.pods {
            let part = |address: &str| of.at(address).cloned().unwrap_or_default();
            let metadata = slot.metadata.as_deref().map(part);
            let pod = json!({"metadata": metadata, "spec": part(&slot.spec)});
            let index = self.made.len();
            self.made.push(Made::lent(pod, path));
            let each = slot.count.unwrap_or(1);
            self.pods.push(PodSlot {
                path: (*path).to_owned(),
                count: Some(each.saturating_mul(*replicas)),
                existing: each.saturating_mul(*existing),
                spec: format!("{index}/spec"),
                metadata: Some(format!("{index}/metadata")),
                is_lent: true,
                ..slot.clone()
            });
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

    /// Takes back every operation after the first `keep`, newest first, and returns them, oldest first, with their
    /// places in the object.
    pub fn roll_back(&mut self, keep: usize) -> Vec<Applied> {
        let mut undone = self.applied.split_off(keep.min(self.applied.len()));
        if !undone.is_empty() {
            self.revision = self.revision.wrapping_add(1);
        }
        for applied in undone.iter().rev() {
            // An undo fits by construction: it was computed when its operation was applied.
            let undone = self.take_back(&applied.undo);
            debug_assert!(undone.is_ok(), "{undone:?}");
        }
        for applied in &mut undone {
            if split(&applied.op.path).0.is_some() {
                applied.op.path = self.place_of(&applied.op.path);
            }
        }
        undone
    }

    /// Gives the request back, with the object as it is now, and the operations that made it so. Those on pods that
    /// the object does not spell out changed nothing of it.
    pub fn into_parts(self) -> (Request, Vec<Applied>) {
        let mut applied = self.applied;
        applied.retain(|applied| split(&applied.op.path).0.is_none());
        (self.request, applied)
    }

    /// Where in the object something stands that a policy speaks of as a field of a pod.
    pub fn place(&self, path: &str) -> String {
        self.place_of(&self.address(path))
    }

    /// What a policy speaks of by a JSON pointer.
    pub fn pointer(&self, path: &str) -> Option<&Value> {
        self.at(&self.address(path))
    }

    /// The address of what a policy speaks of by a JSON pointer: fields of the object are where they are, fields of
    /// a pod where the object has them.
    fn address(&self, path: &str) -> String {
        let within = |slot: &&PodSlot| json::below(path, &slot.path).is_some();
        let slots = self.pods.iter().filter(within);
        let in_pod = |slot: &PodSlot| {
            let rest = json::below(path, &slot.path)?;
            let in_spec = json::below(rest, "/spec").map(|rest| format!("{}{rest}", slot.spec));
            let metadata = || {
                let rest = json::below(rest, "/metadata")?;
                let place = slot.metadata.as_ref();
                Some(place.map_or_else(|| slot.path.clone(), |place| format!("{place}{rest}")))
            };
            in_spec.or_else(metadata)
        };
        let nearest = slots.max_by_key(|slot| slot.path.len());
        nearest.and_then(in_pod).unwrap_or_else(|| path.to_owned())
    }

    pub(crate) fn place_of(&self, address: &str) -> String {
        match split(address) {
            (None, place) => place.to_owned(),
            (Some(index), pointer) => self
                .made
                .get(index)
                .map_or_else(String::new, |made| made.place(pointer)),
        }
    }

    /// What is at an address.
    pub(crate) fn at(&self, address: &str) -> Option<&Value> {
        let (index, pointer) = split(address);
        let root = match index {
            None => &self.request.object,
            Some(index) => &self.made.get(index)?.pod,
        };
        json::at(root, pointer)
    }

    fn root_mut(&mut self, index: Option<usize>) -> Option<&mut Value> {
        match index {
            None => Some(&mut self.request.object),
            Some(index) => self.made.get_mut(index).map(|made| &mut made.pod),
        }
    }

    fn take_back(&mut self, undo: &Undo) -> Result<(), PatchError> {
        let (index, pointer) = split(&undo.op.path);
        let missing = || PatchError::Missing(undo.op.path.clone());
        let root = self.root_mut(index).ok_or_else(missing)?;
        match index {
            None => patch::take_back(root, undo),
            Some(_) => patch::take_back(root, &undo.at(pointer.to_owned())),
        }
    }

    pub(crate) fn apply(&mut self, op: Op, policy: &str, rule: &str) -> Result<(), PatchError> {
        let (index, pointer) = split(&op.path);
        let missing = || PatchError::Missing(op.path.clone());
        let root = self.root_mut(index).ok_or_else(missing)?;
        let undo = match index {
            None => patch::apply(root, &op)?,
            Some(index) => {
                let undo = patch::apply(root, &op.at(pointer.to_owned()))?;
                let address = format!("{index}{}", undo.op.path);
                undo.at(address)
            }
        };
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

/// The index of a pod that was put together, where an address has one, and the JSON pointer.
fn split(address: &str) -> (Option<usize>, &str) {
    let start = address.find('/').unwrap_or(address.len());
    let (index, pointer) = address.split_at(start);
    (index.parse().ok(), pointer)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{ContainerClass, GroupVersionKind, Operation};

    fn review(api_version: &str, kind: &str, object: Value) -> Review {
        Review::new(
            Request {
                uid: String::new(),
                operation: Operation::Create,
                gvk: GroupVersionKind::new(api_version, kind),
                subresource: None,
                resource: None,
                namespace: None,
                name: None,
                user: String::new(),
                groups: Vec::new(),
                dry_run: false,
                namespace_labels: None,
                object,
                old_object: None,
            },
            Kinds::builtin(),
        )
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
