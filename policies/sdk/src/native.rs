//! The contract on the host's own pod model, for tests: the same names and signatures as the generated imports.

use std::cell::RefCell;
use std::rc::Rc;

use tollgate_admission as admission;

/// What a policy's calls act upon. One per thread, set by the test harness for the length of a call.
pub(crate) struct Session {
    pub(crate) policy: &'static str,
    pub(crate) review: Rc<RefCell<admission::Review>>,
    pub(crate) mutating: bool,
    pub(crate) granted: bool,
    pub(crate) findings: Vec<admission::Finding>,
    pub(crate) log: Vec<(String, String)>,
    pub(crate) site: Site,
    pub(crate) snapshot: Rc<tollgate_context::Snapshot>,
    pub(crate) readings: Rc<tollgate_budget::Readings>,
    pub(crate) charges: Vec<(admission::PodId, tollgate_budget::Weighed)>,
}

/// What the `Site` document says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Site {
    pub(crate) gpu_models: Vec<String>,
    pub(crate) mig_strategy: Option<String>,
    pub(crate) sharing: Option<String>,
}

thread_local! {
    pub(crate) static SESSION: RefCell<Option<Session>> = const { RefCell::new(None) };
}

/// Runs with the session of the call that is on.
#[expect(
    clippy::panic,
    reason = "test code: a policy was called outside the harness"
)]
fn session<T>(run: impl FnOnce(&mut Session) -> T) -> T {
    SESSION.with_borrow_mut(|session| match session {
        Some(session) => run(session),
        None => panic!("policies run inside `tollgate_sdk::test` only"),
    })
}

pub mod types {
    //! The interface `types`.

    use std::cell::RefCell;
    use std::rc::Rc;

    use tollgate_admission::{self as admission, ContainerId, ContainerView, PodId, PodView};
    pub use tollgate_admission::{
        ContainerFields, EnvVar, Mount, NodeTerm, PodFields, Port, Probe, RequestFields,
        ResourceClaim, Toleration, Volume,
    };

    type Shared = Rc<RefCell<admission::Review>>;

    /// The request to be judged.
    pub struct Review(pub(crate) Shared);

    /// A pod, or the template of pods, inside the object under review.
    pub struct Pod(pub(crate) Shared, pub(crate) PodId);

    /// A container of a pod.
    pub struct Container(pub(crate) Shared, pub(crate) ContainerId);

