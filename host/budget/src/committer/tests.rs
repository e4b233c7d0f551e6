//! Interleavings of whole charges, by shuttle; the queue's are all explored where it stands.

use std::sync::Arc;

use shuttle::{check_dfs, check_pct, check_random, future::block_on, thread};
use tollgate_gpu::{Amount, Unit};

use super::{ChargeError, Committer, Wish};
use crate::{
    Account, Draw, Limit, MOST_BYTES, MemoryStore, Reservation, Reserve, Store, StoreError, Stored,
    Verdict, Version, Versioned, reserve_in_all,
    sync::{Mutex, lock},
};

const LIMIT: u128 = 2;

fn wish(uid: &str) -> Arc<Reserve> {
    wish_of(uid, "first")
}

/// What a try of a review of a pod asks for.
fn wish_of(uid: &str, attempt: &str) -> Arc<Reserve> {
    let limit = Limit {
        unit: Unit::Gpu,
        model: None,
        window: None,
        amount: Amount::from_atoms(LIMIT),
        soft: None,
        share: None,
    };
    let draw = Draw::Held(Amount::from_atoms(1));
    Arc::new(Reserve {
        uid: uid.into(),
        priority: 0,
        reservation: Reservation {
            charge: [(limit.key(), draw)].into(),
            at: 0,
            pod: ("ml".into(), uid.into()),
            attempt: attempt.into(),
        },
        limits: [limit].into(),
        beyond: false,
    })
}

fn reservations<S: Store>(store: &S, budget: &str) -> usize {
    block_on(store.load(budget))
        .unwrap()
        .account
        .reservations
        .len()
}

/// Charges by so many threads, each through one of so many replicas; which pods were told that they are in.
fn admitted(store: &Arc<MemoryStore>, replicas: usize, pods: usize) -> Vec<String> {
    let committers: Vec<_> = (0..replicas)
        .map(|_| Arc::new(Committer::new("research".into(), store.clone())))
        .collect();
    let threads: Vec<_> = (0..pods)
        .map(|pod| {
            let committer = committers[pod % replicas].clone();
            thread::spawn(move || {
                let answer = block_on(committer.reserve(wish(&pod.to_string()), 0));
                (answer.unwrap().0 == Verdict::Reserved).then(|| pod.to_string())
            })
        })
        .collect();
    let joined = threads.into_iter().map(|thread| thread.join().unwrap());
    joined.flatten().collect()
}

fn never_above_the_limit(replicas: usize, pods: usize) {
    let store = Arc::new(MemoryStore::default());
    let admitted = admitted(&store, replicas, pods);
    assert_eq!(admitted.len(), pods.min(usize::try_from(LIMIT).unwrap()));
    let account = block_on(store.load("research")).unwrap().account;
    let kept: Vec<_> = account.reservations.keys().map(|uid| &**uid).collect();
    assert_eq!(admitted, kept);
}

#[test]
fn in_every_order_two_charges_of_one_replica_are_both_made() {
    check_dfs(|| never_above_the_limit(1, 2), None);
}

#[test]
fn orders_of_two_charges_of_two_replicas_let_both_in() {
    check_pct(|| never_above_the_limit(2, 2), 2_000, 3);
}

#[test]
fn in_every_order_two_tries_of_one_review_are_one_charge() {
    let orders = || {
        let store = Arc::new(MemoryStore::default());
        let committer = Arc::new(Committer::new("research".into(), store.clone()));
        let other = {
            let committer = committer.clone();
            thread::spawn(move || block_on(committer.reserve(wish_of("pod", "other"), 0)))
        };
        let own = block_on(committer.reserve(wish_of("pod", "own"), 0));
        let mut verdicts = [own, other.join().unwrap()].map(|answer| answer.unwrap().0);
        verdicts.sort_by_key(|verdict| *verdict == Verdict::Already);
        assert_eq!(verdicts, [Verdict::Reserved, Verdict::Already]);
        assert_eq!(reservations(&*store, "research"), 1);
    };
    check_dfs(orders, None);
}

