//! A real Kubernetes control plane on loopback, fake GPU nodes, real controllers, and replicas of the
//! `tollgate` binary under test.

mod authority;
mod balancer;
mod binaries;
mod cluster;
mod control_plane;
mod controllers;
mod manifests;
mod namespace;
mod nodes;
mod objects;
mod ports;
mod process;
mod suite;
mod tollgate;
mod wait;

pub use authority::{Authority, Pair};
pub use balancer::Balancer;
pub use binaries::has_tollgate;
pub use cluster::Cluster;
pub use control_plane::Part;
pub use controllers::Controller;
pub use namespace::Namespace;
pub use nodes::{Model, NODES, TAINT};
pub use objects::Objects;
pub use process::{Process, program};
pub use suite::{Test, run};
pub use tollgate::{Replica, Replicas};
pub use wait::{PATIENCE, until};
