//! Budgets: how they stand by the pods of a snapshot, and what documents of one stream take of them.

use std::net::TcpListener;

use crate::command::{answering, cli_snapshot, json, run};

const CONFIG: [&str; 4] = [
    "--config",
    "budget/budgets.yaml",
    "--state",
    "budget/state.yaml",
];

#[test]
fn budgets_stand_as_the_live_pods_of_the_state_take() {
    cli_snapshot!([&["budget"], &CONFIG[..]].concat());
}

#[test]
fn how_one_budget_stands_as_json() {
    cli_snapshot!([&["budget", "research", "-o", "json"], &CONFIG[..]].concat());
}

#[test]
fn a_budget_that_there_is_not_is_an_error() {
    let shown = run(&[&["budget", "reserach"], &CONFIG[..]].concat(), b"");
    let told = "no budget is named `reserach`; the configuration has research, vision";
    assert!(
        shown.starts_with("status: 2") && shown.contains(told),
        "{shown}"
    );
}

#[test]
fn documents_of_one_stream_add_up_to_what_runs_already() {
    let policy = ["--policy", "gpu-budget"];
    cli_snapshot!([&["review", "budget/pods.yaml"], &CONFIG[..], &policy].concat());
}

#[test]
fn who_is_let_off_the_denial_is_charged_all_the_same() {
    let more = ["--config", "budget/let-off.yaml", "--policy", "gpu-budget"];
    let shown = run(
        &[&["review", "budget/pods.yaml"], &CONFIG[..], &more].concat(),
        b"",
    );
    assert!(shown.starts_with("status: 0"), "{shown}");
    let charged = "takes  1 of `gpu` from budget `research`";
    assert!(
        shown.contains(charged) && shown.contains("exempt"),
        "{shown}"
    );
}

#[test]
fn the_same_pod_twice_is_charged_once() {
    let pod = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/cli/fixtures/budget/pods.yaml"
    ));
    let pod = pod.unwrap();
    let first = pod.split("---").next().unwrap();
    let twice = format!("{first}---\n{first}");
    let args = [&["review", "-"], &CONFIG[..], &["--policy", "gpu-budget"]].concat();
    // Of four H100, two are taken: a third pod of one would be refused if the second did not count as the first.
    let thrice = format!("{twice}---\n{first}");
    let shown = run(&args, thrice.as_bytes());
    assert!(shown.starts_with("status: 0"), "{shown}");
}

#[test]
fn a_pod_of_the_state_is_not_charged_again_when_it_is_reviewed() {
    let state = std::fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/cli/fixtures/budget/state.yaml"
    ));
    let args = [&["review", "-"], &CONFIG[..], &["--policy", "gpu-budget"]].concat();
    let shown = run(&args, &state.unwrap());
    assert!(shown.starts_with("status: 1"), "{shown}");
    let denied = shown.lines().filter(|line| line.contains("✗ denied"));
    // The pod that has ended would be a new one.
    let denied: Vec<_> = denied.collect();
    assert!(
        denied.len() == 1 && denied[0].contains("ml/ended"),
        "{shown}"
    );
}

#[test]
fn a_budget_that_nothing_charges_says_so() {
    let shown = run(
        &[
            "review",
            "--profile",
            "none",
            "--config",
            "budget/budgets.yaml",
            "trainer.yaml",
        ],
        b"",
    );
    let told = "budget `research` holds nobody back: no policy that is on charges pods to budgets";
    assert!(shown.contains(told), "{shown}");
    let shown = run(&[&["review", "trainer.yaml"], &CONFIG[..]].concat(), b"");
    assert!(!shown.contains("holds nobody back"), "{shown}");
}

#[test]
fn how_busy_gpus_are_stands_beside_what_is_held() {
    let body = r#"{"status": "success", "data": {"resultType": "vector", "result": [
        {"metric": {"namespace": "gpu-operator", "pod": "dcgm-1", "exported_namespace": "ml", "exported_pod": "trainer-0"}, "value": [0, "0.05"]},
        {"metric": {"namespace": "ml", "pod": "stranger"}, "value": [0, "1"]}]}}"#;
    let token = ["--prometheus-token", "budget/token"];
    let (shown, asked) = answering(&json(body), |url| {
        run(
            &[
                &["budget", "research"],
                &CONFIG[..],
                &["--prometheus", url],
                &token,
            ]
            .concat(),
            b"",
        )
    });
    assert!(
        asked.starts_with("GET /below/api/v1/query?query=avg%20by"),
        "{asked}"
    );
    assert!(
        asked
            .to_lowercase()
            .contains("\r\nauthorization: bearer secret\r\n"),
        "{asked}"
    );
    insta::assert_snapshot!(shown);
}

#[test]
fn what_is_no_prometheus_is_told_so() {
    let page = "404 Not Found\r\ncontent-length: 9\r\n\r\nnot\nhere\n";
    for (answer, told) in [
        (page.to_owned(), "answered 404 Not Found: not"),
        (json("<html>"), "answered 200 OK: <html>"),
        (json("{}"), "answered 200 OK: {}"),
    ] {
        let (shown, _) = answering(&answer, |url| {
            run(
                &[&["budget"], &CONFIG[..], &["--prometheus", url]].concat(),
                b"",
            )
        });
        assert!(
            shown.starts_with("status: 2") && shown.contains(told),
            "{shown}"
        );
    }
}

#[test]
fn nobody_who_listens_is_told_so() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let shown = run(
        &[&["budget"], &CONFIG[..], &["--prometheus", &url]].concat(),
        b"",
    );
    assert!(
        shown.starts_with("status: 2") && shown.contains("does not answer"),
        "{shown}"
    );
}
