//! Autoscalers that move pods to save nodes, and how a pod asks to be left where it is.
//!
//! Sources: Karpenter's documentation of disruption (pod-level controls) and of well-known labels; the FAQ of
//! kubernetes/autoscaler.

/// An autoscaler of nodes.
#[derive(Debug, Eq, PartialEq)]
pub struct Autoscaler {
    /// Its name.
    pub name: &'static str,
    /// The annotation, and its value, by which a pod stays until it ends.
    pub keep: (&'static str, &'static str),
    /// What labels of its nodes begin with, by which a pod shows that it is there.
    pub labels: &'static [&'static str],
}

/// Karpenter, EKS Auto Mode and AKS node auto-provisioning included.
pub static KARPENTER: Autoscaler = Autoscaler {
    name: "Karpenter",
    keep: ("karpenter.sh/do-not-disrupt", "true"),
    labels: &[
        "karpenter.sh/",
        "karpenter.k8s.aws/",
        "karpenter.azure.com/",
        "eks.amazonaws.com/instance-",
    ],
};

/// Cluster Autoscaler, which no label of nodes shows for certain.
pub static CLUSTER_AUTOSCALER: Autoscaler = Autoscaler {
    name: "Cluster Autoscaler",
    keep: ("cluster-autoscaler.kubernetes.io/safe-to-evict", "false"),
    labels: &[],
};

impl Autoscaler {
    /// Whether a label or taint of nodes is one of this autoscaler.
    #[must_use]
    pub fn sets(&self, key: &str) -> bool {
        self.labels.iter().any(|prefix| key.starts_with(prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::{CLUSTER_AUTOSCALER, KARPENTER};

    #[test]
    fn labels_show_karpenter_and_never_the_cluster_autoscaler() {
        for key in [
            "karpenter.sh/nodepool",
            "karpenter.k8s.aws/instance-gpu-name",
            "eks.amazonaws.com/instance-gpu-name",
        ] {
            assert!(KARPENTER.sets(key), "{key}");
        }
        for key in [
            "eks.amazonaws.com/nodegroup",
            "cloud.google.com/gke-accelerator",
            "zone",
        ] {
            assert!(!KARPENTER.sets(key), "{key}");
            assert!(!CLUSTER_AUTOSCALER.sets(key), "{key}");
        }
    }
}
