//! A typed view of a pod or of a template of pods.

use serde_json::Value;
use tollgate_gpu::{ContainerClass, Quantity};

use crate::slot::{ContainerSlot, PodSlot};
use crate::{ContainerView, NodeTerm, PodId, ResourceClaim, Review, Toleration, Volume, json};

/// A pod of the object under review. Getters answer from the object as it is now.
#[derive(Clone, Copy)]
pub struct PodView<'a> {
    pub(crate) review: &'a Review,
    pub(crate) id: PodId,
    pub(crate) slot: &'a PodSlot,
}

impl<'a> PodView<'a> {
    /// Which pod this is.
    pub fn id(&self) -> PodId {
        self.id
    }

    /// The role within the object.
    pub fn role(&self) -> &'a str {
        &self.slot.role
    }

    /// The JSON pointer of the pod or template in the object. Its `spec` and `metadata` are below also where the
    /// object has them elsewhere or in other words; [`Review::place`] tells where that is.
    pub fn path(&self) -> &'a str {
        &self.slot.path
    }

    /// How many such pods the object makes.
    pub fn count(&self) -> Option<u32> {
        self.slot.count
    }

    /// How many of them there are already, as far as that is known: of an update those of the object before it.
    pub fn existing(&self) -> u32 {
        self.slot.existing
    }

    /// Whether another object makes the pod, and this one only says how many.
    pub fn is_lent(&self) -> bool {
        self.slot.is_lent
    }

    /// Whether the object spells out all of the pod: other objects and controllers add to one that it does not, so that
    /// what is missing here may be there in the end.
    pub fn is_whole(&self) -> bool {
        self.slot.is_whole
    }

    /// What owns the pods, as `Kind.group`.
    pub fn owner(&self) -> Option<String> {
        if let Some(owner) = &self.slot.owner {
            return Some(owner.clone());
        }
        let owners = json::list(self.metadata()?, "ownerReferences");
        let owner = owners
            .iter()
            .find(|owner| json::flag(owner, "controller"))?;
        let gvk = crate::GroupVersionKind::new(
            json::text(owner, "apiVersion")?,
            json::text(owner, "kind")?,
        );
        Some(gvk.kind_dot_group())
    }

    pub(crate) fn spec(&self) -> Option<&'a Value> {
        self.review.at(&self.slot.spec)
    }

    pub(crate) fn spec_field(&self, field: &str) -> Option<&'a Value> {
        self.spec()?.get(field)
    }

    fn metadata(&self) -> Option<&'a Value> {
        self.review.at(self.slot.metadata.as_deref()?)
    }

    /// All of the object that makes the pods what they are: spec, labels, annotations.
    pub fn substance(&self) -> [Option<&'a Value>; 3] {
        let metadata = |map| self.metadata().and_then(|metadata| metadata.get(map));
        [self.spec(), metadata("labels"), metadata("annotations")]
    }

    pub(crate) fn metadata_map(&self, map: &str) -> Option<&'a serde_json::Map<String, Value>> {
        json::object(self.metadata()?, map)
    }

    fn text(&self, field: &str) -> Option<&'a str> {
        json::text(self.spec()?, field).filter(|text| !text.is_empty())
    }

    fn items(&self, field: &str) -> &'a [Value] {
        self.spec().map_or(&[], |spec| json::list(spec, field))
    }

    fn flag(&self, field: &str) -> bool {
        self.spec().is_some_and(|spec| json::flag(spec, field))
    }

    /// A label.
    pub fn label(&self, key: &str) -> Option<&'a str> {
        json::text(self.metadata()?.get("labels")?, key)
    }

    /// All labels.
    pub fn labels(&self) -> Vec<(String, String)> {
        self.metadata()
            .map_or_else(Vec::new, |metadata| json::pairs(metadata, "labels"))
    }

    /// An annotation.
    pub fn annotation(&self, key: &str) -> Option<&'a str> {
        json::text(self.metadata()?.get("annotations")?, key)
    }

    /// All annotations.
    pub fn annotations(&self) -> Vec<(String, String)> {
        self.metadata()
            .map_or_else(Vec::new, |metadata| json::pairs(metadata, "annotations"))
    }

    /// A value of the node selector.
    pub fn node_selector(&self, key: &str) -> Option<&'a str> {
        json::text(self.spec()?.get("nodeSelector")?, key)
    }

    /// The whole node selector.
    pub fn node_selectors(&self) -> Vec<(String, String)> {
        self.spec()
            .map_or_else(Vec::new, |spec| json::pairs(spec, "nodeSelector"))
    }

    /// The node affinity's expressions over labels, required ones first.
    pub fn node_terms(&self) -> Vec<NodeTerm> {
        let Some(affinity) = self
            .spec()
            .and_then(|spec| spec.get("affinity")?.get("nodeAffinity"))
        else {
            return Vec::new();
        };
        let required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution");
        let required = required.map_or(&[][..], |selector| {
            json::list(selector, "nodeSelectorTerms")
        });
        let preferred = json::list(affinity, "preferredDuringSchedulingIgnoredDuringExecution");
        let preferred = preferred
            .iter()
            .filter_map(|weighted| weighted.get("preference"));
        let terms = (0u32..)
            .zip(required)
            .map(|(term, selector)| (term, selector, true));
        let terms = terms.chain(
            (0u32..)
                .zip(preferred)
                .map(|(term, selector)| (term, selector, false)),
        );
        terms
            .flat_map(|(term, selector, required)| expressions(term, selector, required))
            .collect()
    }

    /// The tolerations.
    pub fn tolerations(&self) -> Vec<Toleration> {
        self.items("tolerations")
            .iter()
            .map(Toleration::read)
            .collect()
    }

    /// The volumes.
    pub fn volumes(&self) -> Vec<Volume> {
        self.items("volumes").iter().map(Volume::read).collect()
    }

    /// The volume of a name.
    pub fn volume(&self, name: &str) -> Option<Volume> {
        self.items("volumes")
            .iter()
            .find(|volume| json::text(volume, "name") == Some(name))
            .map(Volume::read)
    }

    /// The containers of every class: init containers in order, app containers, ephemeral ones.
    pub fn containers(&self) -> impl Iterator<Item = ContainerView<'a>> {
        let pod = *self;
        (0u32..)
            .zip(&self.slot.containers)
            .map(move |(index, slot)| pod.view(index, slot))
    }

    /// A container, by its index among those of all classes.
    pub fn container(&self, index: u32) -> Option<ContainerView<'a>> {
        let slot = self.slot.containers.get(usize::try_from(index).ok()?)?;
        Some(self.view(index, slot))
    }

    fn view(self, index: u32, slot: &'a ContainerSlot) -> ContainerView<'a> {
        let json = self
            .spec()
            .and_then(|spec| slot.of(spec))
            .unwrap_or(&Value::Null);
        ContainerView {
            pod: self,
            index,
            slot,
            json,
        }
    }

    /// The accelerators that one pod takes, by resource name: its effective request over all containers, and its
    /// overhead, which is held like a sidecar that starts before all others.
    pub fn devices(&self) -> Vec<(String, u64)> {
        let overhead = self
            .spec()
            .map_or_else(Vec::new, |spec| json::pairs(spec, "overhead"));
        let overhead = overhead.into_iter().filter_map(|(name, text)| {
            Some((ContainerClass::Sidecar, name, Quantity::parse(&text).ok()?))
        });
        let asked = self.containers().flat_map(|container| container.asked());
        let asked: Vec<_> = overhead.chain(asked).collect();
        let asked = asked
            .iter()
            .map(|(class, name, quantity)| (*class, name.as_str(), *quantity));
        tollgate_gpu::devices(asked)
            .into_iter()
            .map(|(name, count)| (name.to_owned(), count))
            .collect()
    }

    /// The claims on dynamically allocated devices.
    pub fn resource_claims(&self) -> Vec<ResourceClaim> {
        self.items("resourceClaims")
            .iter()
            .map(ResourceClaim::read)
            .collect()
    }

    /// A pod-level resource request.
    pub fn request(&self, name: &str) -> Option<String> {
        json::scalar(self.spec()?.get("resources")?.get("requests")?, name)
    }

    /// A pod-level resource limit.
    pub fn limit(&self, name: &str) -> Option<String> {
        json::scalar(self.spec()?.get("resources")?.get("limits")?, name)
    }

    /// The runtime class.
    pub fn runtime_class(&self) -> Option<&'a str> {
        self.text("runtimeClassName")
    }

    /// The scheduler.
    pub fn scheduler(&self) -> Option<&'a str> {
        self.text("schedulerName")
    }

    /// The priority class.
    pub fn priority_class(&self) -> Option<&'a str> {
        self.text("priorityClassName")
    }

    /// The priority, which the API server derives from the class.
    pub fn priority(&self) -> Option<i32> {
        let priority = self.spec()?.get("priority")?.as_i64()?;
        i32::try_from(priority).ok()
    }

    /// The node, when the manifest sets it.
    pub fn node_name(&self) -> Option<&'a str> {
        self.text("nodeName")
    }

    /// The service account.
    pub fn service_account(&self) -> Option<&'a str> {
        self.text("serviceAccountName")
            .or_else(|| self.text("serviceAccount"))
    }

    /// The operating system: of `spec.os`, else of the node selector.
    pub fn os(&self) -> Option<&'a str> {
        let declared = self.spec()?.get("os").and_then(|os| json::text(os, "name"));
        declared.or_else(|| self.node_selector("kubernetes.io/os"))
    }

    /// The restart policy.
    pub fn restart_policy(&self) -> &'a str {
        self.text("restartPolicy").unwrap_or("Always")
    }

    /// The termination grace period in seconds.
    pub fn grace_period(&self) -> Option<u32> {
        json::integer(self.spec()?, "terminationGracePeriodSeconds")
    }

    /// The names of the scheduling gates.
    pub fn scheduling_gates(&self) -> Vec<String> {
        self.items("schedulingGates")
            .iter()
            .filter_map(|gate| json::text(gate, "name"))
            .map(str::to_owned)
            .collect()
    }

    /// Whether the pod shares the node's IPC namespace.
    pub fn host_ipc(&self) -> bool {
        self.flag("hostIPC")
    }

    /// Whether the pod shares the node's process namespace.
    pub fn host_pid(&self) -> bool {
        self.flag("hostPID")
    }

    /// Whether the pod shares the node's network namespace.
    pub fn host_network(&self) -> bool {
        self.flag("hostNetwork")
    }
}

fn expressions(term: u32, selector: &Value, required: bool) -> impl Iterator<Item = NodeTerm> {
    json::list(selector, "matchExpressions")
        .iter()
        .map(move |expression| NodeTerm {
            term,
            key: json::text(expression, "key").unwrap_or_default().to_owned(),
            operator: json::text(expression, "operator")
                .unwrap_or_default()
                .to_owned(),
            values: json::texts(expression, "values"),
            required,
        })
}
