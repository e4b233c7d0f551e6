//! Keeps what is known of the cluster up to date: nodes, and the pools that could bring more.
//!
//! Reviews read the snapshot that is there and never wait for the API server. Kinds that a cluster does not serve, or
//! that the role may not read, are left out: rules that need them are quiet.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kube::api::{ApiResource, DynamicObject};
use kube::core::GroupVersionKind;
use kube::{Api, Client};
use serde_json::Value;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tollgate_catalog::Context;
use tollgate_context::Builder;

use crate::watch::{Change, follow_optional};

/// What is watched: group, version, kind, plural.
pub(crate) const KINDS: [(&str, &str, &str, &str); 5] = [
    ("", "v1", "Node", "nodes"),
    ("karpenter.sh", "v1", "NodePool", "nodepools"),
    (
        "cluster.x-k8s.io",
        "v1beta1",
        "MachineDeployment",
        "machinedeployments",
    ),
    ("cluster.x-k8s.io", "v1beta1", "MachinePool", "machinepools"),
    ("nvidia.com", "v1", "ClusterPolicy", "clusterpolicies"),
];

/// How often a snapshot is made at most: nodes report every few seconds, and a snapshot of thousands takes a while.
const PACE: Duration = Duration::from_secs(1);

/// What nodes have plenty of and nobody here reads.
const UNREAD: [(&str, &str); 3] = [
    ("/metadata", "managedFields"),
    ("/status", "images"),
    ("/status", "conditions"),
];

#[derive(Default)]
struct Shared {
    objects: Mutex<Builder>,
    news: Notify,
}

/// Replaces the snapshot of `context` whenever the cluster says something else.
pub(crate) async fn follow(client: Client, context: Context) -> Infallible {
    let shared = Arc::new(Shared::default());
    let mut tasks = JoinSet::new();
    for (group, version, kind, plural) in KINDS {
        let gvk = GroupVersionKind::gvk(group, version, kind);
        let resource = ApiResource::from_gvk_with_plural(&gvk, plural);
        let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
        let shared = Arc::clone(&shared);
        tasks.spawn(
            async move { follow_optional(kind, api, |change| shared.note(&gvk, change)).await },
        );
    }
    loop {
        shared.news.notified().await;
        let objects = shared.objects().clone();
        context.store(objects.build());
        sleep(PACE).await;
    }
}

impl Shared {
    fn objects(&self) -> MutexGuard<'_, Builder> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, gvk: &GroupVersionKind, change: Change<DynamicObject>) {
        let mut objects = self.objects();
        let name = match gvk.group.as_str() {
            "" => gvk.kind.clone(),
            group => format!("{}.{group}", gvk.kind),
        };
        match change {
            Change::Listed(all) => {
                objects.clear(&name);
                all.into_iter()
                    .for_each(|object| objects.insert(read(gvk, object)));
                objects.complete(&name);
            }
            Change::Applied(object) => objects.insert(read(gvk, object)),
            Change::Deleted(object) => objects.remove(&read(gvk, object)),
        }
        drop(objects);
        self.news.notify_one();
    }
}

/// The object as JSON, with its type, which lists leave out, and without what nobody reads.
fn read(gvk: &GroupVersionKind, object: DynamicObject) -> Value {
    let mut object = serde_json::to_value(object).unwrap_or_default();
    if let Some(fields) = object.as_object_mut() {
        fields.insert("apiVersion".to_owned(), gvk.api_version().into());
        fields.insert("kind".to_owned(), gvk.kind.as_str().into());
    }
    for (holder, field) in UNREAD {
        if let Some(Value::Object(fields)) = object.pointer_mut(holder) {
            fields.remove(field);
        }
    }
    object
}

#[cfg(test)]
mod tests {
    use kube::api::DynamicObject;
    use kube::core::GroupVersionKind;
    use serde_json::json;

    use super::{Shared, read};
    use crate::watch::Change;

    fn node(name: &str) -> DynamicObject {
        serde_json::from_value(json!({
            "metadata": {"name": name, "managedFields": []},
            "status": {"allocatable": {"nvidia.com/gpu": "8"}, "images": []},
        }))
        .unwrap()
    }

    #[test]
    fn a_list_replaces_what_was_there_and_changes_add_to_it() {
        let (shared, gvk) = (Shared::default(), GroupVersionKind::gvk("", "v1", "Node"));
        let names = || {
            let snapshot = shared.objects().clone().build();
            let known = snapshot.names("Node", None).unwrap();
            assert!(known.is_complete);
            known.values
        };
        shared.note(&gvk, Change::Listed(vec![node("a"), node("b")]));
        shared.note(&gvk, Change::Applied(node("c")));
        shared.note(&gvk, Change::Deleted(node("a")));
        assert_eq!(names(), ["b", "c"]);
        shared.note(&gvk, Change::Listed(vec![node("d")]));
        assert_eq!(names(), ["d"]);
    }

    #[test]
    fn objects_of_lists_get_their_type_and_lose_what_nobody_reads() {
        let read = read(&GroupVersionKind::gvk("", "v1", "Node"), node("a"));
        let expected = json!({
            "apiVersion": "v1", "kind": "Node", "metadata": {"name": "a"},
            "status": {"allocatable": {"nvidia.com/gpu": "8"}},
        });
        assert_eq!(read, expected);
    }
}
