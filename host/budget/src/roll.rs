//! What the leader knows besides the account: which pods are live, and since when it has seen each reservation.
//!
//! Every function gives a new roll and a new account. The leader keeps the roll only after the account was written, and
//! applies the same events to a fresh account when somebody else was faster. A leader that lost its roll recounts.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use rpds::RedBlackTreeMapSync;

use crate::{Account, Charge, Draw, LedgerError, Limit, LimitKey, Standing, Uid, Usage};

/// The live pods of one budget, as one leader knows them. A clone shares them: of a hundred thousand, a write copies those
/// that it changes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Roll {
    /// The leader's term.
    term: u64,
    live: RedBlackTreeMapSync<Uid, Arc<[Running]>>,
    /// When the leader first saw each reservation, by the review that made it, on its own monotonic clock.
    seen: Arc<BTreeMap<Uid, (Arc<str>, Duration)>>,
}

/// What a live pod takes of one limit, and since when.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Running {
    key: LimitKey,
    draw: Draw,
    began: i64,
}

/// Limits with their keys, which are made once for all pods.
struct Keyed<'a>(Vec<(LimitKey, &'a Limit)>);

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
    Late(Uid, Vec<Standing>),
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
    /// The empty roll of the leader that follows all who wrote an account. Its first act is to count.
    #[must_use]
    pub fn following(account: &Account) -> Self {
        Self {
            term: account.term.saturating_add(1),
            ..Self::default()
        }
    }

    /// Whether a pod is known to be live.
    #[must_use]
    pub fn has(&self, uid: &str) -> bool {
        self.live.contains_key(uid)
    }

    /// Takes in what was seen.
    ///
    /// # Errors
    ///
    /// When another leader has followed, a sum does not fit, or the calendar does not reach so far.
    pub fn apply(
        &self,
        account: &Account,
        limits: &[Limit],
        events: &[Event],
        now: i64,
    ) -> Result<Change, LedgerError> {
        self.check_term(account)?;
        let mut change = Change::of(self, account);
        let keyed = Keyed::of(limits);
        change.settle(&keyed, now)?;
        for event in events {
            match event {
                Event::Seen(uid, live) => change.see(limits, &keyed, uid, live, now)?,
                Event::Ended(uid, ended) => change.end(&keyed, uid, *ended)?,
                Event::NeverComes(uid) => {
                    change.account.reservations.remove(uid);
                }
            }
        }
        Ok(change)
    }

    /// Gives back every reservation that the leader has seen for longer than the API server may still be at work on it.
    ///
    /// # Errors
    ///
    /// When another leader has followed.
    pub fn expire(
        &self,
        account: &Account,
        clock: Duration,
        timeout: Duration,
    ) -> Result<Change, LedgerError> {
        self.check_term(account)?;
        let mut change = Change::of(self, account);
        let Change {
            roll,
            account,
            notices,
        } = &mut change;
        let before = std::mem::take(&mut roll.seen);
        let mut seen = BTreeMap::new();
        account.reservations.retain(|uid, reservation| {
            let attempt = &reservation.attempt;
            let first = match before.get(uid) {
                Some((seen, first)) if seen == attempt => *first,
                _ => clock,
            };
            let is_over = clock.saturating_sub(first) > timeout;
            if is_over {
                notices.push(Notice::Expired(uid.clone()));
            } else {
                seen.insert(uid.clone(), (attempt.clone(), first));
            }
            !is_over
        });
        roll.seen = Arc::new(seen);
        Ok(change)
    }

    /// Counts live pods anew: on start, on schedule, on demand, and when a budget's limits or scope change.
    ///
    /// # Errors
    ///
    /// When another leader has followed, a sum does not fit, or the calendar does not reach so far.
    pub fn recount(
        &self,
        account: &Account,
        limits: &[Limit],
        live: &BTreeMap<Uid, Live>,
        now: i64,
    ) -> Result<Change, LedgerError> {
        if account.term > self.term {
            return Err(LedgerError::Followed);
        }
        let mut change = Change::of(self, account);
        let keyed = Keyed::of(limits);
        change.account.term = self.term;
        let written = change.since(&keyed);
        change.settle(&keyed, now)?;
        let known = change.account.clone();
        let pods = live.iter().map(|(uid, live)| {
            let reserved = known.reservations.get(uid);
            let began = reserved.map_or(live.began, |kept| kept.at);
            (uid.clone(), keyed.running(&live.charge, began).into())
        });
        change.roll.live = pods.collect();
        for (key, limit) in &keyed.0 {
            let since = written.get(key).copied().unwrap_or_default();
            let is_counted = |uid: &Uid, began: i64| match self.live.is_empty() {
                true => began <= since,
                false => self.has(uid),
            };
            change.recount((key, limit), &known, &is_counted, now)?;
        }
        let Change { roll, account, .. } = &mut change;
        account.usage.retain(|key, _| keyed.get(key).is_some());
        account.reservations.retain(|uid, _| !roll.takes_some(uid));
        Ok(change)
    }

    fn takes_some(&self, uid: &str) -> bool {
        let running = self.live.get(uid).into_iter().flat_map(|all| all.iter());
        running.into_iter().any(|one| !one.draw.is_nothing())
    }

    fn check_term(&self, account: &Account) -> Result<(), LedgerError> {
        match account.term == self.term {
            true => Ok(()),
            false => Err(LedgerError::Followed),
        }
    }
}

