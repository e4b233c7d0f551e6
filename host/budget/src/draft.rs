//! An account while wishes change it one after another: what is taken of each limit is added up once for all of them, and
//! not anew for each, which matters where thousands of pods have reservations.

use std::collections::{BTreeMap, btree_map::Entry};

use crate::{
    Account, Charge, Draw, LedgerError, Limit, LimitKey, MOST_BYTES, MOST_RESERVATIONS,
    Reservation, Reserve, Standing, Uid, Verdict, lines::weight, taken::Taken,
};

/// An account that is being changed.
pub(crate) struct Draft {
    account: Account,
    taken: BTreeMap<LimitKey, Taken>,
    /// How many bytes all reservations take of a JSON text.
    bytes: usize,
}

impl Draft {
    pub(crate) fn of(account: Account) -> Self {
        let reservations = account.reservations.iter();
        Self {
            bytes: reservations.map(|(uid, kept)| weight(uid, kept)).sum(),
            account,
            taken: BTreeMap::new(),
        }
    }

    pub(crate) fn into_account(self) -> Account {
        self.account
    }

    /// See [`Account::reserve`].
    pub(crate) fn reserve(&mut self, wish: &Reserve, now: i64) -> Result<Verdict, LedgerError> {
        let Reserve {
            uid, reservation, ..
        } = wish;
        let before = self.remove(uid);
        let known = before
            .as_ref()
            .filter(|known| known.charge == reservation.charge);
        let verdict = match known.cloned() {
            Some(mut known) => {
                known.attempt = reservation.attempt.clone();
                Ok(self.keep(uid, known, Verdict::Already))
            }
            None => self.try_reserve(wish, now),
        };
        match (&verdict, before) {
            (Ok(Verdict::Reserved | Verdict::Already), _) | (_, None) => {}
            (_, Some(before)) => self.insert(uid, before),
        }
        verdict
    }

    fn try_reserve(&mut self, wish: &Reserve, now: i64) -> Result<Verdict, LedgerError> {
        let Reserve {
            uid,
            priority,
            reservation,
            limits,
            beyond,
        } = wish;
        if !beyond {
            let mut standings = self.standings(limits, &reservation.charge, *priority, now)?;
            standings.retain(|standing| standing.is_exceeded);
            if !standings.is_empty() {
                return Ok(Verdict::Exceeded(standings));
            }
        }
        Ok(self.keep(uid, reservation.clone(), Verdict::Reserved))
    }

    /// Keeps a reservation, where there is room for one more.
    fn keep(&mut self, uid: &Uid, reservation: Reservation, kept: Verdict) -> Verdict {
        let bytes = self.bytes.saturating_add(weight(uid, &reservation));
        if self.account.reservations.len() >= MOST_RESERVATIONS || bytes > MOST_BYTES {
            return Verdict::Full;
        }
        self.insert(uid, reservation);
        kept
    }

    /// See [`Account::release`].
    pub(crate) fn release(&mut self, uid: &str, attempt: &str) -> bool {
        let is_own = |known: &Reservation| &*known.attempt == attempt;
        self.account.reservations.get(uid).is_some_and(is_own) && self.remove(uid).is_some()
    }

    /// See [`Account::end`].
    pub(crate) fn end(
        &mut self,
        uid: &str,
        limits: &[Limit],
        now: i64,
    ) -> Result<bool, LedgerError> {
        let Some(Reservation { charge, at, .. }) = self.remove(uid) else {
            return Ok(false);
        };
        for limit in limits {
            let key = limit.key();
            if let Some(draw) = charge.get(&key) {
                let usage = self.account.usage.entry(key.clone()).or_default();
                usage.settle(limit.window.as_ref(), now)?;
                usage.spend(limit.window.as_ref(), *draw, at, now)?;
                if let Some(taken) = self.taken.get_mut(&key) {
                    taken.use_as(&self.account, &key)?;
                }
            }
        }
        Ok(true)
    }

