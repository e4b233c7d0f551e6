//! Spot and on-demand capacity: how node labels and taints name it, and how early the end of a spot node is told.
//!
//! Sources: documentation of Karpenter (well-known labels), EKS managed node groups, GKE Spot VMs and AKS Spot node
//! pools. Notices: AWS two minutes, Azure 30 seconds, Google 30 seconds of which GKE leaves 15 to the pods of users.

use crate::taint::{NEVER, NeverReason};

/// On what terms a cloud lends a node.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Capacity {
    /// It may be taken back at short notice.
    Spot,
    /// It stays until it is given back; reserved capacity as well.
    OnDemand,
}

use Capacity::{OnDemand, Spot};

/// A node label and a value of it that name a capacity; on EKS and AKS the case of values differs by tool.
#[rustfmt::skip]
static LABELS: [(&str, &str, Capacity); 16] = [
    ("karpenter.sh/capacity-type", "spot", Spot),
    ("karpenter.sh/capacity-type", "on-demand", OnDemand),
    ("karpenter.sh/capacity-type", "reserved", OnDemand),
    ("eks.amazonaws.com/capacityType", "SPOT", Spot),
    ("eks.amazonaws.com/capacityType", "ON_DEMAND", OnDemand),
    ("eks.amazonaws.com/capacityType", "CAPACITY_BLOCK", OnDemand),
    ("cloud.google.com/gke-spot", "true", Spot),
    ("cloud.google.com/gke-spot", "false", OnDemand),
    ("cloud.google.com/gke-preemptible", "true", Spot),
    ("cloud.google.com/gke-preemptible", "false", OnDemand),
    ("cloud.google.com/gke-provisioning", "spot", Spot),
    ("cloud.google.com/gke-provisioning", "preemptible", Spot),
    ("cloud.google.com/gke-provisioning", "standard", OnDemand),
    ("kubernetes.azure.com/scalesetpriority", "spot", Spot),
    ("kubernetes.azure.com/scalesetpriority", "regular", OnDemand),
    ("kubernetes.azure.com/priority", "spot", Spot),
];

/// What keys begin with, and how many seconds before its end a spot node is told of it.
static NOTICES: [(&str, u32); 4] = [
    ("karpenter.sh/", 120),
    ("eks.amazonaws.com/", 120),
    ("cloud.google.com/", 15),
    ("kubernetes.azure.com/", 30),
];

/// The capacity that a node label stands for; nothing for other labels and unknown values.
///
/// ```
/// use tollgate_gpu::{Capacity, capacity_of};
///
/// assert_eq!(capacity_of("karpenter.sh/capacity-type", "spot"), Some(Capacity::Spot));
/// assert_eq!(capacity_of("karpenter.sh/nodepool", "spot"), None);
/// ```
#[must_use]
pub fn capacity_of(key: &str, value: &str) -> Option<Capacity> {
    let row = LABELS
        .iter()
        .find(|(known, named, _)| *known == key && named.eq_ignore_ascii_case(value));
    row.map(|(_, _, capacity)| *capacity)
}

/// Whether a taint of this key marks spot capacity.
#[must_use]
pub fn is_spot_taint(key: &str) -> bool {
    NEVER
        .iter()
        .any(|never| never.reason == NeverReason::Spot && never.key == key)
}

/// How many seconds before its end a spot node is told of it, by the key of a label or taint that marks it.
#[must_use]
pub fn spot_notice(key: &str) -> Option<u32> {
    let row = NOTICES.iter().find(|(prefix, _)| key.starts_with(prefix));
    row.map(|(_, seconds)| *seconds)
}

#[cfg(test)]
mod tests {
    use super::{Capacity, LABELS, capacity_of, is_spot_taint, spot_notice};
    use crate::taint::{NEVER, NeverReason};

    #[test]
    fn reads_the_labels_of_every_cloud_in_any_case() {
        for (key, value, expected) in [
            ("karpenter.sh/capacity-type", "spot", Some(Capacity::Spot)),
            (
                "karpenter.sh/capacity-type",
                "reserved",
                Some(Capacity::OnDemand),
            ),
            (
                "eks.amazonaws.com/capacityType",
                "SPOT",
                Some(Capacity::Spot),
            ),
            (
                "eks.amazonaws.com/capacityType",
                "on_demand",
                Some(Capacity::OnDemand),
            ),
            ("cloud.google.com/gke-spot", "true", Some(Capacity::Spot)),
            (
                "cloud.google.com/gke-provisioning",
                "standard",
                Some(Capacity::OnDemand),
            ),
            (
                "kubernetes.azure.com/scalesetpriority",
                "spot",
                Some(Capacity::Spot),
            ),
            ("karpenter.sh/capacity-type", "new", None),
            ("topology.kubernetes.io/zone", "spot", None),
        ] {
            assert_eq!(capacity_of(key, value), expected, "{key}={value}");
        }
    }

    #[test]
    fn taints_of_spot_nodes_are_those_that_nobody_tolerates_unasked() {
        assert!(is_spot_taint("cloud.google.com/gke-spot"));
        assert!(is_spot_taint("kubernetes.azure.com/scalesetpriority"));
        assert!(!is_spot_taint("cloud.google.com/gke-queued"));
        assert!(!is_spot_taint("nvidia.com/gpu"));
    }

    #[test]
    fn every_label_and_taint_of_spot_nodes_has_a_notice() {
        let labels = LABELS.iter().map(|(key, _, _)| *key);
        let spot = NEVER
            .iter()
            .filter(|never| never.reason == NeverReason::Spot);
        for key in labels.chain(spot.map(|never| never.key)) {
            assert!(spot_notice(key).is_some(), "{key}");
        }
        assert_eq!(spot_notice("dedicated"), None);
    }
}
