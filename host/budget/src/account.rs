//! What a budget's status holds, and how a pod is let in.

use std::{collections::BTreeMap, sync::Arc};

use tollgate_gpu::Amount;

use crate::{Charge, LedgerError, Limit, LimitKey, Usage, draft::Draft, taken::Taken};

/// The most reservations of one budget.
pub const MOST_RESERVATIONS: usize = 4_096;

/// The most bytes that they take of a JSON text. With the totals of [`MOST_LIMITS`] and what else an object says, they stay
/// below the 1.5 MiB that etcd takes.
pub const MOST_BYTES: usize = 1 << 20;

/// The most limits of one budget.
pub const MOST_LIMITS: usize = 32;

/// The uid of a pod.
pub type Uid = Arc<str>;

/// The state of one budget.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Account {
    /// What live pods take of each limit.
    pub usage: BTreeMap<LimitKey, Usage>,
    /// What is kept for pods that were let in and have not been seen yet.
    pub reservations: BTreeMap<Uid, Reservation>,
    /// Which leader counts: one that another has followed is told so by it, and writes no more.
    pub term: u64,
}

/// What is kept for one pod.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reservation {
    /// What it takes.
    pub charge: Charge,
    /// When it was let in, in seconds since 1970. What it takes of a window begins then.
    pub at: i64,
    /// The namespace and the name of the pod: another uid that has them proves that this one will never come.
    pub pod: (Arc<str>, Arc<str>),
    /// The review that let it in last: only that one may take it back.
    pub attempt: Arc<str>,
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
    /// Whether it is let in also above a limit: the budget only warns, or somebody let the pod off.
    pub beyond: bool,
}

/// What became of a wish.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It is reserved.
    Reserved,
    /// It was before: the same review was tried again, and the reservation is that of the later try.
    Already,
    /// It does not fit. Nothing was changed.
    Exceeded(Vec<Standing>),
    /// With it there would be more than [`MOST_RESERVATIONS`], or more than [`MOST_BYTES`] of them. Nothing was changed.
    Full,
}

/// How a limit stands for a pod that wants something of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Standing {
    /// Which limit.
    pub limit: LimitKey,
    /// The most that a pod of its priority may fill it to.
    pub ceiling: Amount,
    /// What is used.
    pub used: Amount,
    /// What is reserved for pods that are still to come.
    pub reserved: Amount,
    /// What the pod takes of the window that the numbers are of: the first that it does not fit into, else this one. Of a
    /// rolling one, the most that it takes within one.
    pub requested: Amount,
    /// When that window resets, in seconds since 1970; `None` where there is none, or a rolling one.
    pub resets: Option<i64>,
    /// Whether the pod does not fit.
    pub is_exceeded: bool,
}

impl Account {
    /// Reserves what a pod takes, if it fits into every limit. What was reserved for it before is replaced.
    ///
    /// # Errors
    ///
    /// When a sum does not fit, or the calendar does not reach so far; nothing is changed then.
    pub fn reserve(&mut self, wish: &Reserve, now: i64) -> Result<Verdict, LedgerError> {
        self.draft(|draft| draft.reserve(wish, now))
    }

    /// Gives back what a review reserved for a pod; whether anything was. What another review of the same pod relies
    /// on stays.
    pub fn release(&mut self, uid: &str, attempt: &str) -> bool {
        self.draft(|draft| draft.release(uid, attempt))
    }

    /// Ends a pod that nobody has seen, where nobody looks: what it has spent of windows stays spent.
    ///
    /// # Errors
    ///
    /// When a sum does not fit, or the calendar does not reach so far.
    pub fn end(&mut self, uid: &str, limits: &[Limit], now: i64) -> Result<bool, LedgerError> {
        self.draft(|draft| draft.end(uid, limits, now))
    }

    /// Changes it by one wish.
    fn draft<T>(&mut self, change: impl FnOnce(&mut Draft) -> T) -> T {
        let mut draft = Draft::of(std::mem::take(self));
        let changed = change(&mut draft);
        *self = draft.into_account();
        changed
    }

