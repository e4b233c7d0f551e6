//! The built-in table of kinds.
//!
//! Paths, counts and defaults are those of the custom resource definitions of August 2026. A count is written as in
//! [`Count`](crate::Count): what a suspended object would make counts as nothing, an autoscaled one with its largest
//! size, and templates that others copy make none themselves.

use super::Treatment::{Fail, Ignore, ReviewOnly};
use super::row::{
    Paths, Pick, Piece, Pods, Row, bare, labelled, object, other, parts, row, spec, template, value,
};
const SUSPEND: &str = "if(/spec/suspend, 0, 1)";
const RUN_POLICY: &str = "if(/spec/runPolicy/suspend, 0, 1)";
const REPLICAS: &str = "/spec/replicas or 1";

const REPLICATED: Paths = &[("", &[template("/spec/template", REPLICAS)])];
const JOB: &[Pods] = &[template(
    "/template",
    "if(/suspend, 0, min(/parallelism or 1, /completions))",
)];

/// One template for each role, by the role's name.
const ROLES: &[Pods] = &[template("/*/template", "/*/replicas or 1")];

const JOB_SET: &[Pods] = &[template(
    "/replicatedJobs/*/template/spec/template",
    "/replicatedJobs/*/replicas or 1 * min(/replicatedJobs/*/template/spec/parallelism or 1, \
     /replicatedJobs/*/template/spec/completions)",
)];

const RAY: &[Pods] = &[
    template("/headGroupSpec/template", "if(/suspend, 0, 1)").role("head"),
    template(
        "/workerGroupSpecs/*/template",
        "if(/suspend, 0, if(/workerGroupSpecs/*/suspend, 0, /workerGroupSpecs/*/numOfHosts or 1)) \
         * if(/enableInTreeAutoscaling, /workerGroupSpecs/*/maxReplicas, \
              /workerGroupSpecs/*/replicas or /workerGroupSpecs/*/minReplicas or 0)",
    ),
];
const RAY_SUBMITTER: &[Pods] = &[template("/submitterPodTemplate", "1").role("submitter")];

/// Without a template of its own the leader is one of the workers.
const LEADER_WORKER: &[Pods] = &[
    template("/leaderWorkerTemplate/leaderTemplate", "/replicas or 1").role("leader"),
    template(
        "/leaderWorkerTemplate/workerTemplate",
        "/replicas or 1 * (/leaderWorkerTemplate/size or 1 - if(/leaderWorkerTemplate/leaderTemplate, 1, 0))",
    )
    .role("worker"),
];

/// As a LeaderWorkerSet, without one level.
const LLMAZ: &[Pods] = &[
    template("/workloadTemplate/leaderTemplate", "/replicas or 1").role("leader"),
    template(
        "/workloadTemplate/workerTemplate",
        "/replicas or 1 * (/workloadTemplate/size or 1 - if(/workloadTemplate/leaderTemplate, 1, 0))",
    )
    .role("worker"),
];

const TASKS: &[Pods] = &[template("/tasks/*/template", "/tasks/*/replicas or 1")];

const MODEL_SERVING: &[Pods] = &[
    template(
        "/template/roles/*/entryTemplate",
        "/replicas or 1 * /template/roles/*/replicas or 1",
    )
    .role("entry"),
    template(
        "/template/roles/*/workerTemplate",
        "/replicas or 1 * /template/roles/*/replicas or 1 * /template/roles/*/workerReplicas or 0",
    )
    .role("worker"),
];

