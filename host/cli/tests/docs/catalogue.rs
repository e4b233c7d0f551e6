//! Which rules answer which row of the catalogue of misconfigurations.
//!
//! A row names its rules as `POLICY/RULE`, or says why no rule can answer it.

/// A row of the catalogue.
pub struct Row {
    pub id: &'static str,
    /// What is misconfigured.
    pub what: &'static str,
    pub answer: Answer,
}

/// What is done about it.
pub enum Answer {
    Rules(&'static [&'static str]),
    /// Nothing; why.
    None(&'static str),
}
use Answer::Rules;

const fn row(id: &'static str, what: &'static str, answer: Answer) -> Row {
    Row { id, what, answer }
}

/// All rows.
pub const CATALOGUE: &[Row] = &[
    row(
        "M01",
        "`NVIDIA_VISIBLE_DEVICES` names GPUs without a GPU limit",
        Rules(&["gpu-isolation/visible-devices"]),
    ),
    row(
        "M02",
        "a CUDA image without a GPU request, which makes all GPUs visible by itself",
        Rules(&["gpu-isolation/void-devices"]),
    ),
    row(
        "M03",
        "a privileged container",
        Rules(&["gpu-isolation/privileged"]),
    ),
    row(
        "M04",
        "the runtime class of GPUs without a GPU request",
        Rules(&["gpu-isolation/gpu-runtime-class"]),
    ),
    row(
        "M05",
        "a debug container that takes devices",
        Rules(&["gpu-isolation/debug-container"]),
    ),
    row(
        "M06",
        "host paths of devices, plugin sockets and CDI",
        Rules(&["gpu-isolation/host-devices"]),
    ),
    row(
        "M07",
        "rights over MIG, monitoring and IMEX in a user's pod",
        Rules(&["gpu-isolation/device-rights"]),
    ),
    row(
        "M08",
        "the node's IPC, processes or `/dev/shm`",
        Rules(&[
            "gpu-isolation/host-namespaces",
            "shared-memory/shm-host-path",
        ]),
    ),
    row(
        "M09",
        "`CUDA_VISIBLE_DEVICES` written by hand",
        Rules(&[
            "gpu-isolation/hand-picked-devices",
            "gpu-isolation/impossible-device-index",
        ]),
    ),
    row(
        "M10",
        "a claim of all devices, of administration, or of a class that is not for workloads",
        Rules(&[
            "gpu-isolation/device-class",
            "gpu-supply/claim-of-administration",
            "gpu-supply/claim-of-all-devices",
        ]),
    ),
    row(
        "M11",
        "a GPU in `requests` alone",
        Rules(&["gpu-limits/request-without-limit"]),
    ),
    row(
        "M12",
        "request and limit of a GPU differ",
        Rules(&["gpu-limits/request-not-limit"]),
    ),
    row(
        "M13",
        "a fraction of a GPU",
        Rules(&["gpu-limits/fractional-gpu"]),
    ),
    row(
        "M14",
        "a misspelt resource name",
        Rules(&[
            "gpu-limits/misspelt-resource",
            "gpu-limits/unknown-accelerator",
        ]),
    ),
    row(
        "M15",
        "a MIG profile that the GPU model does not have",
        Rules(&[
            "mig-resources/mig-profile-unavailable",
            "gpu-limits/beyond-nodes",
        ]),
    ),
    row(
        "M16",
        "more than one share of a GPU",
        Rules(&["gpu-sharing/several-shares"]),
    ),
    row(
        "M17",
        "several MIG devices in a container",
        Rules(&["mig-resources/several-mig-devices"]),
    ),
    row(
        "M18",
        "a whole GPU beside MIG devices, or MIG devices of two sizes",
        Rules(&["mig-resources/mixed-mig"]),
    ),
    row(
        "M19",
        "`nvidia.com/gpu` where nodes offer shares, or the reverse",
        Rules(&["gpu-sharing/share-not-offered", "gpu-limits/beyond-nodes"]),
    ),
    row(
        "M20",
        "GPUs on a sidecar or on several containers",
        Rules(&[
            "gpu-limits/several-gpu-containers",
            "gpu-limits/gpu-on-sidecar",
        ]),
    ),
    row(
        "M21",
        "a GPU on an init container",
        Rules(&["gpu-limits/gpu-on-init-container"]),
    ),
    row(
        "M22",
        "a GPU workload without a GPU",
        Rules(&["gpu-limits/gpu-workload-without-gpu"]),
    ),
    row(
        "M23",
        "more GPUs than a node has, or a number that strands others",
        Rules(&[
            "gpu-limits/unusual-gpu-count",
            "gpu-limits/too-many-gpus",
            "gpu-limits/beyond-nodes",
        ]),
    ),
    row(
        "M24",
        "quantities of shared GPUs without a count, or above 100 percent",
        Rules(&[
            "gpu-limits/quantity-without-count",
            "gpu-limits/percent-above-100",
        ]),
    ),
    row(
        "M25",
        "a fraction of KAI beside a GPU limit, or out of range",
        Rules(&[
            "gpu-limits/wrong-gpu-fraction",
            "gpu-sharing/wrong-gpu-part",
        ]),
    ),
    row(
        "M26",
        "parallel sizes above the GPUs",
        Rules(&[
            "parallelism/parallel-above-devices",
            "parallelism/parallel-above-pod",
            "parallelism/parallel-above-group",
            "parallelism/told-unlike-devices",
        ]),
    ),
    row(
        "M27",
        "parallel sizes below the GPUs",
        Rules(&[
            "parallelism/parallel-below-devices",
            "parallelism/parallel-below-group",
            "parallelism/told-unlike-devices",
        ]),
    ),
    row(
        "M28",
        "processes of a launcher unlike the GPUs",
        Rules(&[
            "parallelism/processes-above-devices",
            "parallelism/processes-below-devices",
            "parallelism/told-unlike-devices",
        ]),
    ),
    row(
        "M29",
        "several GPUs a pod and one process in a PyTorchJob",
        Rules(&["parallelism/one-process-for-several-gpus"]),
    ),
    row(
        "M30",
        "slots of an MPIJob unlike its GPUs",
        Rules(&["parallelism/slots-unlike-gpus"]),
    ),
    row(
        "M31",
        "a TrainJob on devices that the trainer does not count",
        Rules(&["parallelism/processes-untold"]),
    ),
    row(
        "M32",
        "GPUs that Ray is told of unlike those that it has",
        Rules(&[
            "parallelism/ray-gpus-unlike-limit",
            "parallelism/ray-gpus-unseen",
        ]),
    ),
    row(
        "M33",
        "a TPU topology unlike the chips of its pods",
        Rules(&["parallelism/tpu-topology"]),
    ),
    row(
        "M34",
        "a model spread over MIG devices or shares",
        Rules(&["mig-resources/tensor-parallel-over-mig"]),
    ),
    row(
        "M35",
        "`--nnodes` unlike the pods",
        Rules(&["parallelism/nodes-unlike-pods"]),
    ),
    row(
        "M36",
        "several GPUs and no `/dev/shm`",
        Rules(&["shared-memory/shm-missing"]),
    ),
    row(
        "M37",
        "a `/dev/shm` as large as the memory limit",
        Rules(&[
            "shared-memory/shm-half-of-memory",
            "shared-memory/shm-over-memory",
        ]),
    ),
    row(
        "M38",
        "a `/dev/shm` without `sizeLimit`",
        Rules(&["shared-memory/shm-unlimited"]),
    ),
    row(
        "M39",
        "a `/dev/shm` on disk",
        Rules(&["shared-memory/shm-on-disk"]),
    ),
    row(
        "M40",
        "no memory limit on a GPU container",
        Rules(&["gpu-limits/no-memory-limit", "gpu-limits/limits-from-table"]),
    ),
    row(
        "M41",
        "CPU or memory out of proportion to the GPUs",
        Rules(&[
            "node-resources/cpu-or-memory-over-proportion",
            "node-resources/cpu-under-proportion",
        ]),
    ),
    row(
        "M42",
        "a DaemonSet that asks for GPUs",
        Rules(&["placement/daemon-set-with-devices"]),
    ),
    row(
        "M43",
        "no disk requested for a large model",
        Rules(&["node-resources/no-room-for-model"]),
    ),
    row(
        "M44",
        "huge pages missing, or without CPU and memory",
        Rules(&[
            "node-resources/hugepages-missing",
            "node-resources/hugepages-without-cpu-or-memory",
        ]),
    ),
    row(
        "M45",
        "RDMA without the right to lock memory",
        Rules(&[
            "node-resources/rdma-ipc-lock",
            "node-resources/rdma-ipc-lock-forbidden",
            "node-resources/efa-ipc-lock",
        ]),
    ),
    row(
        "M46",
        "the node's network",
        Rules(&["node-resources/host-network"]),
    ),
    row(
        "M47",
        "no toleration of the GPU taint",
        Rules(&["gpu-tolerations/missing-toleration"]),
    ),
    row(
        "M48",
        "a slice or share on a node with the taint of the whole GPU",
        Rules(&["gpu-tolerations/slice-toleration"]),
    ),
    row(
        "M49",
        "a toleration of GPU nodes without a GPU",
        Rules(&["gpu-tolerations/untaken-toleration"]),
    ),
    row(
        "M50",
        "spot capacity for work that cannot lose its node",
        Rules(&["placement/capacity-not-allowed"]),
    ),
    row(
        "M51",
        "no GPU model selected in a mixed cluster",
        Rules(&["placement/gpu-model-default", "placement/model-left-open"]),
    ),
    row(
        "M52",
        "selectors that cannot hold",
        Rules(&[
            "placement/contradictory-selectors",
            "placement/absent-model",
        ]),
    ),
    row("M53", "`nodeName` set", Rules(&["gpu-isolation/node-name"])),
    row(
        "M54",
        "batch work beside the queue of its namespace",
        Rules(&["placement/no-queue"]),
    ),
    row(
        "M55",
        "several pods of one job that nobody places together",
        Rules(&["placement/no-gang"]),
    ),
    row(
        "M56",
        "no priority class",
        Rules(&["placement/priority-class-default"]),
    ),
    row(
        "M57",
        "a scheduler or a queue that the cluster does not have",
        Rules(&["placement/unknown-scheduler", "placement/unknown-queue"]),
    ),
    row(
        "M58",
        "an image of one processor architecture on nodes of another",
        Rules(&["placement/image-architecture"]),
    ),
    row(
        "M59",
        "a CUDA newer than the driver",
        Rules(&[
            "placement/cuda-newer-than-driver",
            "placement/cuda-check-disabled",
        ]),
    ),
    row(
        "M60",
        "a rollout that needs a GPU more than the nodes have",
        Rules(&["lifecycle/surge-needs-devices"]),
    ),
    row(
        "M61",
        "an inference server without readiness probe",
        Rules(&[
            "inference-serving/no-readiness-probe",
            "inference-serving/probes-from-table",
        ]),
    ),
    row(
        "M62",
        "a liveness probe that fires while a model loads",
        Rules(&["inference-serving/killed-while-loading"]),
    ),
    row(
        "M63",
        "a spot pod without time or place to save its work",
        Rules(&[
            "lifecycle/spot-grace-period",
            "lifecycle/spot-grace-period-default",
            "lifecycle/spot-without-checkpoint",
        ]),
    ),
    row(
        "M64",
        "long training that an autoscaler may move",
        Rules(&["lifecycle/training-disruptable", "lifecycle/training-kept"]),
    ),
    row(
        "M65",
        "training without an end",
        Rules(&[
            "lifecycle/restarts-for-ever",
            "lifecycle/no-deadline",
            "lifecycle/ray-cluster-kept",
        ]),
    ),
    row(
        "M66",
        "idle notebooks with GPUs",
        Rules(&["lifecycle/notebook-with-several-gpus"]),
    ),
    row(
        "M67",
        "a large image that is pulled at each start, or has no fixed tag",
        Rules(&[
            "inference-serving/image-always-pulled",
            "inference-serving/image-not-fixed",
            "inference-serving/pull-policy-if-not-present",
        ]),
    ),
    row(
        "M68",
        "NVML errors after hours, since systemd took the devices away",
        Answer::None("only the logs of the node show it"),
    ),
    row(
        "M69",
        "a scaler without a maximum of its own",
        Rules(&["gpu-scaling/default-maximum"]),
    ),
    row(
        "M70",
        "pods with GPUs scaled by their CPU, or by a metric that is not there",
        Rules(&[
            "gpu-scaling/scaled-by-cpu-alone",
            "gpu-scaling/scale-target-absent",
            "gpu-supply/dcgm-monitor-selects-nothing",
            "gpu-supply/dcgm-labels-hidden",
        ]),
    ),
    row(
        "M71",
        "a VerticalPodAutoscaler that evicts pods with GPUs",
        Rules(&["gpu-scaling/vpa-evicts-accelerators"]),
    ),
    row(
        "M72",
        "a NodePool without a limit of GPUs, or with fields of another version",
        Rules(&[
            "gpu-supply/pool-without-gpu-limit",
            "gpu-supply/removed-karpenter-version",
            "gpu-supply/karpenter-field-refused",
            "gpu-supply/karpenter-field-dropped",
        ]),
    ),
    row(
        "M73",
        "an upgrade that takes the GPUs twice",
        Rules(&["lifecycle/upgrade-doubles"]),
    ),
    row(
        "M74",
        "a device plugin configuration without default",
        Rules(&["gpu-supply/plugin-config-without-default"]),
    ),
    row(
        "M75",
        "a configuration of MIG or sharing that the plugin refuses or does not read",
        Rules(&[
            "gpu-supply/two-ways-of-sharing",
            "gpu-supply/replicas-of-one",
            "gpu-supply/sharing-without-resources",
            "gpu-supply/mixed-layout-under-single",
            "gpu-sharing/share-not-offered",
            "gpu-supply/mig-strategies-differ",
        ]),
    ),
    row(
        "M76",
        "two scalers of one resource",
        Rules(&["gpu-scaling/scalers-fight", "gpu-scaling/scaled-twice"]),
    ),
    row(
        "M77",
        "a volume of one node under several pods",
        Rules(&["placement/claim-of-one-node"]),
    ),
    row(
        "M78",
        "a model that does not fit",
        Rules(&[
            "inference-serving/model-does-not-fit",
            "inference-serving/whole-memory-on-shared-gpu",
        ]),
    ),
    row(
        "M79",
        "a TorchServe that lets anybody load code",
        Rules(&["inference-serving/torchserve-open"]),
    ),
    row(
        "M80",
        "a metric by a name that no server exports",
        Rules(&[
            "gpu-scaling/metric-never-exported",
            "gpu-scaling/removed-trigger-field",
        ]),
    ),
];

