//! What was found of each denial on the corpus, read by hand: the manifest beside what the rule says.
//!
//! Keys are the file's path in the corpus, which begins with its upstream project, and the rule.

/// A denial, and what is to be thought of it.
pub struct Verdict {
    pub file: &'static str,
    pub rule: &'static str,
    pub text: &'static str,
}

const fn verdict(file: &'static str, rule: &'static str, text: &'static str) -> Verdict {
    Verdict { file, rule, text }
}

const TPU: &str = "right: it sees every chip of the node; GKE asks for privilege below version 1.28 alone, and an `Exemption` says where nodes are older";
const PRIVILEGED: &str =
    "right: it sees every GPU of the node, and asks for those that it needs besides";
const NCCL: &str = "right: a test of the network that needs no more than `IPC_LOCK`; its GPUs come with its limits";
const SUPPORT: &str = "right: a tool of the node's administrators, for whom an `Exemption` is made; a user's pod may not";
const OPERATOR: &str = "right in a namespace of users; its operator's namespace is let off by `exempt: [nvidia-dra-driver]` or `[gpu-operator]` in `Site`";
const BURN_IN: &str = "right: a test that takes every device of every node; the rule's text names the `Exemption` that it needs";
const ROOT: &str = "right: the whole of the node's files, device nodes among them, for one program that lists GPUs; the folder of that program would do";
const DRIVER: &str = "right: the driver's folder holds its devices too; a container gets the libraries with its GPU; a test rig sets `allowedHostPaths`";
const PROCESSES: &str = "right: it sees every process of the node to show that they share a GPU; `nvidia-smi` shows its own without";
const IPC: &str = "right: the node's shared memory in the place of a `/dev/shm` of its own, which `shared-memory` gives";
const SHM: &str = "right: 30Gi of shared memory under a limit of 16Gi; the survey names it too";

