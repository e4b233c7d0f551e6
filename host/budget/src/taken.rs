//! What is taken of one limit, window by window.

use std::ops::RangeInclusive;

use tollgate_gpu::Amount;

use crate::{
    Account, Draw, LedgerError, Limit, Standing,
    usage::{Slots, add_to, oldest, slot},
};

/// What is taken of one limit, by slot, from the oldest that counts now on.
pub(crate) struct Taken<'a> {
    limit: &'a Limit,
    now: i64,
    draw: Option<Draw>,
    used: Slots,
    pub(crate) reserved: Slots,
    wanted: Slots,
}

impl<'a> Taken<'a> {
    /// What an account says, and what a further pod would take.
    pub(crate) fn of(
        account: &Account,
        limit: &'a Limit,
        draw: Option<Draw>,
        now: i64,
    ) -> Result<Self, LedgerError> {
        let (key, window) = (limit.key(), limit.window.as_ref());
        let reservations = account.reservations.values();
        let draws: Vec<_> = reservations
            .filter_map(|kept| Some((*kept.charge.get(&key)?, kept.at)))
            .collect();
        let ends = draws.iter().map(|(draw, at)| draw.until(*at, now));
        let end = ends.chain(draw.map(|draw| draw.until(now, now))).max();
        let grid = window
            .map(|window| window.grid(window.oldest(now)?, end.unwrap_or(now)))
            .transpose()?;
        let mut reserved = Slots::new();
        for (draw, at) in draws {
            for (slot, amount) in draw.parts(grid.as_ref(), at, now)? {
                add_to(&mut reserved, slot, amount)?;
            }
        }
        let wanted = draw.map_or(Ok(Vec::new()), |draw| draw.parts(grid.as_ref(), now, now))?;
        Ok(Self {
            limit,
            now,
            draw,
            used: match account.usage.get(&key) {
                Some(usage) => usage.slots(window, now)?,
                None => Slots::new(),
            },
            reserved,
            wanted: wanted.into_iter().collect(),
        })
    }

    /// How the limit stands at the first moment at which the pod does not fit, else now.
    pub(crate) fn standing(&self, priority: i32) -> Result<Standing, LedgerError> {
        let standing = self.at(self.now, priority)?;
        if standing.is_exceeded {
            return Ok(standing);
        }
        let now = slot(self.limit.window.as_ref(), self.now)?;
        let slots = [&self.used, &self.reserved, &self.wanted].into_iter();
        let mut later: Vec<_> = slots
            .flat_map(|slots| slots.range(now..).map(|(slot, _)| *slot))
            .filter(|slot| *slot > now)
            .collect();
        later.sort_unstable();
        later.dedup();
        for moment in later {
            let later = self.at(moment, priority)?;
            if later.is_exceeded {
                return Ok(later);
            }
        }
        Ok(standing)
    }

    /// How it stands at a moment.
    fn at(&self, moment: i64, priority: i32) -> Result<Standing, LedgerError> {
        let window = self.limit.window.as_ref();
        let counted = oldest(window, moment)?..=slot(window, moment)?;
        let [used, reserved, requested] =
            [&self.used, &self.reserved, &self.wanted].map(|slots| sum(slots, counted.clone()));
        let (used, reserved, requested) = (used?, reserved?, requested?);
        let ceiling = self.limit.ceiling(priority);
        let taken = used.plus(reserved)?;
        let is_exceeded = match self.draw {
            // What accrues takes nothing at once, so it needs that anything is left.
            Some(Draw::Accrued { .. }) => moment == self.now && taken >= ceiling,
            _ => !requested.is_zero() && taken.plus(requested)? > ceiling,
        };
        Ok(Standing {
            limit: self.limit.key(),
            ceiling,
            used,
            reserved,
            requested,
            resets: window.map_or(Ok(None), |window| window.resets(moment))?,
            is_exceeded,
        })
    }
}

/// The sum of what is in some slots.
pub(crate) fn sum(slots: &Slots, counted: RangeInclusive<i64>) -> Result<Amount, LedgerError> {
    Ok(Amount::sum(
        slots.range(counted).map(|(_, amount)| *amount),
    )?)
}
