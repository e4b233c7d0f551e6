//! Tollgate in a cluster: custom resources, watches, status and events. The only crate that knows the Kubernetes
//! client.
//!
//! [`run`] follows the configuration objects and the labels of namespaces, makes a new catalog whenever they say
//! something else, and writes back what became of each object. Nothing here is on the path of a review.

mod client;
pub use client::{ConnectError, connect};
pub use kube::{Client, Error as ClientError};

mod accounts;
pub use accounts::{Accounts, StatusStore};

pub mod access;
pub mod authority;
pub mod clock;
pub mod doctor;
pub mod entry;
pub mod inventory;
pub mod leader;
pub mod owners;
pub mod prometheus;
pub mod registrar;
pub mod registration;
pub mod removal;
pub mod report;

mod bookkeeper;
pub use bookkeeper::{Tiding, Unweighable, Weigher, Weighing, Weight};

mod bundle;

#[cfg(feature = "otlp")]
pub mod collector;

mod controller;
pub use controller::{Charging, Notice, Options, run};

mod completion;
mod crd;
pub use crd::crds;

mod departures;
mod event;
mod ledger;
mod outside;
mod pace;
mod pages;
mod reporter;
mod shared;
mod state;
mod status;
mod watch;
mod watched_pod;
