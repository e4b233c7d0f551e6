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

| requirement | level | what Tollgate shows for it |
|---|---|---|
";

/// A requirement of AI Conformance.
pub struct Requirement {
    name: &'static str,
    /// Whether a cluster must or should have it.
    level: &'static str,
    /// What it comes to, and why.
    what: &'static str,
    /// The rules that serve it, as `POLICY/RULE`; none where it is not Tollgate's business.
    pub rules: &'static [&'static str],
}

const fn must(
    name: &'static str,
    what: &'static str,
    rules: &'static [&'static str],
) -> Requirement {
    Requirement {
        name,
        level: "MUST",
        what,
        rules,
    }
}

const fn should(
    name: &'static str,
    what: &'static str,
    rules: &'static [&'static str],
) -> Requirement {
    Requirement {
        level: "SHOULD",
        ..must(name, what, rules)
    }
}

/// Names and levels as in cncf/k8s-ai-conformance, versions 1.33 to 1.37.
pub const REQUIREMENTS: &[Requirement] = &[
    must(
        "secure_accelerator_access",
        "accelerators through the device plugin or claims alone: ways around them are refused",
        &[
            "gpu-isolation/visible-devices",
            "gpu-isolation/device-class",
            "gpu-supply/claim-of-administration",
        ],
    ),
    must(
        "dra_support",
        "SHOULD in 1.33, and no longer asked for in 1.37, where it is part of Kubernetes: claims are read like resources, and judged with the pods that use them",
        &[
            "gpu-isolation/device-class",
            "gpu-supply/claim-of-all-devices",
        ],
    ),
    must(
        "gang_scheduling",
        "work of several pods that nobody places together is told of",
        &[
            "placement/no-gang",
            "placement/no-queue",
            "placement/queue-without-device",
            "placement/unknown-scheduler",
        ],
    ),
    must(
        "cluster_autoscaling",
        "pools that cannot scale, or that nothing bounds, are told of",
        &[
            "gpu-supply/pool-without-gpu-limit",
            "gpu-supply/karpenter-field-refused",
            "gpu-supply/node-group-gpu-untold",
        ],
    ),
    must(
        "pod_autoscaling",
        "scalers of pods with accelerators that look at the wrong number, or at none, are told of",
        &[
            "gpu-scaling/default-maximum",
            "gpu-scaling/scaled-by-cpu-alone",
            "gpu-scaling/metric-never-exported",
        ],
    ),
    must(
        "accelerator_metrics",
        "monitors of the DCGM exporter that find nothing are told of; the metrics are the exporter's",
        &[
            "gpu-supply/dcgm-monitor-selects-nothing",
            "gpu-supply/dcgm-labels-hidden",
        ],
    ),
    must(
        "ai_service_metrics",
        "scalers that name metrics which no server exports are told of; the metrics are the servers'",
        &["gpu-scaling/metric-never-exported"],
    ),
    must(
        "robust_controller",
        "the objects of operators are judged at `apply`, and pass while Tollgate is down as the tables above say",
        &[
            "parallelism/parallel-above-group",
            "parallelism/processes-untold",
            "lifecycle/unserved-kind",
        ],
    ),
    must(
        "ai_inference",
        "the Gateway API is the cluster's; routes that lead to no server are told of, and servers get requests when they can answer",
        &[
            "inference-serving/backend-selects-nothing",
            "inference-serving/no-readiness-probe",
            "inference-serving/killed-while-loading",
        ],
    ),
    should(
        "advanced_inference_ingress",
        "the extension of the Gateway API is the cluster's; pools (`InferencePool`) that select no server are told of",
        &["inference-serving/backend-selects-nothing"],
    ),
    should(
        "gpu_sharing",
        "shares and slices are told apart from whole GPUs, and asked for as nodes offer them",
        &[
            "gpu-sharing/share-not-offered",
            "mig-resources/mixed-mig",
            "gpu-supply/two-ways-of-sharing",
        ],
    ),
    should(
        "high_performance_networking",
        "pods with RDMA get the right to lock memory; the network is the cluster's",
        &["node-resources/rdma-ipc-lock"],
    ),
    should(
        "disaggregated_inference",
        "the pods of each role are judged as a group of their own",
        &[
            "parallelism/parallel-above-group",
            "parallelism/parallel-below-group",
        ],
    ),
    should(
        "driver_runtime_management",
        "images that need a newer driver than the nodes have are told of; the driver is the operator's",
        &[
            "placement/cuda-newer-than-driver",
            "gpu-supply/plugin-config-without-default",
        ],
    ),
    should(
        "workload_sandboxing",
        "which runtime isolates a pod is the cluster's; ways from a pod with accelerators to the node's devices and processes are refused",
        &[
            "gpu-isolation/privileged",
            "gpu-isolation/host-namespaces",
            "gpu-isolation/host-devices",
        ],
    ),
    should(
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
    for Requirement {
        name,
        level,
        what,
        rules,
    } in REQUIREMENTS
    {
        let rules: Vec<_> = rules.iter().map(|rule| link(rule)).collect();
        let rules = match rules.is_empty() {
            true => String::new(),
            false => format!(": {}", rules.join(", ")),
        };
        writeln!(text, "| {name} | {level} | {what}{rules} |").unwrap();
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
