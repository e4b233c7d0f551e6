//! What the leader knows besides the account: which pods are live, and since when it has seen each reservation.
//!
//! Every function gives a new roll and a new account. The leader keeps the roll only after the account was written, and
//! applies the same events to a fresh account when somebody else was faster. A leader that lost its roll recounts.

use std::{collections::BTreeMap, time::Duration};

use crate::{Account, Charge, Draw, Excess, LedgerError, Limit, LimitKey, Uid, Usage};

/// The live pods of one budget.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Roll {
    live: BTreeMap<Uid, Live>,
    /// When the leader first saw each reservation, on its own monotonic clock.
    seen: BTreeMap<Uid, Duration>,
}

/// A pod that is there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Live {
    /// What it takes.
    pub charge: Charge,
    /// When it began to, in seconds since 1970.
    pub began: i64,
}

/// What the leader saw.
#[derive(Clone, Debug)]
pub enum Event {
    /// A pod is there, or takes something else than before.
    Seen(Uid, Live),
    /// A pod has ended or is deleted, at a second since 1970.
    Ended(Uid, i64),
    /// A pod was never stored and will not be: another uid has its name, or its namespace is going.
    NeverComes(Uid),
}

/// What somebody should be told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Notice {
    /// A pod came for which nothing was reserved any more; the limits that it exceeds, if any.
    Late(Uid, Vec<Excess>),
    /// A reservation was given back, because its pod did not come in time.
    Expired(Uid),
    /// What was counted differs from what the account said.
    Drift(LimitKey),
}

/// A roll and an account after events, and what to tell.
#[derive(Clone, Debug)]
pub struct Change {
    /// The live pods.
    pub roll: Roll,
    /// The account, to be written.
    pub account: Account,
    /// What to tell once it is written.
    pub notices: Vec<Notice>,
}

impl Roll {
    /// Whether a pod is known to be live.
    #[must_use]
    pub fn has(&self, uid: &str) -> bool {
        self.live.contains_key(uid)
    }

    /// Takes in what was seen.
    ///
    /// # Errors
    ///
    /// When a sum does not fit, or the calendar does not reach so far.
    pub fn apply(
        &self,
        account: &Account,
        limits: &[Limit],
        events: &[Event],
        now: i64,
    ) -> Result<Change, LedgerError> {
        let mut change = Change::of(self, account);
        change.settle(limits, now)?;
        for event in events {
            match event {
                Event::Seen(uid, live) => change.see(limits, uid, live, now)?,
                Event::Ended(uid, ended) => change.end(limits, uid, *ended)?,
                Event::NeverComes(uid) => {
                    change.account.release(uid);
                }
            }
        }
        Ok(change)
    }

    /// Gives back every reservation that the leader has seen for longer than the API server may still be at work on it.
    #[must_use]
    pub fn expire(&self, account: &Account, clock: Duration, timeout: Duration) -> Change {
        let mut change = Change::of(self, account);
        let Change {
            roll,
            account,
            notices,
        } = &mut change;
        roll.seen
            .retain(|uid, _| account.reservations.contains_key(uid));
        account.reservations.retain(|uid, _| {
            let first = *roll.seen.entry(uid.clone()).or_insert(clock);
            let is_over = clock.saturating_sub(first) > timeout;
            if is_over {
                notices.push(Notice::Expired(uid.clone()));
            }
            !is_over
        });
        change
    }

    /// Counts live pods anew: on start, on schedule, on demand, and when a budget's limits or scope change.
    ///
    /// # Errors
    ///
    /// When a sum does not fit, or the calendar does not reach so far.
    pub fn recount(
        &self,
        account: &Account,
        limits: &[Limit],
        live: BTreeMap<Uid, Live>,
        now: i64,
    ) -> Result<Change, LedgerError> {
        let mut change = Change::of(self, account);
        change.settle(limits, now)?;
        let known = change.account.clone();
        change.roll.live = live;
        for limit in limits {
            change.recount(limit, &known)?;
        }
        let keys: Vec<_> = limits.iter().map(Limit::key).collect();
        let Change { roll, account, .. } = &mut change;
        account.usage.retain(|key, _| keys.contains(key));
        account
            .reservations
            .retain(|uid, _| !roll.live.contains_key(uid));
        Ok(change)
    }
}

