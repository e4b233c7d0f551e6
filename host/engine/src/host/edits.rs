//! Edits: made, reported instead, or withheld, as the configuration of their rule says.

use tollgate_admission::{
    self as admission, Author, ContainerId, Edit, Finding, Op, OpKind, PodId, Severity,
};
use wasmtime::component::Resource;

use super::{Result, container_id, pod_id, within};
use crate::bindings::tollgate::policy::types::{Probe, Toleration};
use crate::bindings::tollgate::policy::{edits, raw_patch};
use crate::state::{ContainerHandle, Doing, PodHandle, State};
use crate::{Action, Fault, Waived};

type Edited = Result<std::result::Result<(), edits::EditError>>;

impl State {
    fn edit(&mut self, rule: String, pod: Option<PodId>, edit: Edit) -> Edited {
        if self.doing != Doing::Mutating {
            return Ok(Err(edits::EditError::Forbidden(
                "edits are made in `mutate` only".to_owned(),
            )));
        }
        let does = self.action(&rule)?.effective;
        if does != Action::Off
            && let Some(waiver) = self.waiver(&rule, pod)
        {
            return self.withhold(waiver, &rule, pod, edit);
        }
        match does {
            Action::Off => Ok(Ok(())),
            Action::Repair => self.apply(&rule, edit),
            Action::Deny => self.tell(&rule, Severity::Deny, pod, edit),
            Action::Warn => self.tell(&rule, Severity::Warn, pod, edit),
        }
    }

    fn apply(&mut self, rule: &str, edit: Edit) -> Edited {
        let allowed = self.limits.edits;
        let Some((entry, review)) = self.entry.as_ref().zip(self.review.as_mut()) else {
            return Err(Fault::bad_answer("it made an edit outside `mutate`").into());
        };
        let outcome = review.edit(
            Author {
                policy: &entry.name,
                rule,
            },
            edit,
        );
        within(allowed, "edits", review.applied().len())?;
        if let Err(conflict @ admission::EditError::Conflict { .. }) = &outcome {
            self.conflict = Some(conflict.clone());
        }
        Ok(outcome.map_err(edit_error))
    }

    /// Reports an edit that configuration turned into a finding: what the rule is for, and what it would change.
    /// An edit that changes nothing is nothing to report; further edits of the rule belong to the same finding.
    fn tell(&mut self, rule: &str, severity: Severity, pod: Option<PodId>, edit: Edit) -> Edited {
        let path = pod
            .and_then(|pod| {
                self.review
                    .as_ref()?
                    .pod(pod)
                    .map(|pod| pod.path().to_owned())
            })
            .unwrap_or_default();
        if self
            .findings
            .iter()
            .any(|finding| finding.rule == rule && finding.path == path)
        {
            return Ok(Ok(()));
        }
        let wanted = self.tried(rule, edit);
        let Some(entry) = self.entry.as_ref().filter(|_| !wanted.is_empty()) else {
            return Ok(Ok(()));
        };
        let fix = wanted
            .iter()
            .map(|wanted| wanted.op.to_json().to_string())
            .collect::<Vec<_>>()
            .join(", ");
        let doc = entry
            .info
            .rule(rule)
            .map(|rule| rule.doc.clone())
            .unwrap_or_default();
        let policy = entry.name.clone();
        self.found(Finding {
            policy,
            rule: rule.to_owned(),
            severity,
            path,
            message: doc,
            actual: None,
            allowed: None,
            fix: Some(fix),
        })?;
        Ok(Ok(()))
    }

    /// Notes an edit that a waiver keeps from being made; further edits of the rule belong to the same note.
    fn withhold(&mut self, id: usize, rule: &str, pod: Option<PodId>, edit: Edit) -> Edited {
        let is_noted = |noted: &Waived| {
            noted.finding.is_none() && (noted.rule.as_str(), noted.pod) == (rule, pod)
        };
        if self.waived.iter().any(is_noted) {
            return Ok(Ok(()));
        }
        if let Some(first) = self.tried(rule, edit).into_iter().next() {
            let path = first.op.path;
            self.waive(Waived {
                id,
                rule: rule.to_owned(),
                path,
                finding: None,
                pod,
            })?;
        }
        Ok(Ok(()))
    }

    /// The operations that an edit would make.
    fn tried(&mut self, rule: &str, edit: Edit) -> Vec<admission::Applied> {
        let Some((entry, review)) = self.entry.as_ref().zip(self.review.as_mut()) else {
            return Vec::new();
        };
        let before = review.applied().len();
        let policy = &entry.name;
        // What cannot be made would not have been made.
        let made = review.edit(Author { policy, rule }, edit).is_ok();
        let wanted = review.roll_back(before);
        if made { wanted } else { Vec::new() }
    }
}

