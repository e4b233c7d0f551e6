//! Arguments, help, and what is wrong before anything is reviewed.

use crate::command::{cli_snapshot, run};

#[test]
fn help_names_the_commands() {
    cli_snapshot!(["--help"]);
}

#[test]
fn help_of_review_shows_examples_and_statuses() {
    cli_snapshot!(["review", "--help"]);
}

#[test]
fn help_of_serve_names_its_options() {
    cli_snapshot!(["serve", "-h"]);
}

#[cfg(not(feature = "otlp"))]
#[test]
fn a_build_without_traces_says_so() {
    cli_snapshot!([
        "serve",
        "--self-signed",
        "certificate",
        "--otlp-endpoint",
        "http://localhost:4318"
    ]);
}

#[test]
fn an_unknown_option_is_told_with_the_nearest_one() {
    cli_snapshot!(["review", "--outptu", "json", "trainer.yaml"]);
}

#[test]
fn nothing_to_review_is_an_error() {
    cli_snapshot!(["review"]);
}

#[test]
fn every_path_that_leads_to_nothing_is_told() {
    cli_snapshot!([
        "review",
        "gone.yaml",
        "trainer.yaml",
        "no-manifests",
        "also/gone"
    ]);
}

#[test]
fn input_without_a_document_is_an_error() {
    cli_snapshot!(["review", "empty.yaml", "-"]);
}

#[test]
fn old_objects_do_not_go_with_new_ones() {
    cli_snapshot!([
        "review",
        "--operation",
        "create",
        "--old",
        "trainer.yaml",
        "trainer.yaml"
    ]);
}

#[test]
fn shells_get_their_completions() {
    for shell in ["bash", "zsh", "fish"] {
        let shown = run(&["completions", shell], b"");
        assert!(
            shown.starts_with("status: 0\n") && shown.contains("tollgate"),
            "{shown}"
        );
        assert!(!shown.contains("precompile --"), "{shown}");
    }
}
