//! The namespaces that belong to operators and clouds, by the name that `Site` uses.
//!
//! A row is let off only where the site names it: whoever may create a namespace could take the
//! name of one that is not there. Therefore also a pattern (`prefix-*`) stands only where the
//! platform keeps others from creating such a name.

use crate::document::Site;

/// An operator or a cloud, and the namespaces in which its own pods run.
#[derive(Debug, Eq, PartialEq)]
pub struct Platform {
    /// The name that `spec.exempt` uses.
    pub name: &'static str,
    /// The namespaces; `*` at the end stands for any further letters.
    pub namespaces: &'static [&'static str],
    /// Where that is written.
    pub source: &'static str,
}

/// The namespaces that are exempt at every site besides Tollgate's own.
pub const ALWAYS: &[&str] = &["kube-system"];

/// The namespace of Tollgate, where nobody says otherwise.
pub const OWN: &str = "tollgate-system";

/// The table that `spec.exempt` of `Site` names rows of.
pub const PLATFORMS: &[Platform] = &[
    Platform {
        name: "gpu-operator",
        namespaces: &[
            "gpu-operator",
            "nvidia-gpu-operator",
            "gpu-operator-resources",
        ],
        source: "NVIDIA GPU Operator, which runs driver, toolkit, device plugin, GFD, DCGM and its exporter, MIG \
                 manager and validator in its own namespace: getting started (gpu-operator), with Red Hat OpenShift \
                 (nvidia-gpu-operator), operands up to 1.8 (gpu-operator-resources)",
    },
    Platform {
        name: "nvidia-device-plugin",
        namespaces: &["nvidia-device-plugin"],
        source: "NVIDIA/k8s-device-plugin, README: deployment via helm",
    },
    Platform {
        name: "gpu-feature-discovery",
        namespaces: &["gpu-feature-discovery"],
        source: "NVIDIA/k8s-device-plugin, README: deploying gpu-feature-discovery in standalone mode",
    },
    Platform {
        name: "nvidia-dra-driver",
        namespaces: &["nvidia-dra-driver-gpu", "dra-driver-nvidia-gpu"],
        source: "NVIDIA/k8s-dra-driver-gpu, README: installation; since the move to \
                 kubernetes-sigs/dra-driver-nvidia-gpu under that name",
    },
    Platform {
        name: "network-operator",
        namespaces: &["nvidia-network-operator"],
        source: "NVIDIA Network Operator: deployment guide, helm install",
    },
    Platform {
        name: "amd-gpu-operator",
        namespaces: &["kube-amd-gpu"],
        source: "ROCm/gpu-operator, docs/installation/kubernetes-helm",
    },
    Platform {
        name: "intel-device-plugins",
        namespaces: &["inteldeviceplugins-system"],
        source: "intel/intel-device-plugins-for-kubernetes, cmd/operator/README: default namespace",
    },
    Platform {
        name: "habana-device-plugin",
        namespaces: &["habana-system"],
        source: "Intel Gaudi documentation: device plugin for Kubernetes",
    },
    Platform {
        name: "node-feature-discovery",
        namespaces: &["node-feature-discovery"],
        source: "kubernetes-sigs/node-feature-discovery, deployment/overlays/default",
    },
    Platform {
        name: "gke",
        namespaces: &[
            "gke-managed-system",
            "gke-managed-cim",
            "gke-managed-filestorecsi",
            "gke-managed-parallelstorecsi",
            "gke-managed-lustrecsi",
            "gke-managed-volumepopulator",
            "gke-managed-checkpointing",
            "gke-gmp-system",
            "gmp-system",
        ],
        source: "clusters as listed by `kubectl get namespaces`; GKE runs its DCGM exporter in \
                 gke-managed-system, its Prometheus collectors in gmp-system (Autopilot: gke-gmp-system)",
    },
    Platform {
        name: "eks",
        namespaces: &["amazon-cloudwatch", "amazon-guardduty"],
        source: "AWS: add-ons amazon-cloudwatch-observability (with a DCGM exporter) and \
                 aws-guardduty-agent; the others run in kube-system",
    },
    Platform {
        name: "aws-neuron",
        namespaces: &["neuron-healthcheck-system"],
        source: "AWS Neuron: node problem detector and recovery (the device plugin runs in kube-system)",
    },
    Platform {
        name: "sagemaker-hyperpod",
        namespaces: &["aws-hyperpod"],
        source: "Amazon SageMaker HyperPod on EKS: health monitoring agent and training operator",
    },
    Platform {
        name: "aks",
        namespaces: &[
            "gatekeeper-system",
            "app-routing-system",
            "aks-istio-system",
            "gpu-resources",
        ],
        source: "Microsoft: Azure Policy, application routing and Istio add-ons; use GPUs on AKS \
                 (gpu-resources)",
    },
    Platform {
        name: "openshift",
        namespaces: &["openshift-*"],
        source: "Red Hat OpenShift: working with projects; only cluster administrators can create \
                 projects that begin with openshift-",
    },
    Platform {
        name: "karpenter",
        namespaces: &["karpenter"],
        source: "Karpenter: getting started of earlier versions (later ones: kube-system)",
    },
    Platform {
        name: "kai-scheduler",
        namespaces: &[
            "kai-scheduler",
            "kai-resource-reservation",
            "kai-scale-adjust",
        ],
        source: "KAI scheduler, docs/gpu-sharing (reservation pods hold the GPUs that it cuts up) and \
                 the defaults of its operator's configuration",
    },
    Platform {
        name: "hami",
        namespaces: &["hami-system"],
        source: "Project-HAMi/HAMi, docs: installation (in kube-system where its README is followed)",
    },
    Platform {
        name: "kueue",
        namespaces: &["kueue-system"],
        source: "kubernetes-sigs/kueue, config/default",
    },
    Platform {
        name: "volcano",
        namespaces: &["volcano-system"],
        source: "volcano-sh/volcano, installer/volcano-development.yaml",
    },
];