/// Rules that answer no row, with what they are for.
pub const BEYOND: &[(&str, &str)] = &[
    (
        "gpu-tolerations/extra-toleration",
        "taints of this cluster alone",
    ),
    (
        "mig-resources/mig-from-size",
        "pods that say how much of a GPU they need",
    ),
    (
        "mig-resources/mig-size-unreadable",
        "pods that say how much of a GPU they need",
    ),
    (
        "mig-resources/mig-size-unclear",
        "pods that say how much of a GPU they need",
    ),
    (
        "mig-resources/mig-size-too-large",
        "pods that say how much of a GPU they need",
    ),
    (
        "mig-resources/mig-model-unknown",
        "pods that say how much of a GPU they need",
    ),
    (
        "mig-resources/mig-names-absent",
        "pods that say how much of a GPU they need",
    ),
    (
        "mig-resources/mig-default-unused",
        "pods that say how much of a GPU they need",
    ),
    (
        "placement/gpu-class-not-allowed",
        "kinds of device by kind of work",
    ),
    (
        "gpu-sharing/mps-shm",
        "MPS, which brings a `/dev/shm` of its own",
    ),
    (
        "inference-serving/torchserve-unmaintained",
        "servers that nobody maintains",
    ),
    (
        "gpu-supply/gpu-pool-without-taint",
        "pools that pods without GPUs fill",
    ),
    (
        "gpu-supply/spot-pool-of-one-type",
        "pools that cannot buy anything else",
    ),
    (
        "gpu-supply/node-class-without-images",
        "classes that the API server refuses",
    ),
    (
        "gpu-supply/node-class-of-old-images",
        "images that are no longer made",
    ),
    (
        "gpu-supply/node-group-gpu-untold",
        "node groups that scale from zero",
    ),
    (
        "gpu-supply/quota-counts-nothing",
        "quotas by a name that is not counted",
    ),
    ("gpu-supply/driver-of-all-nodes", "two drivers for one node"),
    (
        "gpu-supply/class-of-every-device",
        "device classes that select nothing",
    ),
    (
        "gpu-supply/provisioning-class-renamed",
        "requests for nodes that nobody answers",
    ),
    (
        "gpu-supply/provisioning-template-absent",
        "requests for nodes that nobody answers",
    ),
    (
        "inference-serving/backend-selects-nothing",
        "routes that lead to no pod",
    ),
    (
        "gpu-supply/queue-flavor-absent",
        "queues that admit nothing",
    ),
    (
        "placement/queue-without-device",
        "queues without a quota for what is asked for",
    ),
    ("lifecycle/unserved-kind", "kinds that were removed"),
    ("gpu-budget/over-budget", "budgets"),
    ("gpu-budget/over-soft-limit", "budgets"),
    ("gpu-budget/never-fits", "budgets"),
    ("gpu-budget/not-now", "budgets"),
    ("gpu-budget/unknown-price", "budgets"),
];
