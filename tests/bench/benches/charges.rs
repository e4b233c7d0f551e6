//! Charges by fifty that ask at the same time, each of whom charges a pod, ends it, and goes on: how many a second, and how
//! long each takes.
//!
//!     cargo bench --bench charges

#![allow(
    missing_docs,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Handle};
use tollgate_budget::{
    Account, Charge, Draw, Entrant, FileStore, Ledger, Limit, MemoryStore, Period, Reservation,
    Share, Store, Stored, Version, Versioned, Window,
};
use tollgate_gpu::{Amount, Unit};

/// As the webhook does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many charge at the same time.
const TOGETHER: usize = 50;

/// For how long.
const LASTS: Duration = Duration::from_secs(3);

fn main() {
    println!(
        "| store | limits | budgets | reserved in each | charges /s | p50 ms | p99 ms | pods a write |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let one = [limit(Unit::Gpu, None)];
    let three = [
        limit(Unit::Gpu, None),
        limit(
            Unit::GpuHours,
            Window::calendar(Period::Month, "Europe/Berlin").ok(),
        ),
        limit(Unit::Money, Window::rolling(30 * 86_400).ok()),
    ];
    for (budgets, reserved) in [(1, 0), (1, 200), (1, 2_000), (20, 200)] {
        let round = |limits: &[Limit]| Round {
            limits: limits.into(),
            budgets: (0..budgets)
                .map(|number| format!("b{number}").into())
                .collect(),
            reserved,
        };
        for limits in [&one[..], &three] {
            round(limits).run("memory", MemoryStore::default());
            let folder = tempfile::tempdir().unwrap();
            round(limits).run("`--data`", FileStore::open(folder.path()).unwrap());
        }
    }
}

fn limit(unit: Unit, window: Option<Window>) -> Limit {
    Limit {
        unit,
        model: None,
        window,
        amount: Amount::from_atoms(u128::MAX >> 8),
        soft: None,
        share: None,
    }
}

struct Round {
    limits: Arc<[Limit]>,
    budgets: Vec<Arc<str>>,
    /// How many pods have reservations that stay, in each budget.
    reserved: usize,
}

impl Round {
    fn run(&self, name: &str, store: impl Store) {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .build()
            .unwrap();
        let store = Arc::new(Counted {
            store,
            writes: AtomicU64::new(0),
        });
        let ledger = Ledger::open(store.clone(), "bench".to_owned());
        for budget in &self.budgets {
            runtime
                .block_on(ledger.put(budget, self.account()))
                .unwrap();
        }
        store.writes.store(0, Ordering::Relaxed);
        let mut times = self.load(runtime.handle(), &ledger);
        times.sort_unstable();
        let writes = store.writes.load(Ordering::Relaxed);
        let at = |percent: usize| times[times.len() * percent / 100].as_secs_f64() * 1e3;
        println!(
            "| {name} | {} | {} | {} | {:.0} | {:.2} | {:.2} | {:.1} |",
            self.limits.len(),
            self.budgets.len(),
            self.reserved,
            times.len() as f64 / LASTS.as_secs_f64(),
            at(50),
            at(99),
            // Each pod is charged and ended.
            2.0 * times.len() as f64 / writes as f64,
        );
    }

    /// Charges pods and ends them; how long each charge took.
    fn load(&self, runtime: &Handle, ledger: &Ledger) -> Vec<Duration> {
        let until = Instant::now() + LASTS;
        let pods = AtomicU64::new(0);
        // The threads stand for the tasks of a server, and may wait for the disk as those do.
        thread::scope(|scope| {
            let chargers = (0..TOGETHER).map(|_| {
                scope.spawn(|| {
                    let mut times = Vec::new();
                    while Instant::now() < until {
                        let number = pods.fetch_add(1, Ordering::Relaxed);
                        times.push(runtime.block_on(self.charge(ledger, number)));
                    }
                    times
                })
            });
            let chargers: Vec<_> = chargers.collect();
            let times = chargers.into_iter().map(|charger| charger.join().unwrap());
            times.flatten().collect()
        })
    }

    async fn charge(&self, ledger: &Ledger, number: u64) -> Duration {
        let budget = &self.budgets[usize::try_from(number).unwrap() % self.budgets.len()];
        let uid: Arc<str> = format!("00000000-0000-4000-8000-{number:012x}").into();
        let entrant = Entrant {
            uid: uid.clone(),
            pod: ("ml".into(), uid.clone()),
            priority: 0,
        };
        let share = Share {
            budget: budget.clone(),
            limits: self.limits.clone(),
            charge: self.takes(),
            beyond: false,
        };
        let since = Instant::now();
        let refused = ledger.charge(&entrant, vec![share], 60).await.unwrap();
        let taken = since.elapsed();
        assert!(refused.is_none());
        let ended = ledger.end(budget, self.limits.clone(), uid, 60).await;
        ended.unwrap();
        taken
    }

    /// What a pod of two hours takes.
    fn takes(&self) -> Charge {
        let draw = |limit: &Limit| {
            let amount = Amount::from_atoms(56_000_000);
            let ahead = Draw::Ahead {
                per_second: amount,
                seconds: 7_200,
            };
            let draw = if limit.unit.adds_up() {
                ahead
            } else {
                Draw::Held(amount)
            };
            (limit.key(), draw)
        };
        self.limits.iter().map(draw).collect()
    }

    fn account(&self) -> Account {
        let reservation = |number: usize| {
            let reservation = Reservation {
                charge: self.takes(),
                at: 0,
                pod: ("ml".into(), "other".into()),
                attempt: "other".into(),
            };
            (
                format!("11111111-0000-4000-8000-{number:012x}").into(),
                reservation,
            )
        };
        let reservations: BTreeMap<_, _> = (0..self.reserved).map(reservation).collect();
        Account {
            reservations,
            ..Account::default()
        }
    }
}

/// A store that counts what is written.
struct Counted<S> {
    store: S,
    writes: AtomicU64,
}

impl<S: Store> Store for Counted<S> {
    fn load<'s>(&'s self, budget: &'s str) -> Stored<'s, Versioned> {
        self.store.load(budget)
    }

    fn store<'s>(
        &'s self,
        budget: &'s str,
        replaced: &'s Version,
        account: Arc<Account>,
    ) -> Stored<'s, Version> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.store.store(budget, replaced, account)
    }
}