impl Platform {
    /// The row of a name.
    pub fn find(name: &str) -> Option<&'static Self> {
        PLATFORMS.iter().find(|platform| platform.name == name)
    }

    /// Whether a namespace is one of its.
    pub fn owns(&self, namespace: &str) -> bool {
        self.namespaces
            .iter()
            .any(|pattern| match pattern.strip_suffix('*') {
                Some(prefix) => namespace.starts_with(prefix),
                None => namespace == *pattern,
            })
    }
}

/// Whether pods of a namespace are left alone at a site. `own` is the namespace of Tollgate itself.
pub fn is_exempt(namespace: &str, site: &Site, own: &str) -> bool {
    namespace == own
        || ALWAYS.contains(&namespace)
        || site.platforms().any(|platform| platform.owns(namespace))
}

#[cfg(test)]
mod tests {
    use super::{OWN, PLATFORMS, Platform, is_exempt};
    use crate::document::Site;

    fn site(exempt: &[&str]) -> Site {
        serde_json::from_value(serde_json::json!({ "exempt": exempt })).unwrap()
    }

    #[test]
    fn only_the_system_and_tollgate_are_exempt_by_default() {
        let site = Site::default();
        assert!(is_exempt("kube-system", &site, OWN));
        assert!(is_exempt("tollgate-system", &site, OWN));
        for namespace in [
            "default",
            "kube-public",
            "gpu-operator",
            "gmp-system",
            "openshift-monitoring",
            "",
        ] {
            assert!(!is_exempt(namespace, &site, OWN), "{namespace}");
        }
    }

    #[test]
    fn tollgates_own_namespace_is_the_one_that_it_runs_in() {
        assert!(is_exempt("gatekeepers", &Site::default(), "gatekeepers"));
        assert!(!is_exempt(
            "tollgate-system",
            &Site::default(),
            "gatekeepers"
        ));
    }

    #[test]
    fn a_site_lets_off_the_platforms_that_it_names() {
        let site = site(&["gpu-operator", "gke"]);
        for namespace in [
            "gpu-operator",
            "nvidia-gpu-operator",
            "gmp-system",
            "gke-managed-system",
        ] {
            assert!(is_exempt(namespace, &site, OWN), "{namespace}");
        }
        for namespace in ["gpu-operator-2", "gke-managed-mine", "kube-amd-gpu"] {
            assert!(!is_exempt(namespace, &site, OWN), "{namespace}");
        }
    }

    #[test]
    fn a_pattern_stands_for_what_begins_with_it() {
        let site = site(&["openshift"]);
        assert!(is_exempt("openshift-nfd", &site, OWN));
        assert!(!is_exempt("openshift", &site, OWN));
        assert!(!is_exempt("my-openshift-nfd", &site, OWN));
    }

    #[test]
    fn every_row_has_another_name_and_a_source() {
        for (index, platform) in PLATFORMS.iter().enumerate() {
            assert_eq!(Platform::find(platform.name), Some(platform));
            assert!(
                PLATFORMS
                    .iter()
                    .skip(index + 1)
                    .all(|other| other.name != platform.name)
            );
            assert!(!platform.namespaces.is_empty() && !platform.source.is_empty());
        }
    }
}
