//! The contract's imports: each answers from the review of the call.

use tollgate_admission::{
    self as admission, Author, ContainerId, ContainerView, Edit, Finding, Op, OpKind, PodId,
    PodView, Request, Severity,
};
use tollgate_context::{Answer, Asked, Known, Question, Scaler, Unit, Workload};
use wasmtime::component::Resource;

use crate::bindings::tollgate::policy::types::{
    ContainerFields, EnvVar, Mount, NodeTerm, PodFields, Port, Probe, RequestFields, ResourceClaim,
    Toleration, Volume,
};
use crate::bindings::tollgate::policy::{cluster, edits, findings, log, raw_patch, site, types};
use crate::state::{ContainerHandle, Doing, PodHandle, ReviewHandle, State};
use crate::{Action, Fault, Waived};

type Result<T> = wasmtime::Result<T>;

fn pod_id(pod: &Resource<PodHandle>) -> PodId {
    PodId(pod.rep())
}

fn container_id(container: &Resource<ContainerHandle>) -> ContainerId {
    ContainerId {
        pod: PodId(container.rep() >> 16),
        index: container.rep() & 0xffff,
    }
}

fn own(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}

impl State {
    fn request(&self) -> Result<&Request> {
        Ok(self.review()?.request())
    }

    fn pod(&self, pod: &Resource<PodHandle>) -> Result<PodView<'_>> {
        let view = self.review()?.pod(pod_id(pod));
        view.ok_or_else(|| Fault::bad_answer("it used a pod of another review").into())
    }

    fn container(&self, container: &Resource<ContainerHandle>) -> Result<ContainerView<'_>> {
        let view = self.review()?.container(container_id(container));
        view.ok_or_else(|| Fault::bad_answer("it used a container of another review").into())
    }
}

impl types::Host for State {}

impl types::HostReview for State {
    fn fields(&mut self, _: Resource<ReviewHandle>) -> Result<RequestFields> {
        Ok(admission::RequestFields::from(self.request()?).into())
    }

    fn revision(&mut self, _: Resource<ReviewHandle>) -> Result<u32> {
        Ok(self.review()?.revision())
    }

    fn namespace_label(
        &mut self,
        _: Resource<ReviewHandle>,
        key: String,
    ) -> Result<Option<String>> {
        Ok(self
            .request()?
            .namespace_labels
            .as_ref()
            .and_then(|labels| labels.get(&key))
            .cloned())
    }

    fn namespace_labels(&mut self, _: Resource<ReviewHandle>) -> Result<Vec<(String, String)>> {
        Ok(self
            .request()?
            .namespace_labels
            .iter()
            .flatten()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect())
    }

    fn json(&mut self, _: Resource<ReviewHandle>, pointer: String) -> Result<Option<String>> {
        Ok(self.review()?.pointer(&pointer).map(ToString::to_string))
    }

    fn old_json(&mut self, _: Resource<ReviewHandle>, pointer: String) -> Result<Option<String>> {
        let old = self.request()?.old_object.as_ref();
        Ok(old
            .and_then(|old| old.pointer(&pointer))
            .map(ToString::to_string))
    }

    fn pods(&mut self, _: Resource<ReviewHandle>) -> Result<Vec<Resource<PodHandle>>> {
        Ok(self
            .review()?
            .pods()
            .map(|pod| Resource::new_own(pod.id().0))
            .collect())
    }

    fn drop(&mut self, _: Resource<ReviewHandle>) -> Result<()> {
        Ok(())
    }
}

/// One line for each getter: the view's getter of the same name, its value made the contract's.
macro_rules! getters {
    ($handle:ty, $view:ident; $($name:ident($($arg:ident: $type:ty),*) -> $out:ty $(= $own:expr)?;)*) => {
        $(fn $name(&mut self, this: Resource<$handle> $(, $arg: $type)*) -> Result<$out> {
            let got = self.$view(&this)?.$name($(&$arg),*);
            Ok(getters!(@ got $(, $own)?))
        })*
        fn drop(&mut self, _: Resource<$handle>) -> Result<()> {
            Ok(())
        }
    };
    (@ $got:expr, $own:expr) => { $own($got) };
    (@ $got:expr) => { $got };
}

