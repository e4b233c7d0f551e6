//! The controllers of the everyday group. Flags and configuration keep them on loopback and without leader election.

use serde_json::{Value, json};

use super::{Controller, Needs, Place, Webhooks};

/// The kinds that Kueue holds back; those of pods and of what makes them directly are off, as by default.
const KUEUE_FRAMEWORKS: &[&str] = &[
    "batch/job",
    "jobset.x-k8s.io/jobset",
    "kubeflow.org/jaxjob",
    "kubeflow.org/paddlejob",
    "kubeflow.org/pytorchjob",
    "kubeflow.org/tfjob",
    "kubeflow.org/xgboostjob",
    "ray.io/raycluster",
    "ray.io/rayjob",
    "trainer.kubeflow.org/trainjob",
];

pub(super) fn training_operator() -> Needs {
    Needs {
        binary: "training-operator",
        service_account: ("kubeflow", "training-operator"),
        after: &[],
        adjust: |_| {},
        webhooks: Some(Webhooks {
            service: "training-operator",
            secret: "training-operator-webhook-cert",
        }),
        certified: &[],
        probed: true,
        configuration: |_| None,
        environment: &[],
        flags: |place| {
            vec![
                format!("--metrics-bind-address=127.0.0.1:{}", place.metrics),
                format!("--health-probe-bind-address=127.0.0.1:{}", place.health),
                format!("--webhook-server-port={}", place.webhook),
            ]
        },
    }
}

pub(super) fn kueue() -> Needs {
    Needs {
        binary: "kueue",
        service_account: ("kueue-system", "kueue-controller-manager"),
        after: &[],
        adjust: |_| {},
        webhooks: Some(Webhooks {
            service: "kueue-webhook-service",
            secret: "kueue-webhook-server-cert",
        }),
        certified: &[],
        probed: true,
        configuration: |place| {
            let mut configuration = managed("config.kueue.x-k8s.io/v1beta2", place);
            configuration["namespace"] = json!("kueue-system");
            configuration["internalCertManagement"] = json!({
                "enable": true,
                "webhookServiceName": "kueue-webhook-service",
                "webhookSecretName": "kueue-webhook-server-cert",
            });
            configuration["integrations"] = json!({"frameworks": KUEUE_FRAMEWORKS});
            Some(configuration)
        },
        environment: &[],
        flags: |place| {
            let mut flags = configured(place);
            // The server behind it asks for the configuration that a pod has, and ends the process without.
            flags.push("--feature-gates=VisibilityOnDemand=false".to_owned());
            flags
        },
    }
}

pub(super) fn job_set() -> Needs {
    Needs {
        binary: "jobset",
        service_account: ("jobset-system", "jobset-controller-manager"),
        after: &[],
        adjust: |_| {},
        webhooks: Some(Webhooks {
            service: "jobset-webhook-service",
            secret: "jobset-webhook-server-cert",
        }),
        certified: &[],
        probed: true,
        configuration: |place| {
            let mut configuration = managed("config.jobset.x-k8s.io/v1alpha1", place);
            configuration["internalCertManagement"] = json!({"enable": true});
            Some(configuration)
        },
        environment: &[],
        flags: configured,
    }
}

pub(super) fn leader_worker_set() -> Needs {
    Needs {
        binary: "lws",
        service_account: ("lws-system", "lws-controller-manager"),
        after: &[],
        adjust: |_| {},
        webhooks: Some(Webhooks {
            service: "lws-webhook-service",
            secret: "lws-webhook-server-cert",
        }),
        certified: &[],
        probed: true,
        configuration: |place| {
            let mut configuration = managed("config.lws.x-k8s.io/v1alpha1", place);
            configuration["internalCertManagement"] = json!({"enable": true});
            Some(configuration)
        },
        environment: &[],
        flags: configured,
    }
}

pub(super) fn trainer() -> Needs {
    Needs {
        binary: "trainer",
        service_account: ("kubeflow-system", "kubeflow-trainer-controller-manager"),
        after: &[Controller::JobSet],
        adjust: |_| {},
        webhooks: Some(Webhooks {
            service: "kubeflow-trainer-controller-manager",
            secret: "kubeflow-trainer-webhook-cert",
        }),
        certified: &[],
        probed: true,
        configuration: |place| {
            let mut configuration = managed("config.trainer.kubeflow.org/v1alpha1", place);
            // It knows no such key and looks under `TMPDIR`.
            configuration["webhook"] = json!({"port": place.webhook, "host": "127.0.0.1"});
            configuration["certManagement"] = json!({
                "enable": true,
                "webhookServiceName": "kubeflow-trainer-controller-manager",
                "webhookSecretName": "kubeflow-trainer-webhook-cert",
            });
            Some(configuration)
        },
        environment: &[],
        flags: configured,
    }
}

pub(super) fn mpi_operator() -> Needs {
    Needs {
        binary: "mpi-operator",
        service_account: ("mpi-operator", "mpi-operator"),
        after: &[],
        adjust: |_| {},
        webhooks: None,
        certified: &[],
        probed: false,
        configuration: |_| None,
        environment: &[],
        flags: |place| {
            vec![
                format!("--kubeConfig={}", place.kubeconfig.display()),
                "--lock-namespace=mpi-operator".to_owned(),
                "--monitoring-port=0".to_owned(),
            ]
        },
    }
}

pub(super) fn kuberay() -> Needs {
    Needs {
        binary: "kuberay",
        service_account: ("default", "kuberay-operator"),
        after: &[],
        adjust: |_| {},
        webhooks: None,
        certified: &[],
        probed: true,
        configuration: |_| None,
        environment: &[],
        flags: |place| {
            vec![
                "--enable-leader-election=false".to_owned(),
                format!("--metrics-addr=127.0.0.1:{}", place.metrics),
                format!("--health-probe-bind-address=127.0.0.1:{}", place.health),
            ]
        },
    }
}

/// What the configurations of controller-runtime's managers have in common.
fn managed(version: &str, place: &Place) -> Value {
    json!({
        "apiVersion": version,
        "kind": "Configuration",
        "health": {"healthProbeBindAddress": format!("127.0.0.1:{}", place.health)},
        "metrics": {"bindAddress": format!("127.0.0.1:{}", place.metrics)},
        "leaderElection": {"leaderElect": false},
        "webhook": {"port": place.webhook, "host": "127.0.0.1", "certDir": place.certificates()},
    })
}

fn configured(place: &Place) -> Vec<String> {
    vec![format!("--config={}", place.configuration().display())]
}
