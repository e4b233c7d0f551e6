//! What of one limit is used: totals, never a list of pods.

use std::collections::BTreeMap;

use tollgate_gpu::{Amount, AmountError};

use crate::{Draw, LedgerError, Window};

/// For how long a slot is kept after it stopped counting: replicas' clocks differ, and to one that is behind it still
/// counts.
const KEPT: i64 = 3_600;

/// The only slot of a limit without a window.
pub(crate) const TIMELESS: i64 = 0;

/// Amounts by the beginning of their slot.
pub(crate) type Slots = BTreeMap<i64, Amount>;

/// What live and ended pods have taken of one limit.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Usage {
    /// By live pods, by slot: those of time to come, too, for what is charged ahead.
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
        let counted = oldest(window, now)?..=slot(window, now)?;
        let slots = self.slots(window, now)?;
        let amounts = slots.range(counted).map(|(_, amount)| *amount);
        Ok(Amount::sum(amounts)?)
    }

    /// What is used in each slot that counts at a moment or later.
    pub(crate) fn slots(&self, window: Option<&Window>, now: i64) -> Result<Slots, LedgerError> {
        let oldest = oldest(window, now)?;
        let settled = self.held.range(oldest..).chain(self.spent.range(oldest..));
        let settled = settled.map(|(slot, amount)| (*slot, *amount));
        let mut slots = Slots::new();
        for (slot, amount) in settled.chain(self.accrued(window, now)?) {
            add_to(&mut slots, slot, amount)?;
        }
        Ok(slots)
    }

    /// Adds what a pod takes that began at a second. What it accrued until the total was written last is spent.
    pub(crate) fn add(
        &mut self,
        window: Option<&Window>,
        draw: Draw,
        began: i64,
    ) -> Result<(), LedgerError> {
        let slots = match draw {
            Draw::Accrued { .. } => &mut self.spent,
            Draw::Held(_) | Draw::Ahead { .. } => &mut self.held,
        };
        for (slot, amount) in parts(window, draw, began, self.since)? {
            add_to(slots, slot, amount)?;
        }
        self.rate = self.rate.plus(draw.rate())?;
        Ok(())
    }

    /// Takes back what a pod held, and keeps what of it the seconds that it ran have spent.
    pub(crate) fn remove(
        &mut self,
        window: Option<&Window>,
        draw: Draw,
        began: i64,
        ended: i64,
    ) -> Result<(), LedgerError> {
        self.rate = self.rate.less(draw.rate());
        if let Draw::Accrued { .. } = draw {
            return Ok(());
        }
        for (slot, amount) in parts(window, draw, began, ended)? {
            if let Some(held) = self.held.get_mut(&slot) {
                *held = held.less(amount);
            }
        }
        self.held.retain(|_, held| !held.is_zero());
        self.spend(window, draw, began, ended)
    }

    /// Adds what a pod has spent that ran between two seconds.
    pub(crate) fn spend(
        &mut self,
        window: Option<&Window>,
        draw: Draw,
        began: i64,
        ended: i64,
    ) -> Result<(), LedgerError> {
        let ran = u64::try_from(ended.saturating_sub(began)).unwrap_or(0);
        let spent = match draw {
            Draw::Held(_) => return Ok(()),
            Draw::Accrued { .. } => draw,
            Draw::Ahead {
                per_second,
                seconds,
            } => Draw::Ahead {
                per_second,
                seconds: seconds.min(ran),
            },
        };
        for (slot, amount) in parts(window, spent, began, ended)? {
            add_to(&mut self.spent, slot, amount)?;
        }
        Ok(())
    }

    /// Writes what the rate has brought until now, and forgets what no longer counts.
    pub(crate) fn settle(&mut self, window: Option<&Window>, now: i64) -> Result<(), LedgerError> {
        for (slot, amount) in self.accrued(window, now)? {
            add_to(&mut self.spent, slot, amount)?;
        }
        self.since = self.since.max(now);
        let oldest = oldest(window, now.saturating_sub(KEPT))?;
        self.spent.retain(|slot, _| *slot >= oldest);
        self.held.retain(|slot, _| *slot >= oldest);
        Ok(())
    }

    /// Replaces what live pods hold, with what counting them gave. What was held over a window until now for pods that
    /// have ended unseen stays spent.
    pub(crate) fn recount(
        &mut self,
        window: Option<&Window>,
        counted: Self,
        now: i64,
    ) -> Result<(), LedgerError> {
        let before = std::mem::replace(&mut self.held, counted.held);
        self.rate = counted.rate;
        for (slot, amount) in counted.spent {
            add_to(&mut self.spent, slot, amount)?;
        }
        if window.is_some() {
            let begun = slot(window, now)?;
            for (slot, amount) in before.into_iter().filter(|(slot, _)| *slot <= begun) {
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

/// What a pod takes in each slot, of one that began at a second and is still there now.
fn parts(
    window: Option<&Window>,
    draw: Draw,
    began: i64,
    now: i64,
) -> Result<Vec<(i64, Amount)>, LedgerError> {
    let grid = window
        .map(|window| window.grid(began, draw.until(began, now)))
        .transpose()?;
    Ok(draw.parts(grid.as_ref(), began, now)?)
}

/// The slot of a moment.
pub(crate) fn slot(window: Option<&Window>, at: i64) -> Result<i64, LedgerError> {
    window.map_or(Ok(TIMELESS), |window| window.slot(at))
}

/// The oldest slot that counts.
pub(crate) fn oldest(window: Option<&Window>, now: i64) -> Result<i64, LedgerError> {
    window.map_or(Ok(TIMELESS), |window| window.oldest(now))
}

pub(crate) fn add_to(slots: &mut Slots, slot: i64, amount: Amount) -> Result<(), AmountError> {
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
    fn what_is_charged_ahead_counts_in_each_window_that_it_reaches() {
        let ahead = Draw::Ahead {
            per_second: atoms(1),
            seconds: 100,
        };
        let (day_end, began) = (24 * HOUR, 24 * HOUR - 30);
        let mut usage = Usage::default();
        usage.add(Some(&day()), ahead, began).unwrap();
        assert_eq!(used(&usage, began), 30);
        assert_eq!(used(&usage, day_end), 70);
        usage
            .remove(Some(&day()), ahead, began, day_end + 5)
            .unwrap();
        assert_eq!((used(&usage, began), used(&usage, day_end)), (30, 5));
    }

    #[test]
    fn what_a_pod_accrued_before_it_was_seen_is_spent() {
        let accrued = Draw::Accrued {
            per_second: atoms(1),
        };
        let mut usage = Usage::default();
        usage.settle(Some(&day()), HOUR + 60).unwrap();
        usage.add(Some(&day()), accrued, HOUR).unwrap();
        assert_eq!(used(&usage, HOUR + 90), 90);
    }

    #[test]
    fn a_recount_keeps_spent_what_was_charged_ahead_for_pods_that_ended_unseen() {
        let ahead = Draw::Ahead {
            per_second: atoms(1),
            seconds: 50,
        };
        let mut usage = Usage::default();
        usage.add(Some(&day()), ahead, HOUR).unwrap();
        usage.recount(Some(&day()), Usage::default(), HOUR).unwrap();
        assert!(usage.held.is_empty());
        assert_eq!(used(&usage, HOUR), 50);
    }
}
