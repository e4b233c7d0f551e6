//! Helm, for the chart.

use std::process::Stdio;

use anyhow::{Result, ensure};

use crate::{Cluster, NAMESPACE, binary};

/// Runs Helm as the administrator, with nothing of the user's own, and gives what it printed.
///
/// # Errors
/// Where it fails, with what it said.
pub async fn helm(cluster: &Cluster, arguments: &[&str]) -> Result<String> {
    let output = tokio::process::Command::new(binary("helm")?)
        .args(arguments)
        .args(["--namespace", NAMESPACE, "--kubeconfig"])
        .arg(cluster.kubeconfig())
        .env("HOME", cluster.folder())
        // `template` asks no cluster, and this build of it names an old version.
        .args(
            arguments
                .first()
                .filter(|it| **it == "template")
                .map(|_| "--kube-version=1.36.0"),
        )
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "helm {arguments:?}: {said}");
    Ok(String::from_utf8(output.stdout)?)
}