impl types::HostPod for State {
    fn containers(&mut self, this: Resource<PodHandle>) -> Result<Vec<Resource<ContainerHandle>>> {
        let handle = |container: ContainerView<'_>| {
            let ContainerId { pod, index } = container.id();
            // More do not fit into a handle, nor into what the API server accepts.
            (pod.0 < 1 << 16 && index < 1 << 16).then(|| Resource::new_own(pod.0 << 16 | index))
        };
        Ok(self.pod(&this)?.containers().filter_map(handle).collect())
    }

    getters! { PodHandle, pod;
        fields() -> PodFields = PodFields::from;
        label(key: String) -> Option<String> = own;
        labels() -> Vec<(String, String)>;
        annotation(key: String) -> Option<String> = own;
        annotations() -> Vec<(String, String)>;
        node_selector(key: String) -> Option<String> = own;
        node_selectors() -> Vec<(String, String)>;
        node_terms() -> Vec<NodeTerm> = into_all;
        tolerations() -> Vec<Toleration> = into_all;
        volumes() -> Vec<Volume> = into_all;
        volume(name: String) -> Option<Volume> = into;
        resource_claims() -> Vec<ResourceClaim> = into_all;
        request(name: String) -> Option<String>;
        limit(name: String) -> Option<String>;
    }
}

impl types::HostContainer for State {
    getters! { ContainerHandle, container;
        fields() -> ContainerFields = ContainerFields::from;
        request(name: String) -> Option<String>;
        limit(name: String) -> Option<String>;
        requests() -> Vec<(String, String)>;
        limits() -> Vec<(String, String)>;
        resource_claims() -> Vec<ResourceClaim> = into_all;
        env(name: String) -> Option<EnvVar> = into;
        env_with_prefix(prefix: String) -> Vec<EnvVar> = into_all;
        command() -> Vec<String>;
        args() -> Vec<String>;
        ports() -> Vec<Port> = into_all;
        mounts() -> Vec<Mount> = into_all;
        probe(name: String) -> Option<Probe> = into;
    }
}

fn into_all<A, B: From<A>>(items: Vec<A>) -> Vec<B> {
    items.into_iter().map(B::from).collect()
}

fn into<A, B: From<A>>(item: Option<A>) -> Option<B> {
    item.map(B::from)
}

/// Records of the same fields on both sides of the boundary.
macro_rules! records {
    ($($record:ident { $($field:ident),* })*) => {
        $(impl From<admission::$record> for $record {
            fn from(admission::$record { $($field),* }: admission::$record) -> Self {
                Self { $($field),* }
            }
        }
        impl From<$record> for admission::$record {
            fn from($record { $($field),* }: $record) -> Self {
                Self { $($field),* }
            }
        })*
    };
}

