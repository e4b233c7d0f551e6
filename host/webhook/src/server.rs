//! The server's life: bind, serve, drain.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tracing::{info, warn};

use crate::certificate::{CertificateError, Served};
use crate::gate::Gate;
use crate::lifecycle::{Lifecycle, Stage};
use crate::metrics::Metrics;
use crate::options::{Drain, Limits, Options, Trust};
use crate::renewal::Renewal;
use crate::reviewer::Reviewer;
use crate::side::Listening;
use crate::{connection, probes, tls};

/// How long to wait when no connection can be accepted, for want of files.
const BREATH: Duration = Duration::from_millis(100);

/// A server whose sockets are bound. Probes are answered from here on; calls wait until it runs.
pub struct Server<R> {
    shared: Arc<Shared<R>>,
    listener: TcpListener,
    addresses: Addresses,
    renewal: Renewal,
    tls_poll: Duration,
    drain: Drain,
    probes: Listening,
}

/// Where a server listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// Where calls are served over TLS.
    pub listen: SocketAddr,
    /// Where probes and metrics are served in plain HTTP.
    pub metrics_listen: SocketAddr,
}

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// An address cannot be listened on.
    #[error("cannot listen on `{address}`")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The certificate cannot be served.
    #[error("the certificate `{certificate}` cannot be served")]
    Certificate {
        /// Its file, or what it is.
        certificate: String,
        /// Why.
        source: CertificateError,
    },
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
    /// The thread for probes and metrics cannot be started.
    #[error("probes and metrics cannot be served")]
    Probes(#[source] io::Error),
    /// The thread for the page cannot be started.
    #[error("the page cannot be served")]
    Page(#[source] io::Error),
    /// The page would be shown to everybody who reaches an address.
    #[error(
        "`{address}` is not an address of this host alone, and nothing says who may see the page"
    )]
    Exposed {
        /// The address.
        address: SocketAddr,
    },
}

/// What all parts of a running server see.
pub(crate) struct Shared<R> {
    pub(crate) reviewer: Arc<R>,
    pub(crate) limits: Limits,
    pub(crate) gate: Gate,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) served: Arc<Served>,
    pub(crate) trust: Option<watch::Receiver<Trust>>,
    pub(crate) tls: TlsAcceptor,
    connections: Arc<Semaphore>,
}

impl<R: Reviewer> Server<R> {
    /// Loads the certificate, binds both sockets and begins to answer probes; not ready until it runs.
    ///
    /// # Errors
    ///
    /// When the certificate cannot be served or an address cannot be listened on.
    pub async fn bind(options: Options, reviewer: Arc<R>) -> Result<Self, BindError> {
        let Options {
            listen,
            metrics_listen,
            tls: source,
            trust,
            tls_poll,
            limits,
            drain,
        } = options;
        let metrics = Arc::new(Metrics::new());
        let certificate = source.to_string();
        let renewal = Renewal::start(source, Arc::clone(&metrics))
            .await
            .map_err(|source| BindError::Certificate {
                certificate,
                source,
            })?;
        let shared = Arc::new(Shared::new(
            reviewer,
            limits,
            metrics,
            renewal.served(),
            trust,
        )?);
        let (listener, listen) = bind(listen).await?;
        let (metrics_listener, metrics_listen) = bind(metrics_listen).await?;
        let metrics_listener = metrics_listener.into_std().map_err(BindError::Probes)?;
        Ok(Self {
            probes: probes::start(metrics_listener, Arc::clone(&shared))
                .map_err(BindError::Probes)?,
            shared,
            listener,
            addresses: Addresses {
                listen,
                metrics_listen,
            },
            renewal,
            tls_poll,
            drain,
        })
    }

    /// The addresses that were really bound.
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// The certificate that is served, whichever that is at the time.
    pub fn served(&self) -> Arc<Served> {
        Arc::clone(&self.shared.served)
    }

    /// The server's metrics, for what it cannot count by itself.
    pub fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.shared.metrics)
    }

    /// Serves until `shutdown` ends, then drains: readiness turns false at once; calls are served for the grace
    /// period with the request to connect elsewhere; then no new ones are taken, and those in progress may end.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Self {
            shared,
            listener,
            addresses:
                Addresses {
                    listen,
                    metrics_listen,
                },
            renewal,
            tls_poll,
            drain,
            probes,
        } = self;
        info!(address = %listen, "serving calls over TLS");
        info!(address = %metrics_listen, "serving probes and metrics");
        tokio::select! {
            never = renewal.watch(tls_poll) => match never {},
            () = serve(&shared, listener, drain, shutdown) => {}
        }
        drop(probes);
        info!("stopped");
    }
}

