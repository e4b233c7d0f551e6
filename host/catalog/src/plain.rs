//! Components that are compiled but not configured, from which a catalog can be drafted at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tollgate_engine::Plain;

/// Unconfigured components by their digests.
#[derive(Default)]
pub struct PlainComponents(Mutex<BTreeMap<Arc<str>, Plain>>);

impl PlainComponents {
    pub(crate) fn get(&self, digest: &str) -> Option<Plain> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(digest).cloned()
    }

    /// Forgets all components but these.
    pub(crate) fn replace(&self, components: BTreeMap<Arc<str>, Plain>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = components;
    }
}
