//! Write Tollgate policies in Rust.
//!
//! A policy is a struct of settings and one or two functions from a [`Review`] to edits and findings:
//!
//! ```
//! use tollgate_sdk::prelude::*;
//!
//! /// Refuses containers that ask for more GPUs than the nodes here have.
//! #[derive(Deserialize, JsonSchema)]
//! #[serde(deny_unknown_fields)]
//! struct MaxGpus {
//!     /// The most GPUs that one container may have.
//!     max: u32,
//! }
//!
//! const TOO_MANY: Rule = Rule::deny("too-many-gpus", "A container asks for more GPUs than a node has.");
//!
//! impl Policy for MaxGpus {
//!     const INFO: Info = Info::new("max-gpus", "Caps the GPUs of a container.", &[TOO_MANY]).validates();
//!
//!     fn validate(&self, review: &Review) -> Outcome {
//!         for container in review.pods().iter().flat_map(|pod| pod.containers().to_vec()) {
//!             let gpus = container.limit("nvidia.com/gpu").and_then(|text| text.parse().ok()).unwrap_or(0);
//!             if gpus > self.max {
//!                 TOO_MANY
//!                     .finding(container.path() + "/resources", format!("{gpus} GPUs are more than a node has"))
//!                     .allowed(format!("at most {}", self.max))
//!                     .report();
//!             }
//!         }
//!         Ok(())
//!     }
//! }
//!
//! tollgate_sdk::bundle!(MaxGpus);
//! ```
//!
//! On `wasm32` the types are the component's imports; elsewhere they stand on the pod model of the host itself,
//! so that `cargo test` runs a policy natively: see [`test`].

#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
#[allow(
    missing_docs,
    unsafe_code,
    unreachable_pub,
    clippy::all,
    reason = "generated from the contract"
)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "bundle",
        pub_export_macro: true,
        default_bindings_module: "tollgate_sdk::bindings",
        export_macro_name: "export_bundle",
    });
}

#[cfg(target_arch = "wasm32")]
use bindings::tollgate::policy as contract;
#[cfg(not(target_arch = "wasm32"))]
#[expect(
    unreachable_pub,
    reason = "the same items are public where the contract is generated"
)]
mod native;
#[cfg(not(target_arch = "wasm32"))]
use native as contract;
#[cfg(not(target_arch = "wasm32"))]
pub mod test;

pub use contract::edits::EditError;
pub use contract::site;
pub use contract::types::{
    EnvVar, Mount, NodeTerm, Port, Probe, ResourceClaim, Toleration, Volume,
};
pub use tollgate_gpu as gpu;

mod view;
pub use view::{Container, Pod, Review};

mod memo;

pub mod budget;

pub mod cluster;

pub mod edits;

mod capacity;
pub use capacity::{CapacityChoice, capacities};

mod device;
pub use device::{Device, has_fraction, has_quantities, takes_accelerators};

mod path;
pub use path::below;

mod policy;
pub use policy::{Info, Outcome, Policy, Stop};

mod role;
pub use role::role;

mod rule;
pub use rule::{Action, Finding, Rule};

mod selection;
pub use selection::{GpuUnit, cluster_models, gpu_unit, selected, selected_models};

mod words;
pub use words::Words;

mod program;
pub use program::{Degree, Parallelism, Program, degree};

#[doc(hidden)]
pub mod guest;

/// Messages for the operator.
pub mod log {
    /// Writes a message: `debug`, `info`, `warn` or `error`.
    pub fn write(level: &str, message: &str) {
        crate::contract::log::write(level, message);
    }
}

/// What a policy needs, in one line.
pub mod prelude {
    pub use crate::{
        Container, Info, Outcome, Pod, Policy, Review, Rule, Toleration, budget, cluster, edits,
        gpu, log, site,
    };
    pub use schemars::JsonSchema;
    pub use serde::Deserialize;
}

#[doc(hidden)]
pub use {schemars, serde, serde_json};

/// Compiles the policy that the README shows.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
