//! The page to look at: what is on it, by a catalog and what was remembered; and `tollgate dashboard`, which makes it of
//! files.

mod denial;
mod files;
mod policies;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context as _, anyhow};
use jiff::Timestamp;
use tollgate_dashboard::{Refresh, View, content_security_policy, render};
use tollgate_webhook as webhook;
use webhook::{Audience, PageServer, Rendered};

pub(crate) use self::denial::{note, reasons};
pub(crate) use self::files::{in_use, short};
pub(crate) use self::policies::{Told, policies, totals};

use self::files::Files;
use crate::args::DashboardArgs;
use crate::failure::Failure;
use crate::terminal;

/// Prints the page, or serves it until Ctrl-C.
pub(crate) fn run(args: &DashboardArgs) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Runtime::new().context("cannot start threads")?;
    runtime.block_on(async {
        check_loopback("--listen", args.listen)?;
        let files = Files::new(args)?;
        // What is wrong with the files is told here, and not only on the page.
        let view = files.view(SystemTime::now()).await?;
        match args.once {
            true => {
                let page = render(&view, Refresh::Never);
                Ok(terminal::print(|out| out.write_all(page.as_bytes()))?)
            }
            false => serve(args, files).await,
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(args: &DashboardArgs, files: Files) -> Result<(), Failure> {
    let terminated = webhook::termination().context("cannot wait for signals")?;
    let page = PageServer::bind(args.listen, Audience::Host, Arc::new(files)).await;
    let page = page.context("cannot serve the page")?;
    terminal::complain(&format!(
        "the page is at http://{}; Ctrl-C stops it\n",
        page.address()
    ));
    terminated.await;
    Ok(())
}

/// Refuses an address that others than this host's reach.
pub(crate) fn check_loopback(option: &str, address: SocketAddr) -> Result<(), Failure> {
    match address.ip().is_loopback() {
        true => Ok(()),
        false => Err(anyhow!(
            "`{option} {address}` is reached from elsewhere, and without a cluster nobody says who may see the page; \
             give an address of this host alone, such as `127.0.0.1:{}`",
            address.port()
        )
        .into()),
    }
}

/// The page as it is sent for a query.
pub(crate) fn rendered(view: &View, query: &str) -> Rendered {
    let refresh = match query {
        "refresh" => Refresh::Often,
        _ => Refresh::Never,
    };
    Rendered {
        html: render(view, refresh),
        content_security_policy: content_security_policy(),
    }
}

/// A moment, as the page has it.
pub(crate) fn moment(time: SystemTime) -> Timestamp {
    Timestamp::try_from(time).unwrap_or_default()
}
