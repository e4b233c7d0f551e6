//! How budgets stand, for the page.

use std::collections::BTreeMap;
use std::time::SystemTime;

use anyhow::Context as _;
use tollgate_budget::Weighed;
use tollgate_catalog::Catalog;
use tollgate_cluster::prometheus::Busy;
use tollgate_dashboard::{Budget, InUse, Limit, Others, Share, Shares as Shown};
use tollgate_gpu::{Amount, Unit};
use tollgate_pipeline::Counted;

use super::live::LivePods;
use super::shares::{Largest, Shares};
use super::standing::{LimitStanding, Standing};
use super::standings;
use super::utilisation::{Held, Utilisation};
use crate::failure::Failure;

/// How many of those that hold something are named; the others are shown as one.
const NAMED: usize = 8;

/// How all budgets stand by their accounts, and who takes what of them by the pods that are known.
pub(crate) async fn shown(
    catalog: &Catalog,
    live: Option<&LivePods>,
    now: SystemTime,
) -> Result<Vec<Budget>, Failure> {
    let budgets: Vec<_> = catalog.budgets.iter().collect();
    let standings = standings(catalog, &budgets, live, now).await?;
    Ok(standings.into_iter().map(budget).collect())
}

/// The pods that accounts keep something for: where nobody watches pods, all that there are. Who made them nobody noted.
pub(crate) async fn reserved(catalog: &Catalog) -> Result<LivePods, Failure> {
    let mut counted = Vec::new();
    for charged in &catalog.budgets {
        let account = catalog.ledger.account(&charged.budget.name).await;
        let account = account.context("the accounts of budgets cannot be read")?;
        let reading = std::sync::Arc::new(charged.reading(account.clone()));
        counted.extend(account.reservations.iter().map(|(uid, kept)| Counted {
            uid: uid.to_string(),
            namespace: kept.pod.0.to_string(),
            name: kept.pod.1.to_string(),
            node: None,
            began: kept.at,
            charges: vec![Weighed {
                budget: reading.clone(),
                charge: kept.charge.clone(),
                standings: Vec::new(),
            }],
        }));
    }
    Ok(LivePods {
        counted,
        owners: None,
    })
}

fn budget(standing: Standing) -> Budget {
    let Standing {
        name,
        on_exceed,
        contact,
        currency,
        pods,
        limits,
        utilisation,
    } = standing;
    let limits = limits.into_iter();
    Budget {
        name,
        on_exceed,
        contact,
        pods,
        limits: limits.map(|one| limit(one, currency.as_deref())).collect(),
        counted: None,
        in_use: utilisation.map(|it| Ok(in_use(&it))),
    }
}

/// How busy the devices of all budgets are, by name.
pub(crate) fn busy(
    catalog: &Catalog,
    live: &LivePods,
    busy: &Busy,
) -> Result<BTreeMap<String, InUse>, Failure> {
    let mut all = BTreeMap::new();
    for charged in &catalog.budgets {
        let measured = Utilisation::of(charged, live, busy);
        let measured = measured.context("a budget cannot be counted")?;
        all.extend(measured.map(|it| (charged.budget.name.to_string(), in_use(&it))));
    }
    Ok(all)
}

fn in_use(utilisation: &Utilisation) -> InUse {
    let told = |held: &Held| held.told(|amount| utilisation.text(amount));
    let shares = |held: Vec<(&str, &Held)>| {
        let others = held.len().saturating_sub(NAMED);
        let named = held.into_iter().take(NAMED).map(|(name, held)| Share {
            name: name.to_owned(),
            amount: told(held),
            permille: None,
        });
        Shown {
            named: named.collect(),
            others: (others > 0).then_some(Others {
                count: others,
                amount: None,
            }),
        }
    };
    let namespaces = utilisation.namespaces.iter();
    let namespaces = namespaces.map(|(name, held)| (name.as_str(), held));
    InUse {
        held: told(&utilisation.whole),
        namespaces: shares(namespaces.collect()),
        owners: shares(utilisation.idlest()),
    }
}

fn limit(standing: LimitStanding, currency: Option<&str>) -> Limit {
    let LimitStanding {
        limit,
        used,
        reserved,
        resets,
        namespaces,
        models,
        owners,
    } = standing;
    let text = |amount: Amount| amount.text(limit.unit);
    let shares = |shares: &Shares| of_limit(shares, text);
    let taken = used.plus(reserved).unwrap_or(limit.amount);
    Limit {
        name: limit.key().as_str().to_owned(),
        amount: text(limit.amount),
        used: text(used),
        reserved: (!reserved.is_zero()).then(|| text(reserved)),
        free: text(limit.amount.less(taken)),
        currency: currency
            .filter(|_| limit.unit == Unit::Money)
            .map(str::to_owned),
        soft: limit.soft.map(text),
        resets: resets.and_then(|at| at.parse().ok()),
        used_permille: permille(used, limit.amount),
        reserved_permille: permille(reserved, limit.amount),
        soft_permille: limit.soft.map(|soft| permille(soft, limit.amount)),
        is_hourly: limit.unit.adds_up(),
        namespaces: shares(&namespaces),
        models: shares(&models),
        owners: shares(&owners),
    }
}

/// The largest shares, each with the part that it is of all of them.
fn of_limit(shares: &Shares, text: impl Fn(Amount) -> String) -> Shown {
    let Some(Largest {
        shares,
        others,
        rest,
    }) = shares.largest(NAMED)
    else {
        return Shown::default();
    };
    let atoms = shares.iter().map(|(_, amount)| amount.atoms());
    let whole = Amount::from_atoms(atoms.fold(rest.atoms(), u128::saturating_add));
    let named = shares.into_iter().map(|(name, amount)| Share {
        name: name.to_owned(),
        amount: text(amount),
        permille: Some(permille(amount, whole)),
    });
    Shown {
        named: named.collect(),
        others: (others > 0).then(|| Others {
            count: others,
            amount: Some(text(rest)),
        }),
    }
}

/// How many thousandths of a whole something is, at most ten times the whole; of nothing, nothing is enough.
fn permille(part: Amount, whole: Amount) -> u32 {
    const MOST: u32 = 10_000;
    if part.is_zero() {
        return 0;
    }
    let thousandths = part.times(1_000).ok();
    let thousandths = thousandths.and_then(|all| all.atoms().checked_div(whole.atoms()));
    thousandths
        .and_then(|all| u32::try_from(all).ok())
        .map_or(MOST, |all| all.min(MOST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(part: u128, whole: u128) -> u32 {
        permille(Amount::from_atoms(part), Amount::from_atoms(whole))
    }

    #[test]
    fn thousandths_are_bounded_also_of_nothing() {
        assert_eq!((of(3, 4), of(0, 0), of(1, 3)), (750, 0, 333));
        assert_eq!(
            (of(1, 0), of(u128::MAX, 1), of(50, 1)),
            (10_000, 10_000, 10_000)
        );
    }
}
