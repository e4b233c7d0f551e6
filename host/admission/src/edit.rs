//! Edits: what policies change, each checked, idempotent, attributed and undoable.

use serde_json::{Map, Value, json};
use tollgate_gpu::Quantity;

use crate::json::below;
use crate::patch::{Op, OpKind, PatchError};
use crate::{
    ContainerClass, ContainerId, ContainerView, PodId, PodView, Probe, Review, Toleration,
    VolumeSource, check,
};

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

    fn add_toleration(&mut self, pod: PodId, mut toleration: Toleration) -> Outcome {
        check_toleration(&toleration)?;
        // An empty value is none, as in what is read.
        toleration.value = toleration.value.filter(|value| !value.is_empty());
        if self.pod(pod)?.tolerations().contains(&toleration) {
            return Ok(());
        }
        let spec = self.spec(pod)?;
        self.append(&spec, &["tolerations"], toleration.write())
    }

    fn remove_toleration(&mut self, pod: PodId, toleration: &Toleration) -> Outcome {
        while let Some(index) = self
            .pod(pod)?
            .tolerations()
            .iter()
            .position(|found| found == toleration)
        {
            let path = format!("{}/tolerations/{index}", self.spec(pod)?);
            self.unless_written_by_another(&path)?;
            self.apply(Op::remove(path))?;
        }
        Ok(())
    }

    fn add_volume(
        &mut self,
        pod: PodId,
        name: &str,
        medium: Option<String>,
        size_limit: Option<String>,
    ) -> Outcome {
        check::dns_label(name)?;
        let source = empty_dir(medium, size_limit)?;
        let spec = self.spec(pod)?;
        let volume = json!({"name": name, "emptyDir": source});
        match self.position(&spec, "volumes", name) {
            None => self.append(&spec, &["volumes"], volume),
            Some(path) if self.at(&path) == Some(&volume) => Ok(()),
            Some(path) => {
                self.unless_written_by_another(&path)?;
                Err(EditError::Invalid(format!(
                    "a volume named `{name}` already exists"
                )))
            }
        }
    }

    fn set_volume(
        &mut self,
        pod: PodId,
        name: &str,
        medium: Option<String>,
        size_limit: Option<String>,
    ) -> Outcome {
        let missing = || EditError::Invalid(format!("there is no volume named `{name}`"));
        let kind = self.pod(pod)?.volume(name).ok_or_else(missing)?.kind();
        let path = self
            .position(&self.spec(pod)?, "volumes", name)
            .ok_or_else(missing)?;
        let source = empty_dir(medium, size_limit)?;
        match kind {
            VolumeSource::Other => Err(EditError::Invalid(format!(
                "volume `{name}` is neither an emptyDir nor a hostPath"
            ))),
            VolumeSource::EmptyDir => source
                .into_iter()
                .try_for_each(|(field, value)| self.set(&path, &["emptyDir", &field], value)),
            VolumeSource::HostPath => {
                self.unless_written_by_another(&format!("{path}/hostPath"))?;
                self.apply(Op::remove(format!("{path}/hostPath")))?;
                self.apply(Op::add(format!("{path}/emptyDir"), source))
            }
        }
    }

    fn mount_volume(&mut self, container: ContainerId, name: &str, mount_path: &str) -> Outcome {
        check::mount_path(mount_path)?;
        if self.pod(container.pod)?.volume(name).is_none() {
            return Err(EditError::Invalid(format!(
                "there is no volume named `{name}` to mount"
            )));
        }
        let view = self.container(container)?;
        let path = view.address();
        let normal = check::normal_path(mount_path);
        let there = view
            .mounts()
            .into_iter()
            .enumerate()
            .find(|(_, mount)| check::normal_path(&mount.mount_path) == normal);
        match there {
            None => self.append(
                &path,
                &["volumeMounts"],
                json!({"name": name, "mountPath": mount_path}),
            ),
            Some((_, mount)) if mount.name == name => Ok(()),
            Some((index, mount)) => {
                self.unless_written_by_another(&format!("{path}/volumeMounts/{index}"))?;
                Err(EditError::Invalid(format!(
                    "volume `{}` is already mounted at `{mount_path}`",
                    mount.name
                )))
            }
        }
    }

    fn set_resource(&mut self, container: ContainerId, name: &str, quantity: &str) -> Outcome {
        let limit = check::resource(name, quantity)?;
        let view = self.container(container)?;
        resources_allowed(&view)?;
        let path = view.address();
        let request = view.request(name);
        self.set_quantity(&path, "limits", name, quantity)?;
        match request {
            Some(request)
                if check::is_not_overcommitted(name) && Quantity::parse(&request) != Ok(limit) =>
            {
                self.set_quantity(&path, "requests", name, quantity)
            }
            Some(request) if Quantity::parse(&request).is_ok_and(|request| request > limit) => {
                Err(EditError::Invalid(format!(
                    "the request of `{name}`, `{request}`, would be above its limit `{quantity}`"
                )))
            }
            _ => Ok(()),
        }
    }

    fn set_request(&mut self, container: ContainerId, name: &str, quantity: &str) -> Outcome {
        let request = check::resource(name, quantity)?;
        let view = self.container(container)?;
        resources_allowed(&view)?;
        if check::is_not_overcommitted(name) {
            return Err(EditError::Invalid(format!(
                "the request of `{name}` is its limit: set the limit"
            )));
        }
        if let Some(limit) = view.limit(name)
            && Quantity::parse(&limit).is_ok_and(|limit| request > limit)
        {
            return Err(EditError::Invalid(format!(
                "the request of `{name}`, `{quantity}`, would be above its limit `{limit}`"
            )));
        }
        let path = view.address();
        self.set_quantity(&path, "requests", name, quantity)
    }

    /// Writes a quantity unless the same amount stands there in other words.
    fn set_quantity(&mut self, container: &str, list: &str, name: &str, quantity: &str) -> Outcome {
        let place = format!("{container}/resources/{list}/{}", crate::json::escape(name));
        let there = self.at(&place).and_then(crate::json::scalar_text);
        if there.is_some_and(|there| Quantity::parse(&there).ok() == Quantity::parse(quantity).ok())
        {
            return Ok(());
        }
        self.set(container, &["resources", list, name], quantity.into())
    }

    fn remove_resource(&mut self, container: ContainerId, name: &str) -> Outcome {
        let path = self.container(container)?.address();
        let place = |list: &str| format!("{path}/resources/{list}/{}", crate::json::escape(name));
        let places = ["requests", "limits"].map(place);
        places
            .iter()
            .try_for_each(|place| self.unless_written_by_another(place))?;
        self.take_resource(container, name)
    }

    fn take_resource(&mut self, container: ContainerId, name: &str) -> Outcome {
        let path = self.container(container)?.address();
        for list in ["requests", "limits"] {
            let place = format!("{path}/resources/{list}/{}", crate::json::escape(name));
            if self.at(&place).is_some() {
                self.apply(Op::remove(place))?;
            }
        }
        Ok(())
    }

    fn rename_resource(
        &mut self,
        container: ContainerId,
        name: &str,
        new_name: &str,
        quantity: Option<String>,
    ) -> Outcome {
        let view = self.container(container)?;
        let Some(old) = view.limit(name).or_else(|| view.request(name)) else {
            let renamed = view.limit(new_name).is_some_and(|there| {
                let wanted = quantity.as_ref().unwrap_or(&there);
                Quantity::parse(&there) == Quantity::parse(wanted)
            });
            if renamed {
                return Ok(());
            }
            return Err(EditError::Invalid(format!(
                "container `{}` has no resource `{name}`",
                view.name()
            )));
        };
        let quantity = quantity.unwrap_or(old);
        if name == new_name {
            return self.set_resource(container, name, &quantity);
        }
        let has_request = view.request(name).is_some();
        let path = view.address();
        // Another policy's value moves along: it is said of the same devices, by their new name.
        self.take_resource(container, name)?;
        self.set_resource(container, new_name, &quantity)?;
        match has_request {
            true => self.set_quantity(&path, "requests", new_name, &quantity),
            false => Ok(()),
        }
    }

    fn set_env(&mut self, container: ContainerId, name: &str, value: &str) -> Outcome {
        if name.is_empty()
            || name.contains('=')
            || !name.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        {
            return Err(EditError::Invalid(format!(
                "`{name}` must be the name of a variable: printable ASCII without `=`"
            )));
        }
        let path = self.container(container)?.address();
        let variable = json!({"name": name, "value": value});
        match self.position(&path, "env", name) {
            None => self.append(&path, &["env"], variable),
            Some(place) if self.at(&place) == Some(&variable) => Ok(()),
            Some(place) => {
                self.unless_written_by_another(&place)?;
                self.apply(Op::replace(place, variable))
            }
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

    fn add_node_affinity(
        &mut self,
        pod: PodId,
        key: &str,
        operator: &str,
        values: &[String],
    ) -> Outcome {
        check::qualified_name(key)?;
        check::one_of(
            operator,
            &["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"],
        )?;
        let fits = match operator {
            "In" | "NotIn" => !values.is_empty(),
            "Gt" | "Lt" => values.len() == 1,
            _ => values.is_empty(),
        };
        if !fits {
            return Err(EditError::Invalid(format!(
                "operator `{operator}` with {} values",
                values.len()
            )));
        }
        values
            .iter()
            .try_for_each(|value| check::label_value(value))?;
        let mut expression = json!({"key": key, "operator": operator});
        if let (Some(fields), false) = (expression.as_object_mut(), values.is_empty()) {
            fields.insert("values".to_owned(), json!(values));
        }
        let spec = self.spec(pod)?;
        let selector = [
            "affinity",
            "nodeAffinity",
            "requiredDuringSchedulingIgnoredDuringExecution",
            "nodeSelectorTerms",
        ];
        let terms = format!("{spec}/{}", selector.join("/"));
        let count = self
            .at(&terms)
            .and_then(Value::as_array)
            .map_or(0, Vec::len);
        if count == 0 {
            return self.append(&spec, &selector, json!({"matchExpressions": [expression]}));
        }
        (0..count).try_for_each(|index| {
            let term = format!("{terms}/{index}");
            let there = self
                .at(&term)
                .map_or(&[][..], |term| crate::json::list(term, "matchExpressions"));
            match there.contains(&expression) {
                true => Ok(()),
                false => self.append(&term, &["matchExpressions"], expression.clone()),
            }
        })
    }

    fn set_priority_class(&mut self, pod: PodId, name: String) -> Outcome {
        check::dns_subdomain(&name)?;
        if self.pod(pod)?.priority_class() == Some(&name) {
            return Ok(());
        }
        let spec = self.spec(pod)?;
        self.set(&spec, &["priorityClassName"], name.into())?;
        for derived in ["priority", "preemptionPolicy"] {
            let path = format!("{spec}/{derived}");
            if self.at(&path).is_some() {
                self.apply(Op::remove(path))?;
            }
        }
        Ok(())
    }

    fn set_scheduling_gate(&mut self, pod: PodId, name: &str) -> Outcome {
        check::qualified_name(name)?;
        let view = self.pod(pod)?;
        if view.node_name().is_some() {
            return Err(EditError::Invalid(
                "a pod with `nodeName` cannot have scheduling gates".to_owned(),
            ));
        }
        if view.scheduling_gates().iter().any(|gate| gate == name) {
            return Ok(());
        }
        let spec = self.spec(pod)?;
        self.append(&spec, &["schedulingGates"], json!({"name": name}))
    }

    fn add_capability(&mut self, container: ContainerId, name: &str) -> Outcome {
        let bare = |name: &str| name.strip_prefix("CAP_").unwrap_or(name).to_owned();
        let wanted = bare(name);
        if wanted.is_empty()
            || !wanted
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte == b'_')
        {
            return Err(EditError::Invalid(format!(
                "`{name}` must be a capability such as `IPC_LOCK`"
            )));
        }
        let view = self.container(container)?;
        if view
            .capabilities()
            .iter()
            .map(|there| bare(there))
            .any(|there| there == wanted || there == "ALL")
        {
            return Ok(());
        }
        let path = view.address();
        self.append(
            &path,
            &["securityContext", "capabilities", "add"],
            wanted.into(),
        )
    }

    fn set_probe(&mut self, container: ContainerId, name: &str, probe: &Probe) -> Outcome {
        check::one_of(name, &["liveness", "readiness", "startup"])?;
        check::one_of(&probe.handler, &["httpGet", "tcpSocket"])?;
        let Some(port) = &probe.port else {
            return Err(EditError::Invalid(format!(
                "a `{}` probe needs a port",
                probe.handler
            )));
        };
        check::port(port)?;
        if probe.handler == "tcpSocket" && probe.path.is_some() {
            return Err(EditError::Invalid(
                "a `tcpSocket` probe has no path".to_owned(),
            ));
        }
        let view = self.container(container)?;
        if !matches!(view.class(), ContainerClass::App | ContainerClass::Sidecar) {
            return Err(EditError::Invalid(format!(
                "a container of class `{}` has no probes",
                view.class().as_str()
            )));
        }
        if view.probe(name).as_ref() == Some(probe) {
            return Ok(());
        }
        let path = view.address();
        self.set(&path, &[&format!("{name}Probe")], probe.write())
    }

    fn patch(&mut self, op: Op) -> Outcome {
        if let Some(what) = protected(self.review, &op.path) {
            return Err(EditError::Forbidden(format!(
                "`{}` is protected: a policy may not change {what}",
                op.path
            )));
        }
        match (op.kind, self.at(&op.path)) {
            (OpKind::Add | OpKind::Replace, Some(there)) if *there == op.value => return Ok(()),
            (OpKind::Remove, None) => return Ok(()),
            _ => {}
        }
        let list = op.path.rsplit_once('/').map_or("", |(list, _)| list);
        // Adding to a list moves items but overwrites none.
        if op.kind != OpKind::Add || !self.at(list).is_some_and(Value::is_array) {
            self.unless_written_by_another(&op.path)?;
            self.unless_loses_anothers(&op)?;
        }
        self.apply(op)
    }

    // What the edits above are made of.

    fn pod(&self, id: PodId) -> Result<PodView<'_>, EditError> {
        self.review
            .pod(id)
            .ok_or_else(|| EditError::Invalid("there is no such pod".to_owned()))
    }

    fn container(&self, id: ContainerId) -> Result<ContainerView<'_>, EditError> {
        self.review
            .container(id)
            .ok_or_else(|| EditError::Invalid("there is no such container".to_owned()))
    }

    /// The address of a pod's spec.
    fn spec(&self, pod: PodId) -> Result<String, EditError> {
        Ok(self.pod(pod)?.slot.spec.clone())
    }

    /// What is at an address; null is nothing.
    fn at(&self, path: &str) -> Option<&Value> {
        self.review.at(path).filter(|value| !value.is_null())
    }

    /// The pointer of the item of a name in a list; the last one, which is the one that counts.
    fn position(&self, base: &str, list: &str, name: &str) -> Option<String> {
        let items = self.at(&format!("{base}/{list}"))?.as_array()?;
        let index = items
            .iter()
            .rposition(|item| crate::json::text(item, "name") == Some(name))?;
        Some(format!("{base}/{list}/{index}"))
    }

    /// Sets a value below a path, making the objects on the way.
    fn set(&mut self, base: &str, keys: &[&str], value: Value) -> Outcome {
        let (path, value) = self.first_missing(base, keys, value);
        match self.at(&path) {
            None => self.apply(Op::add(path, value)),
            Some(there) if *there == value => Ok(()),
            Some(_) => {
                self.unless_written_by_another(&path)?;
                self.apply(Op::replace(path, value))
            }
        }
    }

    /// Appends to a list below a path, making the list and the objects on the way.
    fn append(&mut self, base: &str, keys: &[&str], item: Value) -> Outcome {
        let list = keys.iter().fold(base.to_owned(), |path, key| {
            path + "/" + &crate::json::escape(key)
        });
        match self.at(&list) {
            Some(Value::Array(_)) => self.apply(Op::add(list + "/-", item)),
            Some(_) => Err(EditError::Invalid(format!("`{list}` is not a list"))),
            None => self.set(base, keys, json!([item])),
        }
    }

    /// The first place on the way that does not exist, or the last one, and what to put there.
    fn first_missing(&self, base: &str, keys: &[&str], value: Value) -> (String, Value) {
        let mut path = base.to_owned();
        let mut rest = keys.iter();
        for key in rest.by_ref() {
            path = path + "/" + &crate::json::escape(key);
            if self.at(&path).is_none() {
                break;
            }
        }
        let wrap = |inner, key: &&str| Value::Object(Map::from_iter([((*key).to_owned(), inner)]));
        (path, rest.rev().fold(value, wrap))
    }

    /// Follows a place back through the operations, newest first, to the one that wrote it.
    fn unless_written_by_another(&self, path: &str) -> Outcome {
        let mut place = path.to_owned();
        for applied in self.review.applied.iter().rev() {
            let at = applied.undo.op.path.as_str();
            let inside = below(&place, at);
            let (list, index) = at.rsplit_once('/').unwrap_or_default();
            let in_list = self.at(list).is_some_and(Value::is_array);
            match (applied.op.kind, inside) {
                (OpKind::Remove, _) if in_list => place = shifted(place, list, index, 1),
                (OpKind::Remove, Some(_)) => return Ok(()),
                (OpKind::Remove, None) => {}
                (_, Some(rest)) if applied.op.value.pointer(rest).is_some() => {
                    return self.unless_by_another(applied, path);
                }
                (_, Some(_)) => return Ok(()),
                (OpKind::Add, None) if in_list => place = shifted(place, list, index, -1),
                (_, None) => {}
            }
        }
        Ok(())
    }

    /// Whether anything below a place that another policy wrote would differ from what it wrote.
    fn unless_loses_anothers(&self, op: &Op) -> Outcome {
        for applied in &self.review.applied {
            let Some(rest) = below(&applied.undo.op.path, &op.path) else {
                continue;
            };
            let stands = self.at(&applied.undo.op.path) == Some(&applied.op.value);
            let kept = op.value.pointer(rest) == Some(&applied.op.value);
            if applied.op.kind != OpKind::Remove && stands && !kept {
                self.unless_by_another(applied, &applied.undo.op.path)?;
            }
        }
        Ok(())
    }

    fn unless_by_another(&self, applied: &crate::Applied, path: &str) -> Outcome {
        if applied.policy == self.author.policy {
            return Ok(());
        }
        Err(EditError::Conflict {
            path: self.review.place_of(path),
            policy: applied.policy.clone(),
            rule: applied.rule.clone(),
        })
    }

    fn apply(&mut self, op: Op) -> Outcome {
        Ok(self
            .review
            .apply(op, self.author.policy, self.author.rule)?)
    }
}

