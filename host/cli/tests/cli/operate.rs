//! `doctor` and `audit` without a cluster.

use crate::command::{cli_snapshot, run};

#[test]
fn a_sound_configuration_is_well() {
    let shown = run(&["doctor", "--config", "exemptions/rule.yaml"], b"");
    assert!(shown.starts_with("status: 0"), "{shown}");
    assert!(
        !shown.contains("fail  ") && !shown.contains("warn  "),
        "{shown}"
    );
    assert!(shown.contains("policies are ready to run"), "{shown}");
}

#[test]
fn what_is_over_or_named_in_vain_is_told_with_what_to_do() {
    cli_snapshot!(["doctor", "--config", "exemptions/doubtful.yaml"]);
}

#[test]
fn a_document_that_cannot_be_read_fails() {
    let shown = run(&["doctor", "--config", "misspelt.yaml"], b"");
    assert!(shown.starts_with("status: 1"), "{shown}");
    assert!(shown.contains("fail  documents  misspelt.yaml:"), "{shown}");
}

#[test]
fn a_key_that_is_none_fails() {
    let files = ["--tls-cert", "trainer.yaml", "--tls-key", "trainer.yaml"];
    let shown = run(&[&["doctor"], &files[..]].concat(), b"");
    assert!(shown.starts_with("status: 1"), "{shown}");
    assert!(
        shown.contains("the certificate file has no certificate"),
        "{shown}"
    );
}

#[test]
fn scripts_get_the_checks_as_json() {
    let shown = run(
        &[
            "doctor",
            "-o",
            "json",
            "--config",
            "exemptions/expired.yaml",
        ],
        b"",
    );
    assert!(shown.contains("\"level\": \"warn\""), "{shown}");
    assert!(shown.contains("expired at 2020-01-01T00:00:00Z"), "{shown}");
}

#[test]
fn documents_become_reports_by_namespace() {
    cli_snapshot!(["audit", "half-a-gpu.yaml", "trainer.yaml"]);
}

#[test]
fn reports_of_the_other_kind_say_the_same() {
    let of = |kind: &str| run(&["audit", "half-a-gpu.yaml", "--report", kind], b"");
    let (ours, others) = (of("wgpolicy"), of("openreports"));
    let renamed = ours
        .replace("wgpolicyk8s.io/v1alpha2", "openreports.io/v1alpha1")
        .replace("kind: PolicyReport", "kind: Report");
    assert_eq!(renamed, others);
    assert!(ours.starts_with("status: 1"), "{ours}");
}

#[test]
fn what_is_let_off_is_in_the_report_as_skipped() {
    let shown = run(
        &[
            "audit",
            "half-a-gpu.yaml",
            "--config",
            "exemptions/rule.yaml",
        ],
        b"",
    );
    assert!(shown.starts_with("status: 0"), "{shown}");
    assert!(shown.contains("result: skip"), "{shown}");
    assert!(
        shown.contains("the device plugin of this lab gives out halves"),
        "{shown}"
    );
}

#[test]
fn an_object_that_cannot_be_read_is_no_silent_gap() {
    let shown = run(&["audit", "duplicate.yaml", "half-a-gpu.yaml"], b"");
    assert!(shown.starts_with("status: 2"), "{shown}");
    assert!(shown.contains("duplicate.yaml:"), "{shown}");
    assert!(shown.contains("kind: PolicyReport"), "{shown}");
}

#[test]
fn what_names_no_accelerator_makes_no_report() {
    let shown = run(&["audit", "folder/a.yaml", "values.yaml"], b"");
    assert_eq!(shown, "status: 0\n----- stdout -----\n----- stderr -----\n");
}

#[test]
fn what_names_one_and_is_well_is_counted() {
    let pod = br#"{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "ml"}, "spec": {
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
        "containers": [{"name": "main", "image": "app:1", "resources": {"limits": {"nvidia.com/gpu": 1, "cpu": 1, "memory": "8Gi"}}}]}}"#;
    let shown = run(&["audit", "-"], pod);
    assert!(shown.contains("pass: 1"), "{shown}");
    assert!(shown.contains("results: []"), "{shown}");
}
