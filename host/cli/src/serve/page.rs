//! The page of a server.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use tokio::task::JoinHandle;
use tollgate_catalog::Catalog;
use tollgate_cluster::Client;
use tollgate_cluster::access::{self, Access};
use tollgate_dashboard::{
    Activity, Budget, Configuration, History, Series, Shares, Source, Totals, View,
};
use tollgate_webhook as webhook;
use webhook::{
    Audience, Entrance, Guard, Metrics, Page, PageServer, Reload, Rendered, Served, Server,
};

use super::holdings::{Held, Holdings};
use super::reviewer::Reviewer;
use crate::args::ServeArgs;
use crate::budget;
use crate::dashboard::{self, Told, moment, rendered, short};
use crate::failure::Failure;

/// What is said where nobody has answered so far.
const BEING_ASKED: &str = "it is being asked; look again in a moment";

/// How often totals are looked at, to tell what they grew by.
const MINUTE: Duration = Duration::from_secs(60);

/// A page that is served until this is dropped.
pub(super) struct Shown {
    _server: PageServer,
    remembering: JoinHandle<()>,
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.remembering.abort();
    }
}

/// Refuses what cannot be served before anything else is.
pub(super) fn check(args: &ServeArgs) -> Result<(), Failure> {
    match args.dashboard_listen {
        Some(address) if !args.cluster.cluster => {
            dashboard::check_loopback("--dashboard-listen", address)
        }
        _ => Ok(()),
    }
}

/// Serves the page, if one is wanted; in a cluster on an address that is not loopback to those whom the API server admits.
pub(super) async fn serve(
    args: &ServeArgs,
    server: &Server<Reviewer>,
    reviewer: &Arc<Reviewer>,
    client: Option<Client>,
) -> Result<Option<Shown>, Failure> {
    let Some(address) = args.dashboard_listen else {
        return Ok(None);
    };
    let served = server.served();
    let page = Arc::new(Live::new(
        args,
        server,
        Arc::clone(reviewer),
        client.clone(),
    ));
    let audience = match client {
        Some(client) if !address.ip().is_loopback() => Audience::Admitted {
            guard: Arc::new(ApiServer(client)),
            served: Arc::clone(&served),
        },
        Some(_) | None => Audience::Host,
    };
    let scheme = match audience {
        Audience::Host => "http",
        Audience::Admitted { .. } => "https",
    };
    let server = PageServer::bind(address, audience, Arc::clone(&page)).await;
    let server = server.context("cannot serve the page")?;
    tracing::info!("showing the page at {scheme}://{}", server.address());
    let remembering = tokio::spawn(async move { page.remember().await });
    Ok(Some(Shown {
        _server: server,
        remembering,
    }))
}

/// What the page of a running server is made of.
struct Live {
    reviewer: Arc<Reviewer>,
    metrics: Arc<Metrics>,
    served: Arc<Served>,
    holdings: Option<Arc<Holdings>>,
    history: Mutex<History>,
    replica: Option<String>,
    origin: String,
    is_in_cluster: bool,
    asks_prometheus: bool,
    since: SystemTime,
}

impl Live {
    fn new(
        args: &ServeArgs,
        server: &Server<Reviewer>,
        reviewer: Arc<Reviewer>,
        client: Option<Client>,
    ) -> Self {
        let is_in_cluster = args.cluster.cluster;
        let configs = args.config.configs.iter();
        let configs: Vec<_> = configs.map(|path| path.display().to_string()).collect();
        Self {
            reviewer,
            metrics: server.metrics(),
            served: server.served(),
            holdings: Holdings::new(client, args.prometheus.address()),
            history: Mutex::default(),
            replica: args.cluster.replica.clone(),
            origin: match configs.as_slice() {
                _ if is_in_cluster => "objects of the cluster".to_owned(),
                [] => "the default profile".to_owned(),
                _ => configs.join(", "),
            },
            is_in_cluster,
            asks_prometheus: args.prometheus.address().is_some(),
            since: SystemTime::now(),
        }
    }

