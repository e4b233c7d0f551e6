//! The store in a folder, and the ledger of a process over a store.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test program"
)]

mod process;

use std::{
    collections::BTreeMap,
    fs,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use tollgate_budget::{
    Account, Charge, Draw, Event, FileStore, Limit, Live, MOST_BYTES, MOST_LIMITS, OpenError,
    Reservation, Roll, Store, StoreError, Usage, Window, read_account, write_account,
};
use tollgate_gpu::{Amount, Model, Unit};

/// The output of a future that never waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

fn account() -> Account {
    let atoms = Amount::from_atoms;
    let charge = [
        ("gpu".into(), Draw::Held(atoms(56_000_000))),
        (
            "gpu-hours@month in UTC".into(),
            Draw::Ahead {
                per_second: atoms(56_000_000),
                seconds: 3_600,
            },
        ),
        (
            "money@3600s".into(),
            Draw::Accrued {
                per_second: atoms(u128::MAX),
            },
        ),
    ];
    let usage = Usage {
        held: [(0, atoms(1))].into(),
        spent: [(-3_600, atoms(2)), (7_200, atoms(u128::MAX))].into(),
        rate: atoms(3),
        since: 4,
    };
    let reservation = Reservation {
        charge: charge.into(),
        at: 5,
        pod: ("ml".into(), "train-0".into()),
        attempt: "review".into(),
    };
    Account {
        usage: [("gpu".into(), usage)].into(),
        reservations: [("uid".into(), reservation)].into(),
        term: 7,
    }
}

fn stored(store: &FileStore, budget: &str) -> Account {
    Account::clone(&now(store.load(budget)).unwrap().account)
}

#[test]
fn an_account_that_is_written_is_read_back() {
    assert_eq!(
        read_account(write_account(&account()).unwrap()).unwrap(),
        account()
    );
}

#[test]
fn an_account_of_a_newer_version_is_refused() {
    let mut json = write_account(&account()).unwrap();
    json["later"] = true.into();
    let told = read_account(json).unwrap_err().to_string();
    assert!(told.starts_with("unknown field `later`"), "{told}");
}

#[test]
fn accounts_are_there_again_after_a_restart_and_each_write_needs_the_last_version() {
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::open(folder.path()).unwrap();
    let empty = now(store.load("research")).unwrap();
    now(store.store("research", &empty.version, account().into())).unwrap();
    let conflict = now(store.store("research", &empty.version, Arc::default()));
    assert!(
        matches!(conflict, Err(StoreError::Conflict { .. })),
        "{conflict:?}"
    );
    drop(store);
    assert_eq!(
        stored(&FileStore::open(folder.path()).unwrap(), "research"),
        account()
    );
}

#[test]
fn a_write_that_a_crash_cut_short_leaves_the_old_account() {
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::open(folder.path()).unwrap();
    let version = now(store.load("research")).unwrap().version;
    now(store.store("research", &version, account().into())).unwrap();
    drop(store);
    fs::write(folder.path().join("research.json.new"), "{\"usa").unwrap();
    assert_eq!(
        stored(&FileStore::open(folder.path()).unwrap(), "research"),
        account()
    );
}

#[test]
fn a_folder_belongs_to_one_process_and_a_spoilt_file_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let first = FileStore::open(folder.path()).unwrap();
    let second = FileStore::open(folder.path());
    assert!(matches!(second, Err(OpenError::InUse { .. })), "{second:?}");
    drop(first);
    fs::write(folder.path().join("research.json"), "{\"usa").unwrap();
    let spoilt = FileStore::open(folder.path());
    assert!(
        matches!(&spoilt, Err(OpenError::File { file, .. }) if file.ends_with("research.json"))
    );
}

#[test]
fn no_name_becomes_a_path() {
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::open(folder.path()).unwrap();
    for name in ["../up", "a/b", ".hidden", ""] {
        let version = now(store.load(name)).unwrap().version;
        let refused = now(store.store(name, &version, account().into()));
        assert!(
            matches!(refused, Err(StoreError::Failed { .. })),
            "{name:?}"
        );
    }
}

/// What etcd takes in one request, less what a Budget object says besides its account.
const ROOM: usize = 1_572_864 - 128 * 1024;

/// Totals weigh most over the shortest windows that documents have, an hour, where pods reach as far ahead as any.
#[test]
fn the_totals_of_the_most_limits_fit_beside_the_most_reservations() {
    const SLOT: i64 = 113;
    let limit = |number: usize| Limit {
        unit: [Unit::GpuHours, Unit::Money][number % 2],
        model: Model::parse("RTX-PRO-6000").ok(),
        window: Window::rolling(3_600 + i64::try_from(number / 2).unwrap()).ok(),
        amount: Amount::from_atoms(u128::MAX >> 8),
        soft: None,
        share: None,
    };
    let limits: Vec<_> = (0..MOST_LIMITS).map(limit).collect();
    let ahead = Draw::Ahead {
        per_second: Amount::from_atoms(10_u128.pow(24)),
        seconds: 63 * u64::try_from(SLOT).unwrap(),
    };
    let charge: Charge = limits.iter().map(|limit| (limit.key(), ahead)).collect();
    let first = Account::default();
    let counted = Roll::following(&first).recount(&first, &limits, &BTreeMap::new(), 0);
    let mut change = counted.unwrap();
    for step in 0..200 {
        let began = step * SLOT;
        let seen = |pod: &str| {
            let charge = charge.clone();
            Event::Seen(format!("{pod}-{step}").into(), Live { charge, began })
        };
        let ended = Event::Ended(format!("ends-{step}").into(), began + SLOT);
        let events = [seen("stays"), seen("ends"), ended];
        let applied = change.roll.apply(&change.account, &limits, &events, began);
        change = applied.unwrap();
    }
    assert_eq!(change.account.usage.len(), MOST_LIMITS);
    let totals = write_account(&change.account).unwrap().to_string().len();
    assert!(totals + MOST_BYTES < ROOM, "{totals} bytes");
}