#[test]
fn in_every_order_whoever_leaves_is_charged_once_at_most_and_the_other_once() {
    let orders = || {
        let store = Arc::new(MemoryStore::default());
        let committer = Arc::new(Committer::new("research".into(), store.clone()));
        let leaver = {
            let committer = committer.clone();
            thread::spawn(move || block_on(give_up(committer.reserve(wish("leaver"), 0))))
        };
        let stays = block_on(committer.reserve(wish("stays"), 0)).unwrap().0;
        leaver.join().unwrap();
        assert_eq!(stays, Verdict::Reserved);
        let account = block_on(store.load("research")).unwrap().account;
        let others = account.reservations.keys().filter(|uid| &***uid != "stays");
        assert!(others.clone().count() <= 1, "{account:?}");
        // Whoever asks again learns what became of it.
        let expected = match others.count() {
            0 => Verdict::Reserved,
            _ => Verdict::Already,
        };
        let again = block_on(committer.reserve(wish("leaver"), 0)).unwrap().0;
        assert_eq!(again, expected);
        assert_eq!(reservations(&*store, "research"), 2);
    };
    check_dfs(orders, None);
}

#[test]
fn orders_of_many_charges_let_in_exactly_what_fits() {
    check_random(|| never_above_the_limit(3, 6), 1_000);
    check_random(|| never_above_the_limit(1, 6), 1_000);
}

#[test]
fn a_leader_that_gives_up_leaves_nobody_waiting() {
    let orders = || {
        let store = Arc::new(MemoryStore::default());
        let committer = Arc::new(Committer::new("research".into(), Arc::new(Slow(store))));
        let quitter = {
            let committer = committer.clone();
            thread::spawn(move || block_on(give_up(committer.reserve(wish("quitter"), 0))))
        };
        let stays = {
            let committer = committer.clone();
            thread::spawn(move || block_on(committer.reserve(wish("stays"), 0)).unwrap().0)
        };
        quitter.join().unwrap();
        assert_eq!(stays.join().unwrap(), Verdict::Reserved);
        // And nobody holds the lead afterwards.
        assert_eq!(
            block_on(committer.reserve(wish("stays"), 0)).unwrap().0,
            Verdict::Already
        );
    };
    check_random(orders, 300);
}

/// What is asked of some budgets for one pod, of which the last one is full.
fn asked(store: &Arc<MemoryStore>, attempt: &str) -> Vec<(Arc<Committer>, Arc<Reserve>)> {
    let committer = |budget: &str| Arc::new(Committer::new(budget.into(), store.clone()));
    for pod in ["x", "y"] {
        block_on(committer("c").reserve(wish(pod), 0)).unwrap();
    }
    let wish = wish_of("new", attempt);
    ["c", "a", "b"]
        .map(|budget| (committer(budget), wish.clone()))
        .into()
}

fn refused_by_the_last(store: &Arc<MemoryStore>, attempt: &str) {
    let refused = block_on(reserve_in_all(asked(store, attempt), 0)).unwrap();
    let refused = refused.unwrap();
    assert_eq!(&*refused.budget, "c");
    assert!(matches!(refused.verdict, Verdict::Exceeded(_)));
    assert_eq!(reservations(&**store, "c"), 2);
}

#[test]
fn a_charge_that_one_of_three_budgets_refuses_is_in_none() {
    let orders = || {
        let store = Arc::new(MemoryStore::default());
        refused_by_the_last(&store, "first");
        assert_eq!(
            ["a", "b"].map(|budget| reservations(&*store, budget)),
            [0, 0]
        );
    };
    check_random(orders, 10);
}

#[test]
fn of_two_pods_that_contend_for_two_budgets_one_gets_in() {
    let orders = || {
        let store = Arc::new(MemoryStore::default());
        let committer = |budget: &str| Arc::new(Committer::new(budget.into(), store.clone()));
        let [a, b] = ["a", "b"].map(committer);
        for full in [&a, &b] {
            block_on(full.reserve(wish("x"), 0)).unwrap();
        }
        let charge = |pod: &str, committers: [&Arc<Committer>; 2]| {
            let wishes = committers.map(|committer| (committer.clone(), wish(pod)));
            thread::spawn(move || block_on(reserve_in_all(wishes.into(), 0)).unwrap())
        };
        let charges = [charge("p", [&a, &b]), charge("q", [&b, &a])];
        let refused = charges.map(|charge| charge.join().unwrap().is_some());
        assert!(refused.contains(&true) && refused.contains(&false));
        assert_eq!(
            ["a", "b"].map(|budget| reservations(&*store, budget)),
            [2, 2]
        );
    };
    check_random(orders, 500);
}

