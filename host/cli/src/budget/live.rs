//! Live pods, and who made them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tollgate_admission::json as read;
use tollgate_cluster::prometheus::PodName;
use tollgate_pipeline::Counted;

/// Who made each pod, as `Kind/name`.
pub(crate) type Owners = BTreeMap<PodName, String>;

/// Live pods that are charged to budgets.
#[derive(Clone, Default)]
pub(crate) struct LivePods {
    pub(crate) counted: Vec<Counted>,
    /// Who made them; nothing where nobody can know.
    pub(crate) owners: Option<Owners>,
}

impl LivePods {
    /// Takes in pods of which these are weighed.
    pub(super) fn add(&mut self, pods: &[Value], weighed: Vec<Counted>) {
        let names = weighed.iter().map(|pod| (&pod.namespace, &pod.name));
        let names: BTreeSet<_> = names.collect();
        let mut made = owners(pods);
        made.retain(|(namespace, name), _| names.contains(&(namespace, name)));
        self.owners.get_or_insert_default().extend(made);
        self.counted.extend(weighed);
    }

    /// Who made a pod, with the namespace of both: a pod that nobody made stands for itself.
    pub(super) fn owner(&self, pod: &Counted) -> String {
        let Counted {
            namespace, name, ..
        } = pod;
        let owners = self.owners.as_ref();
        let owner = owners.and_then(|owners| owners.get(&(namespace.clone(), name.clone())));
        match owner {
            Some(owner) => format!("{namespace}/{owner}"),
            None => format!("{namespace}/Pod/{name}"),
        }
    }

    /// The same, where it can be known.
    pub(super) fn known_owner(&self, pod: &Counted) -> Option<String> {
        self.owners.as_ref().map(|_| self.owner(pod))
    }
}

/// Who made the pods.
pub(super) fn owners<'p>(pods: impl IntoIterator<Item = &'p Value>) -> Owners {
    let pods = pods.into_iter();
    pods.filter_map(|pod| {
        let metadata = pod.get("metadata")?;
        let namespace = read::text(metadata, "namespace").unwrap_or("default");
        let name = (
            namespace.to_owned(),
            read::text(metadata, "name")?.to_owned(),
        );
        Some((name, owner(metadata)?))
    })
    .collect()
}

/// The controller of a pod. A ReplicaSet is named after its Deployment, and after the pod's hash.
fn owner(metadata: &Value) -> Option<String> {
    let owners = read::list(metadata, "ownerReferences").iter();
    let mut owners = owners.filter(|owner| read::flag(owner, "controller"));
    let owner = owners.next()?;
    let (kind, name) = (read::text(owner, "kind")?, read::text(owner, "name")?);
    let hash = metadata.pointer("/labels/pod-template-hash");
    let deployment = hash
        .and_then(Value::as_str)
        .and_then(|hash| name.strip_suffix(hash)?.strip_suffix('-'));
    Some(match deployment {
        Some(deployment) if kind == "ReplicaSet" => format!("Deployment/{deployment}"),
        _ => format!("{kind}/{name}"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_replica_set_stands_for_its_deployment() {
        let of = |kind: &str, name: &str| {
            let owner = json!({"controller": true, "kind": kind, "name": name});
            let metadata =
                json!({"labels": {"pod-template-hash": "7f9"}, "ownerReferences": [owner]});
            super::owner(&metadata)
        };
        assert_eq!(of("ReplicaSet", "chat-7f9").unwrap(), "Deployment/chat");
        assert_eq!(of("ReplicaSet", "chat").unwrap(), "ReplicaSet/chat");
        assert_eq!(of("Job", "train-7f9").unwrap(), "Job/train-7f9");
        assert_eq!(owner(&json!({"name": "alone"})), None);
    }
}
