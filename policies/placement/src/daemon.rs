//! Devices on every node.

use tollgate_sdk::prelude::*;
use tollgate_sdk::takes_accelerators;

pub(crate) const ON_EVERY_NODE: Rule = Rule::deny(
    "daemon-set-with-devices",
    "A DaemonSet asks for no accelerators: it takes one on each node, on every new node too, and keeps nodes from being given back. Agents of the nodes' devices ask for none.",
)
.about(&["DaemonSet.apps"]);

/// Refuses a DaemonSet whose pods take devices. Its pods are not judged again.
pub(crate) fn report(pod: &Pod) {
    let is_template = !pod.path().is_empty();
    if !is_template || pod.owner().as_deref() != Some("DaemonSet.apps") || !takes_accelerators(pod)
    {
        return;
    }
    let containers = pod.containers();
    let taker = containers.iter().find_map(|container| {
        let device = container.devices().first()?.name.clone();
        Some((container.path() + "/resources", device))
    });
    let (path, what) = taker.unwrap_or_else(|| (pod.path() + "/spec", "an accelerator".to_owned()));
    ON_EVERY_NODE
        .finding(
            path,
            format!("the DaemonSet takes `{what}` on every node that it runs on, new nodes included"),
        )
        .actual(what)
        .allowed("no accelerators")
        .fix("run it as a Job or a Deployment, or let its namespace off by an Exemption where it tests the devices of nodes")
        .report();
}
