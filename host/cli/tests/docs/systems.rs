//! The text of `docs/systems.md`.

use std::fmt::Write as _;

use tollgate_admission::{Kind, Kinds, PodPath, Treatment};
use tollgate_engine::PolicyInfo;

const HEAD: &str = "\
# Systems

Written by `UPDATE_DOCS=1 cargo test --release --workspace --test docs` from the table of kinds and from what the policies
say of themselves; a test fails when it is stale.

## Kinds that make pods

Every rule about pods judges the pods of each of these kinds, as they will be after their repairs; the last column has the
rules about the object itself. Pods are repaired when they are made, and objects never. `*` stands for every item or key. A
pod is *partial* where other objects and controllers add to what the object says: rules about what is missing are quiet.
What happens when the webhook does not answer: the object is *refused*, it is *admitted* (its pods are judged when they are
made), or the webhook is never asked and *review* alone looks at it.

| kind | group | where its pods stand | no answer | rules about the object |
|---|---|---|---|---|
";

const OTHERS: &str = "
## Kinds that scale, supply and bound

| kind | group | no answer | rules |
|---|---|---|---|
";

const CONFORMANCE: &str = "
## Kubernetes AI Conformance

What a cluster must or should have to be conformant, and what Tollgate has to do with it. Tollgate makes no cluster
conformant; it keeps workloads from getting round what a cluster has.

| requirement | what Tollgate shows for it |
|---|---|
";

/// A requirement of AI Conformance.
pub struct Requirement {
    name: &'static str,
    /// What it comes to, and why.
    what: &'static str,
    /// The rules that serve it, as `POLICY/RULE`; none where it is not Tollgate's business.
    pub rules: &'static [&'static str],
}

const fn requirement(
    name: &'static str,
    what: &'static str,
    rules: &'static [&'static str],
) -> Requirement {
    Requirement { name, what, rules }
}

/// Names as in cncf/k8s-ai-conformance, versions 1.33 to 1.36.
pub const REQUIREMENTS: &[Requirement] = &[
    requirement(
        "secure_accelerator_access",
        "accelerators through the device plugin or claims alone: ways around them are refused",
        &[
            "gpu-isolation/visible-devices",
            "gpu-isolation/device-class",
            "gpu-supply/claim-of-administration",
        ],
    ),
    requirement(
        "dra_support",
        "claims are read like resources, and judged with the pods that use them",
        &[
            "gpu-isolation/device-class",
            "gpu-supply/claim-of-all-devices",
        ],
    ),
    requirement(
        "gang_scheduling",
        "work of several pods that nobody places together is told of",
        &[
            "placement/no-gang",
            "placement/no-queue",
            "placement/unknown-scheduler",
        ],
    ),
    requirement(
        "cluster_autoscaling",
        "pools that cannot scale, or that nothing bounds, are told of",
        &[
            "gpu-supply/pool-without-gpu-limit",
            "gpu-supply/karpenter-field-refused",
            "gpu-supply/node-group-gpu-untold",
        ],
    ),
    requirement(
        "pod_autoscaling",
        "scalers of pods with accelerators that look at the wrong number, or at none, are told of",
        &[
            "gpu-scaling/default-maximum",
            "gpu-scaling/scaled-by-cpu-alone",
            "gpu-scaling/metric-never-exported",
        ],
    ),
    requirement(
        "accelerator_metrics",
        "monitors of the DCGM exporter that find nothing are told of; the metrics are the exporter's",
        &[
            "gpu-supply/dcgm-monitor-selects-nothing",
            "gpu-supply/dcgm-labels-hidden",
        ],
    ),
    requirement(
        "ai_service_metrics",
        "scalers that name metrics which no server exports are told of; the metrics are the servers'",
        &["gpu-scaling/metric-never-exported"],
    ),
    requirement(
        "robust_controller",
        "the objects of operators are judged at `apply`, and pass while Tollgate is down as the tables above say",
        &[
            "parallelism/parallel-above-group",
            "parallelism/processes-untold",
            "lifecycle/unserved-kind",
        ],
    ),
    requirement(
        "ai_inference",
        "servers get requests when they can answer, and restart no model that is being loaded",
        &[
            "inference-serving/no-readiness-probe",
            "inference-serving/killed-while-loading",
        ],
    ),
    requirement(
        "gpu_sharing",
        "shares and slices are told apart from whole GPUs, and asked for as nodes offer them",
        &[
            "gpu-sharing/share-not-offered",
            "mig-resources/mixed-mig",
            "gpu-supply/two-ways-of-sharing",
        ],
    ),
    requirement(
        "high_performance_networking",
        "pods with RDMA get the right to lock memory; the network is the cluster's",
        &["node-resources/rdma-ipc-lock"],
    ),
    requirement(
        "disaggregated_inference",
        "the pods of each role are judged as a group of their own",
        &["parallelism/parallel-above-group"],
    ),
    requirement(
        "driver_runtime_management",
        "images that need a newer driver than the nodes have are told of; the driver is the operator's",
        &[
            "placement/cuda-newer-than-driver",
            "gpu-supply/plugin-config-without-default",
        ],
    ),
    requirement(
        "virtualized_accelerator",
        "not its business: which virtual devices there are is up to the hypervisor",
        &[],
    ),
];

