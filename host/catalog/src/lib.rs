//! Configuration: documents, where policies come from, and what is made ready of them.

pub mod yaml;

pub mod diagnostic;
pub use diagnostic::{Diagnostic, Excerpt, Place, Text};

pub mod document;
pub use document::{
    Configuration, Labels, Match, Mode, Module, OnFault, Operation, Resolved, RuleAction,
};

pub mod exempt;

pub use tollgate_budget::Ledger;
pub use tollgate_context::Context;

mod charged;
pub use charged::Charged;

mod namespaces;
pub use namespaces::Namespaces;

mod catalog;
pub use catalog::{Catalog, Entry, QuietRule};

mod load;
pub use load::{Builtin, Loader};

mod breakers;
pub use breakers::Breakers;

mod plain;
pub use plain::PlainComponents;

mod recent;
pub use recent::Recent;

mod notices;

mod cache;
pub use cache::Cache;

mod digest;
