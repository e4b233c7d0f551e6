//! How busy the GPUs of budgets are, for the page of a server: asked when somebody looks at it, and not each time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tollgate_catalog::Catalog;
use tollgate_cluster::Client;
use tollgate_cluster::prometheus::Address;
use tollgate_dashboard::InUse;

use crate::budget::{self, Known, Owners};
use crate::failure::Failure;

/// For how long an answer is good enough: all pods of a cluster are listed for it.
const PAUSE: Duration = Duration::from_secs(300);

/// What is known, by the names of budgets, or why nothing is.
type Answer = Result<BTreeMap<String, InUse>, String>;

/// Asks a Prometheus, and in a cluster the API server for the pods.
pub(super) struct Idle {
    address: Address,
    client: Option<Client>,
    last: Mutex<Last>,
}

struct Last {
    asked: Option<Instant>,
    answer: Answer,
}

impl Idle {
    pub(super) fn new(address: Address, client: Option<Client>) -> Self {
        let answer = Err("it is being asked; look again in a moment".to_owned());
        Self {
            address,
            client,
            last: Mutex::new(Last {
                asked: None,
                answer,
            }),
        }
    }

    /// What was answered last. Where that was long ago, it is asked again meanwhile.
    pub(super) fn look(self: &Arc<Self>, catalog: &Arc<Catalog>) -> Answer {
        let mut last = self.last();
        if last.asked.is_none_or(|asked| asked.elapsed() >= PAUSE) {
            last.asked = Some(Instant::now());
            let (idle, catalog) = (Arc::clone(self), Arc::clone(catalog));
            tokio::spawn(async move {
                let answer = idle.ask(&catalog).await;
                idle.last().answer = answer.map_err(|failure| failure.lines().join("; "));
            });
        }
        last.answer.clone()
    }

    async fn ask(&self, catalog: &Catalog) -> Result<BTreeMap<String, InUse>, Failure> {
        let busy = budget::ask(&self.address).await?;
        let (counted, owners) = match &self.client {
            Some(client) => budget::live_pods(catalog, client, SystemTime::now()).await?,
            None => (budget::reserved(catalog).await?, Owners::new()),
        };
        budget::busy(catalog, &counted, &Known { owners, busy })
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