const ROLE_BASED: &[Pods] = &[
    template(
        "/roles/*/standalonePattern/template",
        "/roles/*/replicas or 1",
    ),
    template(
        "/roles/*/leaderWorkerPattern/template",
        "/roles/*/replicas or 1 * /roles/*/leaderWorkerPattern/size or 1",
    ),
    template(
        "/roles/*/customComponentsPattern/components/*/template",
        "/roles/*/replicas or 1 * /roles/*/customComponentsPattern/components/*/size or 1",
    ),
    template(
        "/roles/*/template",
        "/roles/*/replicas or 1 * /roles/*/leaderWorkerSet/size or 1",
    ),
    parts(
        "/roles/*/standalonePattern/templateRef",
        &[
            Piece(
                "/roleTemplates",
                "",
                Pick::Template("/roles/*/standalonePattern/templateRef/name"),
            ),
            value("/roles/*/standalonePattern/templateRef/patch", ""),
        ],
        "/roles/*/replicas or 1",
    ),
    parts(
        "/roles/*/leaderWorkerPattern/templateRef",
        &[
            Piece(
                "/roleTemplates",
                "",
                Pick::Template("/roles/*/leaderWorkerPattern/templateRef/name"),
            ),
            value("/roles/*/leaderWorkerPattern/templateRef/patch", ""),
        ],
        "/roles/*/replicas or 1 * /roles/*/leaderWorkerPattern/size or 1",
    ),
];

/// A scaling group multiplies the cliques that it names.
const CLIQUES: &[Pods] = &[labelled(
    "/template/cliques/*/spec/podSpec",
    "/template/cliques/*",
    "/replicas or 1 \
     * (/template/cliques/*/spec/autoScalingConfig/maxReplicas or /template/cliques/*/spec/replicas or 1) \
     * (item(/template/podCliqueScalingGroups, /cliqueNames, /template/cliques/*/name, /scaleConfig/maxReplicas) \
        or item(/template/podCliqueScalingGroups, /cliqueNames, /template/cliques/*/name, /replicas) or 1)",
)
.whole()];

/// How often a step of a workflow runs is known when it has run.
const WORKFLOW: &[Pods] = &[
    parts("/templates/*/container", STEP, "unknown").whole(),
    parts("/templates/*/script", STEP, "unknown").whole(),
    parts("/templates/*/containerSet", STEP, "unknown").whole(),
];
const STEP: &[Piece] = &[
    value("/podMetadata", "/metadata"),
    value("/nodeSelector", "/spec/nodeSelector"),
    value("/affinity", "/spec/affinity"),
    value("/tolerations", "/spec/tolerations"),
    value("/volumes", "/spec/volumes"),
    value("/priorityClassName", "/spec/priorityClassName"),
    value("/podPriorityClassName", "/spec/priorityClassName"),
    value("/schedulerName", "/spec/schedulerName"),
    value("/serviceAccountName", "/spec/serviceAccountName"),
    value("/hostNetwork", "/spec/hostNetwork"),
    value("/templates/*/metadata", "/metadata"),
    value("/templates/*/nodeSelector", "/spec/nodeSelector"),
    value("/templates/*/affinity", "/spec/affinity"),
    value("/templates/*/tolerations", "/spec/tolerations"),
    value("/templates/*/volumes", "/spec/volumes"),
    value("/templates/*/priorityClassName", "/spec/priorityClassName"),
    value("/templates/*/schedulerName", "/spec/schedulerName"),
    value(
        "/templates/*/serviceAccountName",
        "/spec/serviceAccountName",
    ),
    value("/templates/*/container", "/spec/containers/0"),
    value("/templates/*/script", "/spec/containers/0"),
    value("/templates/*/containerSet/containers", "/spec/containers"),
    value("/templates/*/sidecars", "/spec/containers"),
    value("/templates/*/initContainers", "/spec/initContainers"),
];

const SCALE: &str = "/maxReplicas or /minReplicas or 1";
const PREDICTOR: &[Pods] = &[
    spec("", SCALE).role("predictor"),
    bare(
        "/workerSpec",
        "/maxReplicas or /minReplicas or 1 * (/workerSpec/pipelineParallelSize - 1)",
    )
    .role("predictor/worker"),
];
const TRANSFORMER: &[Pods] = &[spec("", SCALE).role("transformer")];
const EXPLAINER: &[Pods] = &[spec("", SCALE).role("explainer")];
const KSERVE: Paths = &[
    ("/spec/predictor", PREDICTOR),
    ("/spec/transformer", TRANSFORMER),
    ("/spec/explainer", EXPLAINER),
    ("/spec/canary/*/predictor", PREDICTOR),
];

