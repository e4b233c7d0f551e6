//! What a pod takes of a budget.

use std::collections::BTreeMap;

use tollgate_gpu::{Amount, AmountError};

use crate::LimitKey;

/// What a pod takes of each limit of a budget.
pub type Charge = BTreeMap<LimitKey, Draw>;

/// What a pod takes of one limit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Draw {
    /// So much for as long as it runs.
    Held(Amount),
    /// For all the seconds that it may run, charged ahead to the window in which it begins; what it did not use is given
    /// back when it ends.
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
    /// What is taken at once.
    pub(crate) fn at_once(self) -> Result<Amount, AmountError> {
        match self {
            Self::Held(amount) => Ok(amount),
            Self::Ahead {
                per_second,
                seconds,
            } => per_second.times(seconds.into()),
            Self::Accrued { .. } => Ok(Amount::ZERO),
        }
    }

    /// What is added each second.
    pub(crate) fn rate(self) -> Amount {
        match self {
            Self::Accrued { per_second } => per_second,
            Self::Held(_) | Self::Ahead { .. } => Amount::ZERO,
        }
    }

    /// What of the amount taken at once stays spent when the pod has run for so many seconds.
    pub(crate) fn stays(self, ran: u64) -> Result<Amount, AmountError> {
        match self {
            Self::Ahead {
                per_second,
                seconds,
            } => per_second.times(ran.min(seconds).into()),
            Self::Held(_) | Self::Accrued { .. } => Ok(Amount::ZERO),
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
