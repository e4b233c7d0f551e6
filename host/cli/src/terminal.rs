//! Standard output and standard error, with colours where they are wanted.

use std::env;
use std::io::{self, BufWriter, ErrorKind, Write};

use anstream::{AutoStream, ColorChoice};
use anyhow::Context;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::args::DisplayArgs;

/// Follows `--no-color`. `NO_COLOR` and what is no terminal are seen to by `anstream`.
pub(crate) fn prepare(args: &DisplayArgs) {
    if args.no_color {
        ColorChoice::Never.write_global();
    }
}

/// Prints data. A reader that has gone away wants no more of it, which is no error.
pub(crate) fn print(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<()> {
    let mut stdout = BufWriter::new(AutoStream::auto(io::stdout()));
    match write(&mut stdout).and_then(|()| stdout.flush()) {
        Err(err) if err.kind() != ErrorKind::BrokenPipe => {
            Err(err).context("cannot write to standard output")
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Prints a message.
pub(crate) fn complain(message: &str) {
    // Who closed stderr does not want to know.
    let _ = AutoStream::auto(io::stderr()).write_all(message.as_bytes());
}

/// Logs every answer of the API server that is no success as an error, also those that were expected. Whoever asked tells
/// what is wrong.
const CLIENT: &str = "kube_client::client::builder";

/// Writes the log to stderr, as much as `level`, `-v` and `RUST_LOG` say: JSON in a cluster, where programs read it.
pub(crate) fn log(level: LevelFilter, args: &DisplayArgs) {
    let level = match args.verbose {
        0 | 1 => level,
        2 => level.max(LevelFilter::INFO),
        _ => LevelFilter::DEBUG,
    };
    let filter = EnvFilter::builder().with_default_directive(level.into());
    let filter = match env::var_os(EnvFilter::DEFAULT_ENV) {
        None if args.verbose == 0 => filter.parse_lossy(format!("{level},{CLIENT}=off")),
        None | Some(_) => filter.from_env_lossy(),
    };
    let colors = AutoStream::choice(&io::stderr()) != ColorChoice::Never;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(colors);
    if env::var_os("KUBERNETES_SERVICE_HOST").is_some() {
        log.json().init();
    } else {
        log.compact().init();
    }
}
