//! What is known of the cluster: where pods fit, and what policies find by it.

use crate::command::{cli_snapshot, run};

#[test]
fn what_fits_and_what_keeps_a_pod_from_the_nearest_node_is_told() {
    cli_snapshot!(["review", "--state", "state/cluster.yaml", "state/pods.yaml"]);
}

#[test]
fn documents_of_one_stream_are_known_to_each_other() {
    cli_snapshot!(["review", "state/pool-beside-pod.yaml"]);
}

#[test]
fn answers_and_fits_are_part_of_the_decision() {
    let shown = run(
        &[
            "review",
            "-o",
            "json",
            "--state",
            "state/cluster.yaml",
            "state/pods.yaml",
        ],
        b"",
    );
    for piece in [
        r#""fits": {"#,
        r#""question": "schedulers""#,
        r#""quiet": []"#,
        r#""kind": "node""#,
    ] {
        assert!(shown.contains(piece), "{piece}: {shown}");
    }
}

#[test]
fn a_state_that_cannot_be_read_is_an_error() {
    let shown = run(&["review", "--state", "absent", "trainer.yaml"], b"");
    assert!(
        shown.starts_with("status: 2") && shown.contains("absent"),
        "{shown}"
    );
}

#[test]
fn the_rules_that_stay_quiet_are_named() {
    let shown = run(&["review", "trainer.yaml"], b"");
    let line = "not checked without `--state`: gpu-limits/beyond-nodes";
    assert!(
        shown.contains(line) && shown.contains("placement/unknown-scheduler"),
        "{shown}"
    );
}