    /// One line for each getter: the view's getter of the same name, its borrow made an owned value.
    macro_rules! getters {
        ($this:ident; $($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty),*) -> $out:ty $(= $own:expr)?;)*) => {
            $($(#[$doc])* pub fn $name(&$this $(, $arg: $type)*) -> $out {
                $this.view(|view| getters!(@ view.$name($($arg),*) $(, $own)?))
            })*
        };
        (@ $got:expr, $own:expr) => { $own($got) };
        (@ $got:expr) => { $got };
    }

    fn owned(text: Option<&str>) -> Option<String> {
        text.map(str::to_owned)
    }

    impl Review {
        fn request<T>(&self, read: impl FnOnce(&admission::Request) -> T) -> T {
            read(self.0.borrow().request())
        }

        /// What the request says of itself.
        pub fn fields(&self) -> RequestFields {
            RequestFields::from(self.0.borrow().request())
        }
        /// A label of the namespace.
        pub fn namespace_label(&self, key: &str) -> Option<String> {
            self.namespace_labels()
                .into_iter()
                .find(|(found, _)| found == key)
                .map(|(_, value)| value)
        }
        /// All labels of the namespace.
        pub fn namespace_labels(&self) -> Vec<(String, String)> {
            self.request(|request| {
                request
                    .namespace_labels
                    .clone()
                    .unwrap_or_default()
                    .into_iter()
                    .collect()
            })
        }
        /// The JSON text at a JSON pointer of the object.
        pub fn json(&self, pointer: &str) -> Option<String> {
            self.0.borrow().pointer(pointer).map(ToString::to_string)
        }
        /// The JSON text at a JSON pointer of the object before an update.
        pub fn old_json(&self, pointer: &str) -> Option<String> {
            self.request(|request| {
                request
                    .old_object
                    .as_ref()?
                    .pointer(pointer)
                    .map(ToString::to_string)
            })
        }
        /// A number that changes whenever the object does.
        pub fn revision(&self) -> u32 {
            self.0.borrow().revision()
        }
        /// Every pod that the object would make.
        pub fn pods(&self) -> Vec<Pod> {
            self.0
                .borrow()
                .pods()
                .map(|pod| Pod(Rc::clone(&self.0), pod.id()))
                .collect()
        }
    }

    impl Pod {
        #[expect(
            clippy::expect_used,
            reason = "ids come from the same review, whose pods do not change"
        )]
        fn view<T>(&self, read: impl FnOnce(PodView<'_>) -> T) -> T {
            read(self.0.borrow().pod(self.1).expect("a pod of this review"))
        }

        /// The containers of every class.
        pub fn containers(&self) -> Vec<Container> {
            self.view(|pod| {
                pod.containers()
                    .map(|container| Container(Rc::clone(&self.0), container.id()))
                    .collect()
            })
        }

        getters! { self;
            /// What the pod says once.
            fields() -> PodFields;
            /// A label.
            label(key: &str) -> Option<String> = owned;
            /// All labels.
            labels() -> Vec<(String, String)>;
            /// An annotation.
            annotation(key: &str) -> Option<String> = owned;
            /// All annotations.
            annotations() -> Vec<(String, String)>;
            /// The whole node selector.
            node_selectors() -> Vec<(String, String)>;
            /// The node affinity's expressions.
            node_terms() -> Vec<NodeTerm>;
            /// The tolerations.
            tolerations() -> Vec<Toleration>;
            /// The volumes.
            volumes() -> Vec<Volume>;
            /// The volume of a name.
            volume(name: &str) -> Option<Volume>;
            /// The claims on dynamically allocated devices.
            resource_claims() -> Vec<ResourceClaim>;
            /// How many of them there are already, as far as that is known.
            existing() -> u32;
            /// A pod-level resource request.
            request(name: &str) -> Option<String>;
            /// A pod-level resource limit.
            limit(name: &str) -> Option<String>;
        }
    }

    impl Container {
        #[expect(
            clippy::expect_used,
            reason = "ids come from the same review, whose containers do not change"
        )]
        fn view<T>(&self, read: impl FnOnce(ContainerView<'_>) -> T) -> T {
            read(
                self.0
                    .borrow()
                    .container(self.1)
                    .expect("a container of this review"),
            )
        }

        getters! { self;
            /// What the container says once.
            fields() -> ContainerFields;
            /// All resource requests.
            requests() -> Vec<(String, String)>;
            /// All resource limits.
            limits() -> Vec<(String, String)>;
            /// The claims on dynamically allocated devices that it uses.
            resource_claims() -> Vec<ResourceClaim>;
            /// The environment variable of a name.
            env(name: &str) -> Option<EnvVar>;
            /// The environment variables whose names begin with a prefix.
            env_with_prefix(prefix: &str) -> Vec<EnvVar>;
            /// The command.
            command() -> Vec<String>;
            /// The arguments.
            args() -> Vec<String>;
            /// The ports.
            ports() -> Vec<Port>;
            /// The mounts.
            mounts() -> Vec<Mount>;
            /// A probe.
            probe(name: &str) -> Option<Probe>;
        }
    }
}

pub mod edits {
    //! The interface `edits`: see `wit/edits.wit` for what each edit means.

    use tollgate_admission::{Author, Edit};

    use super::session;
    use super::types::{Container, Pod, Probe, Toleration};

