use serde_json::json;
use tollgate_sdk::test::{ContainerBuilder, pod};

use super::{assert_one, gpus, run, set};

fn vllm(model: &str) -> ContainerBuilder {
    gpus("4")
        .image("vllm/vllm-openai:v0.11.0")
        .args(&["--model", model])
}

const LARGE: &str = "meta-llama/Llama-3.1-70B-Instruct";

#[test]
fn warns_about_a_large_model_on_the_nodes_disk() {
    let done = run(pod([vllm(LARGE)]));
    assert_one(
        &done,
        "warn no-room-for-model",
        "/spec/containers/0/resources",
        &[
            "`main`",
            LARGE,
            "ephemeral-storage",
            "PersistentVolumeClaim",
        ],
    );
    let script = gpus("4").command(&["bash", "-c", "vllm serve Qwen/Qwen3-32B --port 8000"]);
    run(pod([script])).assert_findings(&["warn no-room-for-model"]);
}

#[test]
fn an_unbounded_folder_of_the_node_is_the_nodes_disk() {
    let mounted = || pod([vllm(LARGE).mount("cache", "/root/.cache/huggingface")]);
    run(mounted().volume("cache", "emptyDir", json!({})))
        .assert_findings(&["warn no-room-for-model"]);
    run(mounted().volume("cache", "emptyDir", json!({"sizeLimit": "200Gi"}))).assert_quiet();
}

#[test]
fn volumes_and_requests_give_room() {
    let claim = json!({"claimName": "models"});
    for path in [
        "/root/.cache/huggingface",
        "/root/.cache",
        "/models",
        "/var/cache/hub",
    ] {
        let mounted = pod([vllm(LARGE).mount("models", path)]);
        run(mounted.volume("models", "persistentVolumeClaim", claim.clone())).assert_quiet();
    }
    let told = vllm(LARGE)
        .env("HF_HOME", "/srv/hub")
        .mount("models", "/srv");
    run(pod([told]).volume("models", "persistentVolumeClaim", claim)).assert_quiet();
    run(pod([vllm(LARGE).request("ephemeral-storage", "200Gi")])).assert_quiet();
}

#[test]
fn small_models_local_ones_and_those_of_unknown_size_are_let_be() {
    for model in [
        "Qwen/Qwen3-0.6B",
        "mistralai/Mistral-7B-v0.3",
        "/models/Llama-70B",
        "./llama-70b",
        "deepseek-ai/DeepSeek-V3",
        "s3://bucket/llama-70b",
        "$MODEL/70B",
    ] {
        run(pod([vllm(model)])).assert_quiet();
    }
    run(pod([gpus("4").args(&["--model", LARGE])])).assert_quiet();
}

#[test]
fn the_size_that_is_large_is_a_setting() {
    let small = || pod([vllm("mistralai/Mistral-7B-v0.3")]);
    set(small(), json!({"largeModelBillions": 7})).assert_findings(&["warn no-room-for-model"]);
    set(pod([vllm(LARGE)]), json!({"largeModelBillions": 100})).assert_quiet();
}