records! {
    RequestFields { operation, kind, group, version, subresource, namespace, name, user, groups, dry_run }
    PodFields { role, path, count, owner, is_whole, runtime_class, scheduler, priority_class, node_name, service_account, os, restart_policy, grace_period, scheduling_gates, host_ipc, host_pid, host_network }
    ContainerFields { name, path, class, image, image_pull_policy, has_env_from, privileged, capabilities, run_as_user }
    Toleration { key, operator, value, effect, seconds }
    NodeTerm { term, key, operator, values, required }
    Volume { name, source, medium, size_limit, host_path, claim }
    Mount { name, mount_path, sub_path, read_only }
    EnvVar { name, value, value_from }
    Port { name, number, protocol }
    Probe { handler, path, port, initial_delay, period, timeout, failures }
    ResourceClaim { name, claim, template, request }
}

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
        if review.applied().len() > allowed {
            return Err(Fault::TooMany {
                what: "edits",
                limit: allowed,
            }
            .into());
        }
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

    fn waive(&mut self, waived: Waived) -> Result<()> {
        let limit = self.limits.findings;
        if self.waived.len() >= limit {
            return Err(Fault::TooMany {
                what: "findings",
                limit,
            }
            .into());
        }
        self.waived.push(waived);
        Ok(())
    }

    fn action(&self, rule: &str) -> Result<crate::state::RuleAction> {
        let action = self
            .entry
            .as_ref()
            .and_then(|entry| entry.actions.get(rule));
        action.copied().ok_or_else(|| {
            Fault::bad_answer(format!("it used the rule `{rule}`, which it does not list")).into()
        })
    }

    fn found_unless_waived(&mut self, finding: Finding) -> Result<()> {
        let pod = match self.waivers.as_slice() {
            [] => None,
            _ => self.pod_at(&finding.path),
        };
        match self.waiver(&finding.rule, pod) {
            None => self.found(finding),
            Some(id) => self.waive(Waived {
                id,
                rule: finding.rule.clone(),
                path: finding.path.clone(),
                finding: Some(finding),
                pod,
            }),
        }
    }

    fn found(&mut self, finding: Finding) -> Result<()> {
        let limit = self.limits.findings;
        if self.findings.len() >= limit {
            return Err(Fault::TooMany {
                what: "findings",
                limit,
            }
            .into());
        }
        self.findings.push(finding);
        Ok(())
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

impl findings::Host for State {
    fn report(&mut self, finding: findings::Finding) -> Result<()> {
        let findings::Finding {
            rule,
            severity,
            path,
            message,
            actual,
            allowed,
            fix,
            extra: _,
        } = finding;
        let action = self.action(&rule)?;
        let stated = Severity::parse(&severity).ok_or_else(|| {
            Fault::bad_answer(format!(
                "it reported the severity `{severity}`, neither `deny` nor `warn`"
            ))
        })?;
        let severity = match action.effective {
            Action::Off => return Ok(()),
            Action::Deny if action.configured => Severity::Deny,
            Action::Warn if action.configured => Severity::Warn,
            _ => stated,
        };
        let limit = self.limits.message;
        let texts = [
            Some(&path),
            Some(&message),
            actual.as_ref(),
            allowed.as_ref(),
            fix.as_ref(),
        ];
        if let Some(long) = texts.into_iter().flatten().find(|text| text.len() > limit) {
            return Err(Fault::bad_answer(format!(
                "a text of a finding has {} bytes, more than {limit}",
                long.len()
            ))
            .into());
        }
        let policy = self.policy().to_owned();
        let finding = Finding {
            policy,
            rule,
            severity,
            path,
            message,
            actual,
            allowed,
            fix,
        };
        self.found_unless_waived(finding)
    }
}

impl log::Host for State {
    fn write(&mut self, level: String, mut message: String) -> Result<()> {
        self.logged += 1;
        if self.logged > self.limits.log_lines {
            return Ok(());
        }
        let cut = message.floor_char_boundary(self.limits.message);
        message.truncate(cut);
        let policy = self.policy();
        match level.as_str() {
            "error" => tracing::error!(policy.name = policy, "{message}"),
            "warn" => tracing::warn!(policy.name = policy, "{message}"),
            "debug" => tracing::debug!(policy.name = policy, "{message}"),
            _ => tracing::info!(policy.name = policy, "{message}"),
        }
        if level == "error" {
            self.said = Some(message);
        }
        Ok(())
    }
}

impl site::Host for State {
    fn gpu_models(&mut self) -> Result<Vec<String>> {
        self.in_review()?;
        Ok(self.site.gpu_models.clone())
    }

    fn mig_strategy(&mut self) -> Result<Option<String>> {
        self.in_review()?;
        Ok(self.site.mig_strategy.clone())
    }

    fn sharing(&mut self) -> Result<Option<String>> {
        self.in_review()?;
        Ok(self.site.sharing.clone())
    }
}

impl cluster::Host for State {
    fn names(&mut self, kind: String, namespace: Option<String>) -> Result<Option<cluster::Known>> {
        self.ask_known(Question::Names { kind, namespace })
    }

    fn claim_classes(
        &mut self,
        namespace: String,
        name: String,
        is_template: bool,
    ) -> Result<Option<cluster::Known>> {
        self.ask_known(Question::ClaimClasses {
            namespace,
            name,
            is_template,
        })
    }

    fn claim_modes(&mut self, namespace: String, name: String) -> Result<Option<cluster::Known>> {
        self.ask_known(Question::ClaimModes { namespace, name })
    }

    fn workload_devices(
        &mut self,
        kind: String,
        namespace: String,
        name: String,
    ) -> Result<Option<Vec<(String, u32)>>> {
        let workload = Workload {
            kind,
            namespace,
            name,
        };
        Ok(match self.ask(Question::WorkloadDevices(workload))? {
            Answer::Devices(devices) => Some(devices.into_iter().map(few).collect()),
            _ => None,
        })
    }

    fn scalers(
        &mut self,
        kind: String,
        namespace: String,
        name: String,
    ) -> Result<Vec<cluster::Scaler>> {
        let workload = Workload {
            kind,
            namespace,
            name,
        };
        Ok(match self.ask(Question::Scalers(workload))? {
            Answer::Scalers(scalers) => scalers.into_iter().map(scaler).collect(),
            _ => Vec::new(),
        })
    }

    fn selected(&mut self, kind: String, namespace: String, name: String) -> Result<Option<u32>> {
        self.ask_number(Question::Selected(Workload {
            kind,
            namespace,
            name,
        }))
    }

    fn share_names(&mut self) -> Result<Option<cluster::Known>> {
        self.ask_known(Question::ShareNames)
    }

    fn plugin_mig_strategies(&mut self, config_map: String) -> Result<Option<cluster::Known>> {
        self.ask_known(Question::MigStrategies { config_map })
    }

    fn queue_resources(
        &mut self,
        namespace: String,
        name: String,
    ) -> Result<Option<cluster::Known>> {
        self.ask_known(Question::QueueResources { namespace, name })
    }

    fn schedulers(&mut self) -> Result<Option<cluster::Known>> {
        self.ask_known(Question::Schedulers)
    }

    fn node_label(&mut self, key: String) -> Result<Option<cluster::Known>> {
        self.ask_known(Question::NodeLabel { key, pod: None })
    }

    fn amounts(&mut self, resource: String) -> Result<Option<cluster::Known>> {
        self.ask_known(Question::Amounts { resource })
    }

    fn gpu_models(&mut self) -> Result<Option<cluster::Known>> {
        self.ask_known(Question::GpuModels { pod: None })
    }

    fn pod_total(&mut self, pod: Resource<PodHandle>, resource: String) -> Result<Option<u32>> {
        let pod = pod_id(&pod);
        self.ask_number(Question::Total { resource, pod })
    }

    fn pod_node_label(
        &mut self,
        pod: Resource<PodHandle>,
        key: String,
    ) -> Result<Option<cluster::Known>> {
        let pod = Some(pod_id(&pod));
        self.ask_known(Question::NodeLabel { key, pod })
    }

    fn pod_gpu_models(&mut self, pod: Resource<PodHandle>) -> Result<Option<cluster::Known>> {
        let pod = Some(pod_id(&pod));
        self.ask_known(Question::GpuModels { pod })
    }

    fn pod_gpu_units(&mut self, pod: Resource<PodHandle>) -> Result<Vec<cluster::GpuUnit>> {
        let pod = pod_id(&pod);
        Ok(match self.ask(Question::GpuUnits { pod })? {
            Answer::Units(units) => units.into_iter().map(gpu_unit).collect(),
            _ => Vec::new(),
        })
    }
}

impl State {
    /// Answers from the snapshot, if the policy may ask, and records the answer.
    fn ask(&mut self, question: Question) -> Result<Answer> {
        let review = self.review()?;
        let answer = match self.entry.as_ref().is_some_and(|entry| entry.cluster) {
            true => self.snapshot.answer(&question, review),
            false => Answer::Unknown,
        };
        let limit = self.limits.questions;
        if self.asked.len() >= limit {
            return Err(Fault::TooMany {
                what: "questions",
                limit,
            }
            .into());
        }
        self.asked.push(Asked {
            question,
            answer: answer.clone(),
        });
        Ok(answer)
    }

    fn ask_number(&mut self, question: Question) -> Result<Option<u32>> {
        Ok(match self.ask(question)? {
            Answer::Number(number) => Some(u32::try_from(number).unwrap_or(u32::MAX)),
            _ => None,
        })
    }

    fn ask_known(&mut self, question: Question) -> Result<Option<cluster::Known>> {
        Ok(match self.ask(question)? {
            Answer::Known(Known {
                values,
                is_complete: complete,
            }) => Some(cluster::Known { values, complete }),
            _ => None,
        })
    }
}

fn few((name, count): (String, u64)) -> (String, u32) {
    (name, u32::try_from(count).unwrap_or(u32::MAX))
}

fn scaler(scaler: Scaler) -> cluster::Scaler {
    let Scaler {
        kind,
        name,
        resources,
    } = scaler;
    cluster::Scaler {
        kind: kind.to_owned(),
        name,
        resources,
    }
}

fn gpu_unit(unit: Unit) -> cluster::GpuUnit {
    cluster::GpuUnit {
        sharing: unit.sharing().as_str().to_owned(),
        replicas: unit.replicas(),
        mig_profile: unit.mig_profile(),
    }
}

impl State {
    /// The site may change without a new snapshot, so `configure` must not see it.
    fn in_review(&self) -> Result<()> {
        self.review().map(drop)
    }
}