    /// A clash of two policies.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Conflict {
        /// The JSON pointer of the value.
        pub path: String,
        /// The policy that wrote it first.
        pub policy: String,
        /// The rule that wrote it first.
        pub rule: String,
    }

    /// Why an edit was refused.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum EditError {
        /// Another policy wrote another value there.
        Conflict(Conflict),
        /// The API server would refuse the result.
        Invalid(String),
        /// The policy may not make this edit.
        Forbidden(String),
        /// Anything else.
        Other(String),
    }

    pub(super) fn edit(rule: &str, edit: Edit) -> Result<(), EditError> {
        session(|session| {
            if !session.mutating {
                return Err(EditError::Forbidden(
                    "edits are made in `mutate` only".to_owned(),
                ));
            }
            let author = Author {
                policy: session.policy,
                rule,
            };
            session
                .review
                .borrow_mut()
                .edit(author, edit)
                .map_err(convert)
        })
    }

    fn convert(error: tollgate_admission::EditError) -> EditError {
        use tollgate_admission::EditError as Host;
        match error {
            Host::Conflict { path, policy, rule } => {
                EditError::Conflict(Conflict { path, policy, rule })
            }
            Host::Invalid(reason) => EditError::Invalid(reason),
            Host::Forbidden(reason) => EditError::Forbidden(reason),
            other => EditError::Other(other.to_string()),
        }
    }

    fn own(text: &str) -> String {
        text.to_owned()
    }

    /// Functions over a pod or a container that make an [`Edit`] of their parameters.
    macro_rules! edits {
        ($($(#[$doc:meta])* $name:ident($on:ident: $type:ty $(, $arg:ident: $arg_type:ty = $value:expr)*) => $edit:ident;)*) => {
            $($(#[$doc])*
            #[doc = "\n\n# Errors\n\nWhen the edit is refused."]
            pub fn $name($on: &$type, rule: &str $(, $arg: $arg_type)*) -> Result<(), EditError> {
                edit(rule, Edit::$edit { $on: $on.1 $(, $arg: $value)* })
            })*
        };
    }

    edits! {
        /// Adds a toleration.
        add_toleration(pod: Pod, toleration: &Toleration = toleration.clone()) => AddToleration;
        /// Removes a toleration.
        remove_toleration(pod: Pod, toleration: &Toleration = toleration.clone()) => RemoveToleration;
        /// Adds an `emptyDir` volume.
        add_volume(pod: Pod, name: &str = own(name), medium: Option<&str> = medium.map(own), size_limit: Option<&str> = size_limit.map(own)) => AddVolume;
        /// Sets medium and size limit of an `emptyDir` volume, or makes one of a `hostPath`.
        set_volume_medium_and_size(pod: Pod, name: &str = own(name), medium: Option<&str> = medium.map(own), size_limit: Option<&str> = size_limit.map(own)) => SetVolume;
        /// Mounts a volume.
        mount_volume(container: Container, name: &str = own(name), mount_path: &str = own(mount_path)) => MountVolume;
        /// Sets the limit of a resource.
        set_resource(container: Container, name: &str = own(name), quantity: &str = own(quantity)) => SetResource;
        /// Sets the request of a resource alone.
        set_request(container: Container, name: &str = own(name), quantity: &str = own(quantity)) => SetRequest;
        /// Removes request and limit of a resource.
        remove_resource(container: Container, name: &str = own(name)) => RemoveResource;
        /// Gives request and limit of a resource another name.
        rename_resource(container: Container, name: &str = own(name), new_name: &str = own(new_name), quantity: Option<&str> = quantity.map(own)) => RenameResource;
        /// Sets an environment variable.
        set_env(container: Container, name: &str = own(name), value: &str = own(value)) => SetEnv;
        /// Sets a label.
        set_label(pod: Pod, key: &str = own(key), value: &str = own(value)) => SetLabel;
        /// Sets an annotation.
        set_annotation(pod: Pod, key: &str = own(key), value: &str = own(value)) => SetAnnotation;
        /// Sets a value of the node selector.
        set_node_selector(pod: Pod, key: &str = own(key), value: &str = own(value)) => SetNodeSelector;
        /// Adds an expression to the required node affinity.
        add_node_affinity(pod: Pod, key: &str = own(key), operator: &str = own(operator), values: &[String] = values.to_vec()) => AddNodeAffinity;
        /// Sets the runtime class.
        set_runtime_class(pod: Pod, name: &str = own(name)) => SetRuntimeClass;
        /// Sets the priority class.
        set_priority_class(pod: Pod, name: &str = own(name)) => SetPriorityClass;
        /// Sets the termination grace period in seconds.
        set_grace_period(pod: Pod, seconds: u32 = seconds) => SetGracePeriod;
        /// Adds a scheduling gate.
        set_scheduling_gate(pod: Pod, name: &str = own(name)) => SetSchedulingGate;
        /// Adds a capability.
        add_capability(container: Container, name: &str = own(name)) => AddCapability;
        /// Sets the image pull policy.
        set_image_pull_policy(container: Container, policy: &str = own(policy)) => SetImagePullPolicy;
        /// Sets a probe.
        set_probe(container: Container, name: &str = own(name), probe: &Probe = probe.clone()) => SetProbe;
    }
}

pub mod raw_patch {
    //! The interface `raw-patch`.

    use tollgate_admission::{Edit, Op, OpKind};

    use super::edits::{EditError, edit};
    use super::session;

    /// Applies a raw JSON Patch operation. Needs the grant `patch`.
    ///
    /// # Errors
    ///
    /// When the operation is refused.
    pub fn patch(rule: &str, op: &str, path: &str, value: Option<&str>) -> Result<(), EditError> {
        if !session(|session| session.granted) {
            return Err(EditError::Forbidden(
                "the policy does not have the grant `patch`".to_owned(),
            ));
        }
        let kind = OpKind::parse(op).ok_or_else(|| {
            EditError::Invalid(format!("`{op}` must be `add`, `replace` or `remove`"))
        })?;
        let value = value.map_or(Ok(serde_json::Value::Null), serde_json::from_str);
        let value = value.map_err(|err| EditError::Invalid(err.to_string()))?;
        edit(
            rule,
            Edit::Patch(Op {
                kind,
                path: path.to_owned(),
                value,
            }),
        )
    }
}

pub mod findings {
    //! The interface `findings`.

    use tollgate_admission::{self as admission, Severity};

    use super::session;

    /// One rule's reason to deny or to warn.
    #[derive(Clone, Debug)]
    pub struct Finding {
        /// The rule's id.
        pub rule: String,
        /// `deny` or `warn`.
        pub severity: String,
        /// The JSON pointer of what is wrong.
        pub path: String,
        /// What is wrong.
        pub message: String,
        /// The value found.
        pub actual: Option<String>,
        /// The values accepted.
        pub allowed: Option<String>,
        /// What to do.
        pub fix: Option<String>,
        /// For growth.
        #[expect(
            dead_code,
            reason = "nothing natively reads what the contract has in store"
        )]
        pub extra: Vec<(String, String)>,
    }

    /// Reports a finding.
    pub fn report(finding: &Finding) {
        let Finding {
            rule,
            severity,
            path,
            message,
            actual,
            allowed,
            fix,
            extra: _,
        } = finding.clone();
        let severity = Severity::parse(&severity).unwrap_or(Severity::Deny);
        session(|session| {
            let policy = session.policy.to_owned();
            session.findings.push(admission::Finding {
                policy,
                rule,
                severity,
                path,
                message,
                actual,
                allowed,
                fix,
            });
        });
    }
}

