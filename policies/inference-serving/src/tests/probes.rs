use serde_json::json;
use tollgate_sdk::test::{Case, container, pod};

use super::super::InferenceServing;
use super::{http, owned, ready, run, run_one, run_with, runs, vllm};

const NOT_READY: [&str; 1] = ["warn no-readiness-probe"];
const KILLED: [&str; 1] = ["warn killed-while-loading"];

#[test]
fn warns_about_servers_without_a_readiness_probe() {
    for (command, probe) in [
        (&["vllm", "serve", "m"][..], "{path: /health, port: 8000}"),
        (
            &["vllm", "serve", "m", "--port=8080"],
            "{path: /health, port: 8080}",
        ),
        (
            &["python3", "-m", "sglang.launch_server", "--host", "0.0.0.0"],
            "{path: /health, port: 30000}",
        ),
        (&["text-generation-launcher"], "{path: /health, port: 80}"),
        (
            &["tritonserver", "--http-port", "9000"],
            "{path: /v2/health/ready, port: 9000}",
        ),
        (
            &["bash", "-c", "llama-server -m x.gguf --port 8081"],
            "{path: /health, port: 8081}",
        ),
    ] {
        let done = run_one(runs(command));
        done.assert_findings(&NOT_READY);
        let fix = done.findings[0].fix.clone().unwrap();
        assert!(fix.contains(probe), "{command:?}: {fix}");
        run_one(ready(runs(command))).assert_quiet();
    }
    let nim = container("main")
        .image("nvcr.io/nim/meta/llama-3.1-8b-instruct:1.1.0")
        .limit("nvidia.com/gpu", "1");
    run_one(nim).assert_findings(&NOT_READY);
    let deployment = pod([vllm()]).deployment();
    Case::object(deployment)
        .run::<InferenceServing>()
        .assert_findings(&NOT_READY);
}

#[test]
fn says_container_place_and_reason() {
    let finding = &run_one(vllm()).findings[0];
    assert_eq!(finding.path, "/spec/containers/0");
    assert_eq!(
        finding.message,
        "container `main` (vllm) gets requests before its model is loaded"
    );
    assert_eq!(
        finding.allowed.as_deref(),
        Some("a readiness probe on `/health`")
    );
}

#[test]
fn says_nothing_where_no_requests_come_or_others_set_the_probe() {
    for (version, kind) in [("batch/v1", "Job"), ("kubeflow.org/v1", "PyTorchJob")] {
        run(owned(pod([vllm()]), version, kind)).assert_quiet();
    }
    run(pod([vllm()]).label("leaderworkerset.sigs.k8s.io/worker-index", "1")).assert_quiet();
    run(pod([vllm()]).label("leaderworkerset.sigs.k8s.io/worker-index", "0"))
        .assert_findings(&NOT_READY);
    run(pod([vllm()]).label("serving.knative.dev/revision", "r")).assert_quiet();
    run_one(runs(&["vllm", "serve", "m", "--headless"])).assert_quiet();
    run_one(runs(&["vllm", "serve", "m", "--node-rank", "$(RANK)"])).assert_quiet();
    run_one(runs(&["python3", "-m", "dynamo.vllm"])).assert_quiet();
}

#[test]
fn warns_about_probes_that_end_a_start() {
    for (name, numbers) in [
        ("livenessProbe", json!({})),
        (
            "livenessProbe",
            json!({"initialDelaySeconds": 60, "periodSeconds": 10}),
        ),
        (
            "startupProbe",
            json!({"failureThreshold": 10, "periodSeconds": 5}),
        ),
    ] {
        let done = run_one(ready(vllm()).with(&format!("/{name}"), http(numbers)));
        done.assert_findings(&KILLED);
        assert_eq!(done.findings[0].path, format!("/spec/containers/0/{name}"));
    }
    let early = ready(vllm()).with("/livenessProbe", http(json!({"initialDelaySeconds": 60})));
    let finding = &run_one(early).findings[0];
    assert_eq!(
        finding.message,
        "the liveness probe of container `main` gives up after 90 s, while vllm loads"
    );
    assert_eq!(
        finding.actual.as_deref(),
        Some("60 seconds and 3 failures 10 seconds apart")
    );
    assert_eq!(finding.allowed.as_deref(), Some("120 seconds or more"));
    assert_eq!(
        finding.fix.as_deref(),
        Some("give it a startup probe with `periodSeconds: 10` and `failureThreshold: 90`")
    );
}

#[test]
fn says_nothing_about_probes_that_wait() {
    for numbers in [
        json!({"failureThreshold": 10, "periodSeconds": 20}),
        json!({"failureThreshold": 150, "periodSeconds": 6}),
        json!({"failureThreshold": 60, "periodSeconds": 10}),
        json!({"failureThreshold": 120, "periodSeconds": 30}),
    ] {
        let patient = ready(vllm())
            .with("/livenessProbe", http(json!({"periodSeconds": 1})))
            .with("/startupProbe", http(numbers));
        run_one(patient).assert_quiet();
    }
    let late = http(json!({"initialDelaySeconds": 180}));
    run_one(ready(vllm()).with("/livenessProbe", late)).assert_quiet();
    // Models are loaded on demand.
    let ollama = ready(runs(&["ollama", "serve"])).with("/livenessProbe", http(json!({})));
    run_one(ollama).assert_quiet();
}

#[test]
fn a_setting_says_how_long_a_start_takes_here() {
    let late = || ready(vllm()).with("/livenessProbe", http(json!({"initialDelaySeconds": 180})));
    run_with(json!({"startSeconds": 600}), late()).assert_findings(&KILLED);
    run_with(
        json!({"startSeconds": 30}),
        ready(vllm()).with("/livenessProbe", http(json!({}))),
    )
    .assert_quiet();
}

#[test]
fn a_setting_sets_the_probes() {
    let settings = || json!({"setProbes": true});
    let done = run_with(settings(), vllm());
    done.assert_findings(&[]);
    assert_eq!(done.rules, ["probes-from-table"]);
    assert_eq!(
        done.at("/spec/containers/0/readinessProbe/httpGet"),
        json!({"path": "/health", "port": 8000})
    );
    let done = run_with(settings(), vllm().with("/livenessProbe", http(json!({}))));
    done.assert_findings(&[]);
    assert_eq!(
        done.at("/spec/containers/0/startupProbe/failureThreshold"),
        json!(90)
    );
    run_with(settings(), ready(vllm())).assert_quiet();
}

#[test]
fn sets_no_probe_where_the_server_may_not_be_reached() {
    for command in [
        &["vllm", "serve", "m", "--port", "$(PORT)"][..],
        &["vllm", "serve", "m", "--host", "127.0.0.1"],
        &["vllm", "serve", "m", "--ssl-keyfile", "k"],
        &["python3", "-m", "sglang.launch_server"],
        &["torchserve", "--start"],
    ] {
        let done = run_with(json!({"setProbes": true}), runs(command));
        assert!(done.rules.is_empty(), "{command:?}");
        assert!(!done.findings.is_empty(), "{command:?}");
    }
    let elsewhere = vllm().with("/ports", json!([{"containerPort": 9000}]));
    assert!(
        run_with(json!({"setProbes": true}), elsewhere)
            .rules
            .is_empty()
    );
    let sglang = runs(&["python3", "-m", "sglang.launch_server", "--host", "0.0.0.0"]);
    assert_eq!(
        run_with(json!({"setProbes": true}), sglang).rules,
        ["probes-from-table"]
    );
}
