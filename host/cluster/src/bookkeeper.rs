//! The leader's books: which pods are there, and what budgets are told of them.
//!
//! The leader lists and watches all pods, has those weighed that name an accelerator, and writes into the accounts what
//! it sees: a pod that is there turns its reservation into use, one that is gone gives it back, and what is reserved for a
//! pod that never comes is given back on proof or in the end by time. Whatever may have been missed, because another
//! replica led, the watch broke, or the configuration changed, is found by counting all pods anew.

mod attendance;
mod book;
mod tidings;

pub use tidings::Tiding;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::{StreamExt as _, stream};
use kube::{Api, Client};
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tollgate_budget::{Charge, Uid};
use tollgate_catalog::Catalog;

use self::attendance::{Attendance, Seen, Takings};
use self::book::{Book, Trouble, Written};
use self::tidings::{About, Tidings};
use crate::accounts::{KIND, StatusStore};
use crate::departures::Departures;
use crate::event::Events;
use crate::ledger::Key;
use crate::watch::{Change, follow};
use crate::watched_pod::WatchedPod;

/// What a live pod takes.
#[derive(Clone, Debug, Default)]
pub struct Weight {
    /// When it began to, in seconds since 1970.
    pub began: i64,
    /// What it takes of each budget; none where it takes nothing.
    pub charges: Vec<(Arc<str>, Charge)>,
}

/// Why a pod could not be weighed now.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unweighable(pub String);

/// What a weigher says, when it has.
pub type Weighing<'w> = Pin<Box<dyn Future<Output = Result<Weight, Unweighable>> + Send + 'w>>;

/// Tells what live pods take of the budgets, as a review would.
pub trait Weigher: Send + Sync {
    /// Weighs a pod.
    fn weigh<'w>(&'w self, catalog: &'w Catalog, pod: Value) -> Weighing<'w>;
}

/// How long the API server may still be at work on a pod after it asked about it: its own limit for a request, which is
/// a minute unless its operator says otherwise, and some more.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(65);

/// How often all pods are counted anew though nothing tells that anything was missed.
const EVERY: Duration = Duration::from_secs(600);
/// How long to wait before that where it failed; twice as long each further time, up to the longest.
const RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(16);

/// For how long further changes are taken in before they are written together.
const QUIET: Duration = Duration::from_millis(10);
/// How many changes are taken in before they are written, whatever comes.
const MOST_CHANGES: usize = 1_000;

/// How often to look for what does not come, and for what could not be written.
const LOOK: Duration = Duration::from_millis(500);

/// How many accounts are written at the same time.
const WRITERS: usize = 16;

/// What became of a book's write; nothing where there was none to make.
type Outcome = Result<Option<Written>, Trouble>;

/// What in force there is, with a number that changes when pods may weigh something else.
pub(crate) type InForce = (u64, Option<Arc<Catalog>>);

/// The leader's part of the budgets.
pub(crate) struct Bookkeeper<'a> {
    pub(crate) client: Client,
    pub(crate) store: StatusStore,
    pub(crate) weigher: Arc<dyn Weigher>,
    pub(crate) departures: Departures,
    pub(crate) events: Events,
    pub(crate) leads: watch::Receiver<bool>,
    pub(crate) in_force: watch::Receiver<InForce>,
    pub(crate) tell: &'a dyn Fn(&str, Tiding),
}

/// The books of a term, and what was told.
struct Books {
    books: BTreeMap<Arc<str>, Book>,
    pods: Attendance,
    tidings: Tidings,
    began: Instant,
}