pub mod log {
    //! The interface `log`.

    /// Writes a message.
    pub fn write(level: &str, message: &str) {
        super::session(|session| session.log.push((level.to_owned(), message.to_owned())));
    }
}

pub mod site {
    //! The interface `site`: what is true of the cluster, from the `Site` document.

    use super::session;

    /// The GPU models that the cluster has.
    pub fn gpu_models() -> Vec<String> {
        session(|session| session.site.gpu_models.clone())
    }

    /// The MIG strategy.
    pub fn mig_strategy() -> Option<String> {
        session(|session| session.site.mig_strategy.clone())
    }

    /// How whole GPUs are shared.
    pub fn sharing() -> Option<String> {
        session(|session| session.site.sharing.clone())
    }
}

pub mod budget;

pub mod cluster {
    //! The interface `cluster`: see `wit/cluster.wit` for what each function means.

    use tollgate_context::{Answer, Question, Unit, Workload};

    use super::{session, types::Pod};

    /// Names or values that are known.
    #[derive(Clone, Debug, Eq, PartialEq)]
    pub struct Known {
        /// The names or values, each once, in order.
        pub values: Vec<String>,
        /// Whether these are all.
        pub complete: bool,
    }

    /// What one `nvidia.com/gpu` is on some nodes.
    #[derive(Clone, Debug, Eq, PartialEq)]
    pub struct GpuUnit {
        /// How a GPU is shared: `none`, `time-slicing` or `mps`.
        pub sharing: String,
        /// Into how many shares it is divided, where that is known.
        pub replicas: Option<u32>,
        /// The MIG profile, where all GPUs of a node are cut alike.
        pub mig_profile: Option<String>,
    }

    /// What scales a workload.
    #[derive(Clone, Debug, Eq, PartialEq)]
    pub struct Scaler {
        /// Its kind, `Kind.group`.
        pub kind: String,
        /// Its name.
        pub name: String,
        /// The resources by which it scales, or which it sets.
        pub resources: Vec<String>,
    }

