//! Watches where the certificate comes from and serves what is there.
//!
//! Contents of files are compared, not times or file events: that works the same for a symlink swap of a mounted secret,
//! for files written in place, and for network file systems.

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tracing::{debug, info, warn};

use crate::certificate::{Certificate, CertificateError, Pair, Served};
use crate::metrics::{Metrics, Reload};
use crate::options::{Given, TlsSource};

/// The source, and what was last found there.
pub(crate) struct Renewal {
    source: TlsSource,
    served: Arc<Served>,
    metrics: Arc<Metrics>,
    served_pair: Pair,
    found: Result<Pair, String>,
}

impl Renewal {
    /// Loads the first certificate.
    pub(crate) async fn start(
        mut source: TlsSource,
        metrics: Arc<Metrics>,
    ) -> Result<Self, CertificateError> {
        let pair = read(&mut source).await?;
        let served = Arc::new(Served::new(Certificate::parse(&pair)?));
        Ok(Self {
            source,
            served,
            metrics,
            served_pair: pair.clone(),
            found: Ok(pair),
        })
    }

    /// The certificate of new handshakes.
    pub(crate) fn served(&self) -> Arc<Served> {
        Arc::clone(&self.served)
    }

    /// Looks at files again and again, and at what is given when it changes.
    pub(crate) async fn watch(mut self, every: Duration) -> Infallible {
        loop {
            match &mut self.source {
                TlsSource::Files(_) => tokio::time::sleep(every).await,
                TlsSource::Given(Given(pairs)) => {
                    if pairs.changed().await.is_err() {
                        return std::future::pending().await;
                    }
                }
            }
            self.look().await;
        }
    }

    /// Serves what is found, if it is new and sound. Each change is reported once.
    async fn look(&mut self) {
        let found = read(&mut self.source).await.map_err(|err| chain(&err));
        if found == self.found {
            return;
        }
        match &found {
            Ok(pair) if *pair == self.served_pair => {
                debug!("the certificate is as before")
            }
            Ok(pair) => match Certificate::parse(pair) {
                Ok(certificate) => self.adopt(pair.clone(), certificate),
                Err(err) => self.keep(&chain(&err)),
            },
            Err(reason) => self.keep(reason),
        }
        self.found = found;
    }

    fn adopt(&mut self, pair: Pair, certificate: Certificate) {
        let expiry = certificate.seconds_to_expiry(SystemTime::now());
        self.served.replace(certificate);
        self.served_pair = pair;
        self.metrics.certificate_reloaded(Reload::Succeeded);
        info!(certificate = %self.source, expiry_seconds = expiry.round(), "serving a new certificate");
    }

    fn keep(&self, reason: &str) {
        self.metrics.certificate_reloaded(Reload::Failed);
        warn!(certificate = %self.source, reason, "keeping the old certificate");
    }
}

async fn read(source: &mut TlsSource) -> Result<Pair, CertificateError> {
    match source {
        TlsSource::Files(files) => Pair::read(files).await,
        TlsSource::Given(Given(pairs)) => {
            let pair = pairs.wait_for(Option::is_some).await;
            let pair = pair.map_err(|_| CertificateError::NoneMade)?;
            pair.clone().ok_or(CertificateError::NoneMade)
        }
    }
}

/// An error with its causes, in one line.
fn chain(err: &CertificateError) -> String {
    let mut text = err.to_string();
    let mut cause = err.source();
    while let Some(err) = cause {
        text = format!("{text}: {err}");
        cause = err.source();
    }
    text
}
