//! What pods and containers are for.

use tollgate_gpu::{Role, is_batch_kind};

use crate::{Container, Pod};

/// Whether a pod trains or serves; `None` where nothing tells, as in a notebook.
///
/// Pods of a kind that ends by itself train, whatever they run; else the first known program of an application
/// container tells.
pub fn role(pod: &Pod) -> Option<Role> {
    if pod.owner().as_deref().is_some_and(is_batch_kind) {
        return Some(Role::Training);
    }
    let containers = pod.containers();
    let apps = containers
        .iter()
        .filter(|container| container.class() == "app");
    let mut known = apps.filter_map(Container::workload);
    known.next().map(|known| known.role)
}
