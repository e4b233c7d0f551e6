use serde_json::{Value, json};
use tollgate_sdk::test::{Case, ContainerBuilder, Done, PodBuilder, container, pod};

use super::InferenceServing;

mod backend;
mod images;
mod probes;
mod room;
mod share;
mod torchserve;

/// A container with a GPU that runs a command.
fn runs(command: &[&str]) -> ContainerBuilder {
    container("main")
        .limit("nvidia.com/gpu", "1")
        .command(command)
}

fn vllm() -> ContainerBuilder {
    runs(&["vllm", "serve", "m"])
}

/// With a readiness probe that says nothing else.
fn ready(container: ContainerBuilder) -> ContainerBuilder {
    container.with("/readinessProbe", http(json!({})))
}

/// An HTTP probe with some numbers.
fn http(mut numbers: Value) -> Value {
    numbers["httpGet"] = json!({"path": "/health", "port": 8000});
    numbers
}

/// A pod that a controller of a kind made.
fn owned(builder: PodBuilder, version: &str, kind: &str) -> PodBuilder {
    let owner = json!([{"apiVersion": version, "kind": kind, "name": "owner", "controller": true}]);
    builder.with("/metadata/ownerReferences", owner)
}

fn run(builder: PodBuilder) -> Done {
    Case::new(builder).run::<InferenceServing>()
}

fn run_one(container: ContainerBuilder) -> Done {
    run(pod([container]))
}

fn run_with(settings: Value, container: ContainerBuilder) -> Done {
    Case::new(pod([container]))
        .settings(settings)
        .run::<InferenceServing>()
}

#[test]
fn says_nothing_about_what_is_no_server_or_has_no_accelerator() {
    run_one(
        container("main")
            .image("app:latest")
            .limit("nvidia.com/gpu", "1"),
    )
    .assert_quiet();
    run_one(runs(&["torchrun", "train.py"]).image("trainer")).assert_quiet();
    run_one(container("main").command(&["vllm", "serve", "m"])).assert_quiet();
    run(pod([container("main")]).init(vllm())).assert_quiet();
}

#[test]
fn warns_about_a_server_that_nobody_maintains() {
    let done = run_one(ready(runs(&["torchserve", "--start"])));
    done.assert_findings(&["warn torchserve-unmaintained"]);
    assert_eq!(
        done.findings[0].message,
        "container `main` runs TorchServe, which gets no more security fixes"
    );
}

#[test]
fn a_start_of_no_time_is_refused() {
    let settings = serde_json::from_value::<InferenceServing>(json!({"startSeconds": 0})).unwrap();
    assert_eq!(
        tollgate_sdk::Policy::check(&settings),
        Err("startSeconds: `0` must be from 1 to 86400, a day".to_owned())
    );
}
