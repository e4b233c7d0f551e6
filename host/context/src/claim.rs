//! What claims ask for: device classes, and access modes of volumes. Source: `resource.k8s.io/v1`, and `v1beta1`, which has no `exactly`.

use serde_json::Value;
use tollgate_admission::json;

use crate::snapshot::{Known, Snapshot};

/// The classes of a claim, or of a template of claims; `None` where it is not known.
pub(crate) fn classes(
    snapshot: &Snapshot,
    namespace: &str,
    name: &str,
    is_template: bool,
) -> Option<Known> {
    let (kind, requests) = match is_template {
        true => (
            "ResourceClaimTemplate.resource.k8s.io",
            "/spec/spec/devices",
        ),
        false => ("ResourceClaim.resource.k8s.io", "/spec/devices"),
    };
    let claim = snapshot.object(kind, Some(namespace), name)?;
    let devices = claim.pointer(requests).unwrap_or(&Value::Null);
    let each = json::list(devices, "requests").iter().flat_map(of_request);
    let mut values: Vec<_> = each.map(str::to_owned).collect();
    values.sort();
    values.dedup();
    Some(Known {
        values,
        is_complete: true,
    })
}

/// The access modes of a PersistentVolumeClaim; `None` where it is not known.
pub(crate) fn modes(snapshot: &Snapshot, namespace: &str, name: &str) -> Option<Known> {
    let claim = snapshot.object("PersistentVolumeClaim", Some(namespace), name)?;
    Some(Known {
        values: json::texts(claim.get("spec")?, "accessModes"),
        is_complete: true,
    })
}

/// The class of a request, or those of its alternatives.
fn of_request(request: &Value) -> impl Iterator<Item = &str> {
    let own = [Some(request), request.get("exactly")]
        .into_iter()
        .flatten();
    let each = own.chain(json::list(request, "firstAvailable"));
    each.filter_map(|request| json::text(request, "deviceClassName"))
}
