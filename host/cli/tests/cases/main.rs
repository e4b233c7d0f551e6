//! The golden cases of `tests/cases`: the command line and the webhook come to the decision that is written there.
//!
//! A case is a folder: `review.yaml`, the object; `policies.yaml`, the configuration, where it is not the default
//! profile; `response.yaml`, the decision object. `UPDATE_CASES=1` writes what the command line says, to be read
//! before it is committed.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    reason = "a test program"
)]

mod case;
mod command_line;
#[path = "../support/server.rs"]
mod server;
mod webhook;

use case::Case;

#[test]
fn the_command_line_decides_as_written() {
    for case in Case::all() {
        let decision = command_line::decide(&case);
        case.assert_decision(&decision);
    }
}

#[test]
fn the_webhook_decides_as_the_command_line() {
    for case in Case::all() {
        let decision = command_line::decide(&case);
        webhook::assert_same(&case, &decision);
    }
}
