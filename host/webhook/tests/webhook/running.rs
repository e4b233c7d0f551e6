//! A server that runs beside a test.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tollgate_webhook::{Drain, Metrics, Options, Served, Server, TlsFiles};

use crate::client::{self, Client, Dial};
use crate::judge::Judge;
use crate::pki::{self, Authority};
use crate::until;

pub(crate) struct Running {
    pub(crate) calls: SocketAddr,
    pub(crate) probes: SocketAddr,
    pub(crate) judge: Arc<Judge>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) served: Arc<Served>,
    pub(crate) authority: Authority,
    pub(crate) folder: TempDir,
    stop: Option<oneshot::Sender<()>>,
    pub(crate) task: JoinHandle<()>,
}

/// Options for a test: free ports of loopback, quick polls, no grace.
pub(crate) fn options(tls: TlsFiles) -> Options {
    Options {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        metrics_listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        tls_poll: Duration::from_millis(5),
        drain: Drain {
            grace: Duration::ZERO,
            close_time: Duration::from_secs(10),
        },
        ..Options::new(tls)
    }
}

/// Starts a server whose options a test has changed.
pub(crate) async fn start(change: impl FnOnce(&mut Options)) -> Running {
    let (authority, folder) = (Authority::new(), TempDir::new().unwrap());
    let files = authority.leaf().write(folder.path());
    start_with(authority, folder, files, change).await
}

/// Starts a server with a certificate that is in a folder already.
pub(crate) async fn start_with(
    authority: Authority,
    folder: TempDir,
    files: TlsFiles,
    change: impl FnOnce(&mut Options),
) -> Running {
    let mut options = options(files);
    change(&mut options);
    let judge = Arc::new(Judge::new());
    let server = Server::bind(options, Arc::clone(&judge)).await.unwrap();
    let addresses = server.addresses();
    let (stop, stopped) = oneshot::channel::<()>();
    Running {
        calls: addresses.listen,
        probes: addresses.metrics_listen,
        judge,
        metrics: server.metrics(),
        served: server.served(),
        authority,
        folder,
        stop: Some(stop),
        task: tokio::spawn(server.run(async { drop(stopped.await) })),
    }
}

impl Running {
    pub(crate) fn dial(&self) -> Dial {
        Dial::new(pki::trust(&[&self.authority]))
    }

    pub(crate) async fn client(&self) -> Client {
        self.dial().connect(self.calls).await.unwrap()
    }

    /// The status of one call over a new connection.
    pub(crate) async fn status(&self, path: &str, body: &'static str) -> u16 {
        self.client()
            .await
            .post(path, body)
            .await
            .unwrap()
            .status
            .as_u16()
    }

    /// Starts a call that the judge holds, and waits until it does.
    pub(crate) async fn held_call(&self) -> JoinHandle<u16> {
        let inside = self.judge.inside();
        let mut client = self.client().await;
        let call = async move {
            client
                .post("/mutate", "hold")
                .await
                .unwrap()
                .status
                .as_u16()
        };
        let call = tokio::spawn(call);
        until(|| self.judge.inside() > inside).await;
        call
    }

    pub(crate) fn readiness(&self) -> (u16, String) {
        client::get(self.probes, "/readyz")
    }

    /// The value of one line of the metrics.
    pub(crate) fn metric(&self, series: &str) -> f64 {
        let (_, metrics) = client::get(self.probes, "/metrics");
        let line = metrics
            .lines()
            .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("`{series}` is not in:\n{metrics}"))
            .parse()
            .unwrap()
    }

    /// Begins the drain.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// Begins the drain and waits for its end.
    pub(crate) async fn stopped(mut self) {
        self.stop();
        self.task.await.unwrap();
    }
}
