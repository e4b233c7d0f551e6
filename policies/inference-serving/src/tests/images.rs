use serde_json::json;
use tollgate_sdk::test::ContainerBuilder;

use super::{ready, run_one, run_with, vllm};

fn image(image: &str) -> ContainerBuilder {
    ready(vllm()).image(image)
}

fn always(container: ContainerBuilder) -> ContainerBuilder {
    container.with("/imagePullPolicy", json!("Always"))
}

#[test]
fn warns_about_an_image_that_moves() {
    for name in [
        "vllm/vllm-openai:latest",
        "vllm/vllm-openai",
        "registry:5000/vllm",
    ] {
        let done = run_one(image(name));
        done.assert_findings(&["warn image-not-fixed"]);
        assert_eq!(done.findings[0].path, "/spec/containers/0/image");
        assert!(done.findings[0].message.contains(name));
        run_one(always(image(name))).assert_findings(&["warn image-not-fixed"]);
    }
}

#[test]
fn warns_about_a_fixed_image_that_is_always_pulled() {
    for name in [
        "vllm/vllm-openai:v0.11.0",
        "vllm/vllm-openai@sha256:abc",
        "registry:5000/vllm:1",
    ] {
        let done = run_one(always(image(name)));
        done.assert_findings(&["warn image-always-pulled"]);
        assert_eq!(done.findings[0].path, "/spec/containers/0/imagePullPolicy");
        run_one(image(name)).assert_quiet();
    }
}

#[test]
fn a_setting_pulls_fixed_images_once() {
    let settings = || json!({"setPullPolicy": true});
    let done = run_with(settings(), always(image("vllm/vllm-openai:v0.11.0")));
    done.assert_patch(json!([
        {"op": "replace", "path": "/spec/containers/0/imagePullPolicy", "value": "IfNotPresent"}
    ]));
    assert_eq!(done.rules, ["pull-policy-if-not-present"]);
    done.assert_findings(&[]);
    let moving = run_with(settings(), always(image("vllm/vllm-openai:latest")));
    assert!(moving.rules.is_empty());
    run_with(settings(), image("vllm/vllm-openai:v0.11.0")).assert_quiet();
}
