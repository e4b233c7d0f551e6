//! Runs the tests of one binary in one cluster, and ends the cluster whatever happens.

use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use libtest_mimic::{Arguments, Conclusion, Trial};
use tokio::runtime::{Handle, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::spawn_blocking;

use crate::Cluster;

/// What a test does, until it is done.
pub type Running<'a> = Pin<Box<dyn Future<Output = Result<()>> + 'a>>;

/// One test: its name and what it does in the cluster. [`tests!`](crate::tests) makes them.
#[derive(Clone, Copy, Debug)]
pub struct Test {
    /// The name, as filters on the command line match it.
    pub name: &'static str,
    /// What it does.
    pub run: fn(&Cluster) -> Running<'_>,
}

/// Lists tests: paths of `async fn(&Cluster) -> anyhow::Result<()>`.
#[macro_export]
macro_rules! tests {
    ($($path:path),* $(,)?) => {
        &[$($crate::Test {
            name: stringify!($path),
            run: |cluster| Box::pin($path(cluster)),
        }),*]
    };
}

/// Starts a cluster, runs in it those tests that the command line asks for, and ends it.
///
/// When a test fails, the ends of all logs are printed. SIGINT and SIGTERM end it too.
#[must_use]
pub fn run(tests: &[Test]) -> ExitCode {
    let mut arguments = Arguments::from_args();
    if arguments.list {
        return libtest_mimic::run(&arguments, trials(tests, None)).exit_code();
    }
    // They mostly wait, and they share the cluster.
    arguments.test_threads.get_or_insert(4);
    run_in_cluster(arguments, tests).unwrap_or_else(|err| {
        report(&format!("{err:#}"));
        ExitCode::FAILURE
    })
}

fn run_in_cluster(arguments: Arguments, tests: &[Test]) -> Result<ExitCode> {
    let runtime = Runtime::new()?;
    let code = runtime.block_on(async {
        let cluster = tokio::select! {
            cluster = Cluster::start() => Arc::new(cluster?),
            result = interruption() => return result,
        };
        let trials = trials(tests, Some((Handle::current(), Arc::clone(&cluster))));
        let tests = spawn_blocking(move || libtest_mimic::run(&arguments, trials));
        let code = tokio::select! {
            conclusion = tests => conclude(&cluster, &conclusion?),
            result = interruption() => result?,
        };
        cluster.end();
        Ok(code)
    });
    // Tests that were interrupted wait in threads of their own, which end with the process.
    runtime.shutdown_background();
    code
}

fn conclude(cluster: &Cluster, conclusion: &Conclusion) -> ExitCode {
    if conclusion.has_failed() {
        report(&cluster.logs());
    }
    conclusion.exit_code()
}

fn trials(tests: &[Test], place: Option<(Handle, Arc<Cluster>)>) -> Vec<Trial> {
    let trial = |test: &Test| {
        let (place, run) = (place.clone(), test.run);
        Trial::test(test.name, move || {
            let (runtime, cluster) = place.ok_or("no cluster")?;
            runtime
                .block_on(run(&cluster))
                .map_err(|err| format!("{err:#}").into())
        })
    };
    tests.iter().map(trial).collect()
}

/// Waits for SIGINT or SIGTERM, and gives the status to end with.
async fn interruption() -> Result<ExitCode> {
    const INTERRUPTED: u8 = 130;
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    report("interrupted: ending the cluster");
    Ok(ExitCode::from(INTERRUPTED))
}

#[allow(clippy::print_stderr, reason = "what the runner of tests has to say")]
fn report(text: &str) {
    eprintln!("{text}");
}
