//! What pods and containers are for.

use tollgate_gpu::{Invocation, Role, Workload, is_batch_kind, recognise};

use crate::{Container, Pod};

/// The known program that a container runs.
pub fn program(container: &Container) -> Option<&'static Workload> {
    container.program()
}

/// Reads what [`program`] gives.
pub(crate) fn read_program(container: &Container) -> Option<&'static Workload> {
    let (image, command, args) = (container.image(), container.command(), container.args());
    recognise(&Invocation {
        image: image.as_deref().unwrap_or_default(),
        command: &command,
        args: &args,
    })
}

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
    let mut known = apps.filter_map(program);
    known.next().map(|program| program.role)
}
