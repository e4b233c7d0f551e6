//! What the built-in policies make of a few pods, in every format.

use crate::command::{cli_snapshot, run};

#[test]
fn a_trainer_is_repaired() {
    cli_snapshot!(["review", "trainer.yaml"]);
}

#[test]
fn half_a_gpu_is_denied() {
    cli_snapshot!(["review", "half-a-gpu.yaml"]);
}

#[test]
fn all_at_once() {
    cli_snapshot!([
        "review",
        "stream.yaml",
        "half-a-gpu.yaml",
        "trainer.yaml",
        "duplicate.yaml"
    ]);
}

#[test]
fn the_decision_as_json() {
    cli_snapshot!(["review", "-o", "json", "trainer.yaml", "half-a-gpu.yaml"]);
}

#[test]
fn the_patch_of_one_document() {
    cli_snapshot!(["review", "-o", "patch", "trainer.yaml"]);
}

#[test]
fn the_patches_of_several_documents() {
    cli_snapshot!([
        "review",
        "-o",
        "patch",
        "trainer.yaml",
        "half-a-gpu.yaml",
        "folder"
    ]);
}

#[test]
fn a_manifest_has_the_repaired_and_not_the_denied() {
    cli_snapshot!([
        "review",
        "-o",
        "manifest",
        "trainer.yaml",
        "half-a-gpu.yaml",
        "custom.yaml"
    ]);
}

#[test]
fn a_repaired_manifest_needs_nothing_more() {
    let repaired = run(&["review", "-q", "-o", "manifest", "trainer.yaml"], b"");
    let (_, stdout) = repaired.split_once("----- stdout -----\n").unwrap();
    let (manifest, _) = stdout.split_once("----- stderr -----\n").unwrap();
    assert!(run(&["review", "-q", "-o", "patch", "-"], manifest.as_bytes()).contains("\n[]\n"));
}

#[test]
fn an_update_is_not_denied_for_what_was_there_before() {
    cli_snapshot!(["review", "notebooks.yaml"]);
    cli_snapshot!(["review", "--old", "notebooks-before.yaml", "notebooks.yaml"]);
}

#[test]
fn a_selector_over_an_unknown_namespace_is_an_error() {
    cli_snapshot!(["review", "--config", "selecting.yaml", "half-a-gpu.yaml"]);
}

#[test]
fn a_namespace_of_the_input_tells_its_labels() {
    let shown = run(
        &[
            "review",
            "--config",
            "selecting.yaml",
            "half-a-gpu.yaml",
            "stream.yaml",
            "-n",
            "ml",
        ],
        b"",
    );
    assert!(shown.starts_with("status: 1\n"), "{shown}");
}

#[test]
fn every_error_of_the_configuration_is_told() {
    cli_snapshot!(["review", "--config", "misspelt.yaml", "trainer.yaml"]);
}

#[test]
fn verbose_tells_which_policies_ran() {
    let shown = run(&["review", "-v", "trainer.yaml"], b"");
    assert!(shown.contains("    ran  gpu-limits validate: "), "{shown}");
}

#[test]
fn a_single_policy_can_be_tried() {
    cli_snapshot!(["review", "--policy", "gpu-tolerations", "trainer.yaml"]);
}

#[test]
fn every_format_gives_the_same_status() {
    for (files, status) in [
        (&["trainer.yaml"][..], "status: 0\n"),
        (&["trainer.yaml", "half-a-gpu.yaml"], "status: 1\n"),
        (&["half-a-gpu.yaml", "duplicate.yaml"], "status: 2\n"),
    ] {
        for format in ["text", "json", "yaml", "patch", "manifest"] {
            let shown = run(&[&["review", "-o", format], files].concat(), b"");
            assert!(shown.starts_with(status), "{format} {files:?}: {shown}");
        }
    }
}

/// A pod's author must not make a policy fault by what its messages name: with `onFault: refuse` and often enough, that
/// would be felt by others.
#[test]
fn a_crowd_of_long_names_is_no_fault() {
    let name = "x".repeat(58);
    let containers: Vec<_> = (10..36)
        .map(|number| format!("{{name: c{number}-{name}, image: 'a:1', resources: {{limits: {{nvidia.com/gpu: 1}}}}}}"))
        .collect();
    let pod = format!(
        "{{apiVersion: v1, kind: Pod, metadata: {{name: a, namespace: ml}}, spec: {{containers: [{}]}}}}",
        containers.join(", ")
    );
    let report = run(&["review", "-"], pod.as_bytes());
    assert!(report.starts_with("status: 0\n"), "{report}");
    assert!(
        report.contains("gpu-limits/several-gpu-containers"),
        "{report}"
    );
}