    /// Takes note of the totals every minute.
    async fn remember(&self) {
        loop {
            tokio::time::sleep(MINUTE).await;
            let catalog = self.reviewer.catalog.load_full();
            let totals = dashboard::totals(catalog.as_deref(), &self.metrics);
            self.history().note(totals);
        }
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn view(&self, now: SystemTime) -> View {
        let catalog = self.reviewer.catalog.load_full();
        let budgets = match &catalog {
            Some(catalog) if !catalog.budgets.is_empty() => self.budgets(catalog, now).await,
            Some(_) | None => Ok(Vec::new()),
        };
        let catalog = catalog.as_deref();
        let totals = dashboard::totals(catalog, &self.metrics);
        let history = self.history();
        let told = Told {
            metrics: &self.metrics,
            history: &history,
            now: &totals,
        };
        let denials = self.reviewer.denials.as_ref();
        let off = catalog.into_iter().flat_map(Catalog::off);
        View {
            at: moment(now),
            version: env!("CARGO_PKG_VERSION"),
            source: Source::Server {
                replica: self.replica.clone(),
                since: moment(self.since),
                is_ready: catalog.is_some(),
            },
            configuration: self.configuration(catalog, now),
            certificate: Some(moment(self.served.expires())),
            activity: Some(activity(told)),
            policies: catalog
                .map_or_else(Vec::new, |catalog| dashboard::policies(catalog, Some(told))),
            off: off.map(str::to_owned).collect(),
            budgets,
            denials: denials.map_or_else(Vec::new, |denials| denials.latest()),
        }
    }

    fn configuration(&self, catalog: Option<&Catalog>, now: SystemTime) -> Configuration {
        let notices = catalog.map_or_else(Vec::new, |catalog| catalog.notices(now));
        Configuration {
            version: catalog.map(|catalog| short(catalog.version())),
            origin: self.origin.clone(),
            refused: self.metrics.reloads(Reload::Failed),
            notices: notices.iter().map(ToString::to_string).collect(),
        }
    }

    async fn budgets(
        &self,
        catalog: &Arc<Catalog>,
        now: SystemTime,
    ) -> Result<Vec<Budget>, String> {
        if !catalog.ledger.is_open() {
            return Err("this server keeps no accounts".to_owned());
        }
        let held = match &self.holdings {
            Some(holdings) => holdings.look(catalog).await,
            None => None,
        };
        let shown = match self.is_in_cluster {
            true => of_cluster(catalog, held.as_deref(), now).await,
            false => of_accounts(catalog, now).await,
        };
        let mut budgets = shown.map_err(|failure| failure.lines().join("; "))?;
        if self.asks_prometheus {
            let unasked = || Err(BEING_ASKED.to_owned());
            let busy = held.and_then(|held| held.busy.clone());
            dashboard::in_use(&mut budgets, &busy.unwrap_or_else(unasked));
        }
        Ok(budgets)
    }
}

/// Where pods are watched, the accounts keep only part of them by name: the pods tell who holds what.
async fn of_cluster(
    catalog: &Catalog,
    held: Option<&Held>,
    now: SystemTime,
) -> Result<Vec<Budget>, Failure> {
    let mut budgets = budget::shown(catalog, None, now).await?;
    for budget in &mut budgets {
        budget.counted = Some(match held.map(|held| (held.at, &held.budgets)) {
            Some((at, Ok(counted))) => {
                budget.hold_as(counted);
                Ok(moment(at))
            }
            Some((_, Err(why))) => Err(why.clone()),
            None => Err(BEING_ASKED.to_owned()),
        });
    }
    Ok(budgets)
}

/// Where nobody watches pods, the accounts have them all.
async fn of_accounts(catalog: &Catalog, now: SystemTime) -> Result<Vec<Budget>, Failure> {
    let live = budget::reserved(catalog).await?;
    let mut budgets = budget::shown(catalog, Some(&live), now).await?;
    // A pod that was only let in has no node so far as is known here, and so no model.
    let limits = budgets.iter_mut().flat_map(|budget| &mut budget.limits);
    limits.for_each(|limit| limit.models = Shares::default());
    Ok(budgets)
}

impl Page for Live {
    async fn render(&self, query: &str) -> Rendered {
        rendered(&self.view(SystemTime::now()).await, query)
    }
}

fn activity(told: Told<'_>) -> Activity {
    let series = |number: fn(&Totals) -> u64| Series {
        minutes: told.history.minutes(told.now, number),
        total: number(told.now),
    };
    Activity {
        allowed: series(|totals| totals.decisions.allowed),
        denied: series(|totals| totals.decisions.denied),
        faulted: series(|totals| totals.decisions.faulted),
    }
}

/// Lets in whom the API server lets.
struct ApiServer(Client);

impl Guard for ApiServer {
    fn admits<'g>(&'g self, token: &'g str) -> Pin<Box<dyn Future<Output = Entrance> + Send + 'g>> {
        Box::pin(async move {
            match access::access(&self.0, token).await {
                Ok(Access::Allowed) => Entrance::Open,
                Ok(Access::Unknown) => Entrance::Unknown,
                Ok(Access::Forbidden { user }) => Entrance::Forbidden(format!(
                    "`{user}` may not `get` the non-resource URL `{}`; a ClusterRole with it, and a binding, would let him",
                    access::PATH
                )),
                Err(err) => {
                    tracing::warn!(%err, "the API server does not say who may see the page");
                    Entrance::Unclear("the API server does not say who may see the page".to_owned())
                }
            }
        })
    }
}
