//! The review, its pods and their containers as policies see them. What has been read once is kept until an edit
//! changes it, over all the policies of a bundle: a call out of the sandbox costs a hundred times as much as a look at
//! what is there.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::Value;
use tollgate_gpu::Workload;

use crate::contract::types as raw;
use crate::memo::{Keyed, Memo};
use crate::selection::{self, GpuUnit};
use crate::{
    Device, EnvVar, Mount, NodeTerm, Port, Probe, ResourceClaim, Toleration, Volume, Words,
};

/// The request to be judged.
pub struct Review {
    raw: raw::Review,
    pods: Rc<[Pod]>,
}

/// A pod, or the template of pods, inside the object under review. A clone is the same pod.
#[derive(Clone)]
pub struct Pod(Rc<PodReads>);

/// A container of a pod. A clone is the same container.
#[derive(Clone)]
pub struct Container(Rc<ContainerReads>);

struct PodReads {
    raw: raw::Pod,
    containers: Memo<[Container]>,
    kept: RefCell<Rc<PodKept>>,
}

/// What has been read of a pod.
#[derive(Default)]
pub(crate) struct PodKept {
    pub(crate) fields: Memo<raw::PodFields>,
    pub(crate) labels: Keyed<String>,
    pub(crate) annotations: Keyed<String>,
    pub(crate) node_selectors: Memo<[(String, String)]>,
    pub(crate) node_terms: Memo<[NodeTerm]>,
    pub(crate) tolerations: Memo<[Toleration]>,
    pub(crate) volumes: Memo<[Volume]>,
    pub(crate) resource_claims: Memo<[ResourceClaim]>,
    pub(crate) models: Memo<Option<Vec<&'static tollgate_gpu::Model>>>,
    pub(crate) gpu_unit: Memo<GpuUnit>,
}

struct ContainerReads {
    raw: raw::Container,
    kept: RefCell<Rc<ContainerKept>>,
}

/// What has been read of a container.
#[derive(Default)]
pub(crate) struct ContainerKept {
    pub(crate) fields: Memo<raw::ContainerFields>,
    pub(crate) requests: Memo<[(String, String)]>,
    pub(crate) limits: Memo<[(String, String)]>,
    pub(crate) devices: Memo<[Device]>,
    pub(crate) env: Keyed<EnvVar>,
    pub(crate) words: Memo<Words>,
    pub(crate) workload: Memo<Option<&'static Workload>>,
    pub(crate) command: Memo<[String]>,
    pub(crate) args: Memo<[String]>,
    pub(crate) mounts: Memo<[Mount]>,
}

/// Getters that ask the host each time.
macro_rules! asked {
    ($this:ident => $raw:expr; $($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty),*) -> $out:ty;)*) => {
        $($(#[$doc])* pub fn $name(&$this $(, $arg: $type)*) -> $out {
            $raw.$name($($arg),*)
        })*
    };
}

/// Getters of what stands in the record of single fields.
macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident: $out:ty;)*) => {
        $($(#[$doc])* pub fn $name(&self) -> $out {
            self.fields().$name.clone()
        })*
    };
}

