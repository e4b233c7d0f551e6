//! A client for a server that is not the API server: what it needs of HTTP and TLS is there.

use std::path::Path;
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use serde_json::json;

/// A server, and how it is spoken to.
pub(crate) struct Outside<'a> {
    /// Its URL, with the path that all requests stand below.
    pub(crate) server: &'a str,
    /// The bearer token that it wants.
    pub(crate) token: Option<String>,
    /// The file with the authorities that vouch for it, in PEM; else those of the system.
    pub(crate) authority: Option<&'a Path>,
    /// How long to wait for a connection.
    pub(crate) patience: Duration,
}

/// Why there is no client.
#[derive(Debug)]
pub(crate) enum OutsideError {
    /// The URL is none.
    Server,
    /// A file cannot be used.
    Files(KubeconfigError),
    /// It cannot be made.
    Client(kube::Error),
}

/// Makes a client. The server is not asked yet.
pub(crate) async fn client(outside: Outside<'_>) -> Result<Client, OutsideError> {
    let Outside {
        server,
        token,
        authority,
        patience,
    } = outside;
    let kubeconfig: Kubeconfig = serde_json::from_value(json!({
        "current-context": "it", "contexts": [{"name": "it", "context": {"cluster": "it", "user": "us"}}],
        "clusters": [{"name": "it", "cluster": {"server": server.trim_end_matches('/'), "certificate-authority": authority}}],
        "users": [{"name": "us", "user": {"token": token}}],
    }))
    .map_err(|_| OutsideError::Server)?;
    let options = KubeConfigOptions::default();
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(OutsideError::Files)?;
    config.connect_timeout = Some(patience);
    Client::try_from(config).map_err(OutsideError::Client)
}