impl Bookkeeper<'_> {
    /// Keeps the books whenever this replica leads and there are budgets.
    pub(crate) async fn run(mut self) -> Infallible {
        loop {
            if self.leads.wait_for(|leads| *leads).await.is_err() {
                pending::<()>().await;
            }
            let mut leads = self.leads.clone();
            tokio::select! {
                () = self.term() => {}
                _ = leads.wait_for(|leads| !leads) => {}
            }
        }
    }

    /// Keeps the books until somebody else has led meanwhile.
    async fn term(&mut self) {
        let mut books = Books {
            books: BTreeMap::new(),
            pods: Attendance::default(),
            tidings: Tidings::default(),
            began: Instant::now(),
        };
        let mut pause = RETRY;
        loop {
            let (_, in_force) = self.in_force.borrow_and_update().clone();
            let charging =
                in_force.filter(|catalog| catalog.charges() && !catalog.budgets.is_empty());
            match charging {
                Some(catalog) => {
                    books.open(&catalog);
                    match self.keep(&mut books).await {
                        Ok(()) => pause = RETRY,
                        Err(Trouble::Outdated) => return sleep(RETRY).await,
                        Err(_told) => {
                            sleep(pause).await;
                            pause = (pause * 2).min(LONGEST_RETRY);
                        }
                    }
                }
                None => {
                    if self.in_force.changed().await.is_err() {
                        pending::<()>().await;
                    }
                }
            }
        }
    }

    /// Counts all pods and keeps the books from then on, until they have to be counted anew.
    async fn keep(&mut self, books: &mut Books) -> Result<(), Trouble> {
        let (tell, mut changes) = mpsc::unbounded_channel();
        let api = Api::<WatchedPod>::all(self.client.clone());
        let mut watching = JoinSet::new();
        watching.spawn(async move { follow("pods", api, |change| drop(tell.send(change))).await });
        let asked = self.asked(books);
        let again = Instant::now() + EVERY;
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_listed = false;
        loop {
            let is_look = tokio::select! {
                Some(change) = changes.recv() => {
                    sleep(QUIET).await;
                    let more = std::iter::from_fn(|| changes.try_recv().ok()).take(MOST_CHANGES);
                    let batch: Vec<_> = [change].into_iter().chain(more).collect();
                    for change in batch {
                        is_listed |= matches!(change, Change::Listed(_));
                        self.take_in(books, change).await?;
                    }
                    false
                }
                _ = look.tick() => true,
                _ = self.in_force.changed() => return Ok(()),
            };
            if !is_listed {
                continue;
            }
            if is_look {
                self.look(books).await?;
            }
            self.post(books).await?;
            if Instant::now() >= again
                || self.asked(books) != asked
                || !books.are_counted(&self.store)
            {
                return Ok(());
            }
        }
    }

    /// The values by which counts are asked for.
    fn asked(&self, books: &Books) -> Vec<Option<String>> {
        let known = books
            .books
            .keys()
            .map(|budget| self.store.accounts().get(budget));
        known.map(|known| known?.asks().cloned()).collect()
    }

    fn catalog(&self) -> Option<Arc<Catalog>> {
        self.in_force.borrow().1.clone()
    }

    async fn take_in(&self, books: &mut Books, change: Change<WatchedPod>) -> Result<(), Trouble> {
        let Some(catalog) = self.catalog() else {
            return Ok(());
        };
        let weigh = |pod| self.weigher.weigh(&catalog, pod);
        match change {
            Change::Listed(pods) => {
                let count = pods.len();
                let (all, takings) = Attendance::list(pods, &weigh).await;
                books.pods = all;
                tracing::debug!(pods = count, "all pods are counted");
                return self.recount(books, takings).await;
            }
            Change::Applied(pod) => {
                let seen = books.pods.apply(pod, &weigh, seconds()).await;
                books.note(seen);
            }
            Change::Deleted(pod) => {
                let seen = books.pods.remove(&pod, seconds());
                books.note(seen);
            }
        }
        Ok(())
    }

    async fn recount(&self, books: &mut Books, mut takings: Takings) -> Result<(), Trouble> {
        let work = books.books.values_mut().map(|book| {
            let live = takings.remove(book.budget()).unwrap_or_default();
            async move {
                let outcome = book.recount(&self.store, live, seconds()).await;
                (book.budget().clone(), outcome.map(Some))
            }
        });
        let done = stream::iter(work).buffer_unordered(WRITERS).collect().await;
        self.conclude(books, done).await
    }

    async fn post(&self, books: &mut Books) -> Result<(), Trouble> {
        let work = books.books.values_mut().map(|book| async move {
            let outcome = book.post(&self.store, seconds()).await;
            (book.budget().clone(), outcome)
        });
        let done = stream::iter(work).buffer_unordered(WRITERS).collect().await;
        unless_outdated(self.conclude(books, done).await)
    }

    /// Looks for what never comes, and for what could not be weighed.
    async fn look(&self, books: &mut Books) -> Result<(), Trouble> {
        if let Some(catalog) = self.catalog() {
            let weigh = |pod| self.weigher.weigh(&catalog, pod);
            let seen = books.pods.retry(&weigh, seconds()).await;
            books.note(seen);
        }
        let clock = books.began.elapsed();
        let Books {
            books: all, pods, ..
        } = books;
        for book in all.values_mut() {
            self.doubt(book, pods, clock);
        }
        let work = all.values_mut().map(|book| async move {
            let outcome = book.expire(&self.store, clock, REQUEST_TIMEOUT).await;
            (book.budget().clone(), outcome)
        });
        let done = stream::iter(work).buffer_unordered(WRITERS).collect().await;
        unless_outdated(self.conclude(books, done).await)
    }

    fn doubt(&self, book: &mut Book, pods: &Attendance, clock: Duration) {
        let Some(account) = self.store.accounts().counted(book.budget()) else {
            return;
        };
        let mut waiting = BTreeMap::<(&str, &str), Vec<&Uid>>::new();
        for (uid, kept) in &account.reservations {
            let name = (&*kept.pod.0, &*kept.pod.1);
            waiting.entry(name).or_default().push(uid);
        }
        if waiting.is_empty() {
            return;
        }
        let displaced = pods.displaced(&waiting);
        let seems_lost = |uid: &Uid| {
            let reservation = account.reservations.get(uid);
            displaced.contains(uid)
                || reservation.is_some_and(|kept| self.departures.has(&kept.pod.0))
        };
        book.doubt(&account, seems_lost, clock);
    }

    /// Tells what was written; a budget that is gone has no book any more.
    async fn conclude(
        &self,
        books: &mut Books,
        done: Vec<(Arc<str>, Outcome)>,
    ) -> Result<(), Trouble> {
        let mut trouble = Ok(());
        for (budget, outcome) in done {
            match outcome {
                Ok(Some(written)) => self.announce(books, &budget, &written).await,
                Ok(None) => {}
                Err(Trouble::Gone) => {
                    books.books.remove(&budget);
                }
                Err(err) => {
                    let cause = std::error::Error::source(&err);
                    tracing::warn!(%err, cause, budget = &*budget, "an account cannot be kept");
                    trouble = Err(err);
                }
            }
        }
        trouble
    }

    async fn announce(&self, books: &mut Books, budget: &Arc<str>, written: &Written) {
        let Books {
            books: all,
            pods,
            tidings,
            began,
        } = books;
        let (Some(book), Some(known)) = (all.get(budget), self.store.accounts().get(budget)) else {
            return;
        };
        let clock = began.elapsed();
        let about = About {
            budget,
            limits: book.limits(),
            pods,
            now: seconds(),
        };
        let key = Key {
            kind: KIND,
            name: budget.to_string(),
        };
        for (tiding, happening) in tidings.of(&about, written) {
            tracing::info!(object = %key, reason = happening.reason, "{}", happening.message);
            if let Some(tiding) = tiding {
                (self.tell)(budget, tiding);
            }
            if tidings.may_write(budget, happening.reason, clock) {
                self.events.write(&key, &known.uid, &happening).await;
            }
        }
    }
}

