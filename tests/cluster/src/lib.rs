//! A real Kubernetes control plane on loopback, fake GPU nodes, real controllers, and replicas of the
//! `tollgate` binary under test.

#![allow(
    clippy::indexing_slicing,
    reason = "a test harness over JSON values, where indexing writes and reads null for what is absent"
)]

mod authority;
mod balancer;
mod binaries;
mod cluster;
mod control_plane;
mod controllers;
mod helm;
mod http;
mod installation;
mod manifests;
mod mounted;
mod namespace;
mod nodes;
mod objects;
mod other_webhook;
mod ports;
mod process;
mod suite;
mod system;
mod wait;
mod wall_clock;

pub use authority::{Authority, Pair};
pub use balancer::Balancer;
pub use binaries::{binary, tollgate_answers, tollgate_says};
pub use cluster::Cluster;
pub use control_plane::Part;
pub use controllers::Controller;
pub use helm::helm;
pub use installation::{Installation, NAMESPACE, Replica};
pub use manifests::parse as documents;
pub use mounted::MountedSecret;
pub use namespace::Namespace;
pub use nodes::{Model, NODES, TAINT, Taint};
pub use objects::{Kind, Objects, Said};
pub use other_webhook::{Answers, OtherWebhook};
pub use process::{Memory, Process, end_of, program};
pub use suite::{Running, Test, run};
pub use system::{NO_SUCH_DEVICE, System, broken};
pub use wait::{PATIENCE, until};
pub use wall_clock::WallClock;
