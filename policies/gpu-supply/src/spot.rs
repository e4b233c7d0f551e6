//! Pools of spot machines.

use tollgate_sdk::gpu::{Capacity, capacity_of};
use tollgate_sdk::prelude::*;
use tollgate_sdk::serde_json::Value;

use crate::pool::{REQUIREMENTS, TYPE, values};
use crate::{NODE_POOL, list};

pub(crate) const NARROW: Rule = Rule::warn(
    "spot-pool-of-one-type",
    "A NodePool of spot machines alone has several instance types: when a cloud has no more of one, nothing else can be bought.",
)
.about(&[NODE_POOL]);

const CAPACITY: &str = "karpenter.sh/capacity-type";

/// Warns about a pool of spot machines of one type.
pub(crate) fn report(review: &Review) {
    let requirements = list(review, REQUIREMENTS);
    let of_key = |wanted: &str| {
        let is_wanted = |(_, one): &(usize, &Value)| {
            let text = |field: &str| one.get(field).and_then(Value::as_str);
            text("key") == Some(wanted) && text("operator") == Some("In")
        };
        requirements.iter().enumerate().find(is_wanted)
    };
    let Some((_, capacity)) = of_key(CAPACITY) else {
        return;
    };
    let is_spot = |value: &str| capacity_of(CAPACITY, value) == Some(Capacity::Spot);
    let is_spot_alone = values(capacity).next().is_some() && values(capacity).all(is_spot);
    let Some((index, types)) = of_key(TYPE).filter(|_| is_spot_alone) else {
        return;
    };
    let names: Vec<_> = values(types).collect();
    if let [only] = names.as_slice() {
        NARROW
            .finding(
                format!("{REQUIREMENTS}/{index}"),
                format!(
                    "the pool buys spot machines of `{only}` alone: without them its pods wait"
                ),
            )
            .actual(*only)
            .allowed("several instance types, or `on-demand` beside `spot`")
            .fix(format!("add further types, or `on-demand` to `{CAPACITY}`"))
            .report();
    }
}