impl Books {
    /// Opens a book for each budget of a catalog, and closes the others.
    fn open(&mut self, catalog: &Catalog) {
        let names: Vec<_> = catalog
            .budgets
            .iter()
            .map(|charged| charged.budget.name.clone())
            .collect();
        self.books.retain(|name, _| names.contains(name));
        for charged in &catalog.budgets {
            let name = charged.budget.name.clone();
            let limits = charged.limits.clone();
            let new = || Book::new(name.clone(), limits.clone());
            self.books
                .entry(name.clone())
                .or_insert_with(new)
                .limit(limits.clone());
        }
    }

    fn note(&mut self, seen: Seen) {
        for (budget, event) in seen {
            if let Some(book) = self.books.get_mut(&budget) {
                book.note(event);
            }
        }
    }

    fn are_counted(&self, store: &StatusStore) -> bool {
        self.books.values().all(|book| book.is_counted(store))
    }
}

/// What could not be written now is tried again at the next look, unless all is to be counted anew.
fn unless_outdated(outcome: Result<(), Trouble>) -> Result<(), Trouble> {
    match outcome {
        Err(Trouble::Outdated) => Err(Trouble::Outdated),
        _ => Ok(()),
    }
}

/// The time in seconds since 1970.
fn seconds() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_secs()).unwrap_or(i64::MAX)
}
