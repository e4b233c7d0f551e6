//! Which tolerations cover which taints, by meaning.
//!
//! Rules as in Kubernetes (`Toleration.ToleratesTaint` in k8s.io/api/core/v1): an empty key with
//! `Exists` covers every key, an empty effect every effect, an empty operator is `Equal`; `Lt` and
//! `Gt` (1.36) compare the taint's value with the toleration's as integers.

/// The parts of a toleration; what is absent is empty.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Toleration<'a> {
    /// The key, or nothing for every key.
    pub key: &'a str,
    /// `Exists`, `Equal`, `Lt`, `Gt`, or nothing for `Equal`.
    pub operator: &'a str,
    /// What the taint's value is compared with.
    pub value: &'a str,
    /// The effect, or nothing for every effect.
    pub effect: &'a str,
}

/// A taint of a node.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Taint<'a> {
    /// The key.
    pub key: &'a str,
    /// The value, often empty.
    pub value: &'a str,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    pub effect: &'a str,
}

/// A taint that no default may tolerate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Never {
    /// The key, or all that begin so where it ends in `/`.
    pub key: &'static str,
    /// What the taint marks.
    pub reason: NeverReason,
}

/// What a taint marks that must not be tolerated on somebody's behalf.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NeverReason {
    /// Capacity that may be taken back at short notice.
    Spot,
    /// Capacity that belongs to a queue.
    Queued,
    /// Another processor architecture.
    Architecture,
    /// A node that is going.
    Disruption,
    /// A node that is not well, or not ready yet.
    Health,
}

/// Taints never to be tolerated unasked. Sources: GKE, AKS, Karpenter and Cluster Autoscaler
/// documentation; `node.kubernetes.io` and `node.cloudprovider.kubernetes.io` are set by the
/// kubelet and the cloud controllers.
pub static NEVER: [Never; 14] = [
    never("cloud.google.com/gke-spot", NeverReason::Spot),
    never("cloud.google.com/gke-preemptible", NeverReason::Spot),
    never("kubernetes.azure.com/scalesetpriority", NeverReason::Spot),
    never("kubernetes.azure.com/priority", NeverReason::Spot),
    never("cloud.google.com/gke-queued", NeverReason::Queued),
    never("kubernetes.io/arch", NeverReason::Architecture),
    never("karpenter.sh/disrupted", NeverReason::Disruption),
    never("karpenter.sh/disruption", NeverReason::Disruption),
    never("ToBeDeletedByClusterAutoscaler", NeverReason::Disruption),
    never(
        "DeletionCandidateOfClusterAutoscaler",
        NeverReason::Disruption,
    ),
    never("karpenter.sh/unregistered", NeverReason::Health),
    never("node.kubernetes.io/", NeverReason::Health),
    never("node.cloudprovider.kubernetes.io/", NeverReason::Health),
    never("nvidia.com/gpu-health", NeverReason::Health),
];

const fn never(key: &'static str, reason: NeverReason) -> Never {
    Never { key, reason }
}

/// Whether the toleration covers a taint of this key and effect whatever its value.
///
/// `Equal` never does, even with the value that one cloud uses: `Equal present` fits the taints of
/// GKE and OKE and leaves the pod pending on EKS, where they have another value or none.
///
/// ```
/// use tollgate_gpu::{Toleration, covers};
///
/// let toleration = Toleration { key: "nvidia.com/gpu", operator: "Exists", ..Default::default() };
/// assert!(covers(&toleration, "nvidia.com/gpu", "NoSchedule"));
/// ```
#[must_use]
pub fn covers(toleration: &Toleration<'_>, key: &str, effect: &str) -> bool {
    let Toleration {
        key: own_key,
        operator,
        value: _,
        effect: own_effect,
    } = *toleration;
    operator == "Exists" && empty_or(own_key, key) && empty_or(own_effect, effect)
}

/// Whether one of the tolerations covers every taint of this key and effect: then another one for
/// it would change nothing.
#[must_use]
pub fn any_covers<'a>(
    tolerations: impl IntoIterator<Item = Toleration<'a>>,
    key: &str,
    effect: &str,
) -> bool {
    tolerations
        .into_iter()
        .any(|toleration| covers(&toleration, key, effect))
}

/// Whether the toleration fits this taint, value and all.
#[must_use]
pub fn tolerates(toleration: &Toleration<'_>, taint: &Taint<'_>) -> bool {
    let Toleration {
        key,
        operator,
        value,
        effect,
    } = *toleration;
    empty_or(key, taint.key)
        && empty_or(effect, taint.effect)
        && match operator {
            "" | "Equal" => !key.is_empty() && value == taint.value,
            "Exists" => true,
            "Lt" => compare(taint.value, value).is_some_and(|(taint, own)| taint < own),
            "Gt" => compare(taint.value, value).is_some_and(|(taint, own)| taint > own),
            _ => false,
        }
}