#[test]
fn a_try_that_is_refused_leaves_what_an_earlier_one_reserved() {
    let orders = || {
        let store = Arc::new(MemoryStore::default());
        let earlier = Committer::new("a".into(), store.clone());
        block_on(earlier.reserve(wish_of("new", "first"), 0)).unwrap();
        refused_by_the_last(&store, "second");
        assert_eq!(
            ["a", "b"].map(|budget| reservations(&*store, budget)),
            [1, 0]
        );
    };
    check_random(orders, 10);
}

#[test]
fn a_charge_that_a_store_fails_in_the_middle_of_is_given_back() {
    let orders = || {
        let store = Arc::new(MemoryStore::default());
        let first = Committer::new("a".into(), store.clone());
        let failing = Committer::new("b".into(), Arc::new(Failing));
        let wishes = [failing, first].map(|committer| (Arc::new(committer), wish("new")));
        let failed = block_on(reserve_in_all(wishes.into(), 0)).unwrap_err();
        assert!(matches!(
            failed,
            ChargeError::Store(StoreError::Failed { .. })
        ));
        assert_eq!(reservations(&*store, "a"), 0);
    };
    check_random(orders, 10);
}

/// A pod that is refused in one budget gives back what it has in the other, unless a later try of the same review
/// relies on it.
#[test]
fn a_rollback_leaves_what_a_later_try_relies_on() {
    let store = Arc::new(MemoryStore::default());
    let committer = Committer::new("research".into(), store.clone());
    let orders = move || {
        block_on(committer.reserve(wish("pod"), 0)).unwrap();
        let second = block_on(committer.reserve(wish_of("pod", "second"), 0)).unwrap();
        assert_eq!(second.0, Verdict::Already);
        block_on(committer.release("pod".into(), "first".into())).unwrap();
        assert_eq!(reservations(&*store, "research"), 1);
    };
    check_random(orders, 1);
}

/// What is known without asking may be old: it refuses nobody, and where it lets in the write tells.
#[test]
fn nobody_is_refused_by_an_account_that_is_out_of_date() {
    let orders = || {
        let store = Arc::new(MemoryStore::default());
        let full = Committer::new("research".into(), store.clone());
        for pod in ["x", "y"] {
            block_on(full.reserve(wish(pod), 0)).unwrap();
        }
        let old = block_on(store.load("research")).unwrap();
        let outdated = Arc::new(Outdated { store, old });
        let committer = Committer::new("research".into(), outdated);
        block_on(full.release("x".into(), "first".into())).unwrap();
        let verdict = block_on(committer.reserve(wish("z"), 0)).unwrap().0;
        assert_eq!(verdict, Verdict::Reserved);
        let verdict = block_on(committer.reserve(wish("w"), 0)).unwrap().0;
        assert!(matches!(verdict, Verdict::Exceeded(_)));
    };
    check_random(orders, 10);
}

#[test]
fn a_budget_that_is_gone_holds_nobody_back() {
    let orders = || {
        let store = Arc::new(MemoryStore::default());
        let gone = Committer::new("a".into(), Arc::new(Gone));
        let there = Committer::new("b".into(), store.clone());
        let wishes = [gone, there].map(|committer| (Arc::new(committer), wish("pod")));
        assert!(
            block_on(reserve_in_all(wishes.into(), 0))
                .unwrap()
                .is_none()
        );
        assert_eq!(reservations(&*store, "b"), 1);
    };
    check_random(orders, 1);
}

#[test]
fn whoever_left_before_the_write_is_not_charged() {
    let orders = || {
        let store = Arc::new(MemoryStore::default());
        let committer = Arc::new(Committer::new("research".into(), store.clone()));
        let baton = committer.queue.enter(&no_wish());
        let stays = {
            let committer = committer.clone();
            thread::spawn(move || block_on(committer.reserve(wish("stays"), 0)).unwrap().0)
        };
        // The one that stays is the next to lead, and finds one behind it that has left.
        while committer.queue.waiting() < 1 {
            thread::yield_now();
        }
        block_on(give_up(committer.reserve(wish("leaver"), 0)));
        assert_eq!(committer.queue.waiting(), 2);
        drop(baton);
        assert_eq!(stays.join().unwrap(), Verdict::Reserved);
        let account = block_on(store.load("research")).unwrap().account;
        let charged: Vec<_> = account.reservations.keys().map(|uid| &**uid).collect();
        assert_eq!(charged, ["stays"]);
    };
    check_random(orders, 100);
}

