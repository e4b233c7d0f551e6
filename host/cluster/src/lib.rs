//! Tollgate in a cluster: custom resources, watches, status and events. The only crate that knows the Kubernetes client.

mod client;
pub use client::{ConnectError, connect};
