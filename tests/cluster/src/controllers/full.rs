//! The controllers that only the full group has. Flags keep them without leader election, and on loopback but for the
//! ports of Karpenter and the webhook of the VerticalPodAutoscaler, which cannot be told.

use serde_json::{Value, json};

use super::{Controller, Needs, Webhooks, everyday};

/// The machines that Karpenter may add.
const INSTANCE_TYPES: &str = include_str!("../../e2e/full/instance-types.json");

pub(super) fn mx_training_operator() -> Needs {
    Needs {
        binary: "training-operator-1.8",
        flags: |place| {
            let mut flags = (everyday::training_operator().flags)(place);
            flags.push("--enable-scheme=mxjob".to_owned());
            flags
        },
        ..everyday::training_operator()
    }
}

pub(super) fn karpenter() -> Needs {
    Needs {
        binary: "karpenter",
        service_account: ("kube-system", "karpenter"),
        after: &[],
        adjust: |_| {},
        webhooks: None,
        certified: &[],
        probed: true,
        // What cannot be read is not written, and Karpenter says then that its file is missing.
        configuration: |_| serde_json::from_str(INSTANCE_TYPES).ok(),
        environment: &[],
        flags: |place| {
            vec![
                "--disable-leader-election".to_owned(),
                format!("--metrics-port={}", place.metrics),
                format!("--health-probe-port={}", place.health),
                format!(
                    "--instance-types-file-path={}",
                    place.configuration().display()
                ),
            ]
        },
    }
}

pub(super) fn keda() -> Needs {
    Needs {
        binary: "keda",
        service_account: ("keda", "keda-operator"),
        after: &[],
        adjust: |_| {},
        webhooks: None,
        // For the adapter, which does not run; the operator does not start without.
        certified: &["keda-operator.keda.svc"],
        probed: true,
        configuration: |_| None,
        environment: &[
            ("KEDA_CLUSTER_OBJECT_NAMESPACE", "keda"),
            ("WATCH_NAMESPACE", ""),
        ],
        flags: |place| {
            vec![
                "--leader-elect=false".to_owned(),
                format!("--cert-dir={}", place.certificates().display()),
                format!("--metrics-bind-address=127.0.0.1:{}", place.metrics),
                format!("--health-probe-bind-address=127.0.0.1:{}", place.health),
                // Where the adapter would ask.
                format!("--metrics-service-bind-address=127.0.0.1:{}", place.webhook),
            ]
        },
    }
}

pub(super) fn vpa_admission() -> Needs {
    Needs {
        binary: "vpa",
        service_account: ("kube-system", "vpa-admission-controller"),
        after: &[],
        adjust: |_| {},
        webhooks: None,
        certified: &["127.0.0.1"],
        probed: false,
        configuration: |_| None,
        environment: &[("NAMESPACE", "kube-system")],
        flags: |place| {
            let file = |flag: &str, name: &str| {
                format!("--{flag}={}", place.certificates().join(name).display())
            };
            vec![
                format!("--kubeconfig={}", place.kubeconfig.display()),
                file("client-ca-file", "ca.crt"),
                file("tls-cert-file", "tls.crt"),
                file("tls-private-key", "tls.key"),
                format!("--address=127.0.0.1:{}", place.metrics),
                format!("--port={}", place.webhook),
                "--register-by-url=true".to_owned(),
                "--webhook-address=https://127.0.0.1".to_owned(),
                format!("--webhook-port={}", place.webhook),
            ]
        },
    }
}

pub(super) fn cert_manager() -> Needs {
    Needs {
        binary: "cert-manager",
        service_account: ("cert-manager", "cert-manager"),
        after: &[],
        // Its chart, which has its rights, is made when it is released: it is not in the module.
        adjust: |objects| {
            objects.push(json!({
                "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "cert-manager"},
            }));
            objects.push(json!({
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
                "metadata": {"name": "cert-manager"},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
                "subjects": [{"kind": "ServiceAccount", "namespace": "cert-manager", "name": "cert-manager"}],
            }));
        },
        webhooks: None,
        certified: &[],
        probed: true,
        configuration: |_| None,
        environment: &[],
        flags: |place| {
            vec![format!(
                "--health-probe-bind-address=127.0.0.1:{}",
                place.health
            )]
        },
    }
}

pub(super) fn kserve() -> Needs {
    Needs {
        binary: "kserve",
        service_account: ("kserve", "kserve-controller-manager"),
        after: &[Controller::CertManager],
        adjust: |objects| objects.iter_mut().for_each(without_knative),
        webhooks: Some(Webhooks {
            service: "kserve-webhook-server-service",
            secret: "kserve-webhook-server-cert",
        }),
        certified: &[],
        probed: true,
        configuration: |_| None,
        environment: &[],
        flags: |place| {
            vec![
                format!("--metrics-addr=127.0.0.1:{}", place.metrics),
                format!("--health-probe-addr=127.0.0.1:{}", place.health),
                format!("--webhook-port={}", place.webhook),
            ]
        },
    }
}

/// Makes KServe deploy as Deployments, and make no way in from outside.
fn without_knative(object: &mut Value) {
    if object["metadata"]["name"] != "inferenceservice-config" {
        return;
    }
    let data = &mut object["data"];
    data["deploy"] = json!(json!({"defaultDeploymentMode": "RawDeployment"}).to_string());
    let ingress = data["ingress"].as_str().unwrap_or_default();
    let mut ingress: Value = serde_json::from_str(ingress).unwrap_or_default();
    ingress["disableIngressCreation"] = json!(true);
    data["ingress"] = json!(ingress.to_string());
}
