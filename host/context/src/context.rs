//! The newest snapshot, for everybody who needs it.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::Snapshot;

/// The newest snapshot. Clones show the same: in a cluster it changes while policies are in force, and nothing is made
/// anew for that. A review keeps the one that it began with.
#[derive(Clone, Debug, Default)]
pub struct Context(Arc<ArcSwap<Snapshot>>);

impl Context {
    /// The snapshot of now.
    pub fn load(&self) -> Arc<Snapshot> {
        self.0.load_full()
    }

    /// Replaces the snapshot.
    pub fn store(&self, snapshot: Snapshot) {
        self.0.store(Arc::new(snapshot));
    }
}
