//! `tollgate fail-open` and `tollgate uninstall`: what helps when nothing else does, so they need no replica.

use std::process::ExitCode;

use anyhow::Context as _;
use tollgate_cluster::removal::{self, CustomResources, Opened};

use crate::args::{FailOpenArgs, UninstallArgs};
use crate::connection::with_client;
use crate::failure::Failure;
use crate::terminal;

const REFUSED: &str = "the API server did not do it";

/// Lets objects in where nobody answers, or takes that back.
pub(crate) fn fail_open(args: &FailOpenArgs) -> Result<ExitCode, Failure> {
    let FailOpenArgs { undo, kubeconfig } = args;
    let opened = with_client(kubeconfig.as_deref(), async |client| {
        let opened = match undo {
            false => removal::fail_open(client).await,
            true => removal::fail_closed(client).await,
        };
        Ok(opened.context(REFUSED)?)
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
        let removed = removal::uninstall(client, namespace, custom_resources).await;
        Ok(removed.context(REFUSED)?)
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
