//! Budgets as they stood when a review began, for those who say what a pod costs.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use tollgate_gpu::{Amount, Price};

use crate::{Account, Charge, Draw, LedgerError, Limit, Standing};

/// The budgets of a review's pods.
#[derive(Clone, Debug, Default)]
pub struct Readings {
    /// When they were read, in seconds since 1970.
    pub now: i64,
    /// Those of each pod, in the order of the review's pods.
    pub pods: Vec<PodReading>,
}

/// The budgets of one pod.
#[derive(Clone, Debug, Default)]
pub struct PodReading {
    /// The pod's priority.
    pub priority: i32,
    /// The budgets, by name.
    pub budgets: Vec<Arc<Reading>>,
}

/// A budget as it stood.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Its name.
    pub name: Arc<str>,
    /// Its limits.
    pub limits: Arc<[Limit]>,
    /// Its account.
    pub account: Arc<Account>,
    /// Whether it only warns of what does not fit.
    pub warns: bool,
    /// Whom to ask for more.
    pub contact: Option<String>,
    /// The currency of its prices.
    pub currency: Option<String>,
    /// Its prices.
    pub prices: Vec<Price>,
}

/// What a pod is said to take of a limit.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The key of the limit.
    pub limit: String,
    /// How much: for as long as the pod runs or, where the limit adds up over time, for each second.
    pub amount: Amount,
    /// How many seconds the pod runs at most, where anything says so.
    pub seconds: Option<u32>,
}

/// What a pod is to be charged in a budget, and how its limits stand for that.
#[derive(Clone, Debug)]
pub struct Weighed {
    /// The budget.
    pub budget: Arc<Reading>,
    /// The charge.
    pub charge: Charge,
    /// How each limit stands that it takes something of.
    pub standings: Vec<Standing>,
}

/// Why what a pod is said to take makes no sense.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeighError {
    /// The pod is not charged to such a budget.
    #[error("the pod is not charged to a budget named `{budget}`")]
    Budget {
        /// The name as given.
        budget: String,
    },
    /// The budget has no such limit.
    #[error("the budget `{budget}` has no limit `{limit}`")]
    Limit {
        /// The budget.
        budget: String,
        /// The key as given.
        limit: String,
    },
    /// The sum does not fit, or a moment is outside the calendar.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl Readings {
    /// The budgets of a pod.
    #[must_use]
    pub fn of(&self, pod: usize) -> Option<&PodReading> {
        self.pods.get(pod)
    }

    /// Whether no pod is charged to any budget.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pods.iter().all(|pod| pod.budgets.is_empty())
    }

    /// How the limits of a budget stand for what a pod takes of them.
    ///
    /// # Errors
    ///
    /// When the pod is not charged to the budget, it has no such limit, or a sum does not fit.
    pub fn weigh(
        &self,
        pod: usize,
        budget: &str,
        wanted: &[Wanted],
    ) -> Result<Weighed, WeighError> {
        let known = self.of(pod).and_then(|pod| {
            let found = pod.budgets.iter().find(|known| *known.name == *budget)?;
            Some((found.clone(), pod.priority))
        });
        let (budget, priority) = known.ok_or_else(|| WeighError::Budget {
            budget: budget.to_owned(),
        })?;
        let mut charge = BTreeMap::new();
        for wanted in wanted {
            let limits = budget.limits.iter();
            let limit = limits
                .map(|limit| (limit, limit.key()))
                .find(|(_, key)| key.as_str() == wanted.limit);
            let (limit, key) = limit.ok_or_else(|| WeighError::Limit {
                budget: budget.name.to_string(),
                limit: wanted.limit.clone(),
            })?;
            let draw = wanted.draw(limit, self.now)?;
            if !draw.is_nothing() {
                charge.insert(key, draw);
            }
        }
        let standings = budget
            .account
            .standings(&budget.limits, &charge, priority, self.now)?;
        Ok(Weighed {
            budget,
            charge,
            standings,
        })
    }
}

impl Wanted {
    fn draw(&self, limit: &Limit, now: i64) -> Result<Draw, LedgerError> {
        let per_second = self.amount;
        match (limit.unit.adds_up(), self.seconds) {
            (false, _) => Ok(Draw::Held(self.amount)),
            (true, None) => Ok(Draw::Accrued { per_second }),
            (true, Some(seconds)) => {
                let ahead = Draw::Ahead {
                    per_second,
                    seconds: seconds.into(),
                };
                ahead.within(limit.window.as_ref(), now)
            }
        }
    }
}

/// The second since 1970 of a moment in RFC 3339.
#[must_use]
pub fn second_of(text: &str) -> Option<i64> {
    let moment: Timestamp = text.parse().ok()?;
    Some(moment.as_second())
}

/// A second since 1970 as RFC 3339 in UTC.
#[must_use]
pub fn moment(second: i64) -> Option<String> {
    let moment = Timestamp::from_second(second).ok()?;
    Some(moment.to_string())
}

impl Standing {
    /// When its window resets, as RFC 3339 in UTC.
    #[must_use]
    pub fn resets_at(&self) -> Option<String> {
        moment(self.resets?)
    }
}
