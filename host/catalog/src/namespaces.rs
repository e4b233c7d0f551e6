//! The labels of namespaces.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::document::Labels;

/// The labels of the namespaces that are known. Clones show the same: in a cluster labels change while a catalog is
/// in force, and a catalog is never made anew for that.
#[derive(Clone, Debug, Default)]
pub struct Namespaces(Arc<RwLock<Known>>);

type Known = BTreeMap<String, Arc<Labels>>;

impl Namespaces {
    /// The labels of a namespace, where it is known.
    pub fn labels_of(&self, namespace: &str) -> Option<Arc<Labels>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.get(namespace).cloned()
    }

    /// Takes note of a namespace and its labels.
    pub fn insert(&self, name: String, labels: Labels) {
        self.change(|known| known.insert(name, Arc::new(labels)));
    }

    /// Forgets a namespace.
    pub fn remove(&self, name: &str) {
        self.change(|known| known.remove(name));
    }

    /// Forgets all namespaces but these.
    pub fn replace(&self, namespaces: impl IntoIterator<Item = (String, Labels)>) {
        let all = namespaces
            .into_iter()
            .map(|(name, labels)| (name, Arc::new(labels)))
            .collect();
        self.change(|known| *known = all);
    }

    fn change<T>(&self, change: impl FnOnce(&mut Known) -> T) {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner));
    }
}

impl FromIterator<(String, Labels)> for Namespaces {
    fn from_iter<I: IntoIterator<Item = (String, Labels)>>(namespaces: I) -> Self {
        let all = Self::default();
        all.replace(namespaces);
        all
    }
}
