//! Edits: what policies change, each checked, idempotent, attributed and undoable.

mod container;
mod place;
mod placement;
mod raw;
mod resources;
mod tolerations;
mod volumes;

use crate::patch::{Op, PatchError};
use crate::{ContainerId, PodId, Probe, Review, Toleration, check};

/// Who makes an edit.
#[derive(Clone, Copy, Debug)]
pub struct Author<'a> {
    /// The policy, by the name of its document.
    pub policy: &'a str,
    /// The rule within the policy.
    pub rule: &'a str,
}

/// A change of a pod. The contract's `edits.wit` says what each means.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    missing_docs,
    reason = "fields are the parameters of the functions in edits.wit"
)]
pub enum Edit {
    /// Adds a toleration.
    AddToleration { pod: PodId, toleration: Toleration },
    /// Removes a toleration.
    RemoveToleration { pod: PodId, toleration: Toleration },
    /// Adds an `emptyDir` volume.
    AddVolume {
        pod: PodId,
        name: String,
        medium: Option<String>,
        size_limit: Option<String>,
    },
    /// Sets medium and size limit of an `emptyDir`, or makes one of a `hostPath`.
    SetVolume {
        pod: PodId,
        name: String,
        medium: Option<String>,
        size_limit: Option<String>,
    },
    /// Mounts a volume.
    MountVolume {
        container: ContainerId,
        name: String,
        mount_path: String,
    },
    /// Sets the limit of a resource.
    SetResource {
        container: ContainerId,
        name: String,
        quantity: String,
    },
    /// Sets the request of a resource.
    SetRequest {
        container: ContainerId,
        name: String,
        quantity: String,
    },
    /// Removes request and limit of a resource.
    RemoveResource {
        container: ContainerId,
        name: String,
    },
    /// Gives a resource another name.
    RenameResource {
        container: ContainerId,
        name: String,
        new_name: String,
        quantity: Option<String>,
    },
    /// Sets an environment variable.
    SetEnv {
        container: ContainerId,
        name: String,
        value: String,
    },
    /// Sets a label.
    SetLabel {
        pod: PodId,
        key: String,
        value: String,
    },
    /// Sets an annotation.
    SetAnnotation {
        pod: PodId,
        key: String,
        value: String,
    },
    /// Sets a value of the node selector.
    SetNodeSelector {
        pod: PodId,
        key: String,
        value: String,
    },
    /// Adds an expression to the required node affinity.
    AddNodeAffinity {
        pod: PodId,
        key: String,
        operator: String,
        values: Vec<String>,
    },
    /// Sets the runtime class.
    SetRuntimeClass { pod: PodId, name: String },
    /// Sets the priority class.
    SetPriorityClass { pod: PodId, name: String },
    /// Sets the termination grace period.
    SetGracePeriod { pod: PodId, seconds: u32 },
    /// Adds a scheduling gate.
    SetSchedulingGate { pod: PodId, name: String },
    /// Adds a capability.
    AddCapability {
        container: ContainerId,
        name: String,
    },
    /// Sets the image pull policy.
    SetImagePullPolicy {
        container: ContainerId,
        policy: String,
    },
    /// Sets a probe.
    SetProbe {
        container: ContainerId,
        name: String,
        probe: Probe,
    },
    /// A raw JSON Patch operation on the object.
    Patch(Op),
}

/// Why an edit was refused. The object is then unchanged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// Another policy wrote another value there.
    #[error("policy `{policy}` (rule `{rule}`) already wrote another value at `{path}`")]
    Conflict {
        /// The JSON pointer of the value.
        path: String,
        /// Who wrote it first.
        policy: String,
        /// By which rule.
        rule: String,
    },
    /// The API server would refuse the result.
    #[error("{0}")]
    Invalid(String),
    /// The path is protected.
    #[error("{0}")]
    Forbidden(String),
    /// The operation does not fit the object.
    #[error(transparent)]
    Patch(#[from] PatchError),
}

impl From<String> for EditError {
    fn from(reason: String) -> Self {
        Self::Invalid(reason)
    }
}

