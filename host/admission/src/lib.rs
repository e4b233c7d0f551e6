//! The object under review as JSON: the pods that it would make, views of them, edits of them, findings about them.
//!
//! Nothing here does IO or knows WebAssembly. An object is parsed once, by whoever receives it, into a
//! [`serde_json::Value`]; it is never decoded into typed Kubernetes structs, so fields that nobody here
//! knows survive. Edits are applied in place and logged as JSON Patch operations with an undo for each.

mod request;
pub use request::{GroupVersionKind, Operation, Request};

mod kinds;
pub use kinds::{Holds, Kind, Kinds, Parts, PodPath, Treatment, plural};

mod count;
pub use count::{Count, CountError};

mod review;
pub use review::{ContainerId, PodId, Review, Scaled};

mod slot;

mod records;
pub use records::{
    EnvVar, Mount, NodeTerm, Port, Probe, ResourceClaim, Toleration, Volume, VolumeSource,
};

mod pod;
pub use pod::PodView;

mod container;
pub use container::ContainerView;
pub use tollgate_gpu::ContainerClass;

mod fields;
pub use fields::{ContainerFields, PodFields, RequestFields};

mod accelerator;
pub mod condition;

mod edit;
pub use edit::{Author, Edit, EditError};

mod check;

mod patch;
pub use patch::{Applied, Op, OpKind, PatchError};

mod finding;
pub use finding::{Finding, Severity};

pub mod json;
