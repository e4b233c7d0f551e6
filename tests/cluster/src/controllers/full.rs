//! The controllers that only the full group has. Flags keep them without leader election, and on loopback but for the
//! ports of Karpenter and the webhook of the VerticalPodAutoscaler, which cannot be told.

use super::{Needs, everyday};

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
