//! The budgets that a pod is charged to, and what it is to be charged. Needs the grant `budget`; without it, and where no
//! budget applies, there are none. See `wit/budget.wit` for what amounts count.

use tollgate_gpu::{Amount, Capacity, Model, Price, Unit};

use crate::{Pod, contract::budget as raw};

/// A budget that a pod is charged to, or that the pods of a template are compared with.
#[derive(Clone, Debug)]
pub struct Account {
    /// The name of its document.
    pub name: String,
    /// Whether it only warns of what does not fit.
    pub warns: bool,
    /// Whom to ask for more.
    pub contact: Option<String>,
    /// The currency of its prices.
    pub currency: Option<String>,
    /// Its prices.
    pub prices: Vec<Price>,
    /// Its limits, in the order of the document.
    pub limits: Vec<Limit>,
}

/// A limit of a budget.
#[derive(Clone, Debug)]
pub struct Limit {
    /// What tells it apart from the budget's others.
    pub key: String,
    /// What it counts.
    pub unit: Unit,
    /// The model whose devices alone count; every one unless given.
    pub model: Option<&'static Model>,
    /// Over what time it adds up, such as `month in UTC`.
    pub window: Option<String>,
    /// The most.
    pub amount: Amount,
    /// The most that pods of this pod's priority may fill it to.
    pub ceiling: Amount,
    /// The priority above which pods may use the rest.
    pub above: Option<i32>,
    /// From where on there is a warning.
    pub soft: Option<Amount>,
}

/// What a pod takes of a limit.
#[derive(Clone, Debug)]
pub struct Draw {
    /// The key of the limit.
    pub limit: String,
    /// How much: for as long as the pod runs or, where the unit adds up over time, for each second.
    pub amount: Amount,
    /// How many seconds it runs at most, where anything says so.
    pub seconds: Option<u32>,
}

/// How a limit stands for what a pod takes of it.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The key of the limit.
    pub limit: String,
    /// What is used by pods that run or have run.
    pub used: Amount,
    /// What is reserved for pods that were let in and are still to come.
    pub reserved: Amount,
    /// What the pod takes of the window that these numbers are of.
    pub requested: Amount,
    /// When that window resets, as RFC 3339.
    pub resets: Option<String>,
    /// Whether the pod does not fit.
    pub is_exceeded: bool,
}

/// The budgets that the pod is charged to now. Limits and prices about what this version does not know are left out.
pub fn accounts(pod: &Pod) -> Vec<Account> {
    raw::accounts(pod.raw()).into_iter().map(account).collect()
}

/// Proposes what the pod is charged in a budget, in place of what was proposed for it there before, and tells how each
/// limit stands for it.
///
/// # Errors
///
/// What is wrong with the proposal.
pub fn charge(pod: &Pod, account: &str, draws: &[Draw]) -> Result<Vec<Standing>, String> {
    let draws: Vec<_> = draws
        .iter()
        .map(|draw| raw::Draw {
            limit: draw.limit.clone(),
            amount: draw.amount.atoms().to_string(),
            seconds: draw.seconds,
        })
        .collect();
    let standings = raw::charge(pod.raw(), account, &draws)?;
    Ok(standings.into_iter().map(standing).collect())
}

fn account(account: raw::Account) -> Account {
    Account {
        name: account.name,
        warns: account.warns,
        contact: account.contact,
        currency: account.currency,
        prices: account.prices.into_iter().filter_map(price).collect(),
        limits: account.limits.into_iter().filter_map(limit).collect(),
    }
}

fn limit(limit: raw::Limit) -> Option<Limit> {
    let model = match &limit.model {
        Some(id) => Some(Model::parse(id).ok()?),
        None => None,
    };
    Some(Limit {
        unit: Unit::parse(&limit.unit)?,
        model,
        window: limit.window,
        amount: atoms(&limit.amount),
        ceiling: atoms(&limit.ceiling),
        above: limit.above,
        soft: limit.soft.as_deref().map(atoms),
        key: limit.key,
    })
}

/// Nothing where it is about something that this version does not know.
fn price(price: raw::Price) -> Option<Price> {
    let model = match &price.model {
        Some(id) => Some(Model::parse(id).ok()?),
        None => None,
    };
    let capacity = match price.capacity.as_deref() {
        Some("spot") => Some(Capacity::Spot),
        Some("on-demand") => Some(Capacity::OnDemand),
        Some(_) => return None,
        None => None,
    };
    Some(Price {
        model,
        node_label: price.node_label,
        capacity,
        per_hour: atoms(&price.per_hour),
    })
}

fn standing(standing: raw::Standing) -> Standing {
    Standing {
        limit: standing.limit,
        used: atoms(&standing.used),
        reserved: atoms(&standing.reserved),
        requested: atoms(&standing.requested),
        resets: standing.resets,
        is_exceeded: standing.exceeded,
    }
}

/// The host writes nothing but numbers.
fn atoms(text: &str) -> Amount {
    Amount::from_atoms(text.parse().unwrap_or(u128::MAX))
}
