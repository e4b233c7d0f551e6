use serde_json::json;
use tollgate_sdk::test::{Case, ContainerBuilder, container, pod};

use super::{GpuLimits, assert_one, run};

fn image(image: &str) -> ContainerBuilder {
    container("main").image(image)
}

#[test]
fn warns_about_programs_that_need_a_gpu() {
    for (needy, piece) in [
        (image("vllm/vllm-openai:v0.11.0"), "runs vllm"),
        (
            image("own:1").command(&["bash", "-c", "exec vllm serve m"]),
            "runs vllm",
        ),
        (
            image("own:1").command(&["python3", "-m", "sglang.launch_server"]),
            "runs sglang",
        ),
        (
            image("ghcr.io/huggingface/text-generation-inference:3"),
            "runs text-generation-inference",
        ),
        (
            image("own:1").command(&["torchrun", "--nproc-per-node=gpu", "t.py"]),
            "runs torchrun",
        ),
        (
            image("own:1").command(&["sh", "-c", "torchrun --nproc_per_node gpu t.py"]),
            "runs torchrun",
        ),
        (image("pytorch/torchserve:0.12-gpu"), "runs torchserve"),
        (
            image("tensorflow/serving:2.18-gpu"),
            "runs tensorflow-serving",
        ),
        (
            image("own:2.1-cu128").command(&["deepspeed", "t.py"]),
            "runs deepspeed",
        ),
        (
            image("nvidia/cuda:12.9.0-base-ubuntu24.04").command(&["nvidia-smi"]),
            "has a CUDA image",
        ),
    ] {
        let done = run(pod([needy]));
        let path = "/spec/containers/0/resources";
        assert_one(
            &done,
            "warn gpu-workload-without-gpu",
            path,
            &[piece, "nvidia.com/gpu: 1"],
        );
    }
}

#[test]
fn programs_that_run_on_cpus_routers_launchers_and_clients_need_none() {
    for quiet in [
        image("vllm/vllm-openai-cpu:latest"),
        image("public.ecr.aws/q9t5s3a7/vllm-cpu-release-repo:v0.11.0")
            .command(&["vllm", "serve", "m"]),
        image("own:1").command(&["vllm", "serve", "m", "--device", "cpu"]),
        image("vllm/router:latest").command(&["vllm-router"]),
        image("lmsysorg/sglang:v0.5.5").command(&["python3", "-m", "sglang_router.launch_router"]),
        image("nvcr.io/nvidia/ai-dynamo/sglang-runtime:1.0.1").command(&[
            "python3",
            "-m",
            "dynamo.frontend",
        ]),
        image("own:1-cuda12").command(&["mpirun", "-np", "4", "python", "train.py"]),
        image("own:1").command(&["torchrun", "--nproc-per-node=4", "t.py"]),
        image("pytorch/torchserve:latest"),
        image("ollama/ollama"),
        image("ghcr.io/huggingface/text-embeddings-inference:cpu-1.5"),
        image("rayproject/ray-llm:2.52.0-py311-cu128"),
        image("vllm/vllm-openai:v0.11.0").command(&["sleep", "infinity"]),
        image("vllm/vllm-openai:v0.11.0").env("NVIDIA_VISIBLE_DEVICES", "void"),
        image("ubuntu:22.04"),
    ] {
        run(pod([quiet])).assert_quiet();
    }
}

#[test]
fn a_pod_that_has_an_accelerator_some_other_way_is_right() {
    let vllm = || image("vllm/vllm-openai:v0.11.0");
    run(pod([
        vllm(),
        container("other")
            .limit("memory", "1Gi")
            .limit("google.com/tpu", "4"),
    ]))
    .assert_quiet();
    run(pod([vllm().limit("example.com/renamed", "1")])).assert_quiet();
    run(pod([vllm()]).annotation("gpu-fraction", "0.5")).assert_quiet();
    run(pod([vllm()]).with("/spec/runtimeClassName", "nvidia".into())).assert_quiet();
    run(pod([vllm()]).with(
        "/spec/resourceClaims",
        json!([{"name": "gpu", "resourceClaimName": "a"}]),
    ))
    .assert_quiet();
    let agent = json!([{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "agent", "controller": true}]);
    run(pod([image("nvidia/cuda:12")]).with("/metadata/ownerReferences", agent)).assert_quiet();
}

#[test]
fn only_application_containers_count() {
    run(pod([container("main")]).init(image("vllm/vllm-openai"))).assert_quiet();
    let template = pod([image("vllm/vllm-openai")]).deployment();
    Case::object(template)
        .run::<GpuLimits>()
        .assert_findings(&["warn gpu-workload-without-gpu"]);
}

/// A runtime brings the limits of an InferenceService, a NIMService those of its profile.
#[test]
fn nothing_is_missing_where_others_add_to_the_pod() {
    let server = || pod([container("main").command(&["vllm", "serve", "m"])]);
    Case::object(server().build())
        .run::<GpuLimits>()
        .assert_findings(&["warn gpu-workload-without-gpu"]);
    Case::object(server().predictor())
        .run::<GpuLimits>()
        .assert_quiet();
    let unbounded = || pod([container("main").limit("nvidia.com/gpu", "1")]);
    Case::object(unbounded().build())
        .run::<GpuLimits>()
        .assert_findings(&["warn no-memory-limit"]);
    Case::object(unbounded().predictor())
        .run::<GpuLimits>()
        .assert_quiet();
}
