//! Who is let off which rules of a review.

use std::sync::Arc;
use std::time::SystemTime;

use serde_json::Value;
use tollgate_admission::{PodId, Review};
use tollgate_catalog::document::{Asker, Exemption, Waived as Meant};
use tollgate_catalog::{Catalog, Entry};
use tollgate_engine::{Waived, Waiver};

use crate::outcome::Exempted;

/// The exemptions that hold for a review.
pub(crate) struct Exemptions<'a> {
    holding: Vec<Holding<'a>>,
}

struct Holding<'a> {
    exemption: &'a Arc<Exemption>,
    /// The pods that its selector selects; the whole object where it has none.
    pods: Option<Vec<PodId>>,
}

impl<'a> Exemptions<'a> {
    /// Finds those that hold.
    pub(crate) fn of(catalog: &'a Catalog, review: &Review, now: SystemTime) -> Self {
        let holding = |exemption| hold(exemption, review, now);
        Self {
            holding: catalog.exemptions.iter().filter_map(holding).collect(),
        }
    }

    /// What a policy is let off. Without exemptions this costs nothing.
    pub(crate) fn waivers(&self, entry: &Entry) -> Vec<Waiver> {
        let holding = self.holding.iter().enumerate();
        let waivers = |(id, Holding { exemption, pods }): (usize, &Holding<'_>)| {
            let rules = match exemption.of(&entry.name) {
                None => Vec::new(),
                Some(Meant::All) => vec![None],
                Some(Meant::Rules(rules)) => rules.into_iter().map(Some).collect(),
            };
            let waiver = |rule: Option<&str>| Waiver {
                id,
                rule: rule.map(str::to_owned),
                pods: pods.clone(),
            };
            rules.into_iter().map(waiver).collect::<Vec<_>>()
        };
        holding.flat_map(waivers).collect()
    }

    /// What the waivers of a policy came to.
    pub(crate) fn used(
        &self,
        entry: &Entry,
        waived: Vec<Waived>,
    ) -> impl Iterator<Item = Exempted> {
        waived.into_iter().filter_map(|waived| {
            let Holding { exemption, .. } = self.holding.get(waived.id)?;
            Some(Exempted {
                exemption: Arc::clone(exemption),
                policy: Arc::clone(&entry.name),
                rule: waived.rule,
                path: waived.path,
                finding: waived.finding,
            })
        })
    }
}

fn hold<'a>(
    exemption: &'a Arc<Exemption>,
    review: &Review,
    now: SystemTime,
) -> Option<Holding<'a>> {
    let request = review.request();
    let asker = Asker {
        user: &request.user,
        groups: &request.groups,
        is_direct: !is_controlled(&request.object),
    };
    let holds =
        !exemption.is_expired(now) && exemption.holds_for(request.namespace.as_deref(), asker);
    let pods = exemption.spec.pod_selector.as_ref().map(|selector| {
        let selected = review
            .pods()
            .filter(|pod| selector.matches(&pod.labels().into_iter().collect()));
        selected.map(|pod| pod.id()).collect::<Vec<_>>()
    });
    let selects = pods.as_ref().is_none_or(|pods| !pods.is_empty());
    (holds && selects).then_some(Holding { exemption, pods })
}

/// Whether a controller owns the object.
fn is_controlled(object: &Value) -> bool {
    let owners = object
        .pointer("/metadata/ownerReferences")
        .and_then(Value::as_array);
    let controls = |owner: &Value| owner.get("controller").and_then(Value::as_bool);
    owners
        .into_iter()
        .flatten()
        .any(|owner| controls(owner).unwrap_or_default())
}