impl Change {
    fn of(roll: &Roll, account: &Account) -> Self {
        Self {
            roll: roll.clone(),
            account: account.clone(),
            notices: Vec::new(),
        }
    }

    fn settle(&mut self, limits: &[Limit], now: i64) -> Result<(), LedgerError> {
        for limit in limits {
            let usage = self.account.usage.entry(limit.key()).or_default();
            usage.settle(limit.window.as_ref(), now)?;
        }
        Ok(())
    }

    /// Confirms a pod: what was reserved becomes used. A pod is charged whatever the limits say, for it is there.
    fn see(
        &mut self,
        limits: &[Limit],
        uid: &Uid,
        live: &Live,
        now: i64,
    ) -> Result<(), LedgerError> {
        let was_reserved = self.account.release(uid);
        let is_new = !self.roll.live.contains_key(uid);
        self.end(limits, uid, now)?;
        let takes_some = live.charge.values().any(|draw| !draw.is_nothing());
        if is_new && !was_reserved && takes_some {
            // Whether it has a right to a priority's share was decided when it was let in.
            let excesses = self.account.excesses(limits, &live.charge, i32::MAX, now)?;
            self.notices.push(Notice::Late(uid.clone(), excesses));
        }
        for (limit, draw) in drawn(limits, &live.charge) {
            let usage = self.account.usage.entry(limit.key()).or_default();
            usage.add(limit.window.as_ref(), draw, live.began)?;
        }
        self.roll.live.insert(uid.clone(), live.clone());
        Ok(())
    }

    fn end(&mut self, limits: &[Limit], uid: &Uid, ended: i64) -> Result<(), LedgerError> {
        self.account.release(uid);
        let Some(live) = self.roll.live.remove(uid) else {
            return Ok(());
        };
        for (limit, draw) in drawn(limits, &live.charge) {
            if let Some(usage) = self.account.usage.get_mut(&limit.key()) {
                usage.remove(limit.window.as_ref(), draw, live.began, ended)?;
            }
        }
        Ok(())
    }

    fn recount(&mut self, limit: &Limit, known: &Account) -> Result<(), LedgerError> {
        let (key, window) = (limit.key(), limit.window.as_ref());
        let mut counted = Usage::default();
        for live in self.roll.live.values() {
            if let Some(draw) = live.charge.get(&key) {
                counted.add(window, *draw, live.began)?;
            }
        }
        let mut expected = known.usage.get(&key).cloned().unwrap_or_default();
        let reserved = known.reservations.keys();
        let arrived = reserved.filter_map(|uid| self.roll.live.get(uid));
        for live in arrived {
            if let Some(draw) = live.charge.get(&key) {
                expected.add(window, *draw, live.began)?;
            }
        }
        if (&expected.held, expected.rate) != (&counted.held, counted.rate) {
            self.notices.push(Notice::Drift(key.clone()));
        }
        let usage = self.account.usage.entry(key).or_default();
        usage.recount(window, counted)
    }
}