const RUNTIME: &[Pods] = &[spec("", "0"), bare("/workerSpec", "0").role("worker")];

/// Pools of an LLMInferenceService. A group has as many pods as pieces of data parallelism, else of pipeline parallelism.
const LLM_POOL: &[Pods] = &[
    bare("/template", "/scaling/maxReplicas or /replicas or 1"),
    bare("/worker", LLM_WORKERS).role("worker"),
];
const LLM_PREFILL: &[Pods] = &[
    bare("/template", "/scaling/maxReplicas or /replicas or 1").role("prefill"),
    bare("/worker", LLM_WORKERS).role("prefill/worker"),
];
const LLM_WORKERS: &str = "/scaling/maxReplicas or /replicas or 1 \
    * (if(/parallelism/data, div(/parallelism/data, /parallelism/dataLocal or 1), \
       if(/parallelism/dataLocal, 1, /parallelism/pipeline)) - 1)";
const LLM_SCHEDULER: &[Pods] = &[bare("/scheduler/template", "1").role("scheduler")];

const NIM: &[Pods] = &[parts(
    "",
    &[
        value("/labels", "/metadata/labels"),
        value("/annotations", "/metadata/annotations"),
        value("/nodeSelector", "/spec/nodeSelector"),
        value("/affinity", "/spec/affinity"),
        value("/tolerations", "/spec/tolerations"),
        value("/schedulerName", "/spec/schedulerName"),
        value("/runtimeClassName", "/spec/runtimeClassName"),
        value("/draResources", "/spec/resourceClaims"),
        value("/resources", CONTAINER_RESOURCES),
        value("/env", "/spec/containers/0/env"),
        value("/command", "/spec/containers/0/command"),
        value("/args", "/spec/containers/0/args"),
    ],
    "/scale/hpa/maxReplicas or /replicas or 1 * (/multiNode/size or /multiNode/parallelism/pipeline or 1)",
)];

const CONTAINER_RESOURCES: &str = "/spec/containers/0/resources";
const CONTAINER_LIMITS: &str = "/spec/containers/0/resources/limits";

const DEPLOYMENT_CONFIG: &[Pods] = &[parts(
    "/deploymentConfig",
    &[
        Piece(
            "/deploymentConfig/resources/gpu",
            CONTAINER_LIMITS,
            Pick::Named("/deploymentConfig/resources/gpuType", "nvidia.com/gpu"),
        ),
        value(
            "/deploymentConfig/resources/memory",
            "/spec/containers/0/resources/requests/memory",
        ),
        value(
            "/deploymentConfig/resources/cpu",
            "/spec/containers/0/resources/requests/cpu",
        ),
        value("/deploymentConfig/env", "/spec/containers/0/env"),
        value("/deploymentConfig/nodeSelector", "/spec/nodeSelector"),
        value("/deploymentConfig/toleration", "/spec/tolerations"),
        value("/deploymentConfig/tolerations", "/spec/tolerations"),
        value("/deploymentConfig/affinity", "/spec/affinity"),
        value("/deploymentConfig/runtimeClass", "/spec/runtimeClassName"),
    ],
    "/autoscalingConfig/maxReplicas or /deploymentConfig/replicas or 1",
)];

const ROLE_SET: &[Pods] = &[template(
    "/roles/*/template",
    "/roles/*/replicas or 1 * /roles/*/podGroupSize or 1",
)];

const KV_CACHE: &[Pods] = &[parts(
    "/cache",
    &[
        value("/cache/image", "/spec/containers/0/image"),
        value(
            "/cache/imagePullPolicy",
            "/spec/containers/0/imagePullPolicy",
        ),
        value("/cache/env", "/spec/containers/0/env"),
        value("/cache/resources", CONTAINER_RESOURCES),
    ],
    "/cache/replicas or /replicas or 1",
)
.role("cache")];

