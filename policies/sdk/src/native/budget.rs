//! The interface `budget`: see `wit/budget.wit` for what each item means.

use tollgate_budget::{Limit as Counted, Reading, Standing as Stands, Wanted, Weighed};
use tollgate_gpu::{Amount, Capacity};

use super::session;
use super::types::Pod;

/// What an hour of a whole GPU costs.
pub struct Price {
    pub model: Option<String>,
    pub node_label: Option<(String, String)>,
    pub capacity: Option<String>,
    pub per_hour: String,
}

/// A limit of a budget.
pub struct Limit {
    pub key: String,
    pub unit: String,
    pub model: Option<String>,
    pub window: Option<String>,
    pub amount: String,
    pub ceiling: String,
    pub above: Option<i32>,
    pub soft: Option<String>,
}

/// A budget that a pod is charged to.
pub struct Account {
    pub name: String,
    pub warns: bool,
    pub contact: Option<String>,
    pub currency: Option<String>,
    pub prices: Vec<Price>,
    pub limits: Vec<Limit>,
}

/// What a pod takes of a limit.
pub struct Draw {
    pub limit: String,
    pub amount: String,
    pub seconds: Option<u32>,
}

/// How a limit stands.
pub struct Standing {
    pub limit: String,
    pub used: String,
    pub reserved: String,
    pub requested: String,
    pub resets: Option<String>,
    pub exceeded: bool,
}

/// The budgets that a pod is charged to.
pub fn accounts(pod: &Pod) -> Vec<Account> {
    session(|session| {
        let reading = session.readings.of(index(pod));
        let budgets = reading.into_iter().flat_map(|pod| {
            let priority = pod.priority;
            pod.budgets.iter().map(move |one| account(one, priority))
        });
        budgets.collect()
    })
}

/// Proposes what a pod is charged.
///
/// # Errors
///
/// When the proposal makes no sense.
pub fn charge(pod: &Pod, account: &str, draws: &[Draw]) -> Result<Vec<Standing>, String> {
    let wanted = draws.iter().map(wanted).collect::<Result<Vec<_>, _>>()?;
    session(|session| {
        let weighed = session.readings.weigh(index(pod), account, &wanted);
        let weighed = weighed.map_err(|err| err.to_string())?;
        let standings = weighed.standings.iter().map(standing).collect();
        let is_other = |(known, other): &(_, Weighed)| {
            *known != pod.1 || other.budget.name != weighed.budget.name
        };
        session.charges.retain(is_other);
        if !weighed.charge.is_empty() {
            session.charges.push((pod.1, weighed));
        }
        Ok(standings)
    })
}

fn index(pod: &Pod) -> usize {
    usize::try_from(pod.1.0).unwrap_or(usize::MAX)
}

fn account(reading: &Reading, priority: i32) -> Account {
    let limits = reading.limits.iter();
    let prices = reading.prices.iter();
    Account {
        name: reading.name.to_string(),
        warns: reading.warns,
        contact: reading.contact.clone(),
        currency: reading.currency.clone(),
        prices: prices.map(price).collect(),
        limits: limits.map(|one| limit(one, priority)).collect(),
    }
}

fn price(price: &tollgate_gpu::Price) -> Price {
    let word = |capacity| match capacity {
        Capacity::Spot => "spot".to_owned(),
        Capacity::OnDemand => "on-demand".to_owned(),
    };
    Price {
        model: price.model.map(|model| model.id.to_owned()),
        node_label: price.node_label.clone(),
        capacity: price.capacity.map(word),
        per_hour: atoms(price.per_hour),
    }
}

fn limit(limit: &Counted, priority: i32) -> Limit {
    Limit {
        key: limit.key().to_string(),
        unit: limit.unit.as_str().to_owned(),
        model: limit.model.map(|model| model.id.to_owned()),
        window: limit.window.as_ref().map(ToString::to_string),
        amount: atoms(limit.amount),
        ceiling: atoms(limit.ceiling(priority)),
        above: limit.share.map(|share| share.above),
        soft: limit.soft.map(atoms),
    }
}

fn standing(standing: &Stands) -> Standing {
    Standing {
        limit: standing.limit.to_string(),
        used: atoms(standing.used),
        reserved: atoms(standing.reserved),
        requested: atoms(standing.requested),
        resets: standing.resets_at(),
        exceeded: standing.is_exceeded,
    }
}

fn atoms(amount: Amount) -> String {
    amount.atoms().to_string()
}

fn wanted(draw: &Draw) -> Result<Wanted, String> {
    let no_number = |_| format!("`{}` is no number of atoms", draw.amount);
    Ok(Wanted {
        limit: draw.limit.clone(),
        amount: Amount::from_atoms(draw.amount.parse().map_err(no_number)?),
        seconds: draw.seconds,
    })
}
