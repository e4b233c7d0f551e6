//! The full group: the controllers that are built on demand only.

#![allow(
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "tests over JSON values, where indexing reads null for what is absent"
)]

mod mxjob;

use std::process::ExitCode;

fn main() -> ExitCode {
    tollgate_e2e::run(tollgate_e2e::tests![
        mxjob::stays_pending,
        mxjob::runs_with_tollgate,
    ])
}