/// The place that stood where this one is before an item at an index of a list was taken away (1) or put in (-1).
fn shifted(place: String, list: &str, index: &str, by: isize) -> String {
    let moved = || {
        let rest = below(&place, list)?.strip_prefix('/')?;
        let (item, rest) = rest.find('/').map_or((rest, ""), |end| rest.split_at(end));
        let item = item.parse::<usize>().ok()?;
        let now = item.checked_add_signed(by)?;
        (item >= index.parse().ok()?).then(|| format!("{list}/{now}{rest}"))
    };
    moved().unwrap_or(place)
}

fn check_toleration(toleration: &Toleration) -> Result<(), String> {
    if let Some(key) = &toleration.key {
        check::qualified_name(key)?;
    }
    check::one_of(&toleration.operator, &["Exists", "Equal", "Lt", "Gt"])?;
    if let Some(effect) = &toleration.effect {
        check::one_of(effect, &["NoSchedule", "PreferNoSchedule", "NoExecute"])?;
    }
    if toleration.operator == "Exists" && toleration.value.is_some() {
        return Err("a toleration with operator `Exists` must have no value".to_owned());
    }
    if toleration.operator != "Exists" && toleration.key.is_none() {
        return Err("a toleration without key must have operator `Exists`".to_owned());
    }
    if toleration.seconds.is_some() && toleration.effect.as_deref() != Some("NoExecute") {
        return Err("`tolerationSeconds` needs effect `NoExecute`".to_owned());
    }
    toleration
        .value
        .as_deref()
        .map_or(Ok(()), check::label_value)
}

