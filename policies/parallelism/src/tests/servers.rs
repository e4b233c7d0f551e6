use tollgate_sdk::test::{Case, container, pod};

use super::super::Parallelism;
use super::{PATH, alone, run, runs, script};

#[test]
fn refuses_more_than_the_container_has_in_every_spelling() {
    let lines = [
        &["vllm", "serve", "m", "--tensor-parallel-size", "4"][..],
        &["vllm", "serve", "m", "--tensor-parallel-size=4"],
        &["vllm", "serve", "m", "-tp", "2", "-pp=2"],
        &[
            "vllm",
            "serve",
            "m",
            "-tp",
            "2",
            "--data-parallel-size",
            "2",
        ],
        &[
            "vllm",
            "serve",
            "m",
            "-tp",
            "4",
            "--distributed-executor-backend",
            "mp",
        ],
        &[
            "python3",
            "-m",
            "sglang.launch_server",
            "--tp",
            "4",
            "--nnodes",
            "1",
        ],
        &[
            "python3",
            "-m",
            "sglang.launch_server",
            "--tp-size",
            "2",
            "--dp-size",
            "2",
        ],
        &["text-generation-launcher", "--num-shard", "4"],
        &["trtllm-serve", "m", "--tp_size", "4"],
        &[
            "python3",
            "-m",
            "dynamo.vllm",
            "--tensor-parallel-size",
            "4",
        ],
    ];
    for line in lines {
        alone(runs("1", line)).assert_findings(&["deny parallel-above-devices"]);
        alone(runs("4", line)).assert_quiet();
    }
    for line in [
        "vllm serve m --tensor-parallel-size 4",
        "cd /; exec vllm serve m \\\n  --port 8000 \\\n  --tensor-parallel-size=4 \\\n  --max-model-len 1",
        "python3 -m vllm.entrypoints.openai.api_server --model m -tp 4 2>&1 | tee log",
    ] {
        alone(script("1", line)).assert_findings(&["deny parallel-above-devices"]);
    }
    let shards = container("main")
        .image("ghcr.io/huggingface/text-generation-inference:3.0")
        .limit("nvidia.com/gpu", "1")
        .env("NUM_SHARD", "4");
    alone(shards).assert_findings(&["deny parallel-above-devices"]);
}

#[test]
fn says_container_place_numbers_and_fix() {
    let done = alone(runs("2", &["vllm", "serve", "m", "-tp", "4", "-pp", "2"]));
    let finding = &done.findings[0];
    assert_eq!(finding.path, PATH);
    assert_eq!(
        finding.message,
        "container `main`: vllm with tensor parallel size 4 and pipeline parallel size 2, 8 devices in all, more than its 2 nvidia.com/gpu"
    );
    assert_eq!(finding.actual.as_deref(), Some("8"));
    assert_eq!(finding.allowed.as_deref(), Some("at most 2"));
    assert_eq!(
        finding.fix.as_deref(),
        Some("ask for `nvidia.com/gpu: 8` in the limits, or set `-tp` to 2")
    );
}

#[test]
fn a_deployment_is_as_alone_as_a_pod() {
    let builder = || pod([runs("1", &["vllm", "serve", "m", "-tp", "4"])]);
    let done = Case::object(builder().deployment()).run::<Parallelism>();
    done.assert_findings(&["deny parallel-above-devices"]);
    let labelled = builder().label("model.aibrix.ai/name", "llama");
    run(super::owned(labelled, "apps/v1", "ReplicaSet"))
        .assert_findings(&["deny parallel-above-devices"]);
}

#[test]
fn warns_about_devices_that_stay_idle() {
    let done = alone(runs(
        "8",
        &["vllm", "serve", "m", "--tensor-parallel-size", "4"],
    ));
    done.assert_findings(&["warn parallel-below-devices"]);
    assert_eq!(
        done.findings[0].message,
        "container `main`: vllm with tensor parallel size 4, 4 of 8 nvidia.com/gpu idle"
    );
    alone(runs("2", &["vllm", "serve", "m"])).assert_findings(&["warn parallel-below-devices"]);
    alone(runs(
        "2",
        &["python3", "-m", "sglang.launch_server", "--tp", "1"],
    ))
    .assert_findings(&["warn parallel-below-devices"]);
}

#[test]
fn idle_devices_may_belong_to_other_programs_or_be_told_elsewhere() {
    for line in [
        "CUDA_VISIBLE_DEVICES=0,1 vllm serve m -tp 2 & CUDA_VISIBLE_DEVICES=2,3 vllm serve n -tp 2",
        "vllm serve m $EXTRA_ARGS",
        "vllm serve m --config /etc/vllm.yaml",
        "vllm serve m --port 1 -tp 2 & vllm serve m --port 2 -tp 2",
    ] {
        alone(script("4", line)).assert_quiet();
    }
    alone(runs("2", &["text-generation-launcher", "--model-id", "m"])).assert_quiet();
    alone(runs("2", &["vllm", "serve", "m", "$(VLLM_ARGS)"])).assert_quiet();
}

#[test]
fn attention_in_data_parallel_takes_no_more_devices() {
    let line = [
        "sglang",
        "serve",
        "--tp",
        "8",
        "--dp",
        "8",
        "--enable-dp-attention",
    ];
    alone(runs("8", &line)).assert_quiet();
}

#[test]
fn a_variable_of_one_server_says_nothing_to_another() {
    let container = runs("1", &["vllm", "serve", "m"]).env("NUM_SHARD", "4");
    alone(container).assert_quiet();
}

#[test]
fn says_nothing_where_the_value_is_no_literal_number() {
    for value in ["$TP", "$(TP)", "${TP:-4}", "<number_of_gpus>", "auto"] {
        alone(runs(
            "1",
            &["vllm", "serve", "m", "--tensor-parallel-size", value],
        ))
        .assert_quiet();
        alone(script(
            "1",
            &format!("vllm serve m --tensor-parallel-size={value}"),
        ))
        .assert_quiet();
    }
}

#[test]
fn says_nothing_about_devices_that_are_not_taken_one_each() {
    let line = ["vllm", "serve", "m", "--tensor-parallel-size", "8"];
    for (name, count) in [
        ("google.com/tpu", "4"),
        ("aws.amazon.com/neuron", "4"),
        ("aws.amazon.com/neuroncore", "4"),
        ("nvidia.com/gpu.shared", "1"),
        ("nvidia.com/mig-1g.10gb", "1"),
        ("example.com/gpu", "1"),
    ] {
        alone(container("main").limit(name, count).command(&line)).assert_quiet();
    }
    // HAMi counts virtual GPUs, MetaX gives a byte quantity.
    alone(runs("30", &["vllm", "serve", "m", "-tp", "2"]).limit("nvidia.com/gpumem", "3000"))
        .assert_quiet();
    // A MIG device under the name of a GPU is the business of `mig-resources`.
    let sliced =
        pod([runs("1", &line)]).node_selector("cloud.google.com/gke-gpu-partition-size", "1g.10gb");
    run(sliced).assert_quiet();
}

#[test]
fn says_nothing_without_devices_or_a_known_program() {
    alone(container("main").command(&["vllm", "serve", "m", "-tp", "4"])).assert_quiet();
    alone(runs("1", &["python", "serve.py", "--tp", "4"])).assert_quiet();
    alone(runs("1", &["vllm", "bench", "-tp", "4"])).assert_quiet();
    let claims = runs("1", &["vllm", "serve", "m", "-tp", "4"])
        .with("/resources/claims", serde_json::json!([{"name": "gpus"}]));
    alone(claims).assert_quiet();
}
