//! What documents are taken for. No policy runs, so none can change what is seen here.

use crate::command::cli_snapshot;

#[test]
fn a_stream_is_reviewed_document_by_document() {
    cli_snapshot!(["review", "--profile", "none", "stream.yaml"]);
}

#[test]
fn folders_are_searched_in_order_without_hidden_files() {
    cli_snapshot!([
        "review",
        "--profile",
        "none",
        "folder",
        "folder/.hidden.yaml",
        "folder/a.yaml"
    ]);
}

#[test]
fn lists_are_taken_apart_and_items_keep_their_lines() {
    cli_snapshot!(["review", "--profile", "none", "list.yaml"]);
}

#[test]
fn items_of_a_typed_list_have_the_type_of_the_list() {
    cli_snapshot!(["review", "--profile", "none", "pods.json"]);
}

#[test]
fn an_empty_list_is_fine() {
    cli_snapshot!(
        ["review", "--profile", "none", "-"],
        br#"{"apiVersion": "v1", "kind": "List", "items": []}"#
    );
}

#[test]
fn an_admission_review_is_its_own_request() {
    cli_snapshot!([
        "review",
        "--profile",
        "none",
        "--operation",
        "delete",
        "review.yaml",
        "-o",
        "json"
    ]);
}

#[test]
fn a_name_that_is_still_to_be_generated_is_shown_by_its_beginning() {
    let review = br#"{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {"uid": "1", "kind": {"version": "v1", "kind": "Pod"}, "namespace": "ml", "operation": "CREATE", "object": {"metadata": {"generateName": "trainer-"}}}}"#;
    cli_snapshot!(["review", "--profile", "none", "-"], review);
}

#[test]
fn an_admission_review_that_makes_no_sense_is_unreadable() {
    cli_snapshot!(["review", "--profile", "none", "odd-review.json"]);
}

#[test]
fn json_values_may_follow_one_another() {
    let pods = br#"{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "b"}}
"#;
    cli_snapshot!(["review", "--profile", "none", "-"], pods);
}

#[test]
fn a_template_is_told_and_the_rest_is_reviewed() {
    cli_snapshot!(["review", "--profile", "none", "template.yaml"]);
}

#[test]
fn a_key_given_twice_is_told_and_the_rest_is_reviewed() {
    cli_snapshot!(["review", "--profile", "none", "duplicate.yaml"]);
}

#[test]
fn what_is_no_text_is_told_and_other_files_are_reviewed() {
    cli_snapshot!(
        ["review", "--profile", "none", "-", "folder/a.yaml"],
        b"apiVersion: v1\nkind: \0Pod\n"
    );
    cli_snapshot!(
        ["review", "--profile", "none", "-o", "json", "-"],
        b"\x7fELF\x02\x01\x01\xff\xfe"
    );
}

#[test]
fn what_is_no_object_is_skipped_with_the_reason() {
    cli_snapshot!(
        ["review", "--profile", "none", "values.yaml", "-"],
        b"just words\n---\n- a\n---\nkind: Pod\n---\napiVersion: v2\n"
    );
}

#[test]
fn unknown_kinds_are_skipped_with_the_reason() {
    cli_snapshot!(["review", "--profile", "none", "custom.yaml", "-o", "json"]);
}

#[test]
fn objects_that_name_no_namespace_get_the_one_given() {
    cli_snapshot!([
        "review",
        "--profile",
        "none",
        "-n",
        "research",
        "stream.yaml"
    ]);
}

#[test]
fn exempt_namespaces_are_skipped_with_the_reason() {
    cli_snapshot!([
        "review",
        "--namespace",
        "kube-system",
        "half-a-gpu.yaml",
        "folder/a.yaml",
        "--profile",
        "none"
    ]);
}

#[test]
fn nothing_is_judged_when_an_object_goes() {
    cli_snapshot!([
        "review",
        "--profile",
        "none",
        "--operation",
        "delete",
        "trainer.yaml"
    ]);
}

#[test]
fn what_a_terminal_would_obey_is_escaped() {
    let pod =
        br#"{"apiVersion": "v1", "kind": "Pod\u001b[31m", "metadata": {"name": "a\u202eb\rc"}}"#;
    cli_snapshot!(["review", "--profile", "none", "-"], pod);
}
