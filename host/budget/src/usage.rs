//! What of one limit is used: totals, never a list of pods.

use std::collections::BTreeMap;

use tollgate_gpu::Amount;

use crate::{Draw, LedgerError, Window};

/// For how long a slot is kept after it stopped counting: replicas' clocks differ, and to one that is behind it still
/// counts.
const KEPT: i64 = 3_600;

/// The only slot of a limit without a window.
const TIMELESS: i64 = 0;

/// What live and ended pods have taken of one limit.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Usage {
    /// By live pods, by the slot of their beginning.
    pub held: BTreeMap<i64, Amount>,
    /// By time that has passed, by slot.
    pub spent: BTreeMap<i64, Amount>,
    /// By live pods for each further second.
    pub rate: Amount,
    /// The second up to which `spent` has what the rate brought; it never goes back.
    pub since: i64,
}

impl Usage {
    /// What is used at a moment.
    ///
    /// # Errors
    ///
    /// When it does not fit, or the calendar does not reach so far.
    pub fn used(&self, window: Option<&Window>, now: i64) -> Result<Amount, LedgerError> {
        let oldest = oldest(window, now)?;
        let counted = self.held.range(oldest..).chain(self.spent.range(oldest..));
        let settled = Amount::sum(counted.map(|(_, amount)| *amount))?;
        let accrued = self.accrued(window, now)?;
        let accrued = Amount::sum(accrued.into_iter().map(|(_, amount)| amount))?;
        Ok(settled.plus(accrued)?)
    }

    /// Adds what a pod takes that begins at a second.
    pub(crate) fn add(
        &mut self,
        window: Option<&Window>,
        draw: Draw,
        began: i64,
    ) -> Result<(), LedgerError> {
        self.rate = self.rate.plus(draw.rate())?;
        add_to(&mut self.held, slot(window, began)?, draw.at_once()?)
    }

    /// Takes back what a pod held, and keeps what of it the seconds that it ran have spent.
    pub(crate) fn remove(
        &mut self,
        window: Option<&Window>,
        draw: Draw,
        began: i64,
        ended: i64,
    ) -> Result<(), LedgerError> {
        let slot = slot(window, began)?;
        self.rate = self.rate.less(draw.rate());
        if let Some(held) = self.held.get_mut(&slot) {
            *held = held.less(draw.at_once()?);
        }
        self.held.retain(|_, held| !held.is_zero());
        let ran = ended.saturating_sub(began).try_into().unwrap_or(0);
        add_to(&mut self.spent, slot, draw.stays(ran)?)
    }

    /// Writes what the rate has brought until now, and forgets what no longer counts.
    pub(crate) fn settle(&mut self, window: Option<&Window>, now: i64) -> Result<(), LedgerError> {
        for (slot, amount) in self.accrued(window, now)? {
            add_to(&mut self.spent, slot, amount)?;
        }
        self.since = self.since.max(now);
        let oldest = oldest(window, now.saturating_sub(KEPT))?;
        self.spent.retain(|slot, _| *slot >= oldest);
        Ok(())
    }

    /// Replaces what live pods hold, with what counting them gave. What was held over a window for pods that have ended
    /// unseen stays spent.
    pub(crate) fn recount(
        &mut self,
        window: Option<&Window>,
        counted: Self,
    ) -> Result<(), LedgerError> {
        let before = std::mem::replace(&mut self.held, counted.held);
        self.rate = counted.rate;
        if window.is_some() {
            for (slot, amount) in before {
                let live = self.held.get(&slot).copied().unwrap_or_default();
                add_to(&mut self.spent, slot, amount.less(live))?;
            }
        }
        Ok(())
    }

    fn accrued(
        &self,
        window: Option<&Window>,
        now: i64,
    ) -> Result<Vec<(i64, Amount)>, LedgerError> {
        let Some(window) = window.filter(|_| !self.rate.is_zero()) else {
            return Ok(Vec::new());
        };
        let parts = window.split(self.since, now)?.into_iter();
        let amounts = parts.map(|(slot, seconds)| {
            let seconds = u128::try_from(seconds).unwrap_or(0);
            Ok((slot, self.rate.times(seconds)?))
        });
        amounts.collect()
    }
}

/// The slot of a moment.
pub(crate) fn slot(window: Option<&Window>, at: i64) -> Result<i64, LedgerError> {
    window.map_or(Ok(TIMELESS), |window| window.slot(at))
}

/// The oldest slot that counts.
pub(crate) fn oldest(window: Option<&Window>, now: i64) -> Result<i64, LedgerError> {
    window.map_or(Ok(TIMELESS), |window| window.oldest(now))
}

fn add_to(slots: &mut BTreeMap<i64, Amount>, slot: i64, amount: Amount) -> Result<(), LedgerError> {
    if !amount.is_zero() {
        let sum = slots.entry(slot).or_default();
        *sum = sum.plus(amount)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tollgate_gpu::Amount;

    use super::Usage;
    use crate::{Draw, Window};

    const HOUR: i64 = 3_600;

    fn atoms(atoms: u128) -> Amount {
        Amount::from_atoms(atoms)
    }

    fn day() -> Window {
        Window::calendar(crate::Period::Day, "UTC").unwrap()
    }

    fn used(usage: &Usage, now: i64) -> u128 {
        usage.used(Some(&day()), now).unwrap().atoms()
    }

    #[test]
    fn what_is_charged_ahead_is_given_back_where_it_was_not_used() {
        let ahead = Draw::Ahead {
            per_second: atoms(2),
            seconds: 100,
        };
        let mut usage = Usage::default();
        usage.add(Some(&day()), ahead, HOUR).unwrap();
        assert_eq!(used(&usage, HOUR), 200);
        usage.remove(Some(&day()), ahead, HOUR, HOUR + 30).unwrap();
        assert_eq!(used(&usage, HOUR + 30), 60);
        assert_eq!(used(&usage, 25 * HOUR), 0);
    }

    #[test]
    fn what_nothing_bounds_accrues_and_begins_anew_with_the_window() {
        let accrued = Draw::Accrued {
            per_second: atoms(3),
        };
        let mut usage = Usage::default();
        usage.settle(Some(&day()), HOUR).unwrap();
        usage.add(Some(&day()), accrued, HOUR).unwrap();
        assert_eq!(used(&usage, HOUR), 0);
        assert_eq!(used(&usage, HOUR + 10), 30);
        usage.settle(Some(&day()), HOUR + 10).unwrap();
        assert_eq!(used(&usage, HOUR + 10), 30);
        // A clock that is behind adds nothing twice.
        usage.settle(Some(&day()), HOUR).unwrap();
        assert_eq!(used(&usage, HOUR + 20), 60);
        assert_eq!(used(&usage, 24 * HOUR + 5), 15);
    }

    #[test]
    fn a_recount_keeps_spent_what_was_charged_ahead_for_pods_that_ended_unseen() {
        let ahead = Draw::Ahead {
            per_second: atoms(1),
            seconds: 50,
        };
        let mut usage = Usage::default();
        usage.add(Some(&day()), ahead, HOUR).unwrap();
        usage.recount(Some(&day()), Usage::default()).unwrap();
        assert!(usage.held.is_empty());
        assert_eq!(used(&usage, HOUR), 50);
    }
}
