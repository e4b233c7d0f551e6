//! The formats, as far as no policy has a part in them.

use crate::command::cli_snapshot;

#[test]
fn json_has_an_entry_for_every_document() {
    cli_snapshot!([
        "review",
        "--profile",
        "none",
        "-o",
        "json",
        "stream.yaml",
        "values.yaml",
        "duplicate.yaml"
    ]);
}

#[test]
fn yaml_says_the_same() {
    cli_snapshot!([
        "review",
        "--profile",
        "none",
        "-o",
        "yaml",
        "stream.yaml",
        "values.yaml",
        "duplicate.yaml"
    ]);
}

#[test]
fn a_manifest_is_the_whole_stream_without_wrappers() {
    cli_snapshot!([
        "review",
        "--profile",
        "none",
        "-o",
        "manifest",
        "custom.yaml",
        "review.yaml",
        "pods.json",
        "values.yaml"
    ]);
}

#[test]
fn a_manifest_leaves_out_what_is_unreadable_and_says_so() {
    cli_snapshot!([
        "review",
        "--profile",
        "none",
        "-o",
        "manifest",
        "duplicate.yaml"
    ]);
}

#[test]
fn the_patch_of_one_document_is_a_list() {
    cli_snapshot!([
        "review",
        "--profile",
        "none",
        "-o",
        "patch",
        "folder/a.yaml"
    ]);
}

#[test]
fn documents_that_do_not_change_have_no_line_of_patches() {
    cli_snapshot!(["review", "--profile", "none", "-o", "patch", "folder"]);
}

#[test]
fn quiet_is_silent_when_all_is_well() {
    cli_snapshot!([
        "review",
        "--profile",
        "none",
        "-q",
        "stream.yaml",
        "values.yaml"
    ]);
}

#[test]
fn quiet_shows_what_is_not_well() {
    cli_snapshot!([
        "review",
        "--profile",
        "none",
        "-q",
        "stream.yaml",
        "duplicate.yaml"
    ]);
}
