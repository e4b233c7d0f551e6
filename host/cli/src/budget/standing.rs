//! How one budget stands, and who takes what of it.

use std::time::SystemTime;

use serde_json::{Value, json};
use tollgate_budget::{Account, LedgerError, Limit};
use tollgate_catalog::Charged;
use tollgate_catalog::document::OnExceed;
use tollgate_context::Snapshot;
use tollgate_gpu::{Amount, model_keys, model_of};
use tollgate_pipeline::Counted;

use super::live::LivePods;
use super::shares::Shares;
use super::utilisation::Utilisation;

/// How a budget stands.
pub(super) struct Standing {
    pub(super) name: String,
    pub(super) on_exceed: &'static str,
    pub(super) contact: Option<String>,
    pub(super) currency: Option<String>,
    /// How many live pods are charged to it, where they are known.
    pub(super) pods: Option<usize>,
    pub(super) limits: Vec<LimitStanding>,
    /// How busy its devices are, where that was asked for.
    pub(super) utilisation: Option<Utilisation>,
}

/// How one of its limits stands.
pub(super) struct LimitStanding {
    pub(super) limit: Limit,
    pub(super) used: Amount,
    pub(super) reserved: Amount,
    pub(super) resets: Option<String>,
    /// What live pods take: of what adds up over time, in an hour.
    pub(super) namespaces: Shares,
    pub(super) models: Shares,
    /// By who made them, where that is known.
    pub(super) owners: Shares,
}

impl Standing {
    pub(super) fn of(
        charged: &Charged,
        account: &Account,
        live: Option<&LivePods>,
        snapshot: &Snapshot,
        now: SystemTime,
    ) -> Result<Self, LedgerError> {
        let Charged {
            budget,
            limits,
            currency,
            ..
        } = charged;
        let second = tollgate_pipeline::seconds(now);
        let is_of = |pod: &&Counted| pod.charges.iter().any(|one| one.budget.name == budget.name);
        let counted = live.into_iter().flat_map(|live| &live.counted);
        let pods: Vec<_> = counted.filter(is_of).collect();
        let limits = limits.iter().map(|limit| {
            let by = |name: &dyn Fn(&Counted) -> Option<String>| {
                shares(&pods, &budget.name, limit, name)
            };
            let window = limit.window.as_ref();
            Ok(LimitStanding {
                used: account.used(limit, second)?,
                reserved: account.reserved(limit, second)?,
                resets: window
                    .map_or(Ok(None), |window| window.resets(second))?
                    .and_then(tollgate_budget::moment),
                namespaces: by(&|pod| Some(pod.namespace.clone()))?,
                models: by(&|pod| Some(model(pod, snapshot)))?,
                owners: by(&|pod| live?.known_owner(pod))?,
                limit: limit.clone(),
            })
        });
        Ok(Self {
            name: budget.name.to_string(),
            on_exceed: match budget.spec.on_exceed.unwrap_or_default() {
                OnExceed::Deny => "deny",
                OnExceed::Warn => "warn",
            },
            contact: budget.spec.contact.clone(),
            currency: currency.clone(),
            pods: live.map(|_| pods.len()),
            limits: limits.collect::<Result<_, LedgerError>>()?,
            utilisation: None,
        })
    }

    pub(super) fn json(&self) -> Value {
        let limits: Vec<_> = self.limits.iter().map(LimitStanding::json).collect();
        let mut standing = json!({
            "name": self.name,
            "onExceed": self.on_exceed,
            "contact": self.contact,
            "currency": self.currency,
            "pods": self.pods,
            "limits": limits,
        });
        if let (Some(utilisation), Some(fields)) = (&self.utilisation, standing.as_object_mut()) {
            fields.insert("utilisation".to_owned(), utilisation.json());
        }
        standing
    }
}

impl LimitStanding {
    fn json(&self) -> Value {
        let Self {
            limit,
            used,
            reserved,
            resets,
            namespaces,
            models,
            owners,
        } = self;
        let text = |amount: Amount| amount.text(limit.unit);
        let shares = |shares: &Shares| {
            let shares = shares.iter();
            let shares = shares.map(|(name, amount)| (name.clone(), text(*amount).into()));
            Value::Object(shares.collect())
        };
        json!({
            "limit": limit.key().as_str(),
            "unit": limit.unit.as_str(),
            "model": limit.model.map(|model| model.id),
            "window": limit.window.as_ref().map(ToString::to_string),
            "amount": text(limit.amount),
            "softLimit": limit.soft.map(text),
            "used": text(*used),
            "reserved": text(*reserved),
            "resets": resets,
            "per": limit.unit.adds_up().then_some("hour"),
            "byNamespace": shares(namespaces),
            "byModel": shares(models),
            "byOwner": shares(owners),
        })
    }
}

/// What pods take of a limit, by a name that each may have.
fn shares(
    pods: &[&Counted],
    budget: &str,
    limit: &Limit,
    name: &dyn Fn(&Counted) -> Option<String>,
) -> Result<Shares, LedgerError> {
    let mut shares = Shares::default();
    for pod in pods {
        let Some(name) = name(pod) else { continue };
        let charges = pod.charges.iter();
        let of_budget = charges.filter(|one| *one.budget.name == *budget);
        for draw in of_budget.filter_map(|one| one.charge.get(&limit.key())) {
            let amount = draw.now()?;
            if !amount.is_zero() {
                shares.add(name.clone(), amount)?;
            }
        }
    }
    Ok(shares)
}

/// The model of the node that a pod runs on.
fn model(pod: &Counted, snapshot: &Snapshot) -> String {
    let unknown = || "unknown".to_owned();
    let Some(node) = &pod.node else {
        return "not scheduled".to_owned();
    };
    let Some(node) = snapshot.object("Node", None, node) else {
        return unknown();
    };
    let label = |key: &str| node.get("metadata")?.get("labels")?.get(key)?.as_str();
    let models = model_keys().filter_map(|key| model_of(key, label(key)?));
    // The label that leaves the fewest says most.
    match models.min_by_key(|models| models.len()) {
        Some([model]) => model.id.to_owned(),
        _ => unknown(),
    }
}
