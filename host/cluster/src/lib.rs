//! Tollgate in a cluster: custom resources, watches, status and events. The only crate that knows the Kubernetes client.

mod client;
pub use client::{ConnectError, connect};
pub use kube::{Client, Error as ClientError};

pub mod authority;
pub mod entry;
pub mod leader;
pub mod registrar;
pub mod registration;
pub mod removal;

mod bundle;
mod watch;
