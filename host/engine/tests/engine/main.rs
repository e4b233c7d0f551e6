//! The engine with hostile guests: each is contained, and its neighbours go on.

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

#[path = "../../../../tests/hostile/component.rs"]
mod component;
mod guest;
mod hostile;
