//! One connection to an API server, for commands that do something there and end.

use std::path::Path;

use anyhow::Context as _;
use tollgate_cluster::Client;
use tollgate_webhook as webhook;

use crate::failure::Failure;

/// Does something in a cluster.
pub(crate) fn with_client<T>(
    kubeconfig: Option<&Path>,
    act: impl AsyncFnOnce(&Client) -> Result<T, Failure>,
) -> Result<T, Failure> {
    webhook::install_crypto();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    runtime.block_on(async {
        let client = tollgate_cluster::connect(kubeconfig)
            .await
            .map_err(anyhow::Error::from)?;
        act(&client).await
    })
}
