//! What a review, its pods and containers are.

use tollgate_admission::{self as admission, ContainerId, ContainerView};
use wasmtime::component::Resource;

use super::Result;
use crate::bindings::tollgate::policy::types::{
    self, ContainerFields, EnvVar, Mount, NodeTerm, PodFields, Port, Probe, RequestFields,
    ResourceClaim, Toleration, Volume,
};
use crate::state::{ContainerHandle, PodHandle, ReviewHandle, State};

fn own(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
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
        existing() -> u32;
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
