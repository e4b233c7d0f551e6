//! The page of files.

use crate::command::{answering, json, run};

const STATE: [&str; 5] = [
    "--config",
    "budget/budgets.yaml",
    "--state",
    "budget/state.yaml",
    "--once",
];

#[test]
fn the_page_of_files_has_policies_and_budgets() {
    let page = run(&[&["dashboard"], &STATE[..]].concat(), b"");
    assert!(page.starts_with("status: 0"), "{page}");
    for told in [
        "From files",
        "<bdi>gpu-limits</bdi>",
        "<h3><bdi>research</bdi></h3>",
        "By namespace",
        "By model",
        "budget/budgets.yaml",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
    assert!(!page.contains("Decisions"), "nothing is decided: {page}");
}

#[test]
fn the_page_of_files_says_what_of_the_state_would_be_denied() {
    let state = ["dashboard", "--once", "--state", "budget/half.yaml"];
    let page = run(&state, b"");
    assert!(page.contains("What would be denied"), "{page}");
    assert!(page.contains("asks for 0.5 nvidia.com/gpu"), "{page}");
    assert!(page.contains("No budget is configured."), "{page}");
}

#[test]
fn files_that_cannot_be_used_make_no_page() {
    let page = run(&["dashboard", "--once", "--config", "there-is-none"], b"");
    assert!(page.starts_with("status: 2"), "{page}");
    assert!(
        page.contains("there-is-none") && !page.contains("<html"),
        "{page}"
    );
}

const BUDGETS: [&str; 6] = [
    "dashboard",
    "--once",
    "--config",
    "budget/budgets.yaml",
    "--state",
    "budget/state.yaml",
];

#[test]
fn the_page_of_files_says_how_busy_gpus_are() {
    let body = r#"{"status": "success", "data": {"resultType": "vector", "result": [
        {"metric": {"exported_namespace": "ml", "exported_pod": "trainer-0"}, "value": [0, "0.05"]}]}}"#;
    let (page, _) = answering(&json(body), |url| {
        run(&[&BUDGETS[..], &["--prometheus", url]].concat(), b"")
    });
    for told in [
        "of which 2 at 5 %",
        "<bdi>ml/Pod/trainer-0</bdi>",
        "the idlest first",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
}

#[test]
fn a_prometheus_that_is_away_hides_no_budget() {
    let page = run(
        &[&BUDGETS[..], &["--prometheus", "http://127.0.0.1:1"]].concat(),
        b"",
    );
    assert!(page.starts_with("status: 0"), "{page}");
    assert!(
        page.contains("How busy its GPUs are is not known"),
        "{page}"
    );
    assert!(page.contains("<h3><bdi>research</bdi></h3>"), "{page}");
}
