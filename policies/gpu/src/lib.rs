//! Facts about accelerators on Kubernetes as data, and a few pure functions over them.
//!
//! Everything here is a static table with the source of its rows, or a function of its
//! arguments: the same crate is compiled into wasm policies and into the native host.
//!
//! ```
//! use tollgate_gpu::{Class, lookup, nearest};
//!
//! let slice = lookup("nvidia.com/mig-1g.10gb").expect("a MIG name");
//! assert_eq!(slice.class, Class::Slice);
//! assert_eq!(slice.taint, Some("nvidia.com/gpu"));
//! assert_eq!(nearest("nvidia.com/gpus").as_deref(), Some("nvidia.com/gpu"));
//! ```

mod quantity;

mod resource;
mod spelling;

mod board;
mod mig;
mod weight;

mod instance;
mod label;
mod model;

mod demand;
mod server;
mod sign;
mod taint;

mod distance;

pub use board::{Board, Profile, for_profile, offers, profiles, smallest_for};
pub use demand::{ContainerClass, devices, effective};
pub use instance::{Instance, gpu_count, instance};
pub use label::{Models, model_keys, model_of, partition_of};
pub use mig::{MigName, MigSuffix};
pub use model::{MODELS, Model, ModelError, Share, ShareRange};
pub use quantity::{Quantity, QuantityError};
pub use resource::{Class, Resource, Vendor, is_accelerator, is_taint_key, lookup};
pub use server::{Invocation, Role, WORKLOADS, Workload, is_batch_kind, recognise};
pub use sign::{Pattern, Place, SIGNS, Sign};
pub use spelling::{Suspicion, nearest, suspicion};
pub use taint::{
    NEVER, Never, NeverReason, Taint, Toleration, any_covers, covers, is_never, tolerates,
};
pub use weight::{Candidates, WHOLE, weight_56ths};
