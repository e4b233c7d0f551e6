//! Runs the command in the folder of the fixtures.

#![expect(
    clippy::unwrap_used,
    reason = "the lint's exemption for tests does not reach the functions that tests share"
)]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;

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

/// Answers one request like this, and gives what was asked.
pub(crate) fn answering(answer: &str, ask: impl FnOnce(&str) -> String) -> (String, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let url = format!("http://{address}/below");
    let answer = format!("HTTP/1.1 {answer}");
    let asked = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            request.push(byte[0]);
        }
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8(request).unwrap()
    });
    let shown = ask(&url);
    // Whoever was not asked is not waited for.
    drop(TcpStream::connect(address));
    (shown, asked.join().unwrap_or_default())
}

/// An answer with a body.
pub(crate) fn json(body: &str) -> String {
    format!("200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
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