/// The limits that a charge takes something of.
fn drawn<'l>(limits: &'l [Limit], charge: &Charge) -> impl Iterator<Item = (&'l Limit, Draw)> {
    limits
        .iter()
        .filter_map(|limit| Some((limit, *charge.get(&limit.key())?)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tollgate_gpu::{Amount, Unit};

    use super::{Event, Live, Notice, Roll};
    use crate::{Account, Draw, Limit, Reservation, Reserve, Verdict};

    const LIMIT: u128 = 10;

    fn limits() -> [Limit; 1] {
        [Limit {
            unit: Unit::Gpu,
            model: None,
            window: None,
            amount: Amount::from_atoms(LIMIT),
            soft: None,
            share: None,
        }]
    }

    fn live(amount: u128) -> Live {
        let [limit] = limits();
        Live {
            charge: [(limit.key(), Draw::Held(Amount::from_atoms(amount)))].into(),
            began: 0,
        }
    }

    fn reserved(uid: &str, amount: u128) -> Account {
        let wish = Reserve {
            uid: uid.into(),
            priority: 0,
            reservation: Reservation {
                charge: live(amount).charge,
                at: 0,
                pod: ("ml".into(), uid.into()),
            },
            limits: limits().into(),
            beyond: false,
        };
        let mut account = Account::default();
        assert_eq!(account.reserve(&wish, 0), Ok(Verdict::Reserved));
        account
    }

    fn used(account: &Account) -> u128 {
        let [limit] = limits();
        account.used(&limit, 0).unwrap().atoms()
    }

    #[test]
    fn a_seen_pod_turns_its_reservation_into_use_once() {
        let seen = [
            Event::Seen("a".into(), live(4)),
            Event::Seen("a".into(), live(4)),
        ];
        let change = Roll::default()
            .apply(&reserved("a", 4), &limits(), &seen, 0)
            .unwrap();
        assert_eq!(used(&change.account), 4);
        assert!(change.account.reservations.is_empty());
        assert!(change.notices.is_empty());
        let ended = [Event::Ended("a".into(), 9), Event::Ended("a".into(), 9)];
        let change = change
            .roll
            .apply(&change.account, &limits(), &ended, 9)
            .unwrap();
        assert_eq!(used(&change.account), 0);
    }

    #[test]
    fn a_pod_that_grew_takes_what_it_takes_now() {
        let grown = [
            Event::Seen("a".into(), live(4)),
            Event::Seen("a".into(), live(6)),
        ];
        let change = Roll::default()
            .apply(&reserved("a", 4), &limits(), &grown, 0)
            .unwrap();
        assert_eq!(used(&change.account), 6);
    }

    #[test]
    fn a_late_pod_is_charged_over_the_limit_by_exactly_its_cost() {
        let events = [
            Event::Seen("a".into(), live(8)),
            Event::Seen("late".into(), live(5)),
        ];
        let change = Roll::default()
            .apply(&reserved("a", 8), &limits(), &events, 0)
            .unwrap();
        assert_eq!(used(&change.account), LIMIT + 3);
        let [Notice::Late(uid, excesses)] = &change.notices[..] else {
            panic!("{:?}", change.notices);
        };
        assert_eq!((&**uid, excesses[0].used.atoms()), ("late", 8));
    }

    #[test]
    fn a_reservation_is_kept_for_the_whole_timeout_on_the_leaders_clock() {
        let [timeout, second] = [60, 1].map(Duration::from_secs);
        let first = Roll::default().expire(&reserved("a", 4), second * 1_000, timeout);
        assert!(first.notices.is_empty());
        let kept = first.roll.expire(&first.account, second * 1_060, timeout);
        assert!(kept.notices.is_empty());
        let over = kept.roll.expire(&kept.account, second * 1_061, timeout);
        assert_eq!(over.notices, [Notice::Expired("a".into())]);
        assert!(over.account.reservations.is_empty());
    }

    #[test]
    fn a_pod_that_never_comes_gives_back_its_reservation() {
        let never = [Event::NeverComes("a".into())];
        let change = Roll::default()
            .apply(&reserved("a", 4), &limits(), &never, 0)
            .unwrap();
        assert!(change.account.reservations.is_empty());
    }

    #[test]
    fn a_recount_counts_live_pods_keeps_other_reservations_and_tells_drift() {
        let pods = [("a".into(), live(4))].into();
        let clean = Roll::default()
            .recount(&reserved("a", 4), &limits(), pods, 0)
            .unwrap();
        assert_eq!(
            (used(&clean.account), clean.account.reservations.len()),
            (4, 0)
        );
        assert!(clean.notices.is_empty());

        let pods = [("b".into(), live(3))].into();
        let drifted = Roll::default()
            .recount(&reserved("a", 4), &limits(), pods, 0)
            .unwrap();
        assert_eq!(
            (used(&drifted.account), drifted.account.reservations.len()),
            (3, 1)
        );
        assert_eq!(drifted.notices, [Notice::Drift("gpu".into())]);
    }
}
