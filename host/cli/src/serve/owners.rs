//! Of a pod that is refused, what its owner is told.

use serde_json::Value;
use tollgate_admission::{Operation, json};
use tollgate_cluster::owners::{Owner, Reason, Refusals, Refused, Told};
use tollgate_dashboard as dashboard;
use tollgate_pipeline::Outcome;
use tollgate_webhook::OwnerTold;

use crate::dashboard::reasons;

/// How many reasons of a refusal are handed on.
const MOST_REASONS: usize = 20;

/// Hands a refusal on, if there is an owner to tell of it. Any other review costs one comparison.
pub(super) fn note(refusals: &Refusals, outcome: &Outcome) {
    if let Some(refused) = refused(outcome) {
        refusals.hand_in(refused);
    }
}

/// The refusal of a new pod that a controller wanted to make. Who makes a pod himself is answered himself.
fn refused(outcome: &Outcome) -> Option<Refused> {
    let is_new = outcome.operation == Operation::Create && !outcome.dry_run;
    let is_pod = outcome.gvk.kind == "Pod" && outcome.gvk.group.is_empty();
    if outcome.verdict.is_allowed() || !is_new || !is_pod {
        return None;
    }
    let reason = |dashboard::Reason {
                      by,
                      is_fault,
                      message,
                      fix,
                  }| Reason {
        by,
        message: match is_fault {
            true => format!("policy faulted: {message}"),
            false => message,
        },
        fix,
    };
    Some(Refused {
        namespace: outcome.namespace.clone()?,
        owner: controller(&outcome.object)?,
        reasons: reasons(outcome).take(MOST_REASONS).map(reason).collect(),
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
