//! Pods with accelerators in the node's own network.

use tollgate_sdk::prelude::*;

use crate::taker::Taker;

pub(crate) const HOST_NETWORK: Rule = Rule::warn(
    "host-network",
    "A pod with accelerators has a network of its own, or its ports clash as soon as two replicas share a node.",
);

/// What variables begin with by which a collective library is told of the node's interfaces.
const TOLD: [&str; 3] = ["NCCL_", "FI_", "GLOO_SOCKET"];

/// Warns about the node's network where nothing shows that a fast fabric needs it.
pub(crate) fn report(pod: &Pod, takers: &[Taker<'_>]) {
    if !pod.host_network() || needs_it(pod, takers) {
        return;
    }
    let serving = takers
        .iter()
        .find(|taker| !taker.devices.is_empty())
        .map(|taker| taker.container.name());
    let name = serving.unwrap_or_default();
    HOST_NETWORK
        .finding(
            pod.path() + "/spec/hostNetwork",
            format!("the pod of container `{name}` uses the node's network: a second replica on the same node finds its ports taken"),
        )
        .actual("hostNetwork: true")
        .allowed("false, unless a fabric such as EFA, InfiniBand or TCPX is reached so")
        .fix("remove `hostNetwork`, and reach the pod through a Service")
        .report();
}

/// Whether a fabric is used, or the pod is the node's agent.
fn needs_it(pod: &Pod, takers: &[Taker<'_>]) -> bool {
    let is_told = |taker: &Taker<'_>| {
        let told = |prefix| !taker.container.env_with_prefix(prefix).is_empty();
        TOLD.into_iter().any(told)
    };
    let has_fabric = |taker: &Taker<'_>| {
        let image = || taker.container.image().unwrap_or_default();
        !taker.networks.is_empty()
            || taker.container.privileged()
            || image().contains("tcpgpudmarxd")
            || image().contains("tcpx")
    };
    takers
        .iter()
        .any(|taker| has_fabric(taker) || is_told(taker))
        || pod.owner().as_deref() == Some("DaemonSet.apps")
}
