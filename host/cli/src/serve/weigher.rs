//! What weighs live pods for the leader: the same policies that review new ones.

use std::iter::once;
use std::time::SystemTime;

use serde_json::Value;
use tollgate_catalog::Catalog;
use tollgate_cluster::{Unweighable, Weigher, Weighing, Weight};
use tollgate_pipeline::{Counted, count};

/// Weighs pods by the policies of a catalog.
pub(super) struct Scales;

impl Weigher for Scales {
    fn weigh<'w>(&'w self, catalog: &'w Catalog, pod: Value) -> Weighing<'w> {
        Box::pin(async move {
            let counted = count(catalog, once(&pod), SystemTime::now()).await;
            let counted = counted.map_err(|err| Unweighable(err.to_string()))?;
            Ok(counted
                .into_iter()
                .next()
                .map_or_else(Weight::default, weight))
        })
    }
}

fn weight(Counted { began, charges, .. }: Counted) -> Weight {
    let charges = charges.into_iter();
    Weight {
        began,
        charges: charges
            .map(|weighed| (weighed.budget.name.clone(), weighed.charge))
            .collect(),
    }
}