fn edit_error(error: admission::EditError) -> edits::EditError {
    match error {
        admission::EditError::Conflict { path, policy, rule } => {
            edits::EditError::Conflict(edits::Conflict { path, policy, rule })
        }
        admission::EditError::Invalid(reason) => edits::EditError::Invalid(reason),
        admission::EditError::Forbidden(reason) => edits::EditError::Forbidden(reason),
        other => edits::EditError::Other(other.to_string()),
    }
}

/// Functions over a pod or a container that make an [`Edit`] of their parameters.
macro_rules! edits {
    ($($name:ident($on:ident: $handle:ty = $id:ident $(, $arg:ident: $type:ty)*) => $edit:ident;)*) => {
        $(fn $name(&mut self, $on: Resource<$handle>, rule: String $(, $arg: $type)*) -> Edited {
            let $on = $id(&$on);
            self.edit(rule, Some(pod_of($on)), Edit::$edit { $on $(, $arg: $arg.into())* })
        })*
    };
}

/// What an edit is made on.
trait OfPod {
    fn pod(self) -> PodId;
}

impl OfPod for PodId {
    fn pod(self) -> PodId {
        self
    }
}

impl OfPod for ContainerId {
    fn pod(self) -> PodId {
        self.pod
    }
}

fn pod_of(on: impl OfPod) -> PodId {
    on.pod()
}

impl edits::Host for State {
    edits! {
        add_toleration(pod: PodHandle = pod_id, toleration: Toleration) => AddToleration;
        remove_toleration(pod: PodHandle = pod_id, toleration: Toleration) => RemoveToleration;
        add_volume(pod: PodHandle = pod_id, name: String, medium: Option<String>, size_limit: Option<String>) => AddVolume;
        set_volume_medium_and_size(pod: PodHandle = pod_id, name: String, medium: Option<String>, size_limit: Option<String>) => SetVolume;
        mount_volume(container: ContainerHandle = container_id, name: String, mount_path: String) => MountVolume;
        set_resource(container: ContainerHandle = container_id, name: String, quantity: String) => SetResource;
        set_request(container: ContainerHandle = container_id, name: String, quantity: String) => SetRequest;
        remove_resource(container: ContainerHandle = container_id, name: String) => RemoveResource;
        rename_resource(container: ContainerHandle = container_id, name: String, new_name: String, quantity: Option<String>) => RenameResource;
        set_env(container: ContainerHandle = container_id, name: String, value: String) => SetEnv;
        set_label(pod: PodHandle = pod_id, key: String, value: String) => SetLabel;
        set_annotation(pod: PodHandle = pod_id, key: String, value: String) => SetAnnotation;
        set_node_selector(pod: PodHandle = pod_id, key: String, value: String) => SetNodeSelector;
        add_node_affinity(pod: PodHandle = pod_id, key: String, operator: String, values: Vec<String>) => AddNodeAffinity;
        set_runtime_class(pod: PodHandle = pod_id, name: String) => SetRuntimeClass;
        set_priority_class(pod: PodHandle = pod_id, name: String) => SetPriorityClass;
        set_grace_period(pod: PodHandle = pod_id, seconds: u32) => SetGracePeriod;
        set_scheduling_gate(pod: PodHandle = pod_id, name: String) => SetSchedulingGate;
        add_capability(container: ContainerHandle = container_id, name: String) => AddCapability;
        set_image_pull_policy(container: ContainerHandle = container_id, policy: String) => SetImagePullPolicy;
        set_probe(container: ContainerHandle = container_id, name: String, probe: Probe) => SetProbe;
    }
}

impl raw_patch::Host for State {
    fn patch(&mut self, rule: String, op: String, path: String, value: Option<String>) -> Edited {
        if !self.entry.as_ref().is_some_and(|entry| entry.patch) {
            return Ok(Err(edits::EditError::Forbidden(
                "the policy does not have the grant `patch`".to_owned(),
            )));
        }
        let Some(kind) = OpKind::parse(&op) else {
            return Ok(Err(edits::EditError::Invalid(format!(
                "`{op}` must be `add`, `replace` or `remove`"
            ))));
        };
        match value
            .as_deref()
            .map_or(Ok(serde_json::Value::Null), serde_json::from_str)
        {
            Ok(value) => {
                let pod = self.pod_at(&path);
                self.edit(rule, pod, Edit::Patch(Op { kind, path, value }))
            }
            Err(err) => Ok(Err(edits::EditError::Invalid(format!(
                "the value is not JSON: {err}"
            )))),
        }
    }
}