#[rustfmt::skip]
pub static VERDICTS: &[Verdict] = &[
    verdict("AI-Hypercomputer__tpu-recipes/training/ironwood/deepseek3-671b/4k-bf16-tpu7x-4x4x8/k8s/k8s_manifest.yaml", "gpu-isolation/privileged", TPU),
    verdict("AI-Hypercomputer__tpu-recipes/training/ironwood/deepseek3-671b/4k-bf16-tpu7x-4x8x8/k8s/k8s_manifest.yaml", "gpu-isolation/privileged", TPU),
    verdict("GoogleCloudPlatform__ai-on-gke/tutorials-and-examples/inference-servers/jetstream/maxtext/single-host-inference/kubectl/deployment.yaml", "gpu-isolation/privileged", TPU),
    verdict("GoogleCloudPlatform__ai-on-gke/tutorials-and-examples/tpu-examples/single-host-inference/jax/bert/serve-bert.yaml", "gpu-isolation/privileged", TPU),
    verdict("GoogleCloudPlatform__ai-on-gke/tutorials-and-examples/tpu-examples/single-host-inference/jax/stable-diffusion/serve-stable-diffusion-tpu-v4.yaml", "gpu-isolation/privileged", TPU),
    verdict("GoogleCloudPlatform__ai-on-gke/tutorials-and-examples/tpu-examples/training/mnist-single-tpu/src/gke-config/standard-tensorflow-bash-v4.yaml", "gpu-isolation/privileged", TPU),
    verdict("GoogleCloudPlatform__ai-on-gke/tutorials-and-examples/tpu-examples/training/mnist-single-tpu/src/gke-config/standard-tf-mnist-batch-predict-v4.yaml", "gpu-isolation/privileged", TPU),
    verdict("GoogleCloudPlatform__cluster-toolkit/community/cos-nvidia-bug-report/bug-report-pod.yaml", "gpu-isolation/privileged", SUPPORT),
    verdict("GoogleCloudPlatform__cluster-toolkit/examples/gke-a3-ultragpu/nccl-jobset-example.yaml", "gpu-isolation/privileged", NCCL),
    verdict("GoogleCloudPlatform__cluster-toolkit/examples/gke-tpu-v6e/ml-diagnostics-sample-workload-test/sample_job.yaml", "gpu-isolation/privileged", TPU),
    verdict("GoogleCloudPlatform__cluster-toolkit/examples/gke-tpu-v6e/tpu-multislice.yaml", "gpu-isolation/privileged", TPU),
    verdict("GoogleCloudPlatform__kubernetes-engine-samples/ai-ml/gke-ray/raytrain/maxtext/ray-cluster.tpu-multi-slice.yaml", "gpu-isolation/privileged", TPU),
    verdict("GoogleCloudPlatform__kubernetes-engine-samples/ai-ml/gke-tpu-dynamic-slicing/tpu-multislice-jax.yaml", "gpu-isolation/privileged", TPU),
    verdict("GoogleCloudPlatform__kubernetes-engine-samples/autoscaling/custom-compute-classes/dra/deployment.yaml", "gpu-isolation/host-devices", ROOT),
    verdict("NVIDIA__aicr/demos/workloads/training/gke-nccl-test-tcpxo.yaml", "gpu-isolation/privileged", NCCL),
    verdict("NVIDIA__cloud-native-docs/gpu-operator/manifests/input/time-slicing-verification.yaml", "gpu-isolation/host-namespaces", PROCESSES),
    verdict("NVIDIA__gpu-operator/internal/state/testdata/golden/gpucluster-dra-driver-full-spec.yaml", "gpu-isolation/privileged", OPERATOR),
    verdict("NVIDIA__gpu-operator/internal/state/testdata/golden/gpucluster-dra-driver-full-spec.yaml", "gpu-isolation/device-rights", OPERATOR),
    verdict("NVIDIA__gpu-operator/internal/state/testdata/golden/gpucluster-dra-driver-full-spec.yaml", "gpu-isolation/host-devices", OPERATOR),
    verdict("NVIDIA__gpu-operator/internal/state/testdata/golden/gpucluster-dra-driver-gpus-only.yaml", "gpu-isolation/privileged", OPERATOR),
    verdict("NVIDIA__gpu-operator/internal/state/testdata/golden/gpucluster-dra-driver-gpus-only.yaml", "gpu-isolation/device-rights", OPERATOR),
    verdict("NVIDIA__gpu-operator/internal/state/testdata/golden/gpucluster-dra-driver-gpus-only.yaml", "gpu-isolation/host-devices", OPERATOR),
    verdict("NVIDIA__k8s-test-infra/local/gpu-validator.k8s.yaml", "gpu-isolation/host-devices", DRIVER),
    verdict("ROCm__k8s-device-plugin/example/pod/jax-non-privileged.yaml", "gpu-isolation/host-namespaces", IPC),
    verdict("ROCm__k8s-device-plugin/example/pod/pytorch-non-privileged.yaml", "gpu-isolation/host-namespaces", IPC),
    verdict("ROCm__k8s-device-plugin/example/vllm-serve/deployment.yaml", "gpu-isolation/host-namespaces", IPC),
    verdict("ai-on-gke__tutorials-and-examples/batch-inference-pytorch/standard/batch_inference.yaml", "gpu-isolation/privileged", PRIVILEGED),
    verdict("ai-on-gke__tutorials-and-examples/inference-servers/maxdiffusion/serve_sdxl_v5e.yaml", "gpu-isolation/privileged", TPU),
    verdict("aws-samples__aws-do-eks/Container-Root/eks/deployment/neuronburn/neuronburn-daemonset-inf.yaml", "gpu-isolation/privileged", BURN_IN),
    verdict("aws-samples__aws-do-eks/Container-Root/eks/deployment/neuronburn/neuronburn-daemonset-inf.yaml", "placement/daemon-set-with-devices", BURN_IN),
    verdict("aws-samples__aws-do-eks/Container-Root/eks/deployment/neuronburn/neuronburn-daemonset-trn.yaml", "placement/daemon-set-with-devices", BURN_IN),
    verdict("awslabs__ai-on-eks/infra/jupyterhub/examples/test-pods/timeslicing-test.yaml", "gpu-isolation/host-namespaces", PROCESSES),
    verdict("kubernetes-sigs__jobset/site/static/examples/tpu-multislice/v6e-jax-workload.yaml", "gpu-isolation/privileged", TPU),
    verdict("sgl-project__rbg/examples/inference/agg-standalone.yaml", "shared-memory/shm-over-memory", SHM),
];
