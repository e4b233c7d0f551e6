//! Locked memory for network devices that read it by themselves.

use tollgate_sdk::gpu::Fabric;
use tollgate_sdk::prelude::*;

use crate::taker::Taker;

pub(crate) const RDMA: Rule = Rule::repair(
    "rdma-ipc-lock",
    "A container with an RDMA device may lock memory, or registering a buffer fails with `cannot allocate memory`.",
);
pub(crate) const EFA: Rule = Rule::warn(
    "efa-ipc-lock",
    "A container with an EFA device may lock memory, which recent kernels and AWS's plugin allow without and older ones do not.",
);
pub(crate) const FORBIDDEN: Rule = Rule::warn(
    "rdma-ipc-lock-forbidden",
    "A container with an RDMA device cannot be given the capability to lock memory, as its namespace's Pod Security level forbids it.",
);

const IPC_LOCK: &str = "IPC_LOCK";

/// The namespace label that names the Pod Security level in force; `baseline` and `restricted` forbid the capability.
const LEVEL: &str = "pod-security.kubernetes.io/enforce";

/// Adds the capability to containers with RDMA devices, where the namespace lets them have it.
pub(crate) fn repair(review: &Review, takers: &[Taker<'_>]) -> Outcome {
    for taker in takers {
        if first(taker, Fabric::Rdma).is_some()
            && !may_lock(taker.container)
            && level(review).is_none()
        {
            edits::add_capability(taker.container, RDMA.id, IPC_LOCK)?;
        }
    }
    Ok(())
}

/// Warns where the capability is only advised, or cannot be given.
pub(crate) fn report(review: &Review, takers: &[Taker<'_>]) {
    for taker in takers {
        let (rdma, efa) = (first(taker, Fabric::Rdma), first(taker, Fabric::Efa));
        if (rdma.is_none() && efa.is_none()) || may_lock(taker.container) {
            continue;
        }
        if let Some(device) = rdma {
            if let Some(level) = level(review) {
                report_forbidden(taker.container, device, &level);
            }
        } else if let Some(device) = efa {
            report_one(EFA, taker.container, format!("takes `{device}` without the capability `{IPC_LOCK}`: on older kernels registering memory fails"))
                .fix(format!("add `{IPC_LOCK}` to the container's `securityContext.capabilities.add`, as AWS's samples do, or switch the rule off where the nodes need it not"))
                .report();
        }
    }
}

fn report_forbidden(container: &Container, device: &str, level: &str) {
    report_one(FORBIDDEN, container, format!("takes `{device}` without the capability `{IPC_LOCK}`, so that registering memory fails, and the namespace's Pod Security level `{level}` forbids it"))
        .fix(format!("run the pod in a namespace of the level `privileged` with the capability `{IPC_LOCK}`, or raise the limit of locked memory in the node's container runtime"))
        .report();
}

fn report_one(rule: Rule, container: &Container, what: String) -> tollgate_sdk::Finding {
    let name = container.name();
    rule.finding(
        container.path() + "/securityContext/capabilities",
        format!("container `{name}` {what}"),
    )
    .actual(format!("`{IPC_LOCK}` is not among the added capabilities"))
    .allowed(format!("`{IPC_LOCK}`, or a privileged container"))
}

/// The Pod Security level of the namespace, where it is known and forbids the capability.
fn level(review: &Review) -> Option<String> {
    let level = review.namespace_label(LEVEL)?;
    ["baseline", "restricted"]
        .contains(&level.as_str())
        .then_some(level)
}

fn first<'a>(taker: &'a Taker<'_>, fabric: Fabric) -> Option<&'a str> {
    let mut networks = taker.networks.iter();
    let found = networks.find(|(_, found)| *found == fabric)?;
    Some(&found.0)
}

fn may_lock(container: &Container) -> bool {
    let added = container.capabilities();
    let allows = |name: &String| {
        let name = name.strip_prefix("CAP_").unwrap_or(name);
        name == IPC_LOCK || name == "ALL"
    };
    added.iter().any(allows) || container.privileged()
}
