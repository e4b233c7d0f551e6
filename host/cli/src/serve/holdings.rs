//! Who holds what of the budgets, and how busy the GPUs are, for the page of a server: asked when somebody looks at it, and
//! not each time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch;
use tollgate_catalog::Catalog;
use tollgate_cluster::Client;
use tollgate_cluster::prometheus::Address;
use tollgate_dashboard::{Budget, InUse};

use crate::budget::{self, LivePods};
use crate::failure::Failure;

/// For how long what was answered is good enough, at least and at most.
const LEAST: Duration = Duration::from_secs(10);
const MOST: Duration = Duration::from_secs(300);

/// Else for so many times as long as it took: all pods of a cluster are listed for it.
const TIMES: u32 = 20;

/// How long whoever looks first waits for it.
const PATIENCE: Duration = Duration::from_secs(1);

/// How busy the GPUs of budgets are, by their names, or why it is not known.
pub(super) type Busy = Result<BTreeMap<String, InUse>, String>;

/// Asks who holds what: in a cluster the API server, for the pods; and a Prometheus, where one is given.
pub(super) struct Holdings {
    client: Option<Client>,
    prometheus: Option<Address>,
    due: Mutex<Option<Instant>>,
    answers: watch::Sender<Option<Arc<Held>>>,
}

/// What was answered.
pub(super) struct Held {
    /// When.
    pub(super) at: SystemTime,
    /// How budgets stood, with who held what, or why that is not known. No pods are kept.
    pub(super) budgets: Result<Vec<Budget>, String>,
    /// How busy the GPUs were, where that was asked for.
    pub(super) busy: Option<Busy>,
}

impl Holdings {
    /// Nothing where there is nobody to ask: without a cluster the accounts have all pods.
    pub(super) fn new(client: Option<Client>, prometheus: Option<Address>) -> Option<Arc<Self>> {
        let asks = client.is_some() || prometheus.is_some();
        asks.then(|| {
            Arc::new(Self {
                client,
                prometheus,
                due: Mutex::default(),
                answers: watch::Sender::new(None),
            })
        })
    }

    /// What was answered last, if anything was so far. Where that was long ago, it is asked again meanwhile.
    pub(super) async fn look(self: &Arc<Self>, catalog: &Arc<Catalog>) -> Option<Arc<Held>> {
        if self.is_due() {
            let (holdings, catalog) = (Arc::clone(self), Arc::clone(catalog));
            tokio::spawn(async move {
                let started = Instant::now();
                let held = holdings.ask(&catalog).await;
                holdings.answers.send_replace(Some(Arc::new(held)));
                holdings.rest((started.elapsed() * TIMES).clamp(LEAST, MOST));
            });
        }
        let mut answers = self.answers.subscribe();
        let answered = tokio::time::timeout(PATIENCE, answers.wait_for(Option::is_some)).await;
        answered.ok()?.ok()?.clone()
    }

    /// Whether it is time to ask. Who is told so asks: nobody else does meanwhile.
    fn is_due(&self) -> bool {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = due.is_none_or(|due| due <= Instant::now());
        if is_due {
            *due = Some(Instant::now() + MOST);
        }
        is_due
    }

    fn rest(&self, pause: Duration) {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        *due = Some(Instant::now() + pause);
    }

    async fn ask(&self, catalog: &Catalog) -> Held {
        let at = SystemTime::now();
        let live = match &self.client {
            Some(client) => budget::live_pods(catalog, client, at).await,
            None => budget::reserved(catalog).await,
        };
        let live = live.map_err(|failure| told(&failure));
        let budgets = match &live {
            Ok(live) => budgets(catalog, live, at).await,
            Err(why) => Err(why.clone()),
        };
        let busy = match (&self.prometheus, &live) {
            (None, _) => None,
            (Some(address), Ok(live)) => Some(busy(catalog, live, address).await),
            (Some(_), Err(why)) => Some(Err(why.clone())),
        };
        Held { at, budgets, busy }
    }
}

async fn budgets(
    catalog: &Catalog,
    live: &LivePods,
    at: SystemTime,
) -> Result<Vec<Budget>, String> {
    let shown = budget::shown(catalog, Some(live), at).await;
    shown.map_err(|failure| told(&failure))
}

async fn busy(catalog: &Catalog, live: &LivePods, address: &Address) -> Busy {
    let busy = budget::ask(address).await;
    let busy = busy.and_then(|busy| budget::busy(catalog, live, &busy));
    busy.map_err(|failure| told(&failure))
}

fn told(failure: &Failure) -> String {
    failure.lines().join("; ")
}
