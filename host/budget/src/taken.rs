//! What is taken of one limit, window by window.

use std::ops::RangeInclusive;

use tollgate_gpu::Amount;

use crate::{
    Account, Draw, LedgerError, Limit, LimitKey, Standing, Window,
    usage::{Slots, TIMELESS, add_to, oldest, slot},
};

/// What is taken of one limit, by slot, from the oldest that counts at a moment on.
pub(crate) struct Taken {
    window: Option<Window>,
    now: i64,
    used: Slots,
    reserved: Slots,
}

impl Taken {
    /// What an account says.
    pub(crate) fn of(
        account: &Account,
        key: &LimitKey,
        window: Option<&Window>,
        now: i64,
    ) -> Result<Self, LedgerError> {
        let mut taken = Self {
            window: window.cloned(),
            now,
            used: Slots::new(),
            reserved: Slots::new(),
        };
        taken.use_as(account, key)?;
        let kept = account.reservations.values();
        let draws = kept.filter_map(|kept| Some((*kept.charge.get(key)?, kept.at)));
        taken.reserve_all(&draws.collect::<Vec<_>>())?;
        Ok(taken)
    }

    /// Whether it still says what an account does at a moment, if that has changed only by what was told.
    pub(crate) fn is_of(&self, now: i64) -> bool {
        self.now == now
    }

    /// Learns what is used.
    pub(crate) fn use_as(&mut self, account: &Account, key: &LimitKey) -> Result<(), LedgerError> {
        self.used = match account.usage.get(key) {
            Some(usage) => usage.slots(self.window.as_ref(), self.now)?,
            None => Slots::new(),
        };
        Ok(())
    }

    /// Learns that something is reserved from a second on.
    pub(crate) fn reserve(&mut self, draw: Draw, at: i64) -> Result<(), LedgerError> {
        self.reserve_all(&[(draw, at)])
    }

    /// Learns that it no longer is.
    pub(crate) fn release(&mut self, draw: Draw, at: i64) -> Result<(), LedgerError> {
        for (slot, amount) in self.parts(&[(draw, at)])? {
            if let Some(reserved) = self.reserved.get_mut(&slot) {
                *reserved = reserved.less(amount);
            }
        }
        Ok(())
    }

    fn reserve_all(&mut self, draws: &[(Draw, i64)]) -> Result<(), LedgerError> {
        for (slot, amount) in self.parts(draws)? {
            add_to(&mut self.reserved, slot, amount)?;
        }
        Ok(())
    }

    /// What some draws take in each slot that counts now or later.
    fn parts(&self, draws: &[(Draw, i64)]) -> Result<Vec<(i64, Amount)>, LedgerError> {
        let Some(window) = &self.window else {
            let held = draws.iter().filter_map(|(draw, _)| match draw {
                Draw::Held(amount) => Some((TIMELESS, *amount)),
                Draw::Ahead { .. } | Draw::Accrued { .. } => None,
            });
            return Ok(held.collect());
        };
        let ends = draws.iter().map(|(draw, at)| draw.until(*at, self.now));
        let end = ends.max().unwrap_or(self.now);
        let grid = window.grid(window.oldest(self.now)?, end)?;
        let mut parts = Vec::with_capacity(draws.len());
        for (draw, at) in draws {
            parts.extend(draw.parts(Some(&grid), *at, self.now)?);
        }
        Ok(parts)
    }

    /// What is reserved now.
    pub(crate) fn reserved(&self) -> Result<Amount, LedgerError> {
        sum(&self.reserved, self.counted(self.now)?)
    }

    /// How the limit stands for a further draw, at the first moment at which that does not fit, else now.
    pub(crate) fn standing(
        &self,
        limit: &Limit,
        draw: Draw,
        priority: i32,
    ) -> Result<Standing, LedgerError> {
        let wanted = Wanted {
            limit,
            draw,
            ceiling: limit.ceiling(priority),
            slots: self.parts(&[(draw, self.now)])?.into_iter().collect(),
        };
        let mut standing = self.at(self.now, &wanted)?;
        let mut most = standing.requested;
        for moment in self.later(&wanted)? {
            let later = self.at(moment, &wanted)?;
            most = most.max(later.requested);
            if later.is_exceeded && !standing.is_exceeded {
                standing = later;
            }
        }
        // A rolling window does not begin anew while the pod runs.
        if standing.resets.is_none() {
            standing.requested = most;
        }
        Ok(standing)
    }

    /// The later moments at which something else counts.
    fn later(&self, wanted: &Wanted<'_>) -> Result<Vec<i64>, LedgerError> {
        let now = slot(self.window.as_ref(), self.now)?;
        let slots = [&self.used, &self.reserved, &wanted.slots].into_iter();
        let mut later: Vec<_> = slots
            .flat_map(|slots| slots.range(now..).map(|(slot, _)| *slot))
            .filter(|slot| *slot > now)
            .collect();
        later.sort_unstable();
        later.dedup();
        Ok(later)
    }

    /// How it stands at a moment.
    fn at(&self, moment: i64, wanted: &Wanted<'_>) -> Result<Standing, LedgerError> {
        let counted = self.counted(moment)?;
        let [used, reserved, requested] =
            [&self.used, &self.reserved, &wanted.slots].map(|slots| sum(slots, counted.clone()));
        let (used, reserved, requested) = (used?, reserved?, requested?);
        let ceiling = wanted.ceiling;
        let taken = used.plus(reserved)?;
        let is_exceeded = match wanted.draw {
            // What accrues takes nothing at once, so it needs that anything is left.
            Draw::Accrued { .. } => moment == self.now && taken >= ceiling,
            _ => !requested.is_zero() && taken.plus(requested)? > ceiling,
        };
        let window = self.window.as_ref();
        Ok(Standing {
            limit: wanted.limit.key(),
            ceiling,
            used,
            reserved,
            requested,
            resets: window.map_or(Ok(None), |window| window.resets(moment))?,
            is_exceeded,
        })
    }

    /// The slots that count at a moment.
    fn counted(&self, moment: i64) -> Result<RangeInclusive<i64>, LedgerError> {
        let window = self.window.as_ref();
        Ok(oldest(window, moment)?..=slot(window, moment)?)
    }
}

/// What a further pod would take.
struct Wanted<'a> {
    limit: &'a Limit,
    draw: Draw,
    ceiling: Amount,
    slots: Slots,
}

/// The sum of what is in some slots.
fn sum(slots: &Slots, counted: RangeInclusive<i64>) -> Result<Amount, LedgerError> {
    Ok(Amount::sum(
        slots.range(counted).map(|(_, amount)| *amount),
    )?)
}
