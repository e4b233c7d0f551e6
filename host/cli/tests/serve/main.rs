//! `tollgate serve` as a whole: junk, reload, faults.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    reason = "a test program"
)]

#[path = "../support/server.rs"]
mod server;

mod budgets;
mod labels;
mod page;
mod quota;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use server::{Server, review_of};

fn gpu_pod() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "ml"},
        "spec": {"containers": [{"name": "main", "image": "a:1", "resources": {"limits": {"nvidia.com/gpu": "1", "memory": "8Gi"}}}]},
    })
}

/// The policies that made edits.
fn editors(response: &Value) -> Vec<String> {
    let edits = response["auditAnnotations"]["edits"]
        .as_str()
        .unwrap_or("[]");
    let edits: Vec<Value> = serde_json::from_str(edits).unwrap();
    edits
        .iter()
        .map(|edit| edit["policy"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn junk_is_refused_and_the_server_goes_on() {
    let server = Server::start(None);
    let good = review_of(&gpu_pod()).to_string();
    let deep = format!(
        r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{"uid":"1","object":{}"#,
        "[".repeat(200_000)
    );
    let wrong_type = good.replace("AdmissionReview", "Deployment");
    let old_version = good.replace("admission.k8s.io/v1", "admission.k8s.io/v1beta1");
    let huge = format!("{good}{}", " ".repeat(9 << 20));
    let cases: [(&str, &[u8], u16, &str); 10] = [
        ("empty", b"", 400, "not the JSON of an AdmissionReview"),
        (
            "truncated",
            &good.as_bytes()[..good.len() / 2],
            400,
            "not the JSON of an AdmissionReview",
        ),
        (
            "not JSON",
            b"hello",
            400,
            "not the JSON of an AdmissionReview",
        ),
        ("a list", b"[]", 400, "not the JSON of an AdmissionReview"),
        (
            "another kind",
            wrong_type.as_bytes(),
            400,
            "expected an `AdmissionReview`",
        ),
        (
            "another version",
            old_version.as_bytes(),
            400,
            "expected an `AdmissionReview`",
        ),
        (
            "no request",
            br#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}"#,
            400,
            "no request with a `uid`",
        ),
        ("nested", deep.as_bytes(), 400, "recursion limit"),
        (
            "not UTF-8",
            b"{\"apiVersion\":\"\xff\xfe\"}",
            400,
            "not the JSON of an AdmissionReview",
        ),
        ("too large", huge.as_bytes(), 413, ""),
    ];
    for (name, body, expected, reason) in cases {
        for endpoint in ["mutate", "validate"] {
            let (status, text) = server.post(endpoint, body);
            assert_eq!(status, expected, "{name}: {text}");
            assert!(text.contains(reason), "{name}: {text}");
        }
    }
    assert_eq!(server.ask("mutate", &gpu_pod())["allowed"], true);
    server.stop();
}

#[test]
fn a_request_whose_uid_can_be_read_gets_a_review() {
    let server = Server::start(None);
    let mut review = review_of(&gpu_pod());
    review["request"]["operation"] = json!("REPLACE");
    let (status, text) = server.post("validate", review.to_string().as_bytes());
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(status, 200);
    assert_eq!(answer["response"]["uid"], review["request"]["uid"]);
    assert_eq!(answer["response"]["allowed"], false);
    assert_eq!(answer["response"]["status"]["code"], 400);
    assert!(
        answer["response"]["status"]["message"]
            .as_str()
            .unwrap()
            .contains("`REPLACE` is not an operation")
    );
    server.stop();
}

fn policy(path: &Path, spec: &str) {
    fs::write(path, format!("apiVersion: tollgate.dev/v1alpha1\nkind: Policy\nmetadata: {{name: gpu-tolerations}}\nspec: {spec}\n")).unwrap();
}

#[test]
fn a_new_configuration_comes_into_force_and_a_bad_one_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policies.yaml");
    policy(&file, "{}");
    let server = Server::start(Some(folder.path()));
    assert_eq!(
        editors(&server.ask("mutate", &gpu_pod())),
        ["gpu-tolerations"]
    );

    policy(&file, "{mode: \"off\"}");
    server.wait_until("reload on change", |server| {
        editors(&server.ask("mutate", &gpu_pod())).is_empty()
    });

    policy(&file, "{mdoe: \"off\"}");
    server.signal("-HUP");
    server.wait_until("word of the bad configuration", |server| {
        server.log().contains("the old one stays")
    });
    assert!(
        server.log().contains("did you mean `mode`"),
        "{}",
        server.log()
    );
    assert!(
        editors(&server.ask("mutate", &gpu_pod())).is_empty(),
        "the old configuration stays"
    );
    assert!(
        server
            .get("/metrics")
            .1
            .contains("tollgate_configuration_reloads_total{result=\"failed\"} 1")
    );

    policy(&file, "{}");
    server.signal("-HUP");
    server.wait_until("reload after repair", |server| {
        editors(&server.ask("mutate", &gpu_pod())) == ["gpu-tolerations"]
    });
    server.stop();
}

#[test]
fn updates_are_refused_only_for_what_is_new() {
    let server = Server::start(None);
    let update = |old: &Value, new: &Value| {
        let mut review = review_of(new);
        review["request"]["operation"] = json!("UPDATE");
        review["request"]["oldObject"] = old.clone();
        let (status, text) = server.post("validate", review.to_string().as_bytes());
        assert_eq!(status, 200);
        serde_json::from_str::<Value>(&text).unwrap()["response"].clone()
    };
    let deployment = |gpus: &str, replicas: u32| {
        let pod = gpu_pod();
        let mut template = json!({"metadata": {"labels": {"app": "a"}}, "spec": pod["spec"]});
        template["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] = json!(gpus);
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "namespace": "ml"},
            "spec": {"replicas": replicas, "selector": {}, "template": template}})
    };
    let scaled = update(&deployment("0.5", 1), &deployment("0.5", 2));
    assert_eq!(
        scaled["allowed"], true,
        "what was wrong before does not block: {scaled}"
    );
    assert!(
        scaled["warnings"][0]
            .as_str()
            .unwrap()
            .starts_with("gpu-limits/fractional-gpu")
    );
    let broken = update(&deployment("1", 1), &deployment("0.5", 1));
    assert_eq!(broken["allowed"], false, "{broken}");
    assert!(
        broken["status"]["message"]
            .as_str()
            .unwrap()
            .contains("gpu-limits/fractional-gpu")
    );
    server.stop();
}

#[test]
fn each_review_is_one_line_of_the_log_and_each_rule_is_counted() {
    let server = Server::start(None);
    server.ask("mutate", &gpu_pod());
    server.wait_until("line for the review", |server| {
        server.log().contains("reviewed")
    });
    let log = server.log();
    let lines: Vec<_> = log
        .lines()
        .filter(|line| line.contains("reviewed"))
        .collect();
    assert_eq!(lines.len(), 1, "{log}");
    for told in [
        "decision=\"allowed\"",
        "object.namespace=\"ml\"",
        "patch.ops=1",
    ] {
        assert!(lines[0].contains(told), "{told}: {}", lines[0]);
    }
    let (_, metrics) = server.get("/metrics");
    let edited = "tollgate_rule_uses_total{phase=\"mutate\",policy=\"gpu-tolerations\",rule=\"missing-toleration\",effect=\"edited\"} 1";
    assert!(metrics.contains(edited), "{metrics}");
    server.stop();
}