/// The key of Dynamo's devices is the bare word `gpu`; its operator makes the resource's name of it.
const GRAPH: &[Pods] = &[parts(
    "/services/*",
    &[
        value("/services/*/labels", "/metadata/labels"),
        value("/services/*/annotations", "/metadata/annotations"),
        value("/services/*/extraPodMetadata", "/metadata"),
        value(
            "/services/*/extraPodSpec/mainContainer",
            "/spec/containers/0",
        ),
        value("/services/*/extraPodSpec", "/spec"),
        value("/services/*/envs", "/spec/containers/0/env"),
        Piece(
            "/services/*/resources/limits/gpu",
            CONTAINER_LIMITS,
            Pick::Named("/services/*/resources/limits/gpuType", "nvidia.com/gpu"),
        ),
        value("/services/*/resources/limits/custom", CONTAINER_LIMITS),
        value(
            "/services/*/resources/limits/cpu",
            "/spec/containers/0/resources/limits/cpu",
        ),
        value(
            "/services/*/resources/limits/memory",
            "/spec/containers/0/resources/limits/memory",
        ),
        value(
            "/services/*/resources/requests/cpu",
            "/spec/containers/0/resources/requests/cpu",
        ),
        value(
            "/services/*/resources/requests/memory",
            "/spec/containers/0/resources/requests/memory",
        ),
    ],
    "/services/*/replicas or 1 * /services/*/multinode/nodeCount or 1",
)];

/// What Trainer puts into the runtime's container. A number of nodes that is absent is the runtime's.
const TRAINER: &[Pods] = &[parts(
    "/trainer",
    &[
        value("/trainer/image", "/spec/containers/0/image"),
        value("/trainer/command", "/spec/containers/0/command"),
        value("/trainer/args", "/spec/containers/0/args"),
        value("/trainer/env", "/spec/containers/0/env"),
        value("/trainer/resourcesPerNode", CONTAINER_RESOURCES),
    ],
    "/trainer/numNodes",
)
.role("trainer")];

/// One pod on each node, with all devices of the node, unless the pod is spelled out.
const KAITO: &[Pods] = &[
    parts(
        "/resource/instanceType",
        &[Piece(
            "/resource/instanceType",
            CONTAINER_LIMITS,
            Pick::Instance,
        )],
        "if(/inference/template, 0, /resource/count or 1)",
    ),
    template("/inference/template", "/resource/count or 1").role("inference"),
];
const KAITO_ENGINE: &[Pods] = &[parts(
    "/compute/instanceType",
    &[Piece(
        "/compute/instanceType",
        CONTAINER_LIMITS,
        Pick::Instance,
    )],
    "/compute/count or 1",
)];

const OME_ENGINE: &[Pods] = &[
    spec("", SCALE).role("engine"),
    spec("/leader", SCALE).role("engine/leader"),
    spec(
        "/worker",
        "/maxReplicas or /minReplicas or 1 * /worker/size or 1",
    )
    .role("engine/worker"),
];
const OME_DECODER: &[Pods] = &[
    spec("", SCALE).role("decoder"),
    spec("/leader", SCALE).role("decoder/leader"),
    spec(
        "/worker",
        "/maxReplicas or /minReplicas or 1 * /worker/size or 1",
    )
    .role("decoder/worker"),
];
const OME_ROUTER: &[Pods] = &[spec("", SCALE).role("router")];
const OME: Paths = &[
    ("/spec/engine", OME_ENGINE),
    ("/spec/decoder", OME_DECODER),
    ("/spec/router", OME_ROUTER),
    ("/spec/predictor", PREDICTOR),
];
const OME_RUNTIME: Paths = &[
    ("/spec", &[spec("", SCALE)]),
    ("/spec/engineConfig", OME_ENGINE),
    ("/spec/decoderConfig", OME_DECODER),
    ("/spec/routerConfig", OME_ROUTER),
];

const PROFILE: &[Pods] = &[parts(
    "/resourceProfile",
    &[
        Piece("/resourceProfile", CONTAINER_LIMITS, Pick::Profile),
        value("/image", "/spec/containers/0/image"),
        value("/args", "/spec/containers/0/args"),
    ],
    "/maxReplicas or /replicas or /minReplicas or 1",
)];

