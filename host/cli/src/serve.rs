//! `tollgate serve`: the webhook.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, anyhow};
use arc_swap::ArcSwapOption;
use tokio::signal::unix::{SignalKind, signal};
use tollgate_catalog::Catalog;
use tollgate_pipeline as pipeline;
use tollgate_webhook as webhook;
use webhook::{
    Admission, Call, Decision, Drain, Metrics, Options, Refusal, Reload, Server, TlsFiles,
};

use crate::args::ServeArgs;
use crate::failure::Failure;
use crate::setup::Setup;

/// How often the files of the configuration are read to see whether they have changed.
const CONFIG_POLL: Duration = Duration::from_secs(2);

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
    let options = options(args)?;
    let instances = u32::try_from(options.limits.concurrency)
        .unwrap_or(u32::MAX)
        .saturating_add(SPARE_INSTANCES);
    let setup = Setup::new(args.config.clone(), instances)?;
    let reviewer = Arc::new(Reviewer::default());
    let catalog = setup.catalog().await?;
    warn(&catalog);
    reviewer.catalog.store(Some(Arc::new(catalog)));
    let terminated = webhook::termination().context("cannot wait for signals")?;
    let server = Server::bind(options, Arc::clone(&reviewer))
        .await
        .context("cannot serve")?;
    announce(&server, &reviewer);
    let reload = tokio::spawn(keep_current(setup, Arc::clone(&reviewer), server.metrics()));
    server.run(terminated).await;
    reload.abort();
    Ok(())
}

fn options(args: &ServeArgs) -> Result<Options, Failure> {
    let tls = match (&args.tls_cert, &args.tls_key, &args.self_signed) {
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
    let drain = Drain {
        grace: Duration::from_secs(args.grace),
        ..Drain::default()
    };
    Ok(Options {
        listen: args.listen,
        metrics_listen: args.metrics_listen,
        drain,
        ..Options::new(tls)
    })
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

/// Judges calls by the catalog in force. A call keeps the catalog that it began with.
#[derive(Default)]
struct Reviewer {
    catalog: ArcSwapOption<Catalog>,
}

impl webhook::Reviewer for Reviewer {
    async fn admit(&self, call: Call) -> Result<Admission, Refusal> {
        let catalog = self
            .catalog
            .load_full()
            .ok_or_else(|| Refusal::Unavailable("no policies are loaded".to_owned()))?;
        let phase = match call.phase {
            webhook::Phase::Mutate => pipeline::Phase::Mutate,
            webhook::Phase::Validate => pipeline::Phase::Validate,
        };
        let received =
            pipeline::receive(&call.body).map_err(|err| Refusal::BadRequest(err.to_string()))?;
        drop(call.body);
        let request = match received {
            pipeline::Received::Request(request) => *request,
            pipeline::Received::Malformed { uid, reason } => {
                let body = pipeline::refuse_malformed(&uid, &reason);
                return Ok(Admission {
                    body,
                    decision: Decision::Denied,
                    policies: Vec::new(),
                });
            }
        };
        let outcome = pipeline::review(&catalog, request, phase, SystemTime::now()).await;
        let outcome = outcome.map_err(|err| Refusal::Unavailable(err.to_string()))?;
        let body = pipeline::respond(&outcome, phase);
        let decision = match outcome.verdict {
            pipeline::Verdict::Allowed | pipeline::Verdict::Skipped(_) => Decision::Allowed,
            pipeline::Verdict::Denied => Decision::Denied,
            pipeline::Verdict::Faulted => Decision::Faulted,
        };
        Ok(Admission {
            body,
            decision,
            policies: outcome.runs.into_iter().map(policy_run).collect(),
        })
    }

    fn is_ready(&self) -> bool {
        self.catalog.load().is_some()
    }
}

fn policy_run(run: pipeline::PolicyRun) -> webhook::PolicyRun {
    let phase = match run.phase {
        "mutate" => webhook::Phase::Mutate,
        _ => webhook::Phase::Validate,
    };
    webhook::PolicyRun {
        name: run.policy,
        phase,
        duration: run.duration,
        fault: run.fault,
    }
}
