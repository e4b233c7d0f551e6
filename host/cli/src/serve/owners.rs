//! Of a pod that is refused, what its owner is told; of a change that a budget refuses, what the pod is.

use serde_json::Value;
use tollgate_admission::{Operation, json};
use tollgate_catalog::Catalog;
use tollgate_cluster::owners::{Owner, Reason, Refusals, Refused, Told, What};
use tollgate_dashboard as dashboard;
use tollgate_pipeline::Outcome;
use tollgate_webhook::OwnerTold;

use crate::dashboard::reasons;

/// How many reasons of a refusal are handed on.
const MOST_REASONS: usize = 20;

/// Hands a refusal on, if there is an owner to tell of it. Any other review costs one comparison.
pub(super) fn note(refusals: &Refusals, catalog: &Catalog, outcome: &Outcome) {
    if let Some(refused) = refused(catalog, outcome) {
        refusals.hand_in(refused);
    }
}

/// The refusal of a new pod that a controller wanted to make, or of a change that a budget has no room for. Who makes a
/// pod himself is answered himself.
fn refused(catalog: &Catalog, outcome: &Outcome) -> Option<Refused> {
    let is_pod = outcome.gvk.is_pod();
    if outcome.verdict.is_allowed() || outcome.dry_run || !is_pod {
        return None;
    }
    let (what, owner) = match outcome.operation {
        Operation::Create => (What::Pod, controller(&outcome.object)?),
        Operation::Update => {
            tollgate_pipeline::refusal(catalog, outcome)?;
            (What::Change, itself(&outcome.object)?)
        }
        _ => return None,
    };
    Some(Refused {
        namespace: outcome.namespace.clone()?,
        what,
        owner,
        reasons: reasons(outcome).take(MOST_REASONS).map(reason).collect(),
    })
}

fn reason(reason: dashboard::Reason) -> Reason {
    let dashboard::Reason {
        by,
        is_fault,
        message,
        fix,
    } = reason;
    Reason {
        by,
        message: match is_fault {
            true => format!("policy faulted: {message}"),
            false => message,
        },
        fix,
    }
}

fn itself(pod: &Value) -> Option<Owner> {
    let metadata = pod.get("metadata")?;
    Some(Owner {
        api_version: "v1".to_owned(),
        kind: "Pod".to_owned(),
        name: json::text(metadata, "name")?.to_owned(),
        uid: json::text(metadata, "uid")?.to_owned(),
    })
}

fn controller(pod: &Value) -> Option<Owner> {
    let owners = json::list(pod.get("metadata")?, "ownerReferences").iter();
    let mut owners = owners.filter(|owner| owner.get("controller") == Some(&Value::Bool(true)));
    let owner = owners.next()?;
    let text = |field: &str| json::text(owner, field).map(str::to_owned);
    Some(Owner {
        api_version: text("apiVersion")?,
        kind: text("kind")?,
        name: text("name")?,
        uid: text("uid")?,
    })
}

/// The word in metrics.
pub(super) fn label(told: Told) -> OwnerTold {
    match told {
        Told::Written => OwnerTold::Written,
        Told::Repeated => OwnerTold::Repeated,
        Told::Dropped => OwnerTold::Dropped,
        Told::Failed => OwnerTold::Failed,
    }
}