const SPARK: &[Pods] = &[
    parts(
        "/driver",
        &[
            value("/driver/template", ""),
            value("/driver/labels", "/metadata/labels"),
            value("/driver/annotations", "/metadata/annotations"),
            value("/driver/nodeSelector", "/spec/nodeSelector"),
            value("/driver/tolerations", "/spec/tolerations"),
            value("/driver/affinity", "/spec/affinity"),
            value("/driver/env", "/spec/containers/0/env"),
            Piece(
                "/driver/gpu/quantity",
                CONTAINER_LIMITS,
                Pick::Named("/driver/gpu/name", "nvidia.com/gpu"),
            ),
        ],
        "1",
    )
    .role("driver"),
    parts(
        "/executor",
        &[
            value("/executor/template", ""),
            value("/executor/labels", "/metadata/labels"),
            value("/executor/annotations", "/metadata/annotations"),
            value("/executor/nodeSelector", "/spec/nodeSelector"),
            value("/executor/tolerations", "/spec/tolerations"),
            value("/executor/affinity", "/spec/affinity"),
            value("/executor/env", "/spec/containers/0/env"),
            Piece(
                "/executor/gpu/quantity",
                CONTAINER_LIMITS,
                Pick::Named("/executor/gpu/name", "nvidia.com/gpu"),
            ),
        ],
        "if(/dynamicAllocation/enabled, /dynamicAllocation/maxExecutors, /executor/instances or 1)",
    )
    .role("executor"),
];

const KUBEFLOW: &str = "kubeflow.org";
const ARGO: &str = "argoproj.io";
const AIBRIX: &str = "orchestration.aibrix.ai";

