//! `tollgate explain`.

use crate::command::cli_snapshot;

#[test]
fn a_repair_is_shown_with_the_policy_beside_each_edit() {
    cli_snapshot!(["explain", "explain/request.json", "explain/repaired.json"]);
}

#[test]
fn what_needs_nothing_is_one_line() {
    cli_snapshot!(["explain", "explain/request.json", "explain/untouched.json"]);
}

#[test]
fn a_denial_is_shown_as_the_user_reads_it() {
    cli_snapshot!(["explain", "explain/request.json", "explain/denied.json"]);
}

#[test]
fn a_fault_is_no_denial() {
    cli_snapshot!(["explain", "explain/request.json", "explain/faulted.json"]);
}

#[test]
fn edits_that_do_not_fit_are_shown_as_they_are() {
    cli_snapshot!(["explain", "explain/request.json", "explain/foreign.json"]);
}

#[test]
fn a_response_is_no_request() {
    cli_snapshot!(["explain", "explain/denied.json", "explain/request.json"]);
}
