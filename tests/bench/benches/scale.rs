//! A hundred thousand live pods, of one budget and of a thousand: what the leader keeps of them, how long it takes to count
//! them, and how long to make a write of what it saw. And what an account weighs.
//!
//!     cargo bench --bench scale

#![allow(
    missing_docs,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark"
)]

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use tollgate_budget::{
    Account, Charge, Draw, Event, Limit, Live, Period, Reservation, Roll, Uid, Window,
    read_account, write_account,
};
use tollgate_gpu::{Amount, Unit};

/// As the webhook does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PODS: usize = 100_000;

/// The second of the count: pods began before it.
const NOW: i64 = 1_795_000_000;

fn main() {
    let asked: Vec<_> = env::args()
        .filter_map(|argument| argument.parse().ok())
        .collect();
    if let [budgets, limits] = asked[..] {
        return tell_counts(budgets, limits);
    }
    println!(
        "| live pods | budgets | limits | pods as they are listed | rolls | count all | one pod more | 1,000 pods more |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    // Each in a process of its own, since memory that was freed does not show.
    for row in [["1", "1"], ["1", "3"], ["1000", "1"], ["1000", "3"]] {
        let status = Command::new(env::current_exe().unwrap()).args(row).status();
        assert!(status.unwrap().success());
    }
    println!(
        "\n| reservations | limits | as JSON | to write it | to read it |\n|---|---|---|---|---|"
    );
    for reservations in [0, 200, 4_096] {
        for limits in [1, 3] {
            tell_account(reservations, limits);
        }
    }
}

fn limits(count: usize) -> Vec<Limit> {
    let limit = |unit, window| Limit {
        unit,
        model: None,
        window,
        amount: Amount::from_atoms(u128::MAX >> 8),
        soft: None,
        share: None,
    };
    let all = [
        limit(Unit::Gpu, None),
        limit(
            Unit::GpuHours,
            Window::calendar(Period::Month, "Europe/Berlin").ok(),
        ),
        limit(Unit::Money, Window::rolling(30 * 86_400).ok()),
    ];
    all.into_iter().take(count).collect()
}

fn charge(limits: &[Limit]) -> Charge {
    let amount = Amount::from_atoms(56_000_000);
    let draw = |limit: &Limit| match limit.unit.adds_up() {
        true => Draw::Accrued { per_second: amount },
        false => Draw::Held(amount),
    };
    limits
        .iter()
        .map(|limit| (limit.key(), draw(limit)))
        .collect()
}

fn uid(number: usize) -> Uid {
    format!("00000000-0000-4000-8000-{number:012x}").into()
}

/// Pods of the last days, as a list of all pods gives them.
fn live(limits: &[Limit], from: usize, count: usize) -> BTreeMap<Uid, Live> {
    let pods = (from..from + count).map(|number| {
        let live = Live {
            charge: charge(limits),
            began: NOW - i64::try_from(number).unwrap(),
        };
        (uid(number), live)
    });
    pods.collect()
}

fn resident() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: f64 = line
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    kib / 1024.0
}

fn tell_counts(budgets: usize, limit_count: usize) {
    let limits = limits(limit_count);
    let each = PODS / budgets;
    let empty = resident();
    let listed: Vec<_> = (0..budgets)
        .map(|budget| live(&limits, budget * each, each))
        .collect();
    let with_list = resident();
    let since = Instant::now();
    let counted: Vec<_> = listed
        .iter()
        .map(|live| {
            let account = Account::default();
            let roll = Roll::following(&account);
            roll.recount(&account, &limits, live, NOW).unwrap()
        })
        .collect();
    let counting = since.elapsed();
    let with_rolls = resident();
    let first = &counted[0];
    let more = |count| {
        let events: Vec<_> = live(&limits, PODS, count)
            .into_iter()
            .map(|(uid, live)| Event::Seen(uid, live))
            .collect();
        median(|| {
            let change = first
                .roll
                .apply(&first.account, &limits, &events, NOW)
                .unwrap();
            assert_eq!(change.notices.len(), count);
        })
    };
    println!(
        "| {PODS} | {budgets} | {limit_count} | {:.0} MiB | {:.0} MiB | {} | {} | {} |",
        with_list - empty,
        with_rolls - with_list,
        told(counting),
        told(more(1)),
        told(more(1_000)),
    );
}

fn tell_account(reservations: usize, limit_count: usize) {
    let limits = limits(limit_count);
    let reservation = |number| {
        let reservation = Reservation {
            charge: charge(&limits),
            at: NOW,
            pod: (
                "ml-training".into(),
                format!("train-{number}-worker-0").into(),
            ),
            attempt: format!("tollgate-7d9c5b8f6d-x2x9z/18ab6f0e2c1d3b40/{number}").into(),
        };
        (uid(number), reservation)
    };
    let account = Account {
        reservations: (0..reservations).map(reservation).collect(),
        ..Account::default()
    };
    let text = write_account(&account).unwrap().to_string();
    let writing = median(|| assert!(!write_account(&account).unwrap().to_string().is_empty()));
    let reading = median(|| {
        let json = serde_json::from_str(&text).unwrap();
        assert_eq!(read_account(json).unwrap().reservations.len(), reservations);
    });
    println!(
        "| {reservations} | {limit_count} | {:.1} KiB | {} | {} |",
        text.len() as f64 / 1024.0,
        told(writing),
        told(reading)
    );
}

/// How long it takes, of eleven times.
fn median(mut work: impl FnMut()) -> Duration {
    let mut times: Vec<_> = (0..11)
        .map(|_| {
            let since = Instant::now();
            work();
            since.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[5]
}

fn told(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}
