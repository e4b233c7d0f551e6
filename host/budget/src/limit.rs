//! The limits of a budget.

use std::{fmt, sync::Arc};

use tollgate_gpu::{Amount, Model, Unit};

use crate::Window;

/// One limit of a budget.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Limit {
    /// What it counts.
    pub unit: Unit,
    /// The model whose devices alone count; every device unless given.
    pub model: Option<&'static Model>,
    /// Over what time it adds up; `None` for what counts at one time.
    pub window: Option<Window>,
    /// The most.
    pub amount: Amount,
    /// From where on there is a warning.
    pub soft: Option<Amount>,
    /// A part of the amount that only pods above a priority may use.
    pub share: Option<PriorityShare>,
}

/// A part of a limit that is kept for important pods.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PriorityShare {
    /// How much is kept.
    pub amount: Amount,
    /// The priority above which a pod may use it.
    pub above: i32,
}

/// What tells the limits of a budget apart, such as `gpu`, `gpu/H100-80GB` or `money@month`: usage stays with its limit
/// when the document lists its limits in another order.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LimitKey(Arc<str>);

impl Limit {
    /// What tells it apart from the other limits of its budget.
    #[must_use]
    pub fn key(&self) -> LimitKey {
        let model = self.model.map(|model| format!("/{}", model.id));
        let window = self.window.as_ref().map(|window| format!("@{window}"));
        let suffix = model.unwrap_or_default() + &window.unwrap_or_default();
        LimitKey(format!("{}{suffix}", self.unit.as_str()).into())
    }

    /// The most that a pod of this priority may fill it to.
    #[must_use]
    pub fn ceiling(&self, priority: i32) -> Amount {
        match self.share {
            Some(share) if priority <= share.above => self.amount.less(share.amount),
            _ => self.amount,
        }
    }
}

impl LimitKey {
    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for LimitKey {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for LimitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use tollgate_gpu::{Amount, Model, Unit};

    use super::{Limit, PriorityShare};
    use crate::{Period, Window};

    fn gpus(amount: u128) -> Limit {
        Limit {
            unit: Unit::Gpu,
            model: None,
            window: None,
            amount: Amount::from_atoms(amount),
            soft: None,
            share: None,
        }
    }

    #[test]
    fn a_key_names_unit_model_and_window() {
        assert_eq!(gpus(1).key().as_str(), "gpu");
        let limit = Limit {
            unit: Unit::Money,
            model: Model::parse("L4").ok(),
            window: Window::calendar(Period::Month, "Europe/Berlin").ok(),
            ..gpus(1)
        };
        assert_eq!(limit.key().as_str(), "money/L4@month in Europe/Berlin");
    }

    #[test]
    fn only_pods_above_the_priority_may_use_the_share() {
        let limit = Limit {
            share: Some(PriorityShare {
                amount: Amount::from_atoms(4),
                above: 1_000,
            }),
            ..gpus(10)
        };
        assert_eq!(limit.ceiling(1_000).atoms(), 6);
        assert_eq!(limit.ceiling(1_001).atoms(), 10);
    }
}