pub(crate) async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), BindError> {
    let failed = |source| BindError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

async fn serve<R: Reviewer>(
    shared: &Arc<Shared<R>>,
    listener: TcpListener,
    drain: Drain,
    shutdown: impl Future<Output = ()>,
) {
    let Drain { grace, close_time } = drain;
    let mut connections = JoinSet::new();

    shared.lifecycle.enter(Stage::Serving);
    accept_until(shutdown, &listener, shared, &mut connections).await;

    info!(grace_seconds = grace.as_secs_f64(), "draining");
    shared.lifecycle.enter(Stage::Draining);
    accept_until(sleep(grace), &listener, shared, &mut connections).await;

    shared.lifecycle.enter(Stage::Closing);
    accept_queued(listener, shared, &mut connections);
    let all_ended = async { while connections.join_next().await.is_some() {} };
    if timeout(close_time, all_ended).await.is_err() {
        warn!(
            connections = connections.len(),
            "cutting off what has not ended in time"
        );
    }
    connections.shutdown().await;
}

/// Accepts connections and serves each in a task of its own, its handshake included.
async fn accept_until<R: Reviewer>(
    end: impl Future<Output = ()>,
    listener: &TcpListener,
    shared: &Arc<Shared<R>>,
    connections: &mut JoinSet<()>,
) {
    let mut end = std::pin::pin!(end);
    loop {
        tokio::select! {
            biased;
            () = &mut end => return,
            Some(_) = connections.join_next() => {}
            accepted = accept(listener, shared) => match accepted {
                Ok((stream, permit)) => spawn(stream, permit, shared, connections),
                Err(err) => {
                    warn!(%err, "no connection could be accepted");
                    sleep(BREATH).await;
                }
            },
        }
    }
}

async fn accept<R>(
    listener: &TcpListener,
    shared: &Shared<R>,
) -> io::Result<(TcpStream, Option<OwnedSemaphorePermit>)> {
    // The semaphore is never closed.
    let permit = Arc::clone(&shared.connections).acquire_owned().await.ok();
    let (stream, _) = listener.accept().await?;
    Ok((stream, permit))
}

/// Takes the connections that the kernel has already made, which would be reset when the listener goes.
fn accept_queued<R: Reviewer>(
    listener: TcpListener,
    shared: &Arc<Shared<R>>,
    connections: &mut JoinSet<()>,
) {
    let Ok(listener) = listener.into_std() else {
        return;
    };
    while let Ok(permit) = Arc::clone(&shared.connections).try_acquire_owned()
        && let Ok((stream, _)) = listener.accept()
    {
        if stream.set_nonblocking(true).is_ok()
            && let Ok(stream) = TcpStream::from_std(stream)
        {
            spawn(stream, Some(permit), shared, connections);
        }
    }
}

fn spawn<R: Reviewer>(
    stream: TcpStream,
    permit: Option<OwnedSemaphorePermit>,
    shared: &Arc<Shared<R>>,
    connections: &mut JoinSet<()>,
) {
    let connected = shared.metrics.connected();
    let served = connection::serve(stream, Arc::clone(shared));
    connections.spawn(async move {
        served.await;
        drop((permit, connected));
    });
}

impl<R> Shared<R> {
    fn new(
        reviewer: Arc<R>,
        limits: Limits,
        metrics: Arc<Metrics>,
        served: Arc<Served>,
        trust: Option<watch::Receiver<Trust>>,
    ) -> Result<Self, BindError> {
        let config = tls::server_config(Arc::clone(&served))?;
        Ok(Self {
            reviewer,
            gate: Gate::new(&limits),
            lifecycle: Lifecycle::new(),
            metrics,
            served,
            trust,
            tls: TlsAcceptor::from(Arc::new(config)),
            connections: Arc::new(Semaphore::new(
                limits.connections.clamp(1, Semaphore::MAX_PERMITS),
            )),
            limits,
        })
    }
}
