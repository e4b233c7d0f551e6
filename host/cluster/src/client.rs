//! The connection to the API server.

use std::path::Path;
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use crate::watch::WATCH_SECONDS;

/// How long to wait for a connection, its TLS included.
const CONNECT: Duration = Duration::from_secs(10);

/// How long the API server may be silent while something is expected of it: no longer than a watch lasts, and a little.
/// A peer that is gone without a word, as when a node or a network fails, would else be waited for without an end.
const SILENCE: Duration = Duration::from_secs(WATCH_SECONDS as u64 + 5);

/// Why there is no connection to the API server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The kubeconfig file cannot be used.
    #[error("cannot use the kubeconfig `{path}`")]
    Kubeconfig {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: kube::config::KubeconfigError,
    },
    /// Nothing says where the API server is.
    #[error(
        "found neither a kubeconfig nor a pod's service account to reach the API server with; \
         give `--kubeconfig FILE`"
    )]
    Infer(#[source] kube::config::InferConfigError),
    /// The client cannot be made of the configuration.
    #[error("cannot make a client for the API server")]
    Client(#[source] kube::Error),
}

/// Makes a client from a kubeconfig file, else from `KUBECONFIG`, the home folder's, or the pod's service account.
///
/// # Errors
///
/// When there is no usable configuration. The API server is not asked yet.
pub async fn connect(kubeconfig: Option<&Path>) -> Result<Client, ConnectError> {
    let config = match kubeconfig {
        Some(path) => of_file(path).await?,
        None => Config::infer().await.map_err(ConnectError::Infer)?,
    };
    Client::try_from(impatient(config)).map_err(ConnectError::Client)
}

fn impatient(mut config: Config) -> Config {
    config.connect_timeout = Some(CONNECT);
    config.read_timeout = Some(SILENCE);
    config.write_timeout = Some(SILENCE);
    // Counted from a request, not from the answer before it on a connection that was kept.
    config.reset_reader_on_write = true;
    config
}

async fn of_file(path: &Path) -> Result<Config, ConnectError> {
    let unusable = |source| ConnectError::Kubeconfig {
        path: path.display().to_string(),
        source,
    };
    let kubeconfig = Kubeconfig::read_from(path).map_err(unusable)?;
    Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .map_err(unusable)
}
