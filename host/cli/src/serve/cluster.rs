//! The configuration of a cluster as the source of what is served.

use std::convert::Infallible;
use std::fs;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use tokio::sync::watch;
use tollgate_catalog::document::OnExceed;
use tollgate_catalog::{Catalog, Charged, exempt};
use tollgate_cluster::entry::Interests;
use tollgate_cluster::{
    Accounts, Charging, Client, Notice, Options, PodEvents, StatusStore, Tiding,
};
use tollgate_gpu::Amount;
use tollgate_webhook::{AccountTiding, LimitFigures, Metrics, Reload};

use super::Serves;
use super::refused::Refused;
use super::reviewer::Reviewer;
use super::weigher::Scales;
use crate::args::{ClusterArgs, FailPolicy};
use crate::failure::Failure;
use crate::setup::Setup;

/// How long a review waits for the labels of a namespace that is only just there.
pub(super) const PATIENCE: Duration = Duration::from_millis(300);

/// Where a pod finds the name of its namespace.
const POD_NAMESPACE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// Where Linux keeps the host's name.
const HOST_NAME: &str = "/proc/sys/kernel/hostname";

/// A cluster that can be asked.
pub(super) struct Cluster {
    client: Client,
    replica: String,
    interests: watch::Sender<Option<Interests>>,
    accounts: Accounts,
}

impl Cluster {
    /// Finds out how to reach the API server, which is not asked yet.
    pub(super) async fn connect(args: &ClusterArgs) -> Result<Self, Failure> {
        let client = tollgate_cluster::connect(args.kubeconfig.as_deref())
            .await
            .context("cannot serve the configuration of the cluster")?;
        let replica = match &args.replica {
            Some(name) => name.clone(),
            None => first_line(HOST_NAME).context("give `--name REPLICA`: the host has no name")?,
        };
        Ok(Self {
            client,
            replica,
            interests: watch::Sender::new(None),
            accounts: Accounts::default(),
        })
    }

    /// The connection to the API server.
    pub(super) fn client(&self) -> Client {
        self.client.clone()
    }

    /// The name of this replica.
    pub(super) fn replica(&self) -> &str {
        &self.replica
    }

    /// The accounts of budgets, in the status of their objects.
    pub(super) fn accounts(&self) -> Option<StatusStore> {
        StatusStore::new(&self.client, self.accounts.clone())
    }

    /// What tells pods that a budget refuses a change of theirs.
    pub(super) fn refused(&self) -> Arc<Refused> {
        Refused::new(PodEvents::new(self.client.clone(), &self.replica))
    }

    /// What the policies in force want to see; nothing is known until they are loaded.
    pub(super) fn interests(&self) -> watch::Receiver<Option<Interests>> {
        self.interests.subscribe()
    }

    /// Keeps the reviewer's catalog as the cluster's objects say until `stop` ends.
    pub(super) async fn follow(self, setup: Setup, serves: Serves, stop: impl Future<Output = ()>) {
        let Serves {
            reviewer,
            metrics,
            leads,
            on_failure,
        } = serves;
        let charging = leads.zip(self.accounts()).map(|(leads, store)| Charging {
            store,
            weigher: Arc::new(Scales),
            leads,
        });
        let options = Options {
            replica: self.replica,
            profile: setup.profile(),
            loader: setup.loader(),
            charging,
        };
        let interests = self.interests;
        let notify = |notice| match notice {
            Notice::InForce(catalog) => {
                super::warn(&catalog);
                warn_of_openness(&catalog, on_failure);
                interests.send_replace(Some(Interests::of(&catalog)));
                reviewer.catalog.store(Some(catalog));
                metrics.configuration_reloaded(Reload::Succeeded);
            }
            Notice::Completed(catalog) => reviewer.catalog.store(Some(catalog)),
            Notice::Account(budget, tiding) => metrics.account_told(budget, label(tiding)),
            Notice::Refused { new, by_kind } => {
                if new > 0 {
                    metrics.configuration_reloaded(Reload::Failed);
                }
                metrics.objects_refused(&by_kind);
            }
            Notice::Failed(wrong) => {
                tracing::error!("the configuration cannot be loaded; what was in force stays");
                Failure::from(wrong).report();
                metrics.configuration_reloaded(Reload::Failed);
            }
        };
        let figures = show_figures(Arc::clone(&reviewer), self.accounts, Arc::clone(&metrics));
        tokio::select! {
            () = tollgate_cluster::run(self.client, options, notify, stop) => {}
            never = figures => match never {},
        }
    }
}

/// How often the figures of budgets are looked at for metrics.
const FIGURES: Duration = Duration::from_secs(5);

/// Keeps the metrics of budgets as their accounts say.
async fn show_figures(
    reviewer: Arc<Reviewer>,
    accounts: Accounts,
    metrics: Arc<Metrics>,
) -> Infallible {
    loop {
        tokio::time::sleep(FIGURES).await;
        let now = tollgate_pipeline::seconds(SystemTime::now());
        let figures = reviewer.catalog.load().as_ref().map(|catalog| {
            let budgets = catalog.budgets.iter();
            let of_budget = |charged| figures(charged, &accounts, now);
            budgets.flat_map(of_budget).collect()
        });
        metrics.budgets_stand(figures.unwrap_or_default());
    }
}

/// The figures of a budget's limits, where its pods have been counted.
fn figures(charged: &Charged, accounts: &Accounts, now: i64) -> Vec<LimitFigures> {
    let name = &charged.budget.name;
    let Some(account) = accounts.counted(name) else {
        return Vec::new();
    };
    let limits = charged.limits.iter().filter_map(|limit| {
        let figure = |amount: Amount| amount.text(limit.unit).parse().ok();
        Some(LimitFigures {
            budget: name.to_string(),
            limit: limit.key().to_string(),
            amount: figure(limit.amount)?,
            used: figure(account.used(limit, now).ok()?)?,
            reserved: figure(account.reserved(limit, now).ok()?)?,
        })
    });
    limits.collect()
}

/// A budget that denies holds only while a pod that nobody answers for is refused.
fn warn_of_openness(catalog: &Catalog, on_failure: FailPolicy) {
    let denies = |charged: &&Charged| charged.budget.spec.on_exceed != Some(OnExceed::Warn);
    if on_failure == FailPolicy::Ignore
        && let Some(charged) = catalog.budgets.iter().find(denies)
    {
        let budget = &*charged.budget.name;
        tracing::warn!(
            budget,
            "budgets do not hold while no replica answers: serve with `--fail-policy fail`"
        );
    }
}

/// The word in metrics.
fn label(tiding: Tiding) -> AccountTiding {
    match tiding {
        Tiding::Late => AccountTiding::LatePod,
        Tiding::Expired => AccountTiding::ExpiredReservation,
        Tiding::Drift => AccountTiding::Drift,
    }
}

/// The namespace of Tollgate itself.
pub(super) fn own_namespace(args: &ClusterArgs) -> String {
    args.namespace
        .clone()
        .or_else(|| first_line(POD_NAMESPACE))
        .unwrap_or_else(|| exempt::OWN.to_owned())
}

fn first_line(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    text.lines()
        .next()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
}
