//! Namespaces that are going: no pod comes into them any more.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use k8s_openapi::api::core::v1::Namespace;
use kube::ResourceExt as _;
use kube::core::PartialObjectMeta;

use crate::watch::Change;

/// The names of namespaces that were seen to be going or gone. Clones show the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Departures(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    here: BTreeSet<String>,
    going: BTreeSet<String>,
}

impl Departures {
    /// Whether a namespace is going or gone. One that nobody has seen is not: it may be new.
    pub(crate) fn has(&self, namespace: &str) -> bool {
        self.seen().going.contains(namespace)
    }

    /// Takes in what the watch of namespaces tells.
    pub(crate) fn note(&self, change: &Change<PartialObjectMeta<Namespace>>) {
        let mut seen = self.seen();
        match change {
            Change::Listed(all) => {
                let before = std::mem::take(&mut seen.here);
                all.iter().for_each(|one| seen.apply(one));
                let gone: Vec<_> = before
                    .into_iter()
                    .filter(|name| !seen.here.contains(name))
                    .collect();
                seen.going.extend(gone);
            }
            Change::Applied(one) => seen.apply(one),
            Change::Deleted(one) => {
                seen.here.remove(&one.name_any());
                seen.going.insert(one.name_any());
            }
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn apply(&mut self, one: &PartialObjectMeta<Namespace>) {
        let name = one.name_any();
        match one.metadata.deletion_timestamp {
            Some(_) => self.going.insert(name.clone()),
            None => self.going.remove(&name),
        };
        self.here.insert(name);
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Namespace;
    use kube::core::PartialObjectMeta;
    use serde_json::json;

    use super::Departures;
    use crate::watch::Change;

    fn namespace(going: bool) -> PartialObjectMeta<Namespace> {
        let time = going.then_some("2026-01-01T00:00:00Z");
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ml", "deletionTimestamp": time}});
        serde_json::from_value(object).unwrap()
    }

    #[test]
    fn a_namespace_is_going_from_its_deletion_until_it_is_there_again() {
        let departures = Departures::default();
        assert!(!departures.has("ml"), "nobody has seen it");
        departures.note(&Change::Listed(vec![namespace(false)]));
        assert!(!departures.has("ml"));
        departures.note(&Change::Applied(namespace(true)));
        assert!(departures.has("ml"));
        departures.note(&Change::Deleted(namespace(true)));
        assert!(departures.has("ml"));
        departures.note(&Change::Applied(namespace(false)));
        assert!(!departures.has("ml"));
        departures.note(&Change::Listed(Vec::new()));
        assert!(departures.has("ml"), "gone while nobody watched");
    }
}
