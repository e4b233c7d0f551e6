//! `tollgate serve`: the webhook.

mod cluster;
mod holdings;
mod ledger;
mod owners;
mod page;
mod record;
mod registration;
mod reviewer;
#[cfg(feature = "otlp")]
mod traces;
#[cfg(not(feature = "otlp"))]
#[path = "serve/untraced.rs"]
mod traces;
mod weigher;

use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, anyhow};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tollgate_catalog::Catalog;
use tollgate_webhook as webhook;
use webhook::{Drain, Limits, Metrics, Options, Reload, Server, TlsFiles, TlsSource};

use self::cluster::Cluster;
use self::registration::Registered;
use self::reviewer::Reviewer;
use self::traces::Traces;
use crate::args::{FailPolicy, ServeArgs};
use crate::failure::Failure;
use crate::input;
use crate::setup::{Serving, Setup};

/// How often the files of the configuration are read to see whether they have changed.
const CONFIG_POLL: Duration = Duration::from_secs(2);

/// How long whoever follows the configuration may take to say farewell.
const FAREWELL: Duration = Duration::from_secs(3);

/// Instances beyond the reviews that run at once: sessions of several components, and those that are just going.
const SPARE_INSTANCES: u32 = 64;

/// Serves until SIGTERM or Ctrl-C.
pub(crate) fn run(args: &ServeArgs) -> Result<ExitCode, Failure> {
    webhook::install_crypto();
    let runtime = tokio::runtime::Runtime::new().context("cannot start threads")?;
    runtime.block_on(serve(args))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(args: &ServeArgs) -> Result<(), Failure> {
    page::check(args)?;
    let (traces, exporter) = traces::open(args).await?.unzip();
    let instances = u32::try_from(Limits::default().concurrency)
        .unwrap_or(u32::MAX)
        .saturating_add(SPARE_INSTANCES);
    let own_namespace = cluster::own_namespace(&args.cluster);
    let cluster = match args.cluster.cluster {
        true => Some(Cluster::connect(&args.cluster).await?),
        false => None,
    };
    let serving = Serving {
        instances,
        own_namespace: own_namespace.clone(),
        ledger: ledger::open(args, cluster.as_ref())?,
    };
    let setup = Setup::serving(args.config.clone(), serving)?;
    if !args.states.is_empty() {
        setup.loader().context.store(input::state(&args.states)?);
    }
    let (source, reviewer) = source(cluster, args, &setup, traces).await?;
    let admitting = match &source {
        Source::Cluster(cluster) => Some(cluster.client()),
        Source::Files => None,
    };
    let registered = match &source {
        Source::Cluster(cluster) => Registered::start(args, cluster, &own_namespace)?,
        Source::Files => None,
    };
    let options = options(args, registered.as_ref())?;
    let mut terminated = pin!(webhook::termination().context("cannot wait for signals")?);
    let server = tokio::select! {
        server = Server::bind(options, Arc::clone(&reviewer)) => server.context("cannot serve")?,
        // No leader has made a certificate so far.
        () = &mut terminated => {
            if let Some(registered) = registered {
                registered.leave().await;
            }
            return Ok(());
        }
    };
    let exporting = exporter.map(|exporter| exporter.start(server.metrics()));
    let exporting = exporting.transpose()?;
    announce(&server, &reviewer);
    let _page = page::serve(args, &server, &reviewer, admitting).await?;
    if let Some(registered) = &registered {
        registered.report(server.metrics());
    }
    let (stop, stopped) = oneshot::channel::<()>();
    let leads = registered.as_ref().map(Registered::leads);
    let serves = Serves {
        reviewer,
        metrics: server.metrics(),
        leads,
        on_failure: args.registration.fail_policy,
    };
    let following = follow(source, setup, serves, stopped);
    server.run(terminated).await;
    drop(stop);
    if let Some(registered) = registered {
        registered.leave().await;
    }
    let _left_in_time = timeout(FAREWELL, following).await;
    if let Some(exporting) = exporting {
        exporting.finish().await;
    }
    Ok(())
}

/// Where the configuration comes from.
enum Source {
    Files,
    Cluster(Cluster),
}

/// Finds the source, and a reviewer that has already loaded files; a cluster's objects have to be listed first.
async fn source(
    cluster: Option<Cluster>,
    args: &ServeArgs,
    setup: &Setup,
    traces: Option<Traces>,
) -> Result<(Source, Arc<Reviewer>), Failure> {
    let reviewer = Reviewer {
        denials: args.dashboard_listen.map(|_| Arc::default()),
        traces,
        ..Reviewer::default()
    };
    if let Some(cluster) = cluster {
        let reviewer = Reviewer {
            patience: cluster::PATIENCE,
            refusals: Some(cluster.refusals()),
            ..reviewer
        };
        return Ok((Source::Cluster(cluster), Arc::new(reviewer)));
    }
    let catalog = setup.catalog().await?;
    warn(&catalog);
    reviewer.catalog.store(Some(Arc::new(catalog)));
    Ok((Source::Files, Arc::new(reviewer)))
}

/// What serves by a configuration.
struct Serves {
    reviewer: Arc<Reviewer>,
    metrics: Arc<Metrics>,
    /// Whether this replica leads, where replicas have a leader.
    leads: Option<watch::Receiver<bool>>,
    /// What is registered for when nobody answers.
    on_failure: FailPolicy,
}

/// Keeps the reviewer's catalog as its source says, until `stopped`.
fn follow(
    source: Source,
    setup: Setup,
    serves: Serves,
    stopped: oneshot::Receiver<()>,
) -> JoinHandle<()> {
    let stopped = async { drop(stopped.await) };
    match source {
        Source::Files => tokio::spawn(async {
            tokio::select! {
                () = keep_current(setup, serves.reviewer, serves.metrics) => {}
                () = stopped => {}
            }
        }),
        // A thread of its own: what the API server has to say must not wait for reviews, nor they for it.
        Source::Cluster(cluster) => tokio::task::spawn_blocking(|| {
            match Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => {
                    runtime.block_on(cluster.follow(setup, serves, stopped));
                    // A policy that is being compiled must not delay the end.
                    runtime.shutdown_background();
                }
                Err(err) => {
                    tracing::error!(%err, "the configuration of the cluster is not followed")
                }
            }
        }),
    }
}