impl Review {
    /// Makes an edit, wholly or not at all. It changes nothing where the object already says so.
    ///
    /// # Errors
    ///
    /// When another policy wrote another value there, when the API server would refuse the result, or when
    /// the path of a raw operation is protected.
    pub fn edit(&mut self, author: Author<'_>, edit: Edit) -> Result<(), EditError> {
        let before = self.applied.len();
        let mut editor = Editor {
            review: self,
            author,
        };
        let outcome = editor.edit(edit);
        if outcome.is_err() {
            self.roll_back(before);
        }
        outcome
    }
}

type Outcome = Result<(), EditError>;

struct Editor<'a> {
    review: &'a mut Review,
    author: Author<'a>,
}

impl Editor<'_> {
    fn edit(&mut self, edit: Edit) -> Outcome {
        match edit {
            Edit::AddToleration { pod, toleration } => self.add_toleration(pod, toleration),
            Edit::RemoveToleration { pod, toleration } => self.remove_toleration(pod, &toleration),
            Edit::AddVolume {
                pod,
                name,
                medium,
                size_limit,
            } => self.add_volume(pod, &name, medium, size_limit),
            Edit::SetVolume {
                pod,
                name,
                medium,
                size_limit,
            } => self.set_volume(pod, &name, medium, size_limit),
            Edit::MountVolume {
                container,
                name,
                mount_path,
            } => self.mount_volume(container, &name, &mount_path),
            Edit::SetResource {
                container,
                name,
                quantity,
            } => self.set_resource(container, &name, &quantity),
            Edit::SetRequest {
                container,
                name,
                quantity,
            } => self.set_request(container, &name, &quantity),
            Edit::RemoveResource { container, name } => self.remove_resource(container, &name),
            Edit::RenameResource {
                container,
                name,
                new_name,
                quantity,
            } => self.rename_resource(container, &name, &new_name, quantity),
            Edit::SetEnv {
                container,
                name,
                value,
            } => self.set_env(container, &name, &value),
            Edit::SetLabel { pod, key, value } => {
                check::label_value(&value)?;
                self.set_metadata(pod, "labels", &key, &value)
            }
            Edit::SetAnnotation { pod, key, value } => {
                self.set_metadata(pod, "annotations", &key, &value)
            }
            Edit::SetNodeSelector { pod, key, value } => {
                check::qualified_name(&key)?;
                check::label_value(&value)?;
                let spec = self.spec(pod)?;
                self.set(&spec, &["nodeSelector", &key], value.into())
            }
            Edit::AddNodeAffinity {
                pod,
                key,
                operator,
                values,
            } => self.add_node_affinity(pod, &key, &operator, &values),
            Edit::SetRuntimeClass { pod, name } => {
                check::dns_subdomain(&name)?;
                let spec = self.spec(pod)?;
                self.set(&spec, &["runtimeClassName"], name.into())
            }
            Edit::SetPriorityClass { pod, name } => self.set_priority_class(pod, name),
            Edit::SetGracePeriod { pod, seconds } => {
                let spec = self.spec(pod)?;
                self.set(&spec, &["terminationGracePeriodSeconds"], seconds.into())
            }
            Edit::SetSchedulingGate { pod, name } => self.set_scheduling_gate(pod, &name),
            Edit::AddCapability { container, name } => self.add_capability(container, &name),
            Edit::SetImagePullPolicy { container, policy } => {
                check::one_of(&policy, &["Always", "IfNotPresent", "Never"])?;
                let path = self.container(container)?.address();
                self.set(&path, &["imagePullPolicy"], policy.into())
            }
            Edit::SetProbe {
                container,
                name,
                probe,
            } => self.set_probe(container, &name, &probe),
            Edit::Patch(op) => self.patch(op),
        }
    }

    fn set_metadata(&mut self, pod: PodId, map: &str, key: &str, value: &str) -> Outcome {
        check::qualified_name(key)?;
        // A pod whose labels nobody can give in the object has nothing to set them in.
        let metadata = self.pod(pod)?.slot.metadata.clone();
        match metadata.as_deref().and_then(|place| place.rsplit_once('/')) {
            Some((parent, last)) => {
                let last = crate::json::unescape(last);
                self.set(parent, &[&last, map, key], value.into())
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