impl<'a> Keyed<'a> {
    fn of(limits: &'a [Limit]) -> Self {
        Self(limits.iter().map(|limit| (limit.key(), limit)).collect())
    }

    fn get(&self, key: &LimitKey) -> Option<&'a Limit> {
        let limits = self.0.iter();
        limits
            .filter_map(|(known, limit)| (known == key).then_some(*limit))
            .next()
    }

    /// What a pod takes that began at a second. The keys are shared by all pods.
    fn running(&self, charge: &Charge, began: i64) -> Vec<Running> {
        let draws = charge.iter().map(|(key, draw)| {
            let shared = self.0.iter().find(|(known, _)| known == key);
            Running {
                key: shared.map_or(key, |(known, _)| known).clone(),
                draw: *draw,
                began,
            }
        });
        draws.collect()
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

    fn settle(&mut self, keyed: &Keyed<'_>, now: i64) -> Result<(), LedgerError> {
        for (key, limit) in &keyed.0 {
            let usage = self.account.usage.entry(key.clone()).or_default();
            usage.settle(limit.window.as_ref(), now)?;
        }
        Ok(())
    }

    /// Up to when each total was written.
    fn since(&self, keyed: &Keyed<'_>) -> BTreeMap<LimitKey, i64> {
        let keys = keyed.0.iter().map(|(key, _)| key);
        keys.filter_map(|key| {
            let since = self.account.usage.get(key)?.since;
            Some((key.clone(), since))
        })
        .collect()
    }

    /// Confirms a pod: what was reserved becomes used. A pod is charged whatever the limits say, for it is there.
    fn see(
        &mut self,
        limits: &[Limit],
        keyed: &Keyed<'_>,
        uid: &Uid,
        live: &Live,
        now: i64,
    ) -> Result<(), LedgerError> {
        let takes_some = live.charge.values().any(|draw| !draw.is_nothing());
        let before = self.roll.live.get(uid).cloned();
        if before.is_none() && !takes_some {
            // A pod behind its gates. What is reserved for it is for when it leaves them.
            return Ok(());
        }
        let reserved = self.account.reservations.remove(uid);
        if before.is_none() && reserved.is_none() {
            // Whether it has a right to a priority's share was decided when it was let in.
            let mut exceeded = self
                .account
                .standings(limits, &live.charge, i32::MAX, now)?;
            exceeded.retain(|standing| standing.is_exceeded);
            self.notices.push(Notice::Late(uid.clone(), exceeded));
        }
        let began = match (&before, reserved) {
            (Some(_), _) => now,
            (None, Some(reserved)) => reserved.at,
            (None, None) => live.began,
        };
        let before = before.unwrap_or_default();
        let mut after = keyed.running(&live.charge, began);
        for one in &mut after {
            let is_same = |known: &&Running| known.key == one.key && known.draw == one.draw;
            if let Some(known) = before.iter().find(is_same) {
                one.began = known.began;
            }
        }
        for gone in before.iter().filter(|known| !after.contains(known)) {
            self.remove(keyed, gone, now)?;
        }
        for new in after.iter().filter(|known| !before.contains(known)) {
            if let Some(limit) = keyed.get(&new.key) {
                let usage = self.account.usage.entry(new.key.clone()).or_default();
                usage.add(limit.window.as_ref(), new.draw, new.began)?;
            }
        }
        self.roll.live.insert_mut(uid.clone(), after.into());
        Ok(())
    }

    fn end(&mut self, keyed: &Keyed<'_>, uid: &Uid, ended: i64) -> Result<(), LedgerError> {
        self.account.reservations.remove(uid);
        let before = self.roll.live.get(uid).cloned().unwrap_or_default();
        self.roll.live.remove_mut(uid);
        for gone in before.iter() {
            self.remove(keyed, gone, ended)?;
        }
        Ok(())
    }

    fn remove(&mut self, keyed: &Keyed<'_>, gone: &Running, ended: i64) -> Result<(), LedgerError> {
        let Running { key, draw, began } = gone;
        if let Some((limit, usage)) = keyed.get(key).zip(self.account.usage.get_mut(key)) {
            usage.remove(limit.window.as_ref(), *draw, *began, ended)?;
        }
        Ok(())
    }

    /// Replaces the total of one limit. What a pod accrued that was not counted in it is added.
    fn recount(
        &mut self,
        (key, limit): (&LimitKey, &Limit),
        known: &Account,
        is_counted: &dyn Fn(&Uid, i64) -> bool,
        now: i64,
    ) -> Result<(), LedgerError> {
        let window = limit.window.as_ref();
        let mut counted = Usage {
            since: now,
            ..Usage::default()
        };
        let mut expected = known.usage.get(key).cloned().unwrap_or_default();
        for (uid, running) in &self.roll.live {
            let Some(one) = running.iter().find(|one| one.key == *key) else {
                continue;
            };
            let (draw, began) = (one.draw, one.began);
            let is_new = known.reservations.contains_key(uid);
            match draw {
                Draw::Accrued { .. } if is_counted(uid, began) && !is_new => {
                    counted.rate = counted.rate.plus(draw.rate())?;
                }
                _ => counted.add(window, draw, began)?,
            }
            if is_new {
                expected.add(window, draw, began)?;
            }
        }
        counted.settle(window, now)?;
        let told = |usage: &Usage| (usage.held.clone(), usage.rate);
        if told(&expected) != told(&counted) {
            self.notices.push(Notice::Drift(key.clone()));
        }
        let usage = self.account.usage.entry(key.clone()).or_default();
        usage.recount(window, counted, now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tollgate_gpu::{Amount, Unit};

    use super::{Event, Live, Notice, Roll};
    use crate::{
        Account, Charge, Draw, LedgerError, Limit, Period, Reservation, Reserve, Verdict, Window,
    };

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
                attempt: "first".into(),
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
        let first = first.unwrap();
        assert!(first.notices.is_empty());
        let kept = first.roll.expire(&first.account, second * 1_060, timeout);
        let kept = kept.unwrap();
        assert!(kept.notices.is_empty());
        let over = kept.roll.expire(&kept.account, second * 1_061, timeout);
        let over = over.unwrap();
        assert_eq!(over.notices, [Notice::Expired("a".into())]);
        assert!(over.account.reservations.is_empty());
    }

    #[test]
    fn a_reservation_that_a_later_review_relies_on_gets_the_whole_timeout_again() {
        let [timeout, second] = [60, 1].map(Duration::from_secs);
        let mut account = reserved("a", 4);
        let first = Roll::default().expire(&account, second, timeout).unwrap();
        for reservation in account.reservations.values_mut() {
            reservation.attempt = "second".into();
        }
        let again = first.roll.expire(&account, second * 50, timeout).unwrap();
        let kept = again.roll.expire(&account, second * 90, timeout).unwrap();
        assert_eq!(kept.account.reservations.len(), 1);
    }

    #[test]
    fn a_pod_behind_its_gates_keeps_what_is_reserved_for_when_it_leaves_them() {
        let gated = Live {
            charge: Charge::new(),
            began: 0,
        };
        let seen = [Event::Seen("a".into(), gated)];
        let change = Roll::default()
            .apply(&reserved("a", 4), &limits(), &seen, 0)
            .unwrap();
        assert_eq!(change.account.reservations.len(), 1);
    }

    #[test]
    fn what_is_charged_ahead_is_charged_once_however_often_its_pod_is_seen() {
        let [limit] = limits();
        let limit = Limit {
            unit: Unit::GpuHours,
            window: Window::calendar(Period::Day, "UTC").ok(),
            ..limit
        };
        let draw = Draw::Ahead {
            per_second: Amount::from_atoms(1),
            seconds: 50,
        };
        let live = Live {
            charge: [(limit.key(), draw)].into(),
            began: 0,
        };
        let seen = [Event::Seen("a".into(), live)];
        let limits = [limit];
        let first = Roll::default()
            .apply(&Account::default(), &limits, &seen, 0)
            .unwrap();
        let second = first
            .roll
            .apply(&first.account, &limits, &seen, 20)
            .unwrap();
        assert_eq!(
            second.account.used(&limits[0], 20),
            Ok(Amount::from_atoms(50))
        );
    }

    #[test]
    fn a_leader_that_another_has_followed_changes_nothing() {
        let old = Roll::following(&Account::default());
        let counted = |roll: &Roll, account: &Account| {
            roll.recount(account, &limits(), &[("a".into(), live(4))].into(), 0)
        };
        let account = counted(&old, &Account::default()).unwrap().account;
        let new = Roll::following(&account);
        let account = counted(&new, &account).unwrap().account;
        assert_eq!(used(&account), 4);
        let seen = [Event::Seen("b".into(), live(1))];
        let late = old.apply(&account, &limits(), &seen, 0);
        assert_eq!(late.unwrap_err(), LedgerError::Followed);
        assert_eq!(counted(&old, &account).unwrap_err(), LedgerError::Followed);
        let timeout = Duration::from_secs(1);
        let expired = old.expire(&account, timeout, timeout);
        assert_eq!(expired.unwrap_err(), LedgerError::Followed);
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
            .recount(&reserved("a", 4), &limits(), &pods, 0)
            .unwrap();
        assert_eq!(
            (used(&clean.account), clean.account.reservations.len()),
            (4, 0)
        );
        assert!(clean.notices.is_empty());

        let pods = [("b".into(), live(3))].into();
        let drifted = Roll::default()
            .recount(&reserved("a", 4), &limits(), &pods, 0)
            .unwrap();
        assert_eq!(
            (used(&drifted.account), drifted.account.reservations.len()),
            (3, 1)
        );
        assert_eq!(drifted.notices, [Notice::Drift("gpu".into())]);
    }
}
