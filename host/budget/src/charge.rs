//! What a pod takes of a budget.

use std::collections::BTreeMap;

use tollgate_gpu::{Amount, AmountError};

use crate::{LedgerError, LimitKey, Window, usage::TIMELESS, window::Grid};

/// What a pod takes of each limit of a budget.
pub type Charge = BTreeMap<LimitKey, Draw>;

/// What a pod takes of one limit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Draw {
    /// So much for as long as it runs.
    Held(Amount),
    /// For all the seconds that it may run, charged ahead to the windows that they fall into; what it did not use is
    /// given back when it ends.
    Ahead {
        /// What a second costs.
        per_second: Amount,
        /// How many seconds it may run.
        seconds: u64,
    },
    /// Each second as it passes, since nothing says when it ends.
    Accrued {
        /// What a second costs.
        per_second: Amount,
    },
}

impl Draw {
    /// The same draw, or one that accrues where it could not be counted ahead: a deadline that is many windows away is
    /// as good as none.
    ///
    /// # Errors
    ///
    /// When the calendar does not reach so far.
    pub fn within(self, window: Option<&Window>, began: i64) -> Result<Self, LedgerError> {
        match (self, window) {
            (
                Self::Ahead {
                    per_second,
                    seconds,
                },
                Some(window),
            ) if !window.reaches(began, after(began, seconds))? => Ok(Self::Accrued { per_second }),
            _ => Ok(self),
        }
    }

    /// How much it is, as people are told: all of it, or what it takes in an hour.
    ///
    /// # Errors
    ///
    /// When it is too large to be counted.
    pub fn told(self) -> Result<(Amount, Option<&'static str>), AmountError> {
        match self {
            Self::Held(amount) => Ok((amount, None)),
            Self::Ahead {
                per_second,
                seconds,
            } => Ok((per_second.times(seconds.into())?, None)),
            Self::Accrued { per_second } => Ok((per_second.times(3_600)?, Some("hour"))),
        }
    }

    /// What it takes now: of what adds up over time, in an hour.
    ///
    /// # Errors
    ///
    /// When it is too large to be counted.
    pub fn now(self) -> Result<Amount, AmountError> {
        match self {
            Self::Held(amount) => Ok(amount),
            Self::Ahead { per_second, .. } | Self::Accrued { per_second } => {
                per_second.times(3_600)
            }
        }
    }

    /// What it takes in each slot, of a pod that began at a second and is still there now.
    pub(crate) fn parts(
        self,
        grid: Option<&Grid>,
        began: i64,
        now: i64,
    ) -> Result<Vec<(i64, Amount)>, AmountError> {
        let (per_second, until) = match self {
            Self::Held(amount) => return Ok(vec![(TIMELESS, amount)]),
            Self::Accrued { per_second } => (per_second, now),
            Self::Ahead {
                per_second,
                seconds,
            } => (per_second, after(began, seconds)),
        };
        let parts = grid.into_iter().flat_map(|grid| grid.parts(began, until));
        let amount = |(slot, seconds): (i64, u64)| Ok((slot, per_second.times(seconds.into())?));
        parts.map(amount).collect()
    }

    /// When it takes nothing more, of a pod that began at a second and is still there now.
    pub(crate) fn until(self, began: i64, now: i64) -> i64 {
        match self {
            Self::Held(_) | Self::Accrued { .. } => now,
            Self::Ahead { seconds, .. } => after(began, seconds).max(now),
        }
    }

    /// What is added each second.
    pub(crate) fn rate(self) -> Amount {
        match self {
            Self::Accrued { per_second } => per_second,
            Self::Held(_) | Self::Ahead { .. } => Amount::ZERO,
        }
    }

    /// Whether it takes anything, now or later.
    pub(crate) fn is_nothing(self) -> bool {
        match self {
            Self::Held(amount) => amount.is_zero(),
            Self::Ahead { per_second, .. } | Self::Accrued { per_second } => per_second.is_zero(),
        }
    }
}

/// The second that lies so many seconds after another.
pub(crate) fn after(began: i64, seconds: u64) -> i64 {
    began.saturating_add(i64::try_from(seconds).unwrap_or(i64::MAX))
}
