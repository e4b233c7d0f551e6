//! What a budget's status holds, and how a pod is let in.

use std::{collections::BTreeMap, sync::Arc};

use tollgate_gpu::Amount;

use crate::{
    Charge, Draw, LedgerError, Limit, LimitKey, Usage,
    usage::{oldest, slot},
};

/// The most reservations of one budget, which keeps its status far below what the API server stores.
pub const MOST_RESERVATIONS: usize = 4_096;

/// The uid of a pod.
pub type Uid = Arc<str>;

/// The state of one budget.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Account {
    /// What live pods take of each limit.
    pub usage: BTreeMap<LimitKey, Usage>,
    /// What is kept for pods that were let in and have not been seen yet.
    pub reservations: BTreeMap<Uid, Reservation>,
}

/// What is kept for one pod.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reservation {
    /// What it takes.
    pub charge: Charge,
    /// When it was let in, in seconds since 1970.
    pub at: i64,
    /// The namespace and the name of the pod: another uid that has them proves that this one will never come.
    pub pod: (Arc<str>, Arc<str>),
}

/// The wish to let a pod in.
#[derive(Clone, Debug)]
pub struct Reserve {
    /// The pod.
    pub uid: Uid,
    /// Its priority.
    pub priority: i32,
    /// What is to be kept for it.
    pub reservation: Reservation,
    /// The limits in force.
    pub limits: Arc<[Limit]>,
    /// Whether it is let in also above a limit: the budget only warns.
    pub beyond: bool,
}

/// What became of a wish.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It is reserved.
    Reserved,
    /// It was before: the same review was tried again.
    Already,
    /// It does not fit. Nothing was changed.
    Exceeded(Vec<Excess>),
    /// There are [`MOST_RESERVATIONS`] already. Nothing was changed.
    Full,
}

/// A limit that a pod does not fit into.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Excess {
    /// Which limit.
    pub limit: LimitKey,
    /// The most that a pod of its priority may fill it to.
    pub ceiling: Amount,
    /// What is used.
    pub used: Amount,
    /// What is reserved for pods that are still to come.
    pub reserved: Amount,
    /// What the pod takes at once.
    pub requested: Amount,
    /// When the window resets, in seconds since 1970; `None` where there is none, or a rolling one.
    pub resets: Option<i64>,
}

impl Account {
    /// Reserves what a pod takes, if it fits into every limit.
    ///
    /// # Errors
    ///
    /// When a sum does not fit, or the calendar does not reach so far; nothing is changed then.
    pub fn reserve(&mut self, wish: &Reserve, now: i64) -> Result<Verdict, LedgerError> {
        if self.reservations.contains_key(&wish.uid) {
            return Ok(Verdict::Already);
        }
        let charge = &wish.reservation.charge;
        let excesses = self.excesses(&wish.limits, charge, wish.priority, now)?;
        if !excesses.is_empty() && !wish.beyond {
            return Ok(Verdict::Exceeded(excesses));
        }
        if self.reservations.len() >= MOST_RESERVATIONS {
            return Ok(Verdict::Full);
        }
        let reservation = wish.reservation.clone();
        self.reservations.insert(wish.uid.clone(), reservation);
        Ok(Verdict::Reserved)
    }

    /// Gives back what is reserved for a pod; whether anything was.
    pub fn release(&mut self, uid: &str) -> bool {
        self.reservations.remove(uid).is_some()
    }

    /// The limits that a charge would exceed, in the order of the document.
    ///
    /// # Errors
    ///
    /// When a sum does not fit, or the calendar does not reach so far.
    pub fn excesses(
        &self,
        limits: &[Limit],
        charge: &Charge,
        priority: i32,
        now: i64,
    ) -> Result<Vec<Excess>, LedgerError> {
        let mut excesses = Vec::new();
        for limit in limits {
            let key = limit.key();
            let Some(draw) = charge.get(&key).filter(|draw| !draw.is_nothing()) else {
                continue;
            };
            let excess = Excess {
                ceiling: limit.ceiling(priority),
                used: self.used(limit, now)?,
                reserved: self.reserved(limit, now)?,
                requested: draw.at_once()?,
                resets: limit
                    .window
                    .as_ref()
                    .map_or(Ok(None), |window| window.resets(now))?,
                limit: key,
            };
            if excess.is_one(*draw)? {
                excesses.push(excess);
            }
        }
        Ok(excesses)
    }

    /// What live and ended pods use of a limit.
    ///
    /// # Errors
    ///
    /// When it does not fit, or the calendar does not reach so far.
    pub fn used(&self, limit: &Limit, now: i64) -> Result<Amount, LedgerError> {
        match self.usage.get(&limit.key()) {
            Some(usage) => usage.used(limit.window.as_ref(), now),
            None => Ok(Amount::ZERO),
        }
    }

    /// What of a limit is reserved for pods that are still to come.
    ///
    /// # Errors
    ///
    /// When it does not fit, or the calendar does not reach so far.
    pub fn reserved(&self, limit: &Limit, now: i64) -> Result<Amount, LedgerError> {
        let (key, window) = (limit.key(), limit.window.as_ref());
        let oldest = oldest(window, now)?;
        let mut sum = Amount::ZERO;
        for Reservation { charge, at, .. } in self.reservations.values() {
            if let Some(draw) = charge.get(&key)
                && slot(window, *at)? >= oldest
            {
                sum = sum.plus(draw.at_once()?)?;
            }
        }
        Ok(sum)
    }
}

