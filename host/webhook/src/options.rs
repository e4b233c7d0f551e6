//! What can be configured, with its defaults.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::watch;

use crate::certificate::Pair;

/// Where a server listens and what it allows.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where calls are served over TLS; `0.0.0.0:8443`. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where probes and metrics are served in plain HTTP; `0.0.0.0:9443`.
    pub metrics_listen: SocketAddr,
    /// Where the certificate and its key come from.
    pub tls: TlsSource,
    /// What clients trust, where that is known: until it vouches for the certificate, the server is not ready.
    pub trust: Option<watch::Receiver<Trust>>,
    /// How often the files of the certificate are read to see whether they have changed; 1 s.
    pub tls_poll: Duration,
    /// What one client may cost.
    pub limits: Limits,
    /// How the server leaves.
    pub drain: Drain,
}

/// Where a certificate and its key come from.
#[derive(Clone, Debug)]
pub enum TlsSource {
    /// Files, which are read again and again.
    Files(TlsFiles),
    /// Whoever makes them; a new pair is served as soon as it is given.
    Given(Given),
}

/// Pairs as they are made; the server waits for the first one.
#[derive(Clone)]
pub struct Given(pub watch::Receiver<Option<Pair>>);

/// What clients were told to trust, and the names by which they call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// Certificates of authorities, in PEM.
    pub bundle: String,
    /// The names.
    pub names: Vec<String>,
}

impl From<TlsFiles> for TlsSource {
    fn from(files: TlsFiles) -> Self {
        Self::Files(files)
    }
}

/// Keys are not shown.
impl fmt::Debug for Given {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Given")
    }
}

impl fmt::Display for TlsSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files(files) => files.certificate.display().fmt(formatter),
            Self::Given(_) => formatter.write_str("the certificate that was made"),
        }
    }
}

/// The PEM files of a certificate chain, leaf first, and of its private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain.
    pub certificate: PathBuf,
    /// The key.
    pub key: PathBuf,
}

/// Bounds on what clients may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest body, in bytes; 7 MiB. Larger ones are answered with 413.
    pub body_bytes: usize,
    /// How many bytes of bodies are held at once, over all calls; 64 MiB. Beyond it calls are answered with 429.
    pub held_bytes: usize,
    /// How many calls are judged at once; 64.
    pub concurrency: usize,
    /// How many more may be read or wait for their turn; 256. Beyond it calls are answered with 429.
    pub waiting: usize,
    /// How long a call may take in all; 1 s. Then it is answered with 503.
    pub review_time: Duration,
    /// How long before the API server's own `?timeout=` we answer with 503; 50 ms, at most half of it.
    pub deadline_margin: Duration,
    /// How long the head of a request may take to arrive; 10 s. Over HTTP/2 this bounds the first one only.
    pub header_time: Duration,
    /// How long a TLS handshake may take; 10 s.
    pub handshake_time: Duration,
    /// How long a connection may stay unused; 120 s. The API server drops its own after 90 s, and the one who does
    /// not send requests should wait longer, else a request can meet a closing connection.
    pub idle_time: Duration,
    /// How many connections are open at once; 768, which fits under the usual limit of 1,024 open files. Others
    /// wait in the kernel's queue.
    pub connections: usize,
}

/// How a server leaves.
#[derive(Clone, Copy, Debug)]
pub struct Drain {
    /// How long calls are still served after readiness has turned false, so that clients can look elsewhere; 10 s.
    pub grace: Duration,
    /// How long after that calls in progress may take to end; 5 s. What is left then is cut off.
    pub close_time: Duration,
}

impl Options {
    /// All defaults, with this certificate.
    pub fn new(tls: impl Into<TlsSource>) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8443)),
            metrics_listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 9443)),
            tls: tls.into(),
            trust: None,
            tls_poll: Duration::from_secs(1),
            limits: Limits::default(),
            drain: Drain::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 7 << 20,
            held_bytes: 64 << 20,
            concurrency: 64,
            waiting: 256,
            review_time: Duration::from_secs(1),
            deadline_margin: Duration::from_millis(50),
            header_time: Duration::from_secs(10),
            handshake_time: Duration::from_secs(10),
            idle_time: Duration::from_secs(120),
            connections: 768,
        }
    }
}

impl Default for Drain {
    fn default() -> Self {
        Self {
            grace: Duration::from_secs(10),
            close_time: Duration::from_secs(5),
        }
    }
}
