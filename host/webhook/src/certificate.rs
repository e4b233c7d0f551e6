//! The certificate that is served: its files, its checks, its swap.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use rustls::InconsistentKeys;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::options::{TlsFiles, Trust};
use crate::{authority, expiry, tls};

/// Why a certificate and its key cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("`{}` cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The certificates are not PEM.
    #[error("the certificate file is not whole PEM")]
    Chain(#[source] pem::Error),
    /// The file of the certificates has none.
    #[error("the certificate file has no certificate")]
    EmptyChain,
    /// The key is not PEM, or its file has none.
    #[error("the key file has no private key in PEM")]
    Key(#[source] pem::Error),
    /// The key belongs to another certificate.
    #[error("the key is another certificate's")]
    Mismatch,
    /// The certificate or the key is of a kind that cannot be served.
    #[error("the certificate or its key cannot be used")]
    Unusable(#[source] rustls::Error),
    /// Nobody makes a certificate any more.
    #[error("no certificate was made")]
    NoneMade,
    /// The certificate does not say when it expires.
    #[error("the certificate's validity cannot be read")]
    Validity,
}

/// A certificate chain, leaf first, and its key, in PEM. The key is secret, so it has no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Pair {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

/// A chain with its key, fit to be served.
#[derive(Debug)]
pub(crate) struct Certificate {
    key: Arc<CertifiedKey>,
    expires: SystemTime,
}

/// The certificate of new handshakes.
#[derive(Debug)]
pub struct Served(ArcSwap<Certificate>);

impl Pair {
    /// Reads both files as of one moment: when the certificate changes while the key is read, as it does in the
    /// middle of a symlink swap, both are read again.
    pub(crate) async fn read(files: &TlsFiles) -> Result<Self, CertificateError> {
        let mut certificate = read(&files.certificate).await?;
        loop {
            let key = read(&files.key).await?;
            let again = read(&files.certificate).await?;
            if certificate == again {
                return Ok(Self { certificate, key });
            }
            certificate = again;
        }
    }

    /// Puts both together; whether they belong together is seen when they are served.
    pub fn new(certificate: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        Self {
            certificate: certificate.into(),
            key: key.into(),
        }
    }

    /// Checks that both can be served together, and gives when the certificate expires.
    ///
    /// # Errors
    ///
    /// When they cannot.
    pub fn check(&self) -> Result<SystemTime, CertificateError> {
        Certificate::parse(self).map(|certificate| certificate.expires)
    }

    /// The chain.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// The key.
    pub fn key(&self) -> &[u8] {
        &self.key
    }
}

async fn read(path: &Path) -> Result<Vec<u8>, CertificateError> {
    tokio::fs::read(path)
        .await
        .map_err(|source| CertificateError::Unreadable {
            path: path.to_owned(),
            source,
        })
}

impl Certificate {
    /// Parses both files and checks that they belong together.
    pub(crate) fn parse(pair: &Pair) -> Result<Self, CertificateError> {
        let chain = CertificateDer::pem_slice_iter(&pair.certificate)
            .collect::<Result<Vec<_>, _>>()
            .map_err(CertificateError::Chain)?;
        let leaf = chain.first().ok_or(CertificateError::EmptyChain)?;
        let expires = expiry::not_after(leaf).map_err(|_| CertificateError::Validity)?;
        let key = PrivateKeyDer::from_pem_slice(&pair.key).map_err(CertificateError::Key)?;
        let key = CertifiedKey::from_der(chain, key, &tls::provider()).map_err(unusable)?;
        Ok(Self {
            key: Arc::new(key),
            expires,
        })
    }

    /// How long it is still valid; negative once it has expired.
    pub(crate) fn seconds_to_expiry(&self, now: SystemTime) -> f64 {
        match self.expires.duration_since(now) {
            Ok(left) => left.as_secs_f64(),
            Err(err) => -Duration::as_secs_f64(&err.duration()),
        }
    }
}

fn unusable(err: rustls::Error) -> CertificateError {
    match err {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            CertificateError::Mismatch
        }
        other => CertificateError::Unusable(other),
    }
}

impl Served {
    /// When it expires.
    pub fn expires(&self) -> SystemTime {
        self.0.load().expires
    }

    pub(crate) fn new(certificate: Certificate) -> Self {
        Self(ArcSwap::from_pointee(certificate))
    }

    pub(crate) fn replace(&self, certificate: Certificate) {
        self.0.store(Arc::new(certificate));
    }

    pub(crate) fn key(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.0.load().key)
    }

    /// Whether a client that trusts what was published would take the certificate now.
    pub(crate) fn is_trusted(&self, trust: &Trust, now: SystemTime) -> bool {
        let Trust { bundle, names } = trust;
        let served = self.key();
        authority::parse_names(names).is_ok_and(|names| {
            authority::vouches_for_chain(bundle.as_bytes(), &served.cert, &names, now)
        })
    }

    pub(crate) fn seconds_to_expiry(&self, now: SystemTime) -> f64 {
        self.0.load().seconds_to_expiry(now)
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn pair() -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    fn fault(certificate: &str, key: &str) -> CertificateError {
        Certificate::parse(&Pair::new(certificate, key)).unwrap_err()
    }

    #[test]
    fn takes_a_chain_leaf_first() {
        let ((leaf, key), (issuer, _)) = (pair(), pair());
        let certificate =
            Certificate::parse(&Pair::new(format!("{leaf}{issuer}"), key.clone())).unwrap();
        assert_eq!(certificate.key.cert.len(), 2);
    }

    #[test]
    fn refuses_what_is_half_written_or_does_not_match() {
        let ((certificate, key), (_, other)) = (pair(), pair());
        let (half_certificate, half_key) =
            (&certificate[..certificate.len() / 2], &key[..key.len() / 2]);
        assert!(matches!(
            fault(&certificate, &other),
            CertificateError::Mismatch
        ));
        assert!(matches!(fault("", &key), CertificateError::EmptyChain));
        assert!(matches!(
            fault(half_certificate, &key),
            CertificateError::Chain(_)
        ));
        assert!(matches!(
            fault(&certificate, half_key),
            CertificateError::Key(_)
        ));
        assert!(matches!(fault(&certificate, ""), CertificateError::Key(_)));
    }
}