impl Excess {
    /// Whether the limit is exceeded. What accrues takes nothing at once, so it needs that anything is left.
    fn is_one(&self, draw: Draw) -> Result<bool, LedgerError> {
        let taken = self.used.plus(self.reserved)?;
        Ok(match draw {
            Draw::Accrued { .. } => taken >= self.ceiling,
            Draw::Held(_) | Draw::Ahead { .. } => taken.plus(self.requested)? > self.ceiling,
        })
    }
}

#[cfg(test)]
mod tests {
    use tollgate_gpu::{Amount, Unit};

    use super::{Account, Excess, MOST_RESERVATIONS, Reservation, Reserve, Verdict};
    use crate::{Draw, Limit, PriorityShare, Usage, Window};

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

    fn wish(uid: &str, limit: &Limit, draw: Draw) -> Reserve {
        Reserve {
            uid: uid.into(),
            priority: 0,
            reservation: Reservation {
                charge: [(limit.key(), draw)].into(),
                at: 0,
                pod: ("ml".into(), uid.into()),
            },
            limits: [limit.clone()].into(),
            beyond: false,
        }
    }

    fn held(uid: &str, limit: &Limit, amount: u128) -> Reserve {
        wish(uid, limit, Draw::Held(Amount::from_atoms(amount)))
    }

    #[test]
    fn lets_in_up_to_the_limit_and_tells_what_does_not_fit() {
        let limit = gpus(10);
        let mut account = Account::default();
        assert_eq!(
            account.reserve(&held("a", &limit, 6), 0),
            Ok(Verdict::Reserved)
        );
        let expected = Excess {
            limit: limit.key(),
            ceiling: Amount::from_atoms(10),
            used: Amount::ZERO,
            reserved: Amount::from_atoms(6),
            requested: Amount::from_atoms(5),
            resets: None,
        };
        let verdict = account.reserve(&held("b", &limit, 5), 0);
        assert_eq!(verdict, Ok(Verdict::Exceeded(vec![expected])));
        assert_eq!(
            account.reserve(&held("c", &limit, 4), 0),
            Ok(Verdict::Reserved)
        );
    }

    #[test]
    fn the_same_pod_is_charged_once_and_released_once() {
        let limit = gpus(10);
        let mut account = Account::default();
        account.reserve(&held("a", &limit, 6), 0).unwrap();
        assert_eq!(
            account.reserve(&held("a", &limit, 6), 0),
            Ok(Verdict::Already)
        );
        assert!(account.release("a"));
        assert!(!account.release("a"));
        assert_eq!(account, Account::default());
    }

    #[test]
    fn a_budget_that_only_warns_lets_in_beyond_its_limit() {
        let limit = gpus(1);
        let beyond = Reserve {
            beyond: true,
            ..held("a", &limit, 2)
        };
        assert_eq!(
            Account::default().reserve(&beyond, 0),
            Ok(Verdict::Reserved)
        );
    }

    #[test]
    fn a_share_is_kept_for_pods_above_its_priority() {
        let limit = Limit {
            share: Some(PriorityShare {
                amount: Amount::from_atoms(4),
                above: 100,
            }),
            ..gpus(10)
        };
        let mut account = Account::default();
        let urgent = Reserve {
            priority: 101,
            ..held("b", &limit, 7)
        };
        assert!(matches!(
            account.reserve(&held("a", &limit, 7), 0),
            Ok(Verdict::Exceeded(_))
        ));
        assert_eq!(account.reserve(&urgent, 0), Ok(Verdict::Reserved));
    }

    #[test]
    fn what_accrues_is_let_in_while_anything_is_left() {
        let limit = Limit {
            unit: Unit::GpuHours,
            window: Window::rolling(3_600).ok(),
            ..gpus(100)
        };
        let accrued = Draw::Accrued {
            per_second: Amount::from_atoms(1),
        };
        let mut account = Account::default();
        let mut usage = Usage::default();
        usage.spent.insert(0, Amount::from_atoms(99));
        account.usage.insert(limit.key(), usage.clone());
        assert_eq!(
            account.reserve(&wish("a", &limit, accrued), 0),
            Ok(Verdict::Reserved)
        );
        usage.spent.insert(0, Amount::from_atoms(100));
        account.usage.insert(limit.key(), usage);
        assert!(matches!(
            account.reserve(&wish("b", &limit, accrued), 0),
            Ok(Verdict::Exceeded(_))
        ));
    }

    #[test]
    fn reservations_are_bounded() {
        let limit = gpus(u128::MAX >> 1);
        let mut account = Account::default();
        for number in 0..MOST_RESERVATIONS {
            let wish = held(&number.to_string(), &limit, 1);
            assert_eq!(account.reserve(&wish, 0), Ok(Verdict::Reserved));
        }
        assert_eq!(
            account.reserve(&held("more", &limit, 1), 0),
            Ok(Verdict::Full)
        );
    }
}
