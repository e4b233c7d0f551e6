//! What the contract's records of single fields hold.

use crate::{ContainerView, PodView, Request};

/// What a request says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestFields {
    /// `CREATE` or `UPDATE`.
    pub operation: String,
    /// The kind of the object: `Pod`, `PyTorchJob`.
    pub kind: String,
    /// The API group of the object; empty for the core group.
    pub group: String,
    /// The API version of the object: `v1`.
    pub version: String,
    /// The subresource that is written: `resize`, `ephemeralcontainers`.
    pub subresource: Option<String>,
    /// The namespace that the object is in.
    pub namespace: Option<String>,
    /// The name of the object; `none` while the API server has still to generate it.
    pub name: Option<String>,
    /// The user that makes the request. For most pods that is a controller.
    pub user: String,
    /// The groups of that user.
    pub groups: Vec<String>,
    /// Whether nothing will be stored.
    pub dry_run: bool,
}

/// What a pod says once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodFields {
    /// The role within the object (`Worker`, `head`); empty where there is only one.
    pub role: String,
    /// The JSON pointer of the pod or template in the object; empty for a Pod.
    pub path: String,
    /// How many such pods the object makes; `none` when it cannot be told.
    pub count: Option<u32>,
    /// The kind of what owns the pods, as `Kind.group` (`Job.batch`, `PyTorchJob.kubeflow.org`): a
    /// template's object, a pod's controller; `none` for a pod on its own.
    pub owner: Option<String>,
    /// Whether the object spells out all of the pod. Other objects and controllers add to one that it does not (the
    /// pods of an InferenceService, a TrainJob, a NIMService): a rule about what is missing should say nothing then.
    pub is_whole: bool,
    /// The runtime class.
    pub runtime_class: Option<String>,
    /// The scheduler; `none` is the cluster's default.
    pub scheduler: Option<String>,
    /// The priority class.
    pub priority_class: Option<String>,
    /// The node, when the manifest sets it and so skips the scheduler.
    pub node_name: Option<String>,
    /// The service account.
    pub service_account: Option<String>,
    /// The operating system, `linux` or `windows`: of `spec.os`, else of the node selector.
    pub os: Option<String>,
    /// The restart policy; `Always` when left out.
    pub restart_policy: String,
    /// The termination grace period in seconds.
    pub grace_period: Option<u32>,
    /// The names of the scheduling gates.
    pub scheduling_gates: Vec<String>,
    /// Whether the pod shares the node's IPC namespace.
    pub host_ipc: bool,
    /// Whether the pod shares the node's process namespace.
    pub host_pid: bool,
    /// Whether the pod shares the node's network namespace.
    pub host_network: bool,
}

/// What a container says once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerFields {
    /// The name, unique within the pod.
    pub name: String,
    /// The JSON pointer of the container in the object.
    pub path: String,
    /// `app`, `init`, `sidecar` (an init container that restarts) or `ephemeral`.
    pub class: String,
    /// The image.
    pub image: Option<String>,
    /// The image pull policy.
    pub image_pull_policy: Option<String>,
    /// Whether variables come from config maps or secrets as a whole (`envFrom`).
    pub has_env_from: bool,
    /// Whether the container is privileged.
    pub privileged: bool,
    /// The capabilities that the container adds, as written.
    pub capabilities: Vec<String>,
    /// The user id that the container runs as, of its own or of the pod's security context.
    pub run_as_user: Option<i32>,
}

impl From<&Request> for RequestFields {
    fn from(request: &Request) -> Self {
        Self {
            operation: request.operation.as_str().to_owned(),
            kind: request.gvk.kind.clone(),
            group: request.gvk.group.clone(),
            version: request.gvk.version.clone(),
            subresource: request.subresource.clone(),
            namespace: request.namespace.clone(),
            name: request.name.clone(),
            user: request.user.clone(),
            groups: request.groups.clone(),
            dry_run: request.dry_run,
        }
    }
}

impl PodView<'_> {
    /// What the pod says once.
    pub fn fields(&self) -> PodFields {
        PodFields {
            role: self.role().to_owned(),
            path: self.path().to_owned(),
            count: self.count(),
            owner: self.owner(),
            is_whole: self.is_whole(),
            runtime_class: self.runtime_class().map(str::to_owned),
            scheduler: self.scheduler().map(str::to_owned),
            priority_class: self.priority_class().map(str::to_owned),
            node_name: self.node_name().map(str::to_owned),
            service_account: self.service_account().map(str::to_owned),
            os: self.os().map(str::to_owned),
            restart_policy: self.restart_policy().to_owned(),
            grace_period: self.grace_period(),
            scheduling_gates: self.scheduling_gates(),
            host_ipc: self.host_ipc(),
            host_pid: self.host_pid(),
            host_network: self.host_network(),
        }
    }
}

impl ContainerView<'_> {
    /// What the container says once.
    pub fn fields(&self) -> ContainerFields {
        ContainerFields {
            name: self.name().to_owned(),
            path: self.path(),
            class: self.class().as_str().to_owned(),
            image: self.image().map(str::to_owned),
            image_pull_policy: self.image_pull_policy().map(str::to_owned),
            has_env_from: self.has_env_from(),
            privileged: self.privileged(),
            capabilities: self.capabilities(),
            run_as_user: self.run_as_user(),
        }
    }
}
