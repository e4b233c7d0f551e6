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

mod device_class;
mod instance;
mod label;
mod metric;
mod model;
mod node_path;
mod runtime_class;
mod sharing;
mod visibility;

mod architecture;
mod autoscaler;
mod capacity;
mod checkpoint;
mod demand;
mod driver;
mod fabric;
mod group;
mod hugepages;
mod parameters;
mod partition;
mod server;
mod sign;
mod spread;
mod taint;

mod amount;
mod cost;
mod price;

mod distance;

pub use amount::{Amount, AmountError, Unit};
pub use architecture::Architecture;
pub use autoscaler::{Autoscaler, CLUSTER_AUTOSCALER, KARPENTER};
pub use board::{Board, Profile, for_profile, offers, profiles, smallest_for};
pub use capacity::{Capacity, capacity_of, is_spot_taint, spot_notice};
pub use checkpoint::{Checkpoint, bits_of_flag};
pub use cost::{Ask, Cost, CostItem, Fraction, Known, Part, cost};
pub use demand::{ContainerClass, devices, effective};
pub use device_class::{CLASS_RESOURCE, WORKLOAD_CLASSES, class_taint, device_class};
pub use driver::{cuda_of_driver, cuda_of_image, driver_for_cuda};
pub use fabric::{Fabric, fabric};
pub use group::{Kinship, group_variables, kinship, marks_group, names_others};
pub use hugepages::{HugePages, huge_pages};
pub use instance::{Instance, gpu_count, instance};
pub use label::{Models, model_keys, model_of, partition_of};
pub use metric::exported_name;
pub use mig::{MigName, MigSuffix};
pub use model::{MODELS, Model, ModelError, Share, ShareRange};
pub use node_path::{
    DEVICE_MOUNTS, NODE_PATHS, NodePath, NodePathKind, leads_to, lies_within, resolve,
};
pub use parameters::parameters;
pub use partition::is_partition;
pub use price::{Price, PriceContext, price};
pub use quantity::{Quantity, QuantityError};
pub use resource::{
    Class, Resource, Vendor, exact_resources, is_accelerator, is_taint_key, lookup,
};
pub use runtime_class::{RUNTIME_CLASSES, gives_devices};
pub use server::{
    Invocation, Metrics, ModelName, Role, Start, WORKLOADS, Workload, is_batch_kind, recognise,
};
pub use sharing::{
    MPS_LABEL, MPS_PIPES, MPS_VARIABLES, STRATEGY_LABELS, Sharing, is_gke_sharing, sharing_of,
};
pub use sign::{Pattern, Place, SIGNS, Sign};
pub use spelling::{Suspicion, nearest, suspicion};
pub use spread::{Elsewhere, Factor, Reach, Spread, TENSOR, spread, takes_one_each};
pub use taint::{
    NEVER, Never, NeverReason, Taint, Toleration, any_covers, covers, is_never, tolerates,
};
pub use visibility::{
    INJECTING_ANNOTATIONS, PATH_ANNOTATIONS, PROCESS_VARIABLES, ProcessVariable, RIGHTS_VARIABLES,
    RUNTIME_VARIABLES, RuntimeVariable, names_no_device,
};
pub use weight::{Candidates, WHOLE, weight_56ths};