/// Whether a toleration of this key must not be added on somebody's behalf.
#[must_use]
pub fn is_never(key: &str) -> bool {
    NEVER.iter().any(|never| {
        if never.key.ends_with('/') {
            key.starts_with(never.key)
        } else {
            key == never.key
        }
    })
}

fn empty_or(pattern: &str, text: &str) -> bool {
    pattern.is_empty() || pattern == text
}

fn compare(left: &str, right: &str) -> Option<(i64, i64)> {
    Some((left.parse().ok()?, right.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{Taint, Toleration, any_covers, covers, is_never, tolerates};

    fn toleration<'a>([key, operator, value, effect]: [&'a str; 4]) -> Toleration<'a> {
        Toleration {
            key,
            operator,
            value,
            effect,
        }
    }

    #[test]
    fn exists_covers_every_value() {
        for parts in [
            ["nvidia.com/gpu", "Exists", "", "NoSchedule"],
            ["nvidia.com/gpu", "Exists", "", ""],
            ["", "Exists", "", ""],
            ["", "Exists", "", "NoSchedule"],
        ] {
            assert!(
                covers(&toleration(parts), "nvidia.com/gpu", "NoSchedule"),
                "{parts:?}"
            );
        }
    }

    #[test]
    fn a_value_another_key_or_another_effect_does_not_cover() {
        for parts in [
            ["nvidia.com/gpu", "Equal", "present", "NoSchedule"],
            ["nvidia.com/gpu", "", "", ""],
            ["nvidia.com/gpu", "Gt", "0", ""],
            ["nvidia/gpu", "Exists", "", "NoSchedule"],
            ["nvidia.com/mig-1g.5gb", "Exists", "", ""],
            ["nvidia.com/gpu", "Exists", "", "NoExecute"],
        ] {
            assert!(
                !covers(&toleration(parts), "nvidia.com/gpu", "NoSchedule"),
                "{parts:?}"
            );
        }
    }

    #[test]
    fn one_of_a_list_is_enough() {
        let list = [
            ["a", "Exists", "", ""],
            ["nvidia.com/gpu", "Exists", "", ""],
        ]
        .map(toleration);
        assert!(any_covers(list, "nvidia.com/gpu", "NoSchedule"));
        assert!(!any_covers(list, "amd.com/gpu", "NoSchedule"));
        assert!(!any_covers([], "nvidia.com/gpu", "NoSchedule"));
    }

    #[test]
    fn a_single_taint_is_tolerated_by_its_value_too() {
        let taint = Taint {
            key: "nvidia.com/gpu",
            value: "present",
            effect: "NoSchedule",
        };
        for (parts, expected) in [
            (["nvidia.com/gpu", "Equal", "present", "NoSchedule"], true),
            (["nvidia.com/gpu", "", "present", ""], true),
            (["nvidia.com/gpu", "Equal", "true", ""], false),
            (["nvidia.com/gpu", "Exists", "", "NoSchedule"], true),
            (["", "Exists", "", ""], true),
            (["", "Equal", "present", ""], false),
            (["nvidia.com/gpu", "Exists", "", "NoExecute"], false),
            (["nvidia.com/gpu", "Lt", "5", ""], false),
            (["nvidia.com/gpu", "Sideways", "present", ""], false),
        ] {
            assert_eq!(tolerates(&toleration(parts), &taint), expected, "{parts:?}");
        }
    }

    #[test]
    fn lt_and_gt_compare_the_value_of_the_taint() {
        let taint = Taint {
            key: "sla",
            value: "950",
            effect: "NoSchedule",
        };
        assert!(tolerates(&toleration(["sla", "Gt", "750", ""]), &taint));
        assert!(!tolerates(&toleration(["sla", "Gt", "950", ""]), &taint));
        assert!(tolerates(&toleration(["sla", "Lt", "951", ""]), &taint));
        assert!(!tolerates(&toleration(["sla", "Lt", "800", ""]), &taint));
    }

    #[test]
    fn spot_health_and_going_nodes_are_never_tolerated_unasked() {
        for key in [
            "cloud.google.com/gke-spot",
            "kubernetes.azure.com/scalesetpriority",
            "kubernetes.io/arch",
            "karpenter.sh/disrupted",
            "node.kubernetes.io/memory-pressure",
            "cloud.google.com/gke-queued",
        ] {
            assert!(is_never(key), "{key}");
        }
        for key in [
            "nvidia.com/gpu",
            "sku",
            "dedicated",
            "kubernetes.io/architecture",
        ] {
            assert!(!is_never(key), "{key}");
        }
    }
}