    /// How the limits that a charge takes something of stand for it, in the order of the document.
    ///
    /// # Errors
    ///
    /// When a sum does not fit, or the calendar does not reach so far.
    pub fn standings(
        &self,
        limits: &[Limit],
        charge: &Charge,
        priority: i32,
        now: i64,
    ) -> Result<Vec<Standing>, LedgerError> {
        let mut standings = Vec::new();
        for limit in limits {
            let key = limit.key();
            let draw = charge.get(&key).filter(|draw| !draw.is_nothing());
            if let Some(draw) = draw {
                let taken = Taken::of(self, &key, limit.window.as_ref(), now)?;
                standings.push(taken.standing(limit, *draw, priority)?);
            }
        }
        Ok(standings)
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
        Taken::of(self, &limit.key(), limit.window.as_ref(), now)?.reserved()
    }
}

#[cfg(test)]
mod tests {
    use tollgate_gpu::{Amount, Unit};

    use super::{Account, MOST_BYTES, MOST_RESERVATIONS, Reservation, Reserve, Standing, Verdict};
    use crate::{Draw, Limit, Period, PriorityShare, Usage, Window, write_account};

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
                attempt: "first".into(),
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
        let expected = Standing {
            limit: limit.key(),
            ceiling: Amount::from_atoms(10),
            used: Amount::ZERO,
            reserved: Amount::from_atoms(6),
            requested: Amount::from_atoms(5),
            resets: None,
            is_exceeded: true,
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
        assert!(account.release("a", "first"));
        assert!(!account.release("a", "first"));
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
    fn a_review_does_not_take_back_what_a_later_one_relies_on() {
        let limit = gpus(10);
        let mut account = Account::default();
        let first = held("a", &limit, 6);
        let mut second = first.clone();
        second.reservation.attempt = "second".into();
        assert_eq!(account.reserve(&first, 0), Ok(Verdict::Reserved));
        assert_eq!(account.reserve(&second, 0), Ok(Verdict::Already));
        assert!(!account.release("a", "first"));
        assert_eq!(account.reserved(&limit, 0), Ok(Amount::from_atoms(6)));
        assert!(account.release("a", "second"));
    }

    #[test]
    fn a_pod_that_wants_something_else_now_replaces_its_reservation_if_it_fits() {
        let limit = gpus(10);
        let mut account = Account::default();
        account.reserve(&held("a", &limit, 6), 0).unwrap();
        assert_eq!(
            account.reserve(&held("a", &limit, 9), 0),
            Ok(Verdict::Reserved)
        );
        assert!(matches!(
            account.reserve(&held("a", &limit, 11), 0),
            Ok(Verdict::Exceeded(_))
        ));
        assert_eq!(account.reserved(&limit, 0), Ok(Amount::from_atoms(9)));
    }

    const DAY: i64 = 86_400;

    fn hours_a_day(amount: u128) -> Limit {
        Limit {
            unit: Unit::GpuHours,
            window: Window::calendar(Period::Day, "UTC").ok(),
            ..gpus(amount)
        }
    }

    fn ahead(seconds: u64) -> Draw {
        Draw::Ahead {
            per_second: Amount::from_atoms(1),
            seconds,
        }
    }

    fn wish_at(uid: &str, limit: &Limit, draw: Draw, at: i64) -> Reserve {
        let mut wish = wish(uid, limit, draw);
        wish.reservation.at = at;
        wish
    }

    #[test]
    fn a_reservation_counts_also_when_the_window_has_turned_before_its_pod_came() {
        let limit = hours_a_day(100);
        let mut account = Account::default();
        account
            .reserve(&wish_at("a", &limit, ahead(80), DAY - 10), DAY - 10)
            .unwrap();
        assert_eq!(
            account.reserved(&limit, DAY + 1),
            Ok(Amount::from_atoms(70))
        );
    }

    #[test]
    fn a_pod_must_fit_into_each_window_that_it_reaches() {
        let limit = hours_a_day(100);
        let mut account = Account::default();
        let at = DAY - 10;
        account
            .reserve(&wish_at("a", &limit, ahead(80), at), at)
            .unwrap();
        let verdict = account.reserve(&wish_at("b", &limit, ahead(60), at), at);
        let Ok(Verdict::Exceeded(standings)) = verdict else {
            panic!("{verdict:?}");
        };
        let Standing {
            reserved,
            requested,
            resets,
            ..
        } = &standings[0];
        assert_eq!(
            (reserved.atoms(), requested.atoms(), *resets),
            (70, 50, Some(2 * DAY))
        );
    }

    #[test]
    fn a_rolling_window_lets_in_what_never_exceeds_it_and_no_more() {
        let limit = Limit {
            unit: Unit::GpuHours,
            window: Window::rolling(3_200).ok(),
            ..gpus(2_000)
        };
        let mut account = Account::default();
        account
            .reserve(&wish_at("a", &limit, ahead(1_500), 0), 0)
            .unwrap();
        assert!(matches!(
            account.reserve(&wish_at("b", &limit, ahead(600), 0), 0),
            Ok(Verdict::Exceeded(_))
        ));
        assert_eq!(
            account.reserve(&wish_at("b", &limit, ahead(600), 5_000), 5_000),
            Ok(Verdict::Reserved)
        );
    }

    #[test]
    fn of_a_rolling_window_a_pod_asks_for_all_that_it_takes_whatever_the_hour() {
        let limit = Limit {
            unit: Unit::GpuHours,
            window: Window::rolling(3_200).ok(),
            ..gpus(2_000)
        };
        let used = |now: i64| {
            let mut account = Account::default();
            let earlier = wish_at("a", &limit, ahead(1_500), now - 50);
            account.reserve(&earlier, now - 50).unwrap();
            account
        };
        for (now, seconds, requested) in [
            (4_000, 550, 550),
            (4_099, 550, 550),
            // Longer than the window: what it takes of the one that it fills.
            (4_000, 5_000, 3_300),
        ] {
            let wish = wish_at("b", &limit, ahead(seconds), now);
            let verdict = used(now).reserve(&wish, now);
            let Ok(Verdict::Exceeded(standings)) = verdict else {
                panic!("{verdict:?}");
            };
            assert_eq!(standings[0].requested.atoms(), requested, "{now}");
        }
    }

    #[test]
    fn what_accrues_is_counted_before_its_pod_is_seen_and_stays_when_it_ends() {
        let limit = hours_a_day(100);
        let accrued = Draw::Accrued {
            per_second: Amount::from_atoms(1),
        };
        let mut account = Account::default();
        account
            .reserve(&wish_at("a", &limit, accrued, 5), 5)
            .unwrap();
        assert_eq!(account.reserved(&limit, 35), Ok(Amount::from_atoms(30)));
        assert_eq!(account.end("a", std::slice::from_ref(&limit), 45), Ok(true));
        assert_eq!(account.used(&limit, 60), Ok(Amount::from_atoms(40)));
        assert_eq!(account.reserved(&limit, 60), Ok(Amount::ZERO));
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

    #[test]
    fn reservations_are_bounded_in_bytes_by_what_they_weigh_as_json() {
        let limit = gpus(u128::MAX >> 1);
        let wish = |number: usize| {
            let mut wish = held(&format!("{number:036}"), &limit, 1);
            wish.reservation.pod = ("n".repeat(63).into(), "p".repeat(253).into());
            wish
        };
        let most = (0..2_800).map(wish);
        let mut account = Account {
            reservations: most.map(|wish| (wish.uid, wish.reservation)).collect(),
            ..Account::default()
        };
        let mut pods = (2_800..MOST_RESERVATIONS).map(wish);
        let full = pods.find(|wish| account.reserve(wish, 0) == Ok(Verdict::Full));
        let json = |account: &Account| write_account(account).unwrap().to_string().len();
        let (len, empty) = (json(&account), json(&Account::default()));
        let (text, line) = (len - empty, (len - empty) / account.reservations.len());
        assert!(
            text <= MOST_BYTES && text + line > MOST_BYTES,
            "{text} bytes"
        );

        // Nor does a later try of a review get in by a longer name of its replica.
        let mut again = wish(0);
        again.reservation.attempt = "r".repeat(2 * line).into();
        let before = account.clone();
        assert_eq!(account.reserve(&again, 0), Ok(Verdict::Full));
        assert_eq!(account, before);

        // What is given back is room again.
        assert!(account.release(&wish(0).uid, "first"));
        assert_eq!(account.reserve(&full.unwrap(), 0), Ok(Verdict::Reserved));
    }
}