fn options(args: &ServeArgs, registered: Option<&Registered>) -> Result<Options, Failure> {
    let drain = Drain {
        grace: Duration::from_secs(args.grace),
        ..Drain::default()
    };
    let limits = Limits {
        review_time: Duration::from_secs(args.review_timeout),
        ..Limits::default()
    };
    Ok(Options {
        listen: args.listen,
        metrics_listen: args.metrics_listen,
        limits,
        drain,
        trust: registered.map(|registered| registered.trust.clone()),
        ..Options::new(tls(args, registered)?)
    })
}

fn tls(args: &ServeArgs, registered: Option<&Registered>) -> Result<TlsSource, Failure> {
    if let Some(given) = registered.and_then(Registered::given) {
        return Ok(TlsSource::Given(given));
    }
    let files = match (&args.tls_cert, &args.tls_key, &args.self_signed) {
        (Some(certificate), Some(key), None) => TlsFiles {
            certificate: certificate.clone(),
            key: key.clone(),
        },
        (None, None, Some(folder)) => {
            webhook::self_signed(folder, &args.hosts).context("cannot make a certificate")?
        }
        _ => {
            return Err(
                anyhow!("give `--tls-cert FILE --tls-key FILE`, or `--self-signed DIR`").into(),
            );
        }
    };
    Ok(files.into())
}

fn announce(server: &Server<Reviewer>, reviewer: &Reviewer) {
    let addresses = server.addresses();
    let policies = reviewer
        .catalog
        .load()
        .as_ref()
        .map_or(0, |catalog| catalog.entries.len());
    tracing::info!(
        policies,
        "serving https://{} (policies) and http://{} (probes, metrics)",
        addresses.listen,
        addresses.metrics_listen
    );
}

/// Logs what whoever wrote the configuration should know.
fn warn(catalog: &Catalog) {
    for notice in catalog.notices(SystemTime::now()) {
        tracing::warn!("{notice}");
    }
}

/// Loads the configuration anew on SIGHUP and when its files change. A bad one is reported, and the old one stays.
async fn keep_current(setup: Setup, reviewer: Arc<Reviewer>, metrics: Arc<Metrics>) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else {
        return;
    };
    let mut current = setup.fingerprint().await;
    loop {
        let asked = tokio::select! {
            _ = hangup.recv() => true,
            () = tokio::time::sleep(CONFIG_POLL) => false,
        };
        let found = setup.fingerprint().await;
        if !asked && found == current {
            continue;
        }
        current = found;
        match setup.catalog().await {
            Ok(catalog) => {
                tracing::info!(
                    policies = catalog.entries.len(),
                    "the new configuration is in force"
                );
                warn(&catalog);
                reviewer.catalog.store(Some(Arc::new(catalog)));
                metrics.configuration_reloaded(Reload::Succeeded);
            }
            Err(failure) => {
                tracing::error!("the new configuration is bad; the old one stays in force");
                failure.report();
                metrics.configuration_reloaded(Reload::Failed);
            }
        }
    }
}