#[test]
fn a_conflict_makes_all_that_wait_together_anew() {
    let orders = || {
        let contended = Arc::new(Contended::default());
        let committer = Arc::new(Committer::new("research".into(), contended.clone()));
        let baton = committer.queue.enter(&no_wish());
        let threads: Vec<_> = ["a", "b", "c"]
            .into_iter()
            .map(|pod| {
                let committer = committer.clone();
                thread::spawn(move || block_on(committer.reserve(wish(pod), 0)).unwrap().0)
            })
            .collect();
        while committer.queue.waiting() < 3 {
            thread::yield_now();
        }
        drop(baton);
        let verdicts = threads.into_iter().map(|thread| thread.join().unwrap());
        let reserved = verdicts.filter(|verdict| *verdict == Verdict::Reserved);
        // One of the two places went to the pod of the other replica.
        assert_eq!(reserved.count(), 1);
        assert_eq!(*lock(&contended.writes), 2);
        let account = block_on(contended.load("research")).unwrap().account;
        assert!(account.reservations.contains_key("faster"), "{account:?}");
        assert_eq!(account.reservations.len(), 2);
    };
    check_random(orders, 500);
}

#[test]
fn a_conflict_leaves_nobody_to_a_write_of_its_own() {
    let orders = || {
        let contended = Arc::new(Contended::default());
        let committer = Arc::new(Committer::new("research".into(), contended.clone()));
        let baton = committer.queue.enter(&no_wish());
        let threads: Vec<_> = ["a", "b", "c"]
            .into_iter()
            .map(|pod| {
                let committer = committer.clone();
                let mut wish = Reserve::clone(&wish(pod));
                wish.beyond = true;
                thread::spawn(move || block_on(committer.reserve(wish.into(), 0)).unwrap().0)
            })
            .collect();
        while committer.queue.waiting() < 3 {
            thread::yield_now();
        }
        drop(baton);
        for thread in threads {
            assert_eq!(thread.join().unwrap(), Verdict::Reserved);
        }
        assert_eq!(*lock(&contended.writes), 2);
        assert_eq!(reservations(&*contended, "research"), 4);
    };
    check_random(orders, 500);
}

#[test]
fn charges_that_wait_together_are_one_write() {
    let orders = || {
        let counting = Arc::new(Counting::default());
        let committer = Arc::new(Committer::new("research".into(), counting.clone()));
        let baton = committer.queue.enter(&no_wish());
        let threads: Vec<_> = ["a", "b"]
            .into_iter()
            .map(|pod| {
                let committer = committer.clone();
                thread::spawn(move || block_on(committer.reserve(wish(pod), 0)).unwrap().0)
            })
            .collect();
        // The lead is passed on once both wait.
        while committer.queue.waiting() < 2 {
            thread::yield_now();
        }
        drop(baton);
        for thread in threads {
            assert_eq!(thread.join().unwrap(), Verdict::Reserved);
        }
        assert_eq!(*lock(&counting.writes), 1);
    };
    check_random(orders, 500);
}

#[test]
fn room_that_is_given_back_is_taken_in_the_same_write() {
    let large = |uid: &str| {
        let mut wish = Reserve::clone(&wish_of(uid, &"r".repeat(MOST_BYTES / 4 - 100)));
        wish.beyond = true;
        wish
    };
    let orders = move || {
        let store = Arc::new(MemoryStore::default());
        let committer = Arc::new(Committer::new("research".into(), store.clone()));
        let reserve = |uid: &str| {
            let (committer, wish) = (committer.clone(), Arc::new(large(uid)));
            thread::spawn(move || block_on(committer.reserve(wish, 0)).unwrap().0)
        };
        for uid in ["a", "b", "c", "d"] {
            assert_eq!(reserve(uid).join().unwrap(), Verdict::Reserved);
        }
        assert_eq!(reserve("e").join().unwrap(), Verdict::Full);
        let baton = committer.queue.enter(&no_wish());
        let leaves = {
            let (committer, kept) = (committer.clone(), large("a").reservation);
            thread::spawn(move || block_on(committer.release("a".into(), kept.attempt)))
        };
        while committer.queue.waiting() < 1 {
            thread::yield_now();
        }
        let comes = reserve("e");
        while committer.queue.waiting() < 2 {
            thread::yield_now();
        }
        drop(baton);
        leaves.join().unwrap().unwrap();
        assert_eq!(comes.join().unwrap(), Verdict::Reserved);
    };
    check_random(orders, 10);
}

