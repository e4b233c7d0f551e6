//! Configuration: documents of the group `tollgate.dev`, from files or from a cluster.
//!
//! A document is checked against the schema of its kind, so that all its errors are told at once
//! and with their places, and only then becomes a struct. Every field of a spec is optional: what a
//! document leaves out comes from the document of the same name beneath it
//! ([`Configuration::over`]) and at last from the defaults ([`Configuration::resolve`]).

mod configuration;
pub use configuration::{Configuration, Labels, NamespaceDocument, PolicyDocument, SiteDocument};

mod resolved;
pub use resolved::{Limits, Policy, Resolved};

mod policy;
pub use policy::{
    Grant, Isolation, LimitsSpec, Match, Mode, OnFault, Operation, PolicySpec, RuleAction,
};

mod exemption;
pub use exemption::{Asker, Exemption, ExemptionSpec, Waived};

mod workload_kind;
pub use workload_kind::{
    Holds, JsonPointer, PodsSpec, Replicas, Webhook, WorkloadKind, WorkloadKindSpec,
};

mod expiry;
pub use expiry::Expiry;

mod rule_name;
pub use rule_name::RuleName;

mod budget;
pub use budget::{
    Budget, BudgetScope, BudgetSpec, LimitSpec, OnExceed, PriorityShareSpec, UnitName,
};

mod price_book;
pub use price_book::{CapacityName, NodeLabel, PriceBook, PriceBookSpec, PriceSpec};

mod site;
pub use site::{MigStrategy, Sharing, Site};

mod selector;
pub use selector::{LabelSelector, Operator, Requirement};

mod written;
pub use written::{Misread, Written};

mod module;
pub use module::Module;

mod kind;
pub use files::list as list_files;
pub use kind::KindName;

mod amount;
pub use amount::{Memory, Time};

mod decimal;
pub use decimal::Decimal;

mod window;
pub use window::{WindowName, ZoneName};

mod model;
pub use model::ModelName;

mod platform;
pub use platform::PlatformName;

mod files;

mod object;
pub use object::{DOCUMENT_KINDS, DocumentKind, Object, VERSION, read_object};

mod schema;
pub use schema::{Problem, check};

mod nearest;
pub(crate) use nearest::did_you_mean;
