//! The bundles of the newest catalogs, so that a new one makes only what has changed.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tollgate_engine::Bundle;

/// Bundles by all that they were made of. Those that neither of the two newest catalogs uses are forgotten.
#[derive(Default)]
pub struct Recent(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    catalogs: u64,
    bundles: BTreeMap<String, (u64, Bundle)>,
}

impl Recent {
    pub(crate) fn get(&self, key: &str) -> Option<Bundle> {
        let mut kept = self.kept();
        let catalogs = kept.catalogs;
        let (used, bundle) = kept.bundles.get_mut(key)?;
        *used = catalogs;
        Some(bundle.clone())
    }

    pub(crate) fn keep(&self, key: String, bundle: Bundle) {
        let mut kept = self.kept();
        let catalogs = kept.catalogs;
        kept.bundles.insert(key, (catalogs, bundle));
    }

    /// A catalog is complete.
    pub(crate) fn turn(&self) {
        let mut kept = self.kept();
        let Kept { catalogs, bundles } = &mut *kept;
        bundles.retain(|_, (used, _)| *used + 1 >= *catalogs);
        *catalogs += 1;
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
