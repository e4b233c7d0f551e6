//! The TLS configuration.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, version};

use crate::certificate::Served;

/// The name of HTTP/2 in the handshake.
pub(crate) const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// Makes *ring* the process's provider of cryptography, for everything that speaks TLS in it. It may be called
/// again, and leaves a provider alone that was there before.
pub fn install_crypto() {
    // The error is the provider that was there before.
    let _ = ring::default_provider().install_default();
}

/// The provider of this crate's own connections.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1, resumption by ticket, and whatever certificate is served at the time.
pub(crate) fn server_config(served: Arc<Served>) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Current(served)));
    config.alpn_protocols = vec![HTTP2.to_vec(), HTTP1.to_vec()];
    config.ticketer = ring::Ticketer::new()?;
    Ok(config)
}

/// The same for a listener that speaks HTTP/1.1 alone.
pub(crate) fn http1_config(served: Arc<Served>) -> Result<ServerConfig, rustls::Error> {
    let mut config = server_config(served)?;
    config.alpn_protocols = vec![HTTP1.to_vec()];
    Ok(config)
}

#[derive(Debug)]
struct Current(Arc<Served>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.key())
    }
}