/// The whole document.
pub fn document(policies: &[PolicyInfo]) -> String {
    let rows = Kinds::builtin().rows();
    let mut text = HEAD.to_owned();
    for kind in rows.iter().filter(|kind| kind.makes_pods()) {
        writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            kind.kind,
            group(kind),
            places(kind),
            on_failure(kind),
            rules_about(kind, policies)
        )
        .unwrap();
    }
    text += OTHERS;
    for kind in rows.iter().filter(|kind| !kind.makes_pods()) {
        writeln!(
            text,
            "| {} | {} | {} | {} |",
            kind.kind,
            group(kind),
            on_failure(kind),
            rules_about(kind, policies)
        )
        .unwrap();
    }
    text += CONFORMANCE;
    for Requirement { name, what, rules } in REQUIREMENTS {
        let rules: Vec<_> = rules.iter().map(|rule| link(rule)).collect();
        let rules = match rules.is_empty() {
            true => String::new(),
            false => format!(": {}", rules.join(", ")),
        };
        writeln!(text, "| {name} | {what}{rules} |").unwrap();
    }
    text
}

fn group(kind: &Kind) -> &str {
    match kind.group.as_str() {
        "" => "core",
        group => group,
    }
}

fn places(kind: &Kind) -> String {
    let place = |pods: &PodPath| {
        let path = match pods.path.as_str() {
            "" => "the object",
            path => path,
        };
        let partial = if pods.is_whole { "" } else { " (partial)" };
        match pods.role.as_str() {
            "" => format!("`{path}`{partial}"),
            role => format!("{role} `{path}`{partial}"),
        }
    };
    kind.pods.iter().map(place).collect::<Vec<_>>().join(", ")
}

fn on_failure(kind: &Kind) -> &'static str {
    match kind.treatment {
        Treatment::Fail => "refused",
        Treatment::Ignore => "admitted",
        Treatment::ReviewOnly => "review",
    }
}

fn rules_about(kind: &Kind, policies: &[PolicyInfo]) -> String {
    let name = kind.kind_dot_group();
    let of_policy = |info: &PolicyInfo| -> Vec<_> {
        let about = info.rules.iter().filter(|rule| rule.about.contains(&name));
        about
            .map(|rule| link(&format!("{}/{}", info.name, rule.id)))
            .collect()
    };
    policies
        .iter()
        .flat_map(of_policy)
        .collect::<Vec<_>>()
        .join(", ")
}

fn link(rule: &str) -> String {
    let (policy, _) = rule.split_once('/').unwrap();
    format!("[`{rule}`](rules.md#{policy})")
}