/// Every kind that is reviewed.
#[rustfmt::skip]
pub(super) const TABLE: &[Row] = &[
    // Kubernetes itself.
    row("", "Pod", Fail, &[("", &[template("", "1")])]),
    row("", "ReplicationController", Fail, REPLICATED),
    row("apps", "Deployment", Fail, REPLICATED),
    row("apps", "StatefulSet", Fail, REPLICATED),
    row("apps", "ReplicaSet", Fail, REPLICATED),
    row("apps", "DaemonSet", Fail, &[("", &[template("/spec/template", "unknown")])]),
    row("batch", "Job", Fail, &[("/spec", JOB)]),
    row("batch", "CronJob", Fail, &[("/spec/jobTemplate/spec", JOB)]).times(SUSPEND),
    row("", "PodTemplate", Fail, &[("", &[template("/template", "0")])]),

    // Training.
    row(KUBEFLOW, "PyTorchJob", Fail, &[("/spec/pytorchReplicaSpecs", ROLES)]).times(RUN_POLICY),
    row(KUBEFLOW, "TFJob", Fail, &[("/spec/tfReplicaSpecs", ROLES)]).times(RUN_POLICY),
    row(KUBEFLOW, "MXJob", Fail, &[("/spec/mxReplicaSpecs", ROLES)]).times(RUN_POLICY),
    // Of v1alpha1 is the one template.
    row(KUBEFLOW, "MPIJob", Fail, &[("/spec/mpiReplicaSpecs", ROLES), ("/spec", &[template("/template", "/replicas").role("worker")])]).times(RUN_POLICY),
    row(KUBEFLOW, "XGBoostJob", Fail, &[("/spec/xgbReplicaSpecs", ROLES)]).times(RUN_POLICY),
    row(KUBEFLOW, "PaddleJob", Fail, &[("/spec/paddleReplicaSpecs", ROLES)]).times(RUN_POLICY),
    row(KUBEFLOW, "JAXJob", Fail, &[("/spec/jaxReplicaSpecs", ROLES)]).times(RUN_POLICY),
    row("elastic.pytorch.org", "ElasticJob", Fail, &[("/spec/replicaSpecs", ROLES)]).times(RUN_POLICY),
    row("trainer.kubeflow.org", "TrainJob", Ignore, &[("/spec", TRAINER)]).times(SUSPEND),
    row("trainer.kubeflow.org", "TrainingRuntime", Fail, &[("/spec/template/spec", JOB_SET)]).times("0"),
    row("trainer.kubeflow.org", "ClusterTrainingRuntime", ReviewOnly, &[("/spec/template/spec", JOB_SET)]).times("0"),
    row(KUBEFLOW, "Notebook", Fail, &[("", &[template("/spec/template", "if(/metadata/annotations/kubeflow-resource-stopped, 0, 1)")])]),
    row(KUBEFLOW, "Experiment", Ignore, &[("", &[object("/spec/trialTemplate/trialSpec", "/spec/parallelTrialCount or 3")])]),
    row("workload.codeflare.dev", "AppWrapper", Ignore, &[("", &[object("/spec/components/*/template", "1")])]).times(SUSPEND),

    // Ray, JobSet, LeaderWorkerSet and other groups.
    row("ray.io", "RayCluster", Fail, &[("/spec", RAY)]),
    row("ray.io", "RayJob", Fail, &[("/spec/rayClusterSpec", RAY), ("/spec", RAY_SUBMITTER)]).times(SUSPEND),
    row("ray.io", "RayService", Fail, &[("/spec/rayClusterConfig", RAY)]),
    row("ray.io", "RayCronJob", Fail, &[("/spec/jobTemplate/rayClusterSpec", RAY), ("/spec/jobTemplate", RAY_SUBMITTER)]).times(SUSPEND),
    row("jobset.x-k8s.io", "JobSet", Fail, &[("/spec", JOB_SET)]).times(SUSPEND),
    row("leaderworkerset.x-k8s.io", "LeaderWorkerSet", Fail, &[("/spec", LEADER_WORKER)]),
    row("disaggregatedset.x-k8s.io", "DisaggregatedSet", Fail, &[("/spec/roles/*/spec", LEADER_WORKER)]),
    row("batch.volcano.sh", "Job", Fail, &[("/spec", TASKS)]),
    row("batch.volcano.sh", "CronJob", Fail, &[("/spec/jobTemplate/spec", TASKS)]).times(SUSPEND),
    row("workload.serving.volcano.sh", "ModelServing", Fail, &[("/spec", MODEL_SERVING)]),
    row("workloads.x-k8s.io", "RoleBasedGroup", Ignore, &[("/spec", ROLE_BASED)]),
    row("grove.io", "PodCliqueSet", Ignore, &[("/spec", CLIQUES)]),
    row(ARGO, "Workflow", Ignore, &[("/spec", WORKFLOW)]).times(SUSPEND),
    row(ARGO, "WorkflowTemplate", Ignore, &[("/spec", WORKFLOW)]).times("0"),
    row(ARGO, "ClusterWorkflowTemplate", ReviewOnly, &[("/spec", WORKFLOW)]).times("0"),
    row(ARGO, "CronWorkflow", Ignore, &[("/spec/workflowSpec", WORKFLOW)]).times(SUSPEND),
    row("keda.sh", "ScaledJob", Fail, &[("/spec/jobTargetRef", JOB)]).times("/spec/maxReplicaCount or 100"),

    // Inference.
    row("serving.kserve.io", "InferenceService", Ignore, KSERVE),
    row("serving.kserve.io", "ServingRuntime", Ignore, &[("/spec", RUNTIME)]),
    row("serving.kserve.io", "ClusterServingRuntime", ReviewOnly, &[("/spec", RUNTIME)]),
    row("serving.kserve.io", "LLMInferenceService", Ignore, &[("/spec", LLM_POOL), ("/spec/prefill", LLM_PREFILL), ("/spec/router", LLM_SCHEDULER)]),
    row("serving.knative.dev", "Service", Fail, &[("", &[template("/spec/template", "/spec/template/metadata/annotations/autoscaling.knative.dev~1max-scale or /spec/template/metadata/annotations/autoscaling.knative.dev~1min-scale or 1")])]),
    row("apps.nvidia.com", "NIMService", Ignore, &[("/spec", NIM)]),
    row("apps.nvidia.com", "NIMPipeline", Ignore, &[("/spec/services/*/spec", NIM)]).times("if(/spec/services/*/enabled, 1, 0)"),
    row("production-stack.vllm.ai", "VLLMRuntime", Ignore, &[("/spec", DEPLOYMENT_CONFIG)]),
    row(AIBRIX, "StormService", Fail, &[("/spec/template/spec", ROLE_SET)]).times(REPLICAS),
    row(AIBRIX, "RoleSet", Fail, &[("/spec", ROLE_SET)]),
    row(AIBRIX, "PodSet", Fail, &[("", &[template("/spec/template", "/spec/podGroupSize or 1")])]),
    row(AIBRIX, "RayClusterFleet", Fail, &[("/spec/template/spec", RAY)]).times(REPLICAS),
    row(AIBRIX, "RayClusterReplicaSet", Fail, &[("/spec/template/spec", RAY)]).times(REPLICAS),
    row(AIBRIX, "KVCache", Ignore, &[("/spec", KV_CACHE)]),
    row("nvidia.com", "DynamoGraphDeployment", Ignore, &[("/spec", GRAPH)]),
    row("kaito.sh", "Workspace", Ignore, &[("", KAITO)]),
    row("kaito.sh", "InferenceSet", Ignore, &[("/spec/template", KAITO)]).times(REPLICAS),
    row("kaito.sh", "RAGEngine", Ignore, &[("/spec", KAITO_ENGINE)]),
    row("ome.io", "InferenceService", Ignore, OME),
    row("ome.io", "ServingRuntime", Ignore, OME_RUNTIME).times("0"),
    row("ome.io", "ClusterServingRuntime", ReviewOnly, OME_RUNTIME).times("0"),
    row("kubeai.org", "Model", Ignore, &[("/spec", PROFILE)]),
    row("inference.llmaz.io", "Service", Fail, &[("/spec", LLMAZ)]),

    // Queues and schedulers.
    row("kueue.x-k8s.io", "Workload", ReviewOnly, &[("", &[template("/spec/podSets/*/template", "/spec/podSets/*/count or 1")])]),
    row("sparkoperator.k8s.io", "SparkApplication", Ignore, &[("/spec", SPARK)]),
    row("sparkoperator.k8s.io", "ScheduledSparkApplication", Ignore, &[("/spec/template", SPARK)]).times(SUSPEND),

    // What scales pods.
    other("autoscaling", "Scale", ReviewOnly),
    other("autoscaling", "HorizontalPodAutoscaler", Ignore),
    other("keda.sh", "ScaledObject", Ignore),
    other("autoscaling.k8s.io", "VerticalPodAutoscaler", Ignore),

    // What supplies and bounds devices.
    other("karpenter.sh", "NodePool", Ignore),
    other("cluster.x-k8s.io", "MachineDeployment", Ignore),
    other("karpenter.k8s.aws", "EC2NodeClass", ReviewOnly),
    other("resource.k8s.io", "ResourceClaim", Ignore),
    other("resource.k8s.io", "ResourceClaimTemplate", Ignore),
    other("", "ResourceQuota", ReviewOnly),
    other("nvidia.com", "ClusterPolicy", ReviewOnly),
    other("", "ConfigMap", ReviewOnly),
    other("monitoring.coreos.com", "ServiceMonitor", ReviewOnly),
    other("monitoring.coreos.com", "PodMonitor", ReviewOnly),
    other("nvidia.com", "NVIDIADriver", ReviewOnly),
    other("resource.k8s.io", "DeviceClass", ReviewOnly),
    other("autoscaling.x-k8s.io", "ProvisioningRequest", ReviewOnly),
    other("kueue.x-k8s.io", "ClusterQueue", ReviewOnly),

    // What leads requests to pods.
    other("gateway.networking.k8s.io", "HTTPRoute", ReviewOnly),
    other("networking.k8s.io", "Ingress", ReviewOnly),
    other("inference.networking.k8s.io", "InferencePool", ReviewOnly),
    other("inference.networking.x-k8s.io", "InferencePool", ReviewOnly),
];
