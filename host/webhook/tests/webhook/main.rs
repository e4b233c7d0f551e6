//! The real server over loopback TLS, with a reviewer that does as the body says.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "the lints' exemption for tests does not reach the functions that tests share"
)]

mod certificates;
mod client;
mod drain;
mod judge;
mod limits;
mod page;
mod pki;
mod probes;
mod protocol;
mod running;

use std::time::Duration;

/// The bound of every wait.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs a test to its end, which must come soon.
async fn within<F: Future>(test: F) -> F::Output {
    tokio::time::timeout(PATIENCE, test)
        .await
        .expect("the test ends in time")
}

/// Waits until something holds.
async fn until(mut holds: impl FnMut() -> bool) {
    while !holds() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