fn empty_dir(
    medium: Option<String>,
    size_limit: Option<String>,
) -> Result<Map<String, Value>, String> {
    let mut source = Map::new();
    if let Some(medium) = medium {
        if !medium.starts_with("HugePages") {
            check::one_of(&medium, &["", "Memory"])?;
        }
        source.insert("medium".to_owned(), medium.into());
    }
    if let Some(size) = size_limit {
        let parsed = Quantity::parse(&size).map_err(|err| format!("size limit `{size}`: {err}"))?;
        if parsed <= Quantity::default() {
            return Err(format!("size limit `{size}` must be positive"));
        }
        source.insert("sizeLimit".to_owned(), size.into());
    }
    Ok(source)
}

fn resources_allowed(container: &ContainerView<'_>) -> Result<(), String> {
    match container.class() {
        ContainerClass::Ephemeral => Err("an ephemeral container cannot have resources".to_owned()),
        _ => Ok(()),
    }
}

/// What a raw operation may not touch, in a pod's terms: the first keys of the path below the pod, `*` for any.
const PROTECTED: &[(&[&str], &str)] = &[
    (&["metadata", "name"], "identity"),
    (&["metadata", "generateName"], "identity"),
    (&["metadata", "namespace"], "identity"),
    (&["metadata", "uid"], "identity"),
    (&["metadata", "ownerReferences"], "owners"),
    (&["metadata", "finalizers"], "finalizers"),
    (&["spec", "serviceAccountName"], "the service account"),
    (&["spec", "serviceAccount"], "the service account"),
    (
        &["spec", "automountServiceAccountToken"],
        "the service account",
    ),
    (&["spec", "securityContext"], "the security context"),
    (&["spec", "hostIPC"], "the security context"),
    (&["spec", "hostPID"], "the security context"),
    (&["spec", "hostNetwork"], "the security context"),
    (&["spec", "hostUsers"], "the security context"),
    (&["spec", "containers", "*", "image"], "images"),
    (&["spec", "initContainers", "*", "image"], "images"),
    (&["spec", "ephemeralContainers", "*", "image"], "images"),
    (
        &["spec", "containers", "*", "securityContext"],
        "the security context",
    ),
    (
        &["spec", "initContainers", "*", "securityContext"],
        "the security context",
    ),
    (
        &["spec", "ephemeralContainers", "*", "securityContext"],
        "the security context",
    ),
    (&["spec", "volumes", "*", "hostPath"], "host paths"),
];

