//! The accounts of all budgets, for everybody in a process who charges.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    Account, Charge, ChargeError, Committer, Limit, Refused, Reservation, Reserve, Store,
    StoreError, Uid, Versioned, reserve_in_all,
    sync::{Mutex, lock},
};

/// The accounts of all budgets. Clones are the same ledger; the default one is closed: it keeps no accounts, and nobody is
/// charged.
#[derive(Clone, Default)]
pub struct Ledger(Option<Arc<Open>>);

struct Open {
    store: Arc<dyn Store>,
    committers: Mutex<BTreeMap<Arc<str>, Arc<Committer>>>,
    /// The pods that the accounts count as live.
    live: Mutex<BTreeSet<Uid>>,
    /// What no other process that charges the same accounts is called.
    process: String,
    attempts: AtomicU64,
    /// Whether somebody watches pods, and tells the store what becomes of them.
    is_watched: bool,
}

/// What a pod is to be charged in one budget.
#[derive(Clone, Debug)]
pub struct Share {
    /// The budget.
    pub budget: Arc<str>,
    /// Its limits.
    pub limits: Arc<[Limit]>,
    /// What the pod takes of them.
    pub charge: Charge,
    /// Whether it is let in also above a limit.
    pub beyond: bool,
}

/// A pod that is to be let in.
#[derive(Clone, Debug)]
pub struct Entrant {
    /// Its uid.
    pub uid: Uid,
    /// Its namespace and its name.
    pub pod: (Arc<str>, Arc<str>),
    /// Its priority.
    pub priority: i32,
}

impl Ledger {
    /// A ledger over a store that is told of pods by reviews alone. `process` is what no other process that charges the
    /// same accounts is called.
    #[must_use]
    pub fn open(store: Arc<dyn Store>, process: String) -> Self {
        Self::over(store, process, false)
    }

    /// A ledger over a store that somebody keeps who watches pods: no review ends one.
    #[must_use]
    pub fn watched(store: Arc<dyn Store>, process: String) -> Self {
        Self::over(store, process, true)
    }

    fn over(store: Arc<dyn Store>, process: String, is_watched: bool) -> Self {
        Self(Some(Arc::new(Open {
            store,
            committers: Mutex::new(BTreeMap::new()),
            live: Mutex::new(BTreeSet::new()),
            process,
            attempts: AtomicU64::new(0),
            is_watched,
        })))
    }

    /// Whether it keeps accounts.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// The account of a budget as it is now; an empty one where none is kept.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn account(&self, budget: &str) -> Result<Arc<Account>, StoreError> {
        match &self.0 {
            Some(open) => open.store.load(budget).await.map(|read| read.account),
            None => Ok(Arc::default()),
        }
    }

    /// What is known of the account of a budget without asking anybody: nobody may be refused by it, since it can be out
    /// of date. Nothing where it has to be read.
    #[must_use]
    pub fn recent(&self, budget: &str) -> Option<Arc<Account>> {
        let recent = self.0.as_ref()?.store.recent(budget)?;
        Some(recent.account)
    }

    /// Replaces the account of a budget, whatever it was: for what was counted before anybody is charged.
    ///
    /// # Errors
    ///
    /// When the store fails, or somebody charges at the same time.
    pub async fn put(&self, budget: &str, account: Account) -> Result<(), StoreError> {
        let Some(open) = &self.0 else { return Ok(()) };
        let Versioned { version, .. } = open.store.load(budget).await?;
        let account = Arc::new(account);
        open.store.store(budget, &version, account).await.map(drop)
    }

    /// States which pods the accounts count as live.
    pub fn count(&self, live: BTreeSet<Uid>) {
        if let Some(open) = &self.0 {
            *lock(&open.live) = live;
        }
    }

    /// Whether the accounts count a pod as live, so that it is not to be charged again.
    #[must_use]
    pub fn counts(&self, uid: &str) -> bool {
        let open = self.0.as_ref();
        open.is_some_and(|open| lock(&open.live).contains(uid))
    }

    /// Charges a pod in all budgets or in none, and gives the budget that did not let it in.
    ///
    /// # Errors
    ///
    /// When the store fails, or a sum does not fit.
    pub async fn charge(
        &self,
        entrant: &Entrant,
        shares: Vec<Share>,
        now: i64,
    ) -> Result<Option<Refused>, ChargeError> {
        let Some(open) = &self.0 else { return Ok(None) };
        let attempt = open.attempt();
        let Entrant { uid, pod, priority } = entrant;
        let wishes = shares.into_iter().map(|share| {
            let Share {
                budget,
                limits,
                charge,
                beyond,
            } = share;
            let reservation = Reservation {
                charge,
                at: now,
                pod: pod.clone(),
                attempt: attempt.clone(),
            };
            let wish = Reserve {
                uid: uid.clone(),
                priority: *priority,
                reservation,
                limits,
                beyond,
            };
            (open.committer(&budget), Arc::new(wish))
        });
        reserve_in_all(wishes.collect(), now).await
    }

    /// Ends a pod in a budget, where nobody watches pods.
    ///
    /// # Errors
    ///
    /// When the store fails, or a sum does not fit.
    pub async fn end(
        &self,
        budget: &Arc<str>,
        limits: Arc<[Limit]>,
        uid: Uid,
        now: i64,
    ) -> Result<(), ChargeError> {
        match &self.0 {
            Some(open) if !open.is_watched => open.committer(budget).end(uid, limits, now).await,
            _ => Ok(()),
        }
    }
}

impl Open {
    fn attempt(&self) -> Arc<str> {
        let number = self.attempts.fetch_add(1, Ordering::Relaxed);
        format!("{}/{number}", self.process).into()
    }

    fn committer(&self, budget: &Arc<str>) -> Arc<Committer> {
        let mut committers = lock(&self.committers);
        let new = || Arc::new(Committer::new(budget.clone(), self.store.clone()));
        committers.entry(budget.clone()).or_insert_with(new).clone()
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.is_open() { "open" } else { "closed" };
        f.debug_tuple("Ledger").field(&state).finish()
    }
}