    fn workload(kind: &str, namespace: &str, name: &str) -> Workload {
        Workload {
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    fn ask(question: &Question) -> Answer {
        session(|session| session.snapshot.answer(question, &session.review.borrow()))
    }

    fn known(question: &Question) -> Option<Known> {
        match ask(question) {
            Answer::Known(known) => Some(Known {
                values: known.values,
                complete: known.is_complete,
            }),
            _ => None,
        }
    }

    /// The names of the objects of a kind.
    pub fn names(kind: &str, namespace: Option<&str>) -> Option<Known> {
        known(&Question::Names {
            kind: kind.to_owned(),
            namespace: namespace.map(str::to_owned),
        })
    }

    /// The device classes that a claim or a template of claims asks for.
    pub fn claim_classes(namespace: &str, name: &str, template: bool) -> Option<Known> {
        known(&Question::ClaimClasses {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            is_template: template,
        })
    }

    /// How many devices a claim or a template of claims asks for.
    pub fn claim_devices(namespace: &str, name: &str, template: bool) -> Option<u32> {
        number(&Question::ClaimDevices {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            is_template: template,
        })
    }

    /// The access modes that a PersistentVolumeClaim asks for.
    pub fn claim_modes(namespace: &str, name: &str) -> Option<Known> {
        known(&Question::ClaimModes {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        })
    }

    /// The accelerators that one replica of a workload takes, by resource name.
    pub fn workload_devices(kind: &str, namespace: &str, name: &str) -> Option<Vec<(String, u32)>> {
        let question = Question::WorkloadDevices(workload(kind, namespace, name));
        let few = |(name, count)| (name, u32::try_from(count).unwrap_or(u32::MAX));
        match ask(&question) {
            Answer::Devices(devices) => Some(devices.into_iter().map(few).collect()),
            _ => None,
        }
    }

    /// What scales a workload, as far as that is known.
    pub fn scalers(kind: &str, namespace: &str, name: &str) -> Vec<Scaler> {
        let read = |scaler: tollgate_context::Scaler| Scaler {
            kind: scaler.kind.to_owned(),
            name: scaler.name,
            resources: scaler.resources,
        };
        match ask(&Question::Scalers(workload(kind, namespace, name))) {
            Answer::Scalers(scalers) => scalers.into_iter().map(read).collect(),
            _ => Vec::new(),
        }
    }

    fn number(question: &Question) -> Option<u32> {
        match ask(question) {
            Answer::Number(number) => Some(u32::try_from(number).unwrap_or(u32::MAX)),
            _ => None,
        }
    }

    /// How many pods an object selects by its labels.
    pub fn selected(kind: &str, namespace: &str, name: &str) -> Option<u32> {
        number(&Question::Selected(workload(kind, namespace, name)))
    }

    /// By what names shares of whole GPUs are offered.
    pub fn share_names() -> Option<Known> {
        known(&Question::ShareNames)
    }

    /// The MIG strategies that a config map gives to the device plugin.
    pub fn plugin_mig_strategies(config_map: &str) -> Option<Known> {
        let config_map = config_map.to_owned();
        known(&Question::MigStrategies { config_map })
    }

    /// The resources that the ClusterQueue behind a LocalQueue covers.
    pub fn queue_resources(namespace: &str, name: &str) -> Option<Known> {
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        known(&Question::QueueResources { namespace, name })
    }

    /// How many of a resource the nodes have that the pod's selectors leave.
    pub fn pod_total(pod: &Pod, resource: &str) -> Option<u32> {
        let (resource, pod) = (resource.to_owned(), pod.1);
        number(&Question::Total { resource, pod })
    }

    /// The schedulers, by the names that pods use.
    pub fn schedulers() -> Option<Known> {
        known(&Question::Schedulers)
    }

    /// The values of a label on nodes and pools.
    pub fn node_label(key: &str) -> Option<Known> {
        let key = key.to_owned();
        known(&Question::NodeLabel { key, pod: None })
    }

    /// How many of a resource one node has for pods, largest first.
    pub fn amounts(resource: &str) -> Option<Known> {
        let resource = resource.to_owned();
        known(&Question::Amounts { resource })
    }

    /// The GPU models, by canonical id.
    pub fn gpu_models() -> Option<Known> {
        known(&Question::GpuModels { pod: None })
    }

    /// The values of a label on the nodes that the pod's selectors leave.
    pub fn pod_node_label(pod: &Pod, key: &str) -> Option<Known> {
        let (key, pod) = (key.to_owned(), Some(pod.1));
        known(&Question::NodeLabel { key, pod })
    }

    /// The GPU models on the nodes that the pod's selectors leave.
    pub fn pod_gpu_models(pod: &Pod) -> Option<Known> {
        known(&Question::GpuModels { pod: Some(pod.1) })
    }

    /// What one `nvidia.com/gpu` is on the nodes that the pod's selectors leave.
    pub fn pod_gpu_units(pod: &Pod) -> Vec<GpuUnit> {
        match ask(&Question::GpuUnits { pod: pod.1 }) {
            Answer::Units(units) => units.into_iter().map(gpu_unit).collect(),
            _ => Vec::new(),
        }
    }

    fn gpu_unit(unit: Unit) -> GpuUnit {
        GpuUnit {
            sharing: unit.sharing().as_str().to_owned(),
            replicas: unit.replicas(),
            mig_profile: unit.mig_profile(),
        }
    }
}