/// Getters of lists that ask the host once.
macro_rules! kept {
    ($($(#[$doc:meta])* $name:ident -> $out:ty;)*) => {
        $($(#[$doc])* pub fn $name(&self) -> Rc<$out> {
            self.kept().$name.get(|| self.0.raw.$name().into())
        })*
    };
}

/// The pods that were read last, and the object's revision then, unless it was edited since. An instance sees one review
/// in its life, so there is never another review's.
#[derive(Default)]
struct Kept {
    request: Rc<Memo<raw::RequestFields>>,
    pods: Option<Rc<[Pod]>>,
    revision: Option<u32>,
    /// The handles of calls that have ended. They go with the instance: to give one back is a call out of the sandbox.
    ended: Vec<raw::Review>,
}

thread_local! {
    static KEPT: RefCell<Kept> = RefCell::default();
}

/// Forgets all that was read, for the next review of this thread.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn begin_review() {
    KEPT.take();
}

/// Takes note that the object may have changed, and so its revision.
pub(crate) fn note_edit() {
    KEPT.with_borrow_mut(|kept| kept.revision = None);
}

/// Forgets what was read of every pod: anything in the object may have changed.
pub(crate) fn forget_all() {
    let pods = KEPT.with_borrow(|kept| kept.pods.clone());
    pods.iter()
        .flat_map(|pods| pods.iter())
        .for_each(Pod::forget);
}

impl Review {
    /// Takes what the host hands over. Pods that were read before are kept where the object has not changed since.
    pub(crate) fn of(raw: raw::Review) -> Self {
        let revision = Some(raw.revision());
        let kept = KEPT.with_borrow(|kept| kept.pods.clone().filter(|_| kept.revision == revision));
        let pods = kept.unwrap_or_else(|| raw.pods().into_iter().map(Pod::of).collect());
        KEPT.with_borrow_mut(|kept| {
            kept.pods = Some(Rc::clone(&pods));
            kept.revision = revision;
        });
        Self { raw, pods }
    }

    /// Ends a call: what was read holds for the object as it is now, the call's own edits included.
    pub(crate) fn keep(self) {
        KEPT.with_borrow_mut(|kept| {
            kept.revision.get_or_insert_with(|| self.raw.revision());
            kept.ended.push(self.raw);
        });
    }

    fn fields(&self) -> Rc<raw::RequestFields> {
        let kept = KEPT.with_borrow(|kept| Rc::clone(&kept.request));
        kept.get(|| Rc::new(self.raw.fields()))
    }

    /// Every pod that the object would make.
    pub fn pods(&self) -> Rc<[Pod]> {
        Rc::clone(&self.pods)
    }

    /// The kind of the object, as `Kind.group`, or the bare kind for the core group.
    pub fn kind_dot_group(&self) -> String {
        match self.group().as_str() {
            "" => self.kind(),
            group => format!("{}.{group}", self.kind()),
        }
    }

    /// What stands at a JSON pointer of the object; nothing for `null`.
    pub fn value(&self, pointer: &str) -> Option<Value> {
        let value: Value = serde_json::from_str(&self.json(pointer)?).ok()?;
        (!value.is_null()).then_some(value)
    }

    /// The text at a JSON pointer of the object.
    pub fn text(&self, pointer: &str) -> Option<String> {
        match self.value(pointer)? {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The whole number at a JSON pointer of the object, also where it is written as text.
    pub fn number(&self, pointer: &str) -> Option<u64> {
        match self.value(pointer)? {
            Value::String(text) => text.parse().ok(),
            value => value.as_u64(),
        }
    }

    fields! {
        /// `CREATE` or `UPDATE`.
        operation: String;
        /// The kind of the object.
        kind: String;
        /// The API group of the object.
        group: String;
        /// The API version of the object.
        version: String;
        /// The subresource that is written.
        subresource: Option<String>;
        /// The namespace that the object is in.
        namespace: Option<String>;
        /// The name of the object.
        name: Option<String>;
        /// The user that makes the request.
        user: String;
        /// The groups of that user.
        groups: Vec<String>;
        /// Whether nothing will be stored.
        dry_run: bool;
    }

    asked! { self => self.raw;
        /// A label of the namespace.
        namespace_label(key: &str) -> Option<String>;
        /// All labels of the namespace.
        namespace_labels() -> Vec<(String, String)>;
        /// The JSON text at a JSON pointer of the object.
        json(pointer: &str) -> Option<String>;
        /// The JSON text at a JSON pointer of the object before an update.
        old_json(pointer: &str) -> Option<String>;
    }
}

impl Pod {
    fn of(raw: raw::Pod) -> Self {
        Self(Rc::new(PodReads {
            raw,
            containers: Memo::default(),
            kept: RefCell::default(),
        }))
    }

    pub(crate) fn raw(&self) -> &raw::Pod {
        &self.0.raw
    }

    pub(crate) fn kept(&self) -> Rc<PodKept> {
        Rc::clone(&self.0.kept.borrow())
    }

    fn forget(&self) {
        self.0.kept.take();
        self.containers().iter().for_each(|container| {
            container.0.kept.take();
        });
    }

    /// The containers of every class: init containers in order, app containers, ephemeral ones.
    pub fn containers(&self) -> Rc<[Container]> {
        let read = || self.0.raw.containers().into_iter().map(Container::of);
        self.0.containers.get(|| read().collect())
    }

    fn fields(&self) -> Rc<raw::PodFields> {
        self.kept().fields.get(|| Rc::new(self.0.raw.fields()))
    }

    /// A label.
    pub fn label(&self, key: &str) -> Option<String> {
        self.kept().labels.get(key, || self.0.raw.label(key))
    }

    /// A value of the node selector.
    pub fn node_selector(&self, key: &str) -> Option<String> {
        text_at(&self.node_selectors(), key)
    }

    /// An annotation.
    pub fn annotation(&self, key: &str) -> Option<String> {
        self.kept()
            .annotations
            .get(key, || self.0.raw.annotation(key))
    }

    /// The GPU models that the pod's own selectors leave: see [`crate::selected_models`].
    pub(crate) fn models(&self) -> Rc<Option<Vec<&'static tollgate_gpu::Model>>> {
        let read = || Rc::new(selection::read_models(self));
        self.kept().models.get(read)
    }

    /// What one `nvidia.com/gpu` is: see [`crate::gpu_unit`].
    pub(crate) fn unit(&self) -> GpuUnit {
        *self
            .kept()
            .gpu_unit
            .get(|| Rc::new(selection::read_unit(self)))
    }

    fields! {
        /// The role within the object; empty where there is only one.
        role: String;
        /// The JSON pointer of the pod or template in the object; empty for a Pod.
        path: String;
        /// How many such pods the object makes; `None` when it cannot be told.
        count: Option<u32>;
        /// The kind of what owns the pods, as `Kind.group`; `None` for a pod on its own.
        owner: Option<String>;
        /// Whether the object spells out all of the pod: a rule about what is missing should say nothing where not.
        is_whole: bool;
        /// The runtime class.
        runtime_class: Option<String>;
        /// The scheduler; `None` is the cluster's default.
        scheduler: Option<String>;
        /// The priority class.
        priority_class: Option<String>;
        /// The node, when the manifest sets it and so skips the scheduler.
        node_name: Option<String>;
        /// The service account.
        service_account: Option<String>;
        /// The operating system, `linux` or `windows`.
        os: Option<String>;
        /// The restart policy; `Always` when left out.
        restart_policy: String;
        /// The termination grace period in seconds.
        grace_period: Option<u32>;
        /// The names of the scheduling gates.
        scheduling_gates: Vec<String>;
        /// Whether the pod shares the node's IPC namespace.
        host_ipc: bool;
        /// Whether the pod shares the node's process namespace.
        host_pid: bool;
        /// Whether the pod shares the node's network namespace.
        host_network: bool;
    }

    kept! {
        /// The whole node selector.
        node_selectors -> [(String, String)];
        /// The node affinity's expressions over labels, required ones first.
        node_terms -> [NodeTerm];
        /// The tolerations.
        tolerations -> [Toleration];
        /// The volumes.
        volumes -> [Volume];
        /// The claims on dynamically allocated devices.
        resource_claims -> [ResourceClaim];
    }

    asked! { self => self.0.raw;
        /// All labels.
        labels() -> Vec<(String, String)>;
        /// All annotations.
        annotations() -> Vec<(String, String)>;
        /// The volume of a name.
        volume(name: &str) -> Option<Volume>;
        /// How many of them there are already, as far as that is known.
        existing() -> u32;
        /// A pod-level resource request.
        request(name: &str) -> Option<String>;
        /// A pod-level resource limit.
        limit(name: &str) -> Option<String>;
    }
}

impl Container {
    fn of(raw: raw::Container) -> Self {
        Self(Rc::new(ContainerReads {
            raw,
            kept: RefCell::default(),
        }))
    }

    pub(crate) fn raw(&self) -> &raw::Container {
        &self.0.raw
    }

    pub(crate) fn kept(&self) -> Rc<ContainerKept> {
        Rc::clone(&self.0.kept.borrow())
    }

    fn fields(&self) -> Rc<raw::ContainerFields> {
        self.kept().fields.get(|| Rc::new(self.0.raw.fields()))
    }

    /// A resource request.
    pub fn request(&self, name: &str) -> Option<String> {
        text_at(&self.requests(), name)
    }

    /// A resource limit.
    pub fn limit(&self, name: &str) -> Option<String> {
        text_at(&self.limits(), name)
    }

    /// The environment variable of a name: the last one, which is the one that counts.
    pub fn env(&self, name: &str) -> Option<EnvVar> {
        self.kept().env.get(name, || self.0.raw.env(name))
    }

    /// The accelerators that it asks for, by the names that the table of resources knows, in the order of its limits.
    /// A count of zero is an explicit "none" and is left out.
    pub fn devices(&self) -> Rc<[Device]> {
        self.kept().devices.get(|| crate::device::read(self).into())
    }

    /// The words that it is started with.
    pub fn words(&self) -> Rc<Words> {
        self.kept().words.get(|| Rc::new(Words::of(self)))
    }

    /// The known program that it runs.
    pub fn workload(&self) -> Option<&'static Workload> {
        *self
            .kept()
            .workload
            .get(|| Rc::new(crate::program::recognised(self)))
    }

    fields! {
        /// The name, unique within the pod.
        name: String;
        /// The JSON pointer of the container in the object.
        path: String;
        /// `app`, `init`, `sidecar` (an init container that restarts) or `ephemeral`.
        class: String;
        /// The image.
        image: Option<String>;
        /// The image pull policy.
        image_pull_policy: Option<String>;
        /// Whether variables come from config maps or secrets as a whole.
        has_env_from: bool;
        /// Whether the container is privileged.
        privileged: bool;
        /// The capabilities that the container adds, as written.
        capabilities: Vec<String>;
        /// The user id that the container runs as, of its own or of the pod's security context.
        run_as_user: Option<i32>;
    }

    kept! {
        /// All resource requests.
        requests -> [(String, String)];
        /// All resource limits.
        limits -> [(String, String)];
        /// The command.
        command -> [String];
        /// The arguments.
        args -> [String];
        /// The mounts.
        mounts -> [Mount];
    }

    asked! { self => self.0.raw;
        /// The claims on dynamically allocated devices that the container uses.
        resource_claims() -> Vec<ResourceClaim>;
        /// The environment variables whose names begin with a prefix.
        env_with_prefix(prefix: &str) -> Vec<EnvVar>;
        /// The ports.
        ports() -> Vec<Port>;
        /// A probe: `liveness`, `readiness` or `startup`.
        probe(name: &str) -> Option<Probe>;
    }
}

fn text_at(pairs: &[(String, String)], key: &str) -> Option<String> {
    let (_, text) = pairs.iter().find(|(there, _)| there == key)?;
    Some(text.clone())
}
