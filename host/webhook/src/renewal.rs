//! Watches the certificate's files and serves what they hold.
//!
//! Contents are compared, not times or file events: that works the same for a symlink swap of a mounted secret,
//! for files written in place, and for network file systems.

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tracing::{debug, info, warn};

use crate::certificate::{Certificate, CertificateError, Pair, Served};
use crate::metrics::{Metrics, Reload};
use crate::options::TlsFiles;

/// The files, and what was last found in them.
pub(crate) struct Renewal {
    files: TlsFiles,
    served: Arc<Served>,
    metrics: Arc<Metrics>,
    served_pair: Pair,
    found: Result<Pair, String>,
}

impl Renewal {
    /// Loads the first certificate.
    pub(crate) async fn start(
        files: TlsFiles,
        metrics: Arc<Metrics>,
    ) -> Result<Self, CertificateError> {
        let pair = Pair::read(&files).await?;
        let served = Arc::new(Served::new(Certificate::parse(&pair)?));
        Ok(Self {
            files,
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

    /// Looks at the files again and again.
    pub(crate) async fn watch(mut self, every: Duration) -> Infallible {
        loop {
            tokio::time::sleep(every).await;
            self.look().await;
        }
    }

    /// Serves what the files hold, if it is new and sound. Each change is reported once.
    async fn look(&mut self) {
        let found = Pair::read(&self.files).await.map_err(|err| chain(&err));
        if found == self.found {
            return;
        }
        match &found {
            Ok(pair) if *pair == self.served_pair => {
                debug!("the certificate's files are as before")
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
        info!(certificate = %self.files.certificate.display(), expiry_seconds = expiry.round(), "serving a new certificate");
    }

    fn keep(&self, reason: &str) {
        self.metrics.certificate_reloaded(Reload::Failed);
        warn!(certificate = %self.files.certificate.display(), reason, "keeping the old certificate");
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
