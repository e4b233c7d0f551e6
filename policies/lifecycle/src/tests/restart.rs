use serde_json::{Value, json};
use tollgate_sdk::test::{Case, PodBuilder, pod};

use super::{assert_one, gpu, owned, run};
use crate::Lifecycle;

/// A pod on its own that runs a launcher.
fn torchrun() -> PodBuilder {
    pod([gpu().command(&["torchrun", "train.py"])])
}

fn job(spec: &Value) -> Value {
    let pod = pod([gpu()])
        .with("/spec/restartPolicy", "Never".into())
        .build();
    let mut spec = spec.clone();
    spec["template"] = json!({"spec": pod["spec"]});
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a"}, "spec": spec})
}

#[test]
fn warns_about_training_that_starts_again_for_ever() {
    assert_one(
        &run(torchrun()),
        "warn restarts-for-ever",
        "/spec/restartPolicy",
        &["`main`", "starts again when it is done", "OnFailure"],
    );
    let worker = owned(pod([gpu()]), "kubeflow.org/v1", "PyTorchJob");
    run(worker).assert_findings(&["warn restarts-for-ever"]);
}

#[test]
fn work_that_ends_is_let_be() {
    for policy in ["OnFailure", "Never"] {
        run(torchrun().with("/spec/restartPolicy", policy.into())).assert_quiet();
    }
    run(pod([gpu().image("vllm/vllm-openai:v0.11.0")])).assert_quiet();
    run(pod([gpu()])).assert_quiet();
    let mut deployment = torchrun().deployment();
    deployment["spec"]["strategy"] = json!({"type": "Recreate"});
    Case::object(deployment).run::<Lifecycle>().assert_quiet();
    let ray = owned(torchrun(), "ray.io/v1", "RayCluster");
    run(ray).assert_quiet();
}

#[test]
fn a_deadline_is_wanted_only_where_the_setting_says_so() {
    let set = |object: Value| {
        let settings = json!({"requireDeadline": true});
        Case::object(object).settings(settings).run::<Lifecycle>()
    };
    assert_one(
        &set(job(&json!({}))),
        "warn no-deadline",
        "/spec/template/spec",
        &["`main`", "without a deadline", "activeDeadlineSeconds"],
    );
    set(job(&json!({"activeDeadlineSeconds": 3600}))).assert_quiet();
    let own = torchrun().with("/spec/restartPolicy", "Never".into());
    set(own.clone().build()).assert_findings(&["warn no-deadline"]);
    set(own
        .clone()
        .with("/spec/activeDeadlineSeconds", 60.into())
        .build())
    .assert_quiet();
    // The Job was reviewed with its deadline, which its pods do not show.
    set(owned(own, "batch/v1", "Job").build()).assert_quiet();
    Case::object(job(&json!({})))
        .run::<Lifecycle>()
        .assert_quiet();
}