/// What a raw operation at a path would change that is protected: a protected place itself, one above it (which
/// would replace it whole), or anything outside the review's pods.
fn protected(review: &Review, path: &str) -> Option<&'static str> {
    let within = |pod: &PodView<'_>| below(path, pod.path()).is_some_and(|rest| !rest.is_empty());
    let Some(pod) = review
        .pods()
        .filter(within)
        .max_by_key(|pod| pod.path().len())
    else {
        return Some("what is outside the object's pods");
    };
    if !pod.slot.is_template() {
        return Some("a pod that the object does not spell out as a template");
    }
    let tokens: Vec<_> = path
        .strip_prefix(pod.path())
        .unwrap_or_default()
        .split('/')
        .skip(1)
        .map(crate::json::unescape)
        .collect();
    if !matches!(
        tokens.first().map(String::as_str),
        Some("metadata" | "spec")
    ) {
        return Some("status or the type of the object");
    }
    let overlaps = |keys: &[&str]| {
        keys.iter()
            .zip(&tokens)
            .all(|(key, token)| *key == "*" || key == token)
    };
    // Appending to or removing from a list of containers or volumes passes over the `*` rows as well, and must.
    PROTECTED
        .iter()
        .find(|(keys, _)| overlaps(keys))
        .map(|(_, what)| *what)
}

#[cfg(test)]
mod tests;
