//! The ledger of a process: what its charges share.

use std::{
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll, Waker},
};

use tollgate_budget::{
    Account, Draw, Entrant, Ledger, Limit, MemoryStore, Pause, Share, Store, Stored, Version,
    Versioned,
};
use tollgate_gpu::{Amount, Unit};

use crate::now;

fn limits() -> Arc<[Limit]> {
    let limit = Limit {
        unit: Unit::Gpu,
        model: None,
        window: None,
        amount: Amount::from_atoms(9),
        soft: None,
        share: None,
    };
    [limit].into()
}

async fn charge(ledger: &Ledger, uid: &str) {
    let entrant = Entrant {
        uid: uid.into(),
        pod: ("ml".into(), uid.into()),
        priority: 0,
    };
    let limits = limits();
    let draw = Draw::Held(Amount::from_atoms(1));
    let share = Share {
        budget: "research".into(),
        charge: limits.iter().map(|limit| (limit.key(), draw)).collect(),
        limits,
        beyond: false,
    };
    let refused = ledger.charge(&entrant, vec![share], 0).await.unwrap();
    assert!(refused.is_none(), "{refused:?}");
}

fn account(ledger: &Ledger) -> Arc<Account> {
    now(ledger.account("research")).unwrap()
}

#[test]
fn a_later_try_of_a_review_takes_over_what_the_first_one_reserved() {
    let ledger = Ledger::open(Arc::new(MemoryStore::default()), "replica".to_owned());
    for attempt in ["replica/0", "replica/1"] {
        now(charge(&ledger, "pod"));
        let account = account(&ledger);
        let attempts = account.reservations.values().map(|kept| &*kept.attempt);
        assert_eq!(attempts.collect::<Vec<_>>(), [attempt]);
    }
}

#[test]
fn where_somebody_watches_pods_no_review_ends_one() {
    let store = || Arc::new(MemoryStore::default());
    for (ledger, left) in [
        (Ledger::open(store(), String::new()), 0),
        (Ledger::watched(store(), String::new()), 1),
    ] {
        now(charge(&ledger, "pod"));
        now(ledger.end(&"research".into(), limits(), "pod".into(), 0)).unwrap();
        assert_eq!(account(&ledger).reservations.len(), left);
    }
}

#[test]
fn what_was_counted_before_anybody_is_charged_is_known() {
    let ledger = Ledger::open(Arc::new(MemoryStore::default()), String::new());
    let counted = Account {
        term: 7,
        ..Account::default()
    };
    now(ledger.put("research", counted.clone())).unwrap();
    assert_eq!(*account(&ledger), counted);
    ledger.count(["live".into()].into());
    let known = ["live", "other"].map(|uid| ledger.counts(uid));
    assert_eq!(known, [true, false]);
}

#[test]
fn charges_that_come_during_a_write_are_the_next_one_together() {
    let store = Arc::new(Slow::default());
    let ledger = Ledger::open(store.clone(), String::new());
    let [mut first, mut second, mut third] =
        ["a", "b", "c"].map(|uid| Box::pin(charge(&ledger, uid)));
    let mut ctx = Context::from_waker(Waker::noop());
    assert!(first.as_mut().poll(&mut ctx).is_pending());
    assert!(second.as_mut().poll(&mut ctx).is_pending());
    assert!(third.as_mut().poll(&mut ctx).is_pending());
    assert!(first.as_mut().poll(&mut ctx).is_ready());
    // The second leads for the third.
    assert!(second.as_mut().poll(&mut ctx).is_pending());
    assert!(second.as_mut().poll(&mut ctx).is_ready());
    assert!(third.as_mut().poll(&mut ctx).is_ready());
    assert_eq!(store.writes.load(Ordering::Relaxed), 2);
    assert_eq!(account(&ledger).reservations.len(), 3);
}

#[test]
fn charges_that_come_while_others_go_first_are_one_write() {
    let store = Arc::new(Slow {
        pauses: true,
        ..Slow::default()
    });
    let ledger = Ledger::open(store.clone(), String::new());
    let [mut first, mut second] = ["a", "b"].map(|uid| Box::pin(charge(&ledger, uid)));
    let mut ctx = Context::from_waker(Waker::noop());
    assert!(first.as_mut().poll(&mut ctx).is_pending());
    assert!(second.as_mut().poll(&mut ctx).is_pending());
    assert!(first.as_mut().poll(&mut ctx).is_pending());
    assert!(first.as_mut().poll(&mut ctx).is_ready());
    assert!(second.as_mut().poll(&mut ctx).is_ready());
    assert_eq!(store.writes.load(Ordering::Relaxed), 1);
}

/// A store that counts its writes, each of which is pending once.
#[derive(Default)]
struct Slow {
    store: MemoryStore,
    writes: AtomicU32,
    /// Whether others go first.
    pauses: bool,
}

async fn pending_once() {
    let mut is_first = true;
    poll_fn(|_| match std::mem::take(&mut is_first) {
        true => Poll::Pending,
        false => Poll::Ready(()),
    })
    .await;
}

impl Store for Slow {
    fn load<'s>(&'s self, budget: &'s str) -> Stored<'s, Versioned> {
        self.store.load(budget)
    }

    fn pause<'s>(&'s self, _budget: &'s str) -> Pause<'s> {
        Box::pin(async {
            if self.pauses {
                pending_once().await;
            }
        })
    }

    fn store<'s>(
        &'s self,
        budget: &'s str,
        replaced: &'s Version,
        account: Arc<Account>,
    ) -> Stored<'s, Version> {
        Box::pin(async move {
            self.writes.fetch_add(1, Ordering::Relaxed);
            pending_once().await;
            self.store.store(budget, replaced, account).await
        })
    }
}
