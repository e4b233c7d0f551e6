//! What claims ask for: device classes, and access modes of volumes. Source: `resource.k8s.io/v1`, and `v1beta1`, which has no `exactly`.

use serde_json::Value;
use tollgate_admission::json;

use crate::snapshot::{Known, Snapshot};

/// How many devices a request counts as that asks for all of a node: as many as the largest machine has.
const ALL: u64 = 16;

/// The classes of a claim, or of a template of claims; `None` where it is not known.
pub(crate) fn classes(
    snapshot: &Snapshot,
    namespace: &str,
    name: &str,
    is_template: bool,
) -> Option<Known> {
    let requests = requests(snapshot, namespace, name, is_template)?;
    let each = requests.iter().flat_map(alternatives);
    let classes = each.filter_map(|request| json::text(request, "deviceClassName"));
    let mut values: Vec<_> = classes.map(str::to_owned).collect();
    values.sort();
    values.dedup();
    Some(Known {
        values,
        is_complete: true,
    })
}

/// How many devices a claim, or a template of claims, asks for: of alternatives the most.
pub(crate) fn devices(
    snapshot: &Snapshot,
    namespace: &str,
    name: &str,
    is_template: bool,
) -> Option<u64> {
    let requests = requests(snapshot, namespace, name, is_template)?;
    let most = |request| alternatives(request).map(count).max().unwrap_or_default();
    Some(requests.iter().map(most).fold(0, u64::saturating_add))
}

/// A claim, or a template of claims, in words.
pub(crate) fn in_words(is_template: bool) -> &'static str {
    match is_template {
        true => "template of claims",
        false => "claim",
    }
}

fn requests<'s>(
    snapshot: &'s Snapshot,
    namespace: &str,
    name: &str,
    is_template: bool,
) -> Option<&'s [Value]> {
    let (kind, devices) = match is_template {
        true => (
            "ResourceClaimTemplate.resource.k8s.io",
            "/spec/spec/devices",
        ),
        false => ("ResourceClaim.resource.k8s.io", "/spec/devices"),
    };
    let claim = snapshot.object(kind, Some(namespace), name)?;
    let devices = claim.pointer(devices);
    Some(devices.map_or(&[], |devices| json::list(devices, "requests")))
}

/// The access modes of a PersistentVolumeClaim; `None` where it is not known.
pub(crate) fn modes(snapshot: &Snapshot, namespace: &str, name: &str) -> Option<Known> {
    let claim = snapshot.object("PersistentVolumeClaim", Some(namespace), name)?;
    Some(Known {
        values: json::texts(claim.get("spec")?, "accessModes"),
        is_complete: true,
    })
}

/// What a request may be satisfied by: itself, or one of its alternatives.
fn alternatives(request: &Value) -> impl Iterator<Item = &Value> {
    let own = [Some(request), request.get("exactly")]
        .into_iter()
        .flatten();
    let each = own.chain(json::list(request, "firstAvailable"));
    each.filter(|request| json::text(request, "deviceClassName").is_some())
}

/// How many devices are asked for: one where nothing is said.
fn count(request: &Value) -> u64 {
    match json::text(request, "allocationMode") {
        Some("All") => ALL,
        _ => request.get("count").and_then(Value::as_u64).unwrap_or(1),
    }
}
