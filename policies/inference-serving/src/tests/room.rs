use tollgate_sdk::test::{Case, ContainerBuilder, Done, container, pod};

use super::super::InferenceServing;
use super::{ready, run};

const PRODUCT: &str = "nvidia.com/gpu.product";
const A100: &str = "NVIDIA-A100-SXM4-80GB";
const NO_ROOM: [&str; 1] = ["warn model-does-not-fit"];

fn server(count: &str, command: &[&str]) -> ContainerBuilder {
    ready(
        container("main")
            .limit("nvidia.com/gpu", count)
            .command(command),
    )
}

fn on(product: &str, server: ContainerBuilder) -> Done {
    run(pod([server]).node_selector(PRODUCT, product))
}

#[test]
fn warns_about_weights_above_the_memory() {
    for (product, count, command) in [
        (
            A100,
            "1",
            &["vllm", "serve", "meta-llama/Llama-3.3-70B-Instruct"][..],
        ),
        (
            A100,
            "1",
            &["vllm", "serve", "--model", "/models/Qwen2.5-72B-Instruct/"],
        ),
        (
            A100,
            "2",
            &[
                "vllm",
                "serve",
                "meta-llama/Llama-3.1-405B-Instruct-FP8",
                "-tp",
                "2",
            ],
        ),
        (
            "NVIDIA-L4",
            "1",
            &[
                "python3",
                "-m",
                "sglang.launch_server",
                "--model-path",
                "meta-llama/Llama-2-13b",
            ],
        ),
        (
            "Tesla-T4",
            "1",
            &[
                "text-generation-launcher",
                "--model-id",
                "meta-llama/Llama-3.1-8B",
                "--dtype",
                "float32",
            ],
        ),
        ("NVIDIA-L4", "4", &["vllm", "serve", "openai/gpt-oss-120b"]),
    ] {
        let done = on(product, server(count, command));
        assert!(
            done.findings
                .iter()
                .any(|finding| finding.rule == "model-does-not-fit"),
            "{command:?}: {:?}",
            done.findings
        );
    }
    let variable = server("1", &["vllm", "serve", "--model=$(MODEL_ID)"])
        .env("MODEL_ID", "meta-llama/Llama-3.3-70B-Instruct");
    on(A100, variable).assert_findings(&NO_ROOM);
}

#[test]
fn says_the_sum_and_what_would_be_enough() {
    let done = on(
        A100,
        server("1", &["vllm", "serve", "meta-llama/Llama-3.3-70B-Instruct"]),
    );
    done.assert_findings(&NO_ROOM);
    let finding = &done.findings[0];
    assert_eq!(
        finding.path,
        "/spec/containers/0/resources/limits/nvidia.com~1gpu"
    );
    assert_eq!(
        finding.message,
        "container `main` loads 130 GiB, and vllm may use 72"
    );
    assert_eq!(
        finding.actual.as_deref(),
        Some(
            "130 GiB of weights: `meta-llama/Llama-3.3-70B-Instruct`, 70 billion parameters of 16 bits"
        )
    );
    assert_eq!(
        finding.allowed.as_deref(),
        Some("less than 72 GiB: 1 × 80 GiB at 90 %")
    );
    assert_eq!(
        finding.fix.as_deref(),
        Some(
            "spread it over 2 such devices by tensor parallelism, choose a quantised model, or larger devices"
        )
    );
}

#[test]
fn knows_mig_devices_and_the_models_of_the_cluster() {
    let mig = ready(
        container("main")
            .limit("nvidia.com/mig-1g.10gb", "1")
            .command(&["vllm", "serve", "meta-llama/Llama-3.1-8B"]),
    );
    run(pod([mig])).assert_findings(&NO_ROOM);
    let eight = || server("1", &["vllm", "serve", "meta-llama/Llama-2-13b-hf"]);
    let partition =
        pod([eight()]).node_selector("cloud.google.com/gke-gpu-partition-size", "2g.20gb");
    run(partition).assert_findings(&NO_ROOM);
    let in_cluster = |models: &[&str]| {
        Case::new(pod([eight()]))
            .gpu_models(models)
            .run::<InferenceServing>()
    };
    in_cluster(&["L4", "T4"]).assert_findings(&NO_ROOM);
    in_cluster(&["L4", "A100-80GB"]).assert_quiet();
}

#[test]
fn says_nothing_about_what_fits_or_cannot_be_told() {
    for command in [
        &["vllm", "serve", "meta-llama/Llama-3.1-8B-Instruct"][..],
        &[
            "vllm",
            "serve",
            "meta-llama/Llama-3.3-70B-Instruct",
            "--quantization",
            "awq",
        ],
        &["vllm", "serve", "TheBloke/Llama-2-70B-AWQ"],
        &["vllm", "serve", "Qwen/Qwen3-32B"],
        &["vllm", "serve", "Qwen/Qwen3-235B-A22B-GGUF"],
        &[
            "vllm",
            "serve",
            "meta-llama/Llama-3.3-70B-Instruct",
            "--cpu-offload-gb",
            "100",
        ],
        &["vllm", "serve", "$(MODEL)"],
        &["vllm", "serve", "my-model"],
        &["llama-server", "--hf-repo", "x/Llama-70B-GGUF"],
    ] {
        on(A100, server("1", command)).assert_quiet();
    }
    let two = [
        "vllm",
        "serve",
        "meta-llama/Llama-3.3-70B-Instruct",
        "--tensor-parallel-size",
        "2",
    ];
    on(A100, server("2", &two)).assert_quiet();
    // Two pods of a group hold the model together.
    let grouped = [
        "vllm",
        "serve",
        "meta-llama/Llama-3.1-405B-Instruct",
        "-tp",
        "8",
        "-pp",
        "2",
        "--nnodes",
        "2",
    ];
    on(A100, server("8", &grouped)).assert_quiet();
    // No selector says the model of the GPU.
    run(pod([server(
        "1",
        &["vllm", "serve", "meta-llama/Llama-3.3-70B-Instruct"],
    )]))
    .assert_quiet();
    let virtual_gpu = server("1", &["vllm", "serve", "meta-llama/Llama-3.3-70B-Instruct"])
        .limit("nvidia.com/gpumem", "8000");
    on(A100, virtual_gpu).assert_quiet();
}
