//! Runs the command in the folder of the fixtures.

#![expect(
    clippy::unwrap_used,
    reason = "the lint's exemption for tests does not reach the functions that tests share"
)]

use std::io::Write;
use std::process::{Command, Stdio};

/// Policies are compiled once for all runs.
const CACHE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/cache");

/// Everything that a run shows: status, stdout, stderr.
pub(crate) fn run(args: &[&str], input: &[u8]) -> String {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tollgate"))
        .args(args)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/fixtures"))
        .env_clear()
        .env("TOLLGATE_CACHE_DIR", CACHE)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that does not read its input closes it.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    let [stdout, stderr] =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    let status = output
        .status
        .code()
        .map_or("killed".to_owned(), |code| code.to_string());
    format!("status: {status}\n----- stdout -----\n{stdout}----- stderr -----\n{stderr}")
}

/// Holds what a run shows against a snapshot: `cli_snapshot!(["review", "pod.yaml"])`, or with standard input
/// `cli_snapshot!(["review", "-"], b"…")`.
macro_rules! cli_snapshot {
    ($args:expr) => {
        cli_snapshot!($args, b"")
    };
    ($args:expr, $input:expr) => {
        insta::with_settings!({omit_expression => true}, {
            insta::assert_snapshot!($crate::command::run(&$args, $input));
        });
    };
}
pub(crate) use cli_snapshot;
