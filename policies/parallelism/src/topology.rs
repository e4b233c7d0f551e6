//! TPU slices: as many chips as the topology has.

use tollgate_sdk::below;
use tollgate_sdk::prelude::*;

use crate::group::Group;

pub(crate) const UNLIKE: Rule = Rule::deny(
    "tpu-topology",
    "The pods of a group that ask for TPUs have as many chips together as the topology that they select, or the slice never forms.",
);

const TPU: &str = "google.com/tpu";
const TOPOLOGY: &str = "cloud.google.com/gke-tpu-topology";

/// Refuses a topology that the chips of the pods do not make.
pub(crate) fn report(review: &Review, pods: &[Pod], pod: &Pod) {
    let Some(topology) = pod.node_selector(TOPOLOGY) else {
        return;
    };
    let (Some(chips), of_pod) = (chips(&topology), tpus(pod)) else {
        return;
    };
    if of_pod == 0 || chips == of_pod {
        return;
    }
    // The other pods of a slice are not seen where it has no group; one alone must not have more than the whole.
    let hosts = match hosts(review, pods, pod, &topology) {
        Some(hosts) => hosts,
        None if of_pod > chips => 1,
        None => return,
    };
    let there = of_pod.saturating_mul(hosts);
    if there == chips || hosts == 0 {
        return;
    }
    let wanted = chips / of_pod;
    UNLIKE
        .finding(
            below(&pod.path(), &["spec", "nodeSelector", TOPOLOGY]),
            format!("topology {topology} has {chips} chips, and {hosts} pods with {of_pod} `{TPU}` each have {there}: the slice never forms"),
        )
        .actual(format!("{there} chips"))
        .allowed(format!("{chips} chips"))
        .fix(match chips % of_pod {
            0 => format!("make {wanted} such pods, or select the topology of {there} chips"),
            _ => format!("ask for a number of `{TPU}` that divides {chips}, as the machine type has them"),
        })
        .report();
}

/// How many pods of the group ask for TPUs of this topology; nothing where the group is not known. KubeRay makes a slice
/// of each replica of a worker group.
fn hosts(review: &Review, pods: &[Pod], pod: &Pod, topology: &str) -> Option<u64> {
    let path = pod.path();
    let owner = pod.owner().unwrap_or_default();
    if let Some(workers) = path.strip_suffix("/template").filter(|_| is_ray(&owner)) {
        return Some(review.number(&format!("{workers}/numOfHosts")).unwrap_or(1));
    }
    let group = Group::or_alone(review, pods, pod)?;
    let takers = group.members.iter().filter(|(pod, _)| {
        tpus(pod) > 0 && pod.node_selector(TOPOLOGY).as_deref() == Some(topology)
    });
    Some(takers.fold(0, |sum: u64, (_, count)| sum.saturating_add(*count)))
}

fn is_ray(owner: &str) -> bool {
    owner.ends_with(".ray.io") || owner.starts_with("RayCluster")
}

/// The product of the sides of `4x4x8`.
fn chips(topology: &str) -> Option<u64> {
    let sides = topology.split('x').map(|side| side.parse::<u64>().ok());
    let product = sides.reduce(|product, side| product?.checked_mul(side?));
    product.flatten().filter(|chips| *chips > 0)
}

/// The TPU chips of a pod. Two containers of one pod may share a host's.
fn tpus(pod: &Pod) -> u64 {
    let containers = pod.containers();
    let staying = containers
        .iter()
        .filter(|one| matches!(one.class().as_str(), "app" | "sidecar"));
    staying.fold(0, |sum: u64, container| {
        let devices = container.devices();
        let tpus = devices.iter().find(|device| device.name == TPU);
        sum.saturating_add(tpus.map_or(0, tollgate_sdk::Device::count))
    })
}

#[cfg(test)]
mod tests {
    use super::chips;

    #[test]
    fn a_topology_has_the_product_of_its_sides() {
        for (topology, expected) in [
            ("2x2x1", Some(4)),
            ("16x16", Some(256)),
            ("8", Some(8)),
            ("2xx2", None),
            ("0x4", None),
            ("<topology>", None),
            ("4294967296x4294967296", None),
        ] {
            assert_eq!(chips(topology), expected, "{topology}");
        }
    }
}
