//! Keeps this installation registered, and gives what is served by it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tollgate_cluster::authority::Terms;
use tollgate_cluster::clock::Clock;
use tollgate_cluster::leader::{Election, Tenure, take_part};
use tollgate_cluster::registrar::{Certificates, Learned, Options, Registrar};
use tollgate_cluster::registration::{Endpoint, FailurePolicy};
use tollgate_webhook::{self as webhook, Given, Metrics, Pair, Trust};

use super::cluster::Cluster;
use crate::args::{FailPolicy, RegistrationArgs, ServeArgs};
use crate::failure::Failure;

/// How long giving up the lease may take.
const FAREWELL: Duration = Duration::from_secs(2);

/// A replica that takes part in the registration.
pub(super) struct Registered {
    /// What the API server trusts.
    pub(super) trust: watch::Receiver<Trust>,
    /// The certificate to serve, where the leader makes it.
    pair: Option<watch::Receiver<Option<Pair>>>,
    leading: watch::Receiver<bool>,
    registered: watch::Receiver<webhook::Registered>,
    keeping: JoinHandle<()>,
    stop: oneshot::Sender<()>,
}

impl Registered {
    /// Begins to take part, where the arguments want it.
    pub(super) fn start(
        args: &ServeArgs,
        cluster: &Cluster,
        namespace: &str,
    ) -> Result<Option<Self>, Failure> {
        if !args.registration.register {
            return Ok(None);
        }
        let election = Election::new(cluster.replica().to_owned(), Tenure::default());
        let options = options(args, namespace, election.clock())?;
        let own = options.certificates == Certificates::Own;
        let (registrar, learned) = Registrar::new(cluster.client(), options);
        let Learned {
            pair,
            trust,
            registered,
        } = learned;
        let (stop, stopped) = oneshot::channel();
        let (leads, leading) = watch::channel(false);
        let part = take_part(
            cluster.client(),
            namespace.to_owned(),
            election,
            leads,
            async { drop(stopped.await) },
        );
        let kept = registrar.run(leading.clone(), cluster.interests());
        Ok(Some(Self {
            trust,
            pair: own.then_some(pair),
            leading,
            registered,
            keeping: tokio::spawn(async {
                tokio::select! {
                    () = kept => {}
                    () = part => {}
                }
            }),
            stop,
        }))
    }

    /// Shows in the metrics who leads and what the API server knows of us, until the end.
    pub(super) fn report(&self, metrics: Arc<Metrics>) {
        let (mut leading, mut registered) = (self.leading.clone(), self.registered.clone());
        tokio::spawn(async move {
            loop {
                metrics.leads(*leading.borrow_and_update());
                metrics.registered(*registered.borrow_and_update());
                tokio::select! {
                    Ok(()) = leading.changed() => {}
                    Ok(()) = registered.changed() => {}
                    else => return,
                }
            }
        });
    }

    /// The certificate to serve, where the leader makes it.
    pub(super) fn given(&self) -> Option<Given> {
        self.pair.clone().map(Given)
    }

    /// Whether this replica leads.
    pub(super) fn leads(&self) -> watch::Receiver<bool> {
        self.leading.clone()
    }

    /// Leaves, so that another can lead at once.
    pub(super) async fn leave(self) {
        drop(self.stop);
        let _left_in_time = timeout(FAREWELL, self.keeping).await;
    }
}

fn options(args: &ServeArgs, namespace: &str, clock: Clock) -> Result<Options, Failure> {
    let RegistrationArgs {
        register: _,
        webhook_service,
        webhook_url,
        webhook_timeout,
        fail_policy,
        only_namespaces,
        exclude_namespaces,
        tls_ca,
        cert_manager,
        cluster_role,
    } = args.registration.clone();
    let certificates = match (&args.tls_cert, tls_ca, cert_manager) {
        (None, ..) => Certificates::Own,
        (Some(_), Some(ca), _) => Certificates::Files(ca),
        (Some(_), None, Some(certificate)) => Certificates::CertManager(certificate),
        (Some(_), None, None) => {
            return Err(anyhow!(
                "nobody says who vouches for `--tls-cert`: give `--tls-ca FILE` or `--cert-manager NAMESPACE/NAME`"
            )
            .into());
        }
    };
    Ok(Options {
        endpoint: match webhook_url {
            Some(url) => Endpoint::Url(url),
            None => service(&webhook_service, namespace)?,
        },
        certificates,
        terms: Terms::default(),
        clock,
        namespace: namespace.to_owned(),
        exclude_namespaces,
        only_namespaces,
        failure_policy: match fail_policy {
            FailPolicy::Fail => FailurePolicy::Fail,
            FailPolicy::Ignore => FailurePolicy::Ignore,
        },
        timeout_seconds: webhook_timeout,
        cluster_role: Some(cluster_role),
    })
}

fn service(written: &str, namespace: &str) -> Result<Endpoint, Failure> {
    let (name, port) = written.split_once(':').unwrap_or((written, "443"));
    let port = port
        .parse()
        .with_context(|| format!("`--webhook-service {written}`: `{port}` is no port"))?;
    Ok(Endpoint::Service {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        port,
    })
}