/// What changes nothing.
fn no_wish() -> Wish {
    Wish::Release {
        uid: "none".into(),
        attempt: "".into(),
    }
}

/// Polls once, then drops.
async fn give_up(future: impl Future) {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|ctx| {
        let _ = future.as_mut().poll(ctx);
        std::task::Poll::Ready(())
    })
    .await;
}

/// A store whose reads are pending once.
struct Slow(Arc<MemoryStore>);

impl Store for Slow {
    fn load<'s>(&'s self, budget: &'s str) -> Stored<'s, Versioned> {
        Box::pin(async {
            shuttle::future::yield_now().await;
            self.0.load(budget).await
        })
    }

    fn store<'s>(
        &'s self,
        budget: &'s str,
        replaced: &'s Version,
        account: Arc<Account>,
    ) -> Stored<'s, Version> {
        Box::pin(async move {
            shuttle::future::yield_now().await;
            self.0.store(budget, replaced, account).await
        })
    }
}

/// A store that knows an old account without asking.
struct Outdated {
    store: Arc<MemoryStore>,
    old: Versioned,
}

impl Store for Outdated {
    fn load<'s>(&'s self, budget: &'s str) -> Stored<'s, Versioned> {
        self.store.load(budget)
    }

    fn recent(&self, _budget: &str) -> Option<Versioned> {
        Some(self.old.clone())
    }

    fn store<'s>(
        &'s self,
        budget: &'s str,
        replaced: &'s Version,
        account: Arc<Account>,
    ) -> Stored<'s, Version> {
        self.store.store(budget, replaced, account)
    }
}

/// A store that does not answer.
struct Failing;

impl Failing {
    fn err(budget: &str) -> StoreError {
        StoreError::Failed {
            budget: budget.into(),
            source: Arc::new(std::io::Error::other("no answer")),
        }
    }
}

impl Store for Failing {
    fn load<'s>(&'s self, budget: &'s str) -> Stored<'s, Versioned> {
        Box::pin(async { Err(Self::err(budget)) })
    }

    fn store<'s>(
        &'s self,
        budget: &'s str,
        _replaced: &'s Version,
        _account: Arc<Account>,
    ) -> Stored<'s, Version> {
        Box::pin(async { Err(Self::err(budget)) })
    }
}

/// A store whose budgets are all deleted.
struct Gone;

impl Store for Gone {
    fn load<'s>(&'s self, budget: &'s str) -> Stored<'s, Versioned> {
        let budget = budget.into();
        Box::pin(async { Err(StoreError::Gone { budget }) })
    }

    fn store<'s>(
        &'s self,
        budget: &'s str,
        _replaced: &'s Version,
        _account: Arc<Account>,
    ) -> Stored<'s, Version> {
        let budget = budget.into();
        Box::pin(async { Err(StoreError::Gone { budget }) })
    }
}

#[derive(Default)]
struct Counting {
    store: MemoryStore,
    writes: Mutex<u32>,
}

impl Store for Counting {
    fn load<'s>(&'s self, budget: &'s str) -> Stored<'s, Versioned> {
        self.store.load(budget)
    }

    fn store<'s>(
        &'s self,
        budget: &'s str,
        replaced: &'s Version,
        account: Arc<Account>,
    ) -> Stored<'s, Version> {
        *lock(&self.writes) += 1;
        self.store.store(budget, replaced, account)
    }
}

/// A store that another replica writes to just before the first write.
#[derive(Default)]
struct Contended {
    store: Arc<MemoryStore>,
    writes: Mutex<u32>,
}

impl Store for Contended {
    fn load<'s>(&'s self, budget: &'s str) -> Stored<'s, Versioned> {
        self.store.load(budget)
    }

    fn store<'s>(
        &'s self,
        budget: &'s str,
        replaced: &'s Version,
        account: Arc<Account>,
    ) -> Stored<'s, Version> {
        Box::pin(async move {
            let is_first = {
                let mut writes = lock(&self.writes);
                *writes += 1;
                *writes == 1
            };
            if is_first {
                let other = Committer::new(budget.into(), self.store.clone());
                other.reserve(wish("faster"), 0).await.unwrap();
            }
            self.store.store(budget, replaced, account).await
        })
    }
}
