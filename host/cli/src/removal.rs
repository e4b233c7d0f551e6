//! `tollgate fail-open` and `tollgate uninstall`: what helps when nothing else does, so they need no replica.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use tollgate_cluster::removal::{self, CustomResources, Opened};
use tollgate_webhook as webhook;

use crate::args::{FailOpenArgs, UninstallArgs};
use crate::failure::Failure;
use crate::terminal;

/// Lets objects in where nobody answers, or takes that back.
pub(crate) fn fail_open(args: &FailOpenArgs) -> Result<ExitCode, Failure> {
    let FailOpenArgs { undo, kubeconfig } = args;
    let opened = with_client(kubeconfig.as_deref(), async |client| match undo {
        false => removal::fail_open(client).await,
        true => removal::fail_closed(client).await,
    })?;
    terminal::print(|out| match (opened, undo) {
        (Opened::NotRegistered, _) => writeln!(
            out,
            "nothing to do: no webhook configuration `tollgate` is there"
        ),
        (Opened::Changed(entries), false) => writeln!(
            out,
            "{}when Tollgate does not answer, objects are now let in\n\
             what it does answer is refused as before; `tollgate uninstall` ends that too\n\
             to return: tollgate fail-open --undo",
            listed("failurePolicy Ignore", &entries),
        ),
        (Opened::Changed(entries), true) => writeln!(
            out,
            "{}when Tollgate does not answer, objects with accelerators are refused again",
            listed("failurePolicy Fail", &entries),
        ),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Removes what Tollgate made in the cluster.
pub(crate) fn uninstall(args: &UninstallArgs) -> Result<ExitCode, Failure> {
    let UninstallArgs {
        namespace,
        crds,
        kubeconfig,
    } = args;
    let custom_resources = match crds {
        true => CustomResources::Remove,
        false => CustomResources::Keep,
    };
    let removed = with_client(kubeconfig.as_deref(), async |client| {
        removal::uninstall(client, namespace, custom_resources).await
    })?;
    terminal::print(|out| {
        if removed.is_empty() {
            writeln!(out, "nothing to do: nothing of Tollgate's is there")?;
        }
        removed
            .iter()
            .try_for_each(|object| writeln!(out, "removed {object}"))
    })?;
    Ok(ExitCode::SUCCESS)
}

fn listed(what: &str, entries: &[String]) -> String {
    entries
        .iter()
        .map(|entry| format!("{entry}: {what}\n"))
        .collect()
}

/// Does something in a cluster, from a program that does nothing else.
fn with_client<T>(
    kubeconfig: Option<&Path>,
    act: impl AsyncFnOnce(&tollgate_cluster::Client) -> Result<T, tollgate_cluster::ClientError>,
) -> Result<T, Failure> {
    webhook::install_crypto();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    let done = runtime.block_on(async {
        let client = tollgate_cluster::connect(kubeconfig).await?;
        act(&client).await.context("the API server did not do it")
    });
    Ok(done?)
}
