//! Which kinds are in no namespace.

use tollgate_admission::GroupVersionKind;

/// The kinds of Kubernetes 1.36 that are in no namespace, and those that are common on clusters with GPUs. What is
/// not here is in a namespace.
const CLUSTER_WIDE: &[(&str, &[&str])] = &[
    (
        "",
        &["ComponentStatus", "Namespace", "Node", "PersistentVolume"],
    ),
    (
        "admissionregistration.k8s.io",
        &[
            "MutatingAdmissionPolicy",
            "MutatingAdmissionPolicyBinding",
            "MutatingWebhookConfiguration",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
            "ValidatingWebhookConfiguration",
        ],
    ),
    ("apiextensions.k8s.io", &["CustomResourceDefinition"]),
    ("apiregistration.k8s.io", &["APIService"]),
    (
        "certificates.k8s.io",
        &["CertificateSigningRequest", "ClusterTrustBundle"],
    ),
    ("cert-manager.io", &["ClusterIssuer"]),
    ("cloud.google.com", &["ComputeClass"]),
    (
        "flowcontrol.apiserver.k8s.io",
        &["FlowSchema", "PriorityLevelConfiguration"],
    ),
    ("gateway.networking.k8s.io", &["GatewayClass"]),
    ("internal.apiserver.k8s.io", &["StorageVersion"]),
    ("karpenter.k8s.aws", &["EC2NodeClass"]),
    ("karpenter.sh", &["NodeClaim", "NodePool"]),
    (
        "kueue.x-k8s.io",
        &[
            "AdmissionCheck",
            "ClusterQueue",
            "Cohort",
            "ResourceFlavor",
            "Topology",
            "WorkloadPriorityClass",
        ],
    ),
    (
        "networking.k8s.io",
        &["IPAddress", "IngressClass", "ServiceCIDR"],
    ),
    ("node.k8s.io", &["RuntimeClass"]),
    ("nvidia.com", &["ClusterPolicy", "NVIDIADriver"]),
    (
        "rbac.authorization.k8s.io",
        &["ClusterRole", "ClusterRoleBinding"],
    ),
    (
        "resource.k8s.io",
        &["DeviceClass", "DeviceTaintRule", "ResourceSlice"],
    ),
    ("scheduling.k8s.io", &["PriorityClass"]),
    (
        "storage.k8s.io",
        &[
            "CSIDriver",
            "CSINode",
            "StorageClass",
            "VolumeAttachment",
            "VolumeAttributesClass",
        ],
    ),
    ("storagemigration.k8s.io", &["StorageVersionMigration"]),
    ("argoproj.io", &["ClusterWorkflowTemplate"]),
    ("ome.io", &["ClusterServingRuntime"]),
    ("serving.kserve.io", &["ClusterServingRuntime"]),
    ("trainer.kubeflow.org", &["ClusterTrainingRuntime"]),
    (
        "tollgate.dev",
        &[
            "Budget",
            "Exemption",
            "Policy",
            "PriceBook",
            "Site",
            "WorkloadKind",
        ],
    ),
];

/// Whether objects of a kind are in no namespace.
pub(super) fn is_cluster_wide(gvk: &GroupVersionKind) -> bool {
    CLUSTER_WIDE
        .iter()
        .any(|(group, kinds)| *group == gvk.group && kinds.contains(&gvk.kind.as_str()))
}