    /// See [`Account::standings`].
    pub(crate) fn standings(
        &mut self,
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
                let taken = self.taken(key, limit, now)?;
                standings.push(taken.standing(limit, *draw, priority)?);
            }
        }
        Ok(standings)
    }

    /// What is taken of a limit at a moment.
    fn taken(&mut self, key: LimitKey, limit: &Limit, now: i64) -> Result<&Taken, LedgerError> {
        let sum = |key: &LimitKey| Taken::of(&self.account, key, limit.window.as_ref(), now);
        match self.taken.entry(key) {
            Entry::Vacant(entry) => {
                let taken = sum(entry.key())?;
                Ok(entry.insert(taken))
            }
            Entry::Occupied(mut entry) => {
                if !entry.get().is_of(now) {
                    let taken = sum(entry.key())?;
                    entry.insert(taken);
                }
                Ok(entry.into_mut())
            }
        }
    }

    fn insert(&mut self, uid: &Uid, reservation: Reservation) {
        self.bytes = self.bytes.saturating_add(weight(uid, &reservation));
        self.learn(&reservation, Taken::reserve);
        let known = &mut self.account.reservations;
        known.insert(uid.clone(), reservation);
    }

    fn remove(&mut self, uid: &str) -> Option<Reservation> {
        let removed = self.account.reservations.remove(uid)?;
        self.bytes = self.bytes.saturating_sub(weight(uid, &removed));
        self.learn(&removed, Taken::release);
        Some(removed)
    }

    /// Has the sums learn of a reservation. What cannot is added up anew, which tells why.
    fn learn(
        &mut self,
        reservation: &Reservation,
        learn: impl Fn(&mut Taken, Draw, i64) -> Result<(), LedgerError>,
    ) {
        let mut draws = reservation.charge.iter();
        let is_learnt = draws.all(|(key, draw)| {
            let taken = self.taken.get_mut(key);
            taken.is_none_or(|taken| learn(taken, *draw, reservation.at).is_ok())
        });
        if !is_learnt {
            self.taken.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tollgate_gpu::{Amount, Unit};

    use super::Draft;
    use crate::{Account, Draw, Limit, Period, Reservation, Reserve, Uid, Verdict, Window};

    /// What may come next: the pod, what it wants, and how many seconds later.
    #[derive(Clone, Debug)]
    enum Step {
        Reserve(u8, [Draw; 3], i64),
        Release(u8),
        End(u8, i64),
    }

    fn limits() -> [Limit; 3] {
        let limit = |unit, window, amount| Limit {
            unit,
            model: None,
            window,
            amount: Amount::from_atoms(amount),
            soft: None,
            share: None,
        };
        [
            limit(Unit::Gpu, None, 20),
            limit(
                Unit::GpuHours,
                Window::calendar(Period::Day, "UTC").ok(),
                200_000,
            ),
            limit(Unit::Money, Window::rolling(7_200).ok(), 60_000),
        ]
    }

    fn uid(pod: u8) -> Uid {
        pod.to_string().into()
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        // Mostly no time passes, so that what was added up is used again.
        let passed = prop_oneof![4 => Just(0), 1 => 0..9_000_i64];
        let pod = 0..8_u8;
        let adds_up =
            (1..4_u128, 1..100_000_u64, any::<bool>()).prop_map(|(rate, seconds, ends)| {
                let per_second = Amount::from_atoms(rate);
                match ends {
                    true => Draw::Ahead {
                        per_second,
                        seconds,
                    },
                    false => Draw::Accrued { per_second },
                }
            });
        let held = (1..9_u128).prop_map(|amount| Draw::Held(Amount::from_atoms(amount)));
        let draws =
            (held, adds_up.clone(), adds_up).prop_map(|(one, two, three)| [one, two, three]);
        let step = prop_oneof![
            3 => (pod.clone(), draws, passed.clone()).prop_map(|(pod, draws, passed)| Step::Reserve(pod, draws, passed)),
            1 => pod.clone().prop_map(Step::Release),
            1 => (pod, passed).prop_map(|(pod, passed)| Step::End(pod, passed)),
        ];
        prop::collection::vec(step, 1..40)
    }

    fn wish(pod: u8, draws: [Draw; 3], at: i64) -> Reserve {
        let limits = limits();
        Reserve {
            uid: uid(pod),
            priority: 0,
            reservation: Reservation {
                charge: limits.iter().map(Limit::key).zip(draws).collect(),
                at,
                pod: ("ml".into(), uid(pod)),
                attempt: "first".into(),
            },
            limits: limits.into(),
            beyond: false,
        }
    }

    proptest! {
        /// What is added up once says the same as what is added up for each.
        #[test]
        fn a_draft_says_of_each_wish_what_an_account_does(steps in steps()) {
            let (mut account, mut draft) = (Account::default(), Draft::of(Account::default()));
            let mut now = 1_000_000;
            for step in steps {
                match step {
                    Step::Reserve(pod, draws, passed) => {
                        now += passed;
                        let wish = wish(pod, draws, now);
                        prop_assert_eq!(draft.reserve(&wish, now), account.reserve(&wish, now));
                    }
                    Step::Release(pod) => {
                        prop_assert_eq!(
                            draft.release(&uid(pod), "first"),
                            account.release(&uid(pod), "first")
                        );
                    }
                    Step::End(pod, passed) => {
                        now += passed;
                        prop_assert_eq!(
                            draft.end(&uid(pod), &limits(), now),
                            account.end(&uid(pod), &limits(), now)
                        );
                    }
                }
            }
            prop_assert_eq!(draft.into_account(), account);
        }
    }

    #[test]
    fn what_is_refused_changes_nothing() {
        let day = Draw::Ahead {
            per_second: Amount::from_atoms(1),
            seconds: 1,
        };
        let held = |amount| [Draw::Held(Amount::from_atoms(amount)), day, day];
        let mut draft = Draft::of(Account::default());
        assert_eq!(
            draft.reserve(&wish(1, held(12), 0), 0),
            Ok(Verdict::Reserved)
        );
        for amount in [9, 10] {
            let verdict = draft.reserve(&wish(2, held(amount), 0), 0);
            assert!(matches!(verdict, Ok(Verdict::Exceeded(_))), "{verdict:?}");
        }
        assert_eq!(
            draft.reserve(&wish(2, held(8), 0), 0),
            Ok(Verdict::Reserved)
        );
    }
}
