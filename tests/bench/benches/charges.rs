//! Charges of one budget, by how much is reserved already.
//!
//!     cargo bench --bench charges

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use tokio::runtime::{Builder, Runtime};
use tollgate_budget::{
    Account, Draw, Entrant, Ledger, Limit, MemoryStore, Period, Reservation, Share, Window,
};
use tollgate_gpu::{Amount, Unit};

const BUDGET: &str = "research";

/// How many pods are charged at the same time.
const TOGETHER: usize = 50;

fn limits() -> Arc<[Limit]> {
    let limit = |unit, window| Limit {
        unit,
        model: None,
        window,
        amount: Amount::from_atoms(u128::MAX >> 8),
        soft: None,
        share: None,
    };
    [
        limit(Unit::Gpu, None),
        limit(
            Unit::GpuHours,
            Window::calendar(Period::Month, "Europe/Berlin").ok(),
        ),
        limit(Unit::Money, Window::rolling(30 * 86_400).ok()),
    ]
    .into()
}

/// A pod of two hours.
fn share(limits: &Arc<[Limit]>) -> Share {
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
    Share {
        budget: BUDGET.into(),
        limits: limits.clone(),
        charge: limits.iter().map(draw).collect(),
        beyond: false,
    }
}

fn entrant(number: usize) -> Entrant {
    Entrant {
        uid: number.to_string().into(),
        pod: ("ml".into(), number.to_string().into()),
        priority: 0,
    }
}

/// A ledger with so many reservations.
fn ledger(runtime: &Runtime, reserved: usize, limits: &Arc<[Limit]>) -> Ledger {
    let ledger = Ledger::open(Arc::new(MemoryStore::default()), "bench".to_owned());
    let reservation = |number: usize| {
        let reservation = Reservation {
            charge: share(limits).charge,
            at: 0,
            pod: ("ml".into(), "other".into()),
            attempt: "other".into(),
        };
        (format!("other-{number}").into(), reservation)
    };
    let account = Account {
        reservations: (0..reserved).map(reservation).collect(),
        ..Account::default()
    };
    runtime.block_on(ledger.put(BUDGET, account)).unwrap();
    ledger
}

/// Charges pods at the same time and gives them back.
async fn charge(ledger: &Ledger, limits: &Arc<[Limit]>) {
    let pods = (0..TOGETHER).map(|number| {
        let (ledger, limits) = (ledger.clone(), limits.clone());
        tokio::spawn(async move {
            let refused = ledger
                .charge(&entrant(number), vec![share(&limits)], 60)
                .await;
            assert!(refused.unwrap().is_none());
            let budget = BUDGET.into();
            let ended = ledger.end(&budget, limits, number.to_string().into(), 60);
            ended.await.unwrap();
        })
    });
    for pod in pods.collect::<Vec<_>>() {
        pod.await.unwrap();
    }
}

fn charges(criterion: &mut Criterion) {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let limits = limits();
    let mut group = criterion.benchmark_group("charge-and-end-50");
    group.sample_size(20);
    for reserved in [0, 100, 2_000] {
        let ledger = ledger(&runtime, reserved, &limits);
        let id = BenchmarkId::new("reservations", reserved);
        group.bench_function(id, |bencher| {
            bencher.iter(|| runtime.block_on(charge(&ledger, &limits)));
        });
    }
    group.finish();
}

criterion_group!(benches, charges);
criterion_main!(benches);
