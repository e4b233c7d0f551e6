//! From a Node to what it offers.

use serde_json::Value;
use tollgate_admission::json;
use tollgate_gpu::{NEVER, NeverReason, Quantity};

use crate::label::Gives;
use crate::offer::{Offer, Source, Taint, models_of};
use crate::plugin::Plugin;

/// What a node offers; nothing for a node that an autoscaler takes away.
pub(crate) fn read(node: &Value, plugin: &Plugin) -> Option<Offer> {
    let metadata = node.get("metadata")?;
    let labels: std::collections::BTreeMap<_, _> = json::pairs(metadata, "labels")
        .into_iter()
        .map(|(key, value)| (key, Gives::OneOf(vec![value])))
        .collect();
    let spec = node.get("spec").unwrap_or(&Value::Null);
    let taints = taints(spec, "taints");
    if taints.iter().any(is_going) {
        return None;
    }
    let allocatable = node.get("status").unwrap_or(&Value::Null);
    Some(Offer {
        source: Source::Node,
        name: json::text(metadata, "name")?.to_owned(),
        unit: plugin.unit(&labels),
        models: models_of(&labels),
        labels,
        is_open: |_| false,
        taints: taints.into_iter().filter(|taint| !passes(taint)).collect(),
        resources: quantities(allocatable, "allocatable"),
        may_have: |_, _| false,
    })
}

/// The taints at a field.
pub(crate) fn taints(holder: &Value, field: &str) -> Vec<Taint> {
    let text = |taint: &Value, field| json::text(taint, field).unwrap_or_default().to_owned();
    let taints = json::list(holder, field).iter().map(|taint| Taint {
        key: text(taint, "key"),
        value: text(taint, "value"),
        effect: text(taint, "effect"),
    });
    taints.collect()
}

/// The quantities at a field.
pub(crate) fn quantities(
    holder: &Value,
    field: &str,
) -> std::collections::BTreeMap<String, Quantity> {
    let parse = |(name, text): (String, String)| Some((name, Quantity::parse(&text).ok()?));
    json::pairs(holder, field)
        .into_iter()
        .filter_map(parse)
        .collect()
}

/// Whether a taint marks a node that is taken away.
fn is_going(taint: &Taint) -> bool {
    marks(taint, NeverReason::Disruption) && taint.effect != "PreferNoSchedule"
}

/// Whether a taint goes again without anybody tolerating it: the node is not well, or not ready yet.
fn passes(taint: &Taint) -> bool {
    marks(taint, NeverReason::Health)
}

fn marks(taint: &Taint, reason: NeverReason) -> bool {
    let rows = NEVER.iter().filter(|never| never.reason == reason);
    rows.map(|never| never.key)
        .any(|key| taint.key == key || key.ends_with('/') && taint.key.starts_with(key))
}
