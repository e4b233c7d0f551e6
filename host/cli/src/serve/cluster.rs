//! The configuration of a cluster as the source of what is served.

use std::fs;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::watch;
use tollgate_catalog::exempt;
use tollgate_cluster::entry::Interests;
use tollgate_cluster::{Client, Notice, Options};
use tollgate_webhook::{Metrics, Reload};

use super::reviewer::Reviewer;
use crate::args::ClusterArgs;
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

    /// What the policies in force want to see; nothing is known until they are loaded.
    pub(super) fn interests(&self) -> watch::Receiver<Option<Interests>> {
        self.interests.subscribe()
    }

    /// Keeps the reviewer's catalog as the cluster's objects say until `stop` ends.
    pub(super) async fn follow(
        self,
        setup: Setup,
        reviewer: Arc<Reviewer>,
        metrics: Arc<Metrics>,
        stop: impl Future<Output = ()>,
    ) {
        let options = Options {
            replica: self.replica,
            profile: setup.profile(),
            loader: setup.loader(),
        };
        let interests = self.interests;
        let notify = |notice| match notice {
            Notice::InForce(catalog) => {
                interests.send_replace(Some(Interests::of(&catalog)));
                reviewer.catalog.store(Some(catalog));
                metrics.configuration_reloaded(Reload::Succeeded);
            }
            Notice::Completed(catalog) => reviewer.catalog.store(Some(catalog)),
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
        tollgate_cluster::run(self.client, options, notify, stop).await;
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
