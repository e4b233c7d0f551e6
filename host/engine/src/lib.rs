//! Runs policy components: the only crate that knows wasmtime.
//!
//! An [`Engine`] prepares a component with its configured entries into an [`Artifact`] (native code, and where
//! that can be done a snapshot of the configured memory), and loads an artifact as a [`Bundle`]. Each review
//! opens a [`Session`] of every bundle; the session makes a fresh instance when it is first called, and another
//! one after a fault. Nothing survives a session.

mod config;
pub use config::{CONFIGURE_TIME, EngineOptions, Limits, MAX_MEMORY};

mod info;
pub use info::{Action, PolicyInfo, RuleInfo, Site};

mod engine;
pub use engine::{Engine, EngineError};

mod prepare;
pub use prepare::{Artifact, EntryError, EntrySpec, LoadError, Plain};

mod session;
pub use session::{Bundle, Phase, Ran, Session};

mod waiver;
pub use waiver::{Waived, Waiver};

mod charging;
pub use charging::Proposed;

mod fault;
pub use fault::Fault;

mod breaker;
pub use breaker::{Breaker, BreakerReport, LastFault};

mod bindings;
mod host;
mod snapshot;
#[expect(
    unreachable_pub,
    reason = "handle types appear in generated public signatures"
)]
mod state;
