//! Exemptions, from the documents to what is printed.

use crate::command::{cli_snapshot, run};

#[test]
fn what_is_let_off_is_shown_with_its_reason_and_its_end() {
    cli_snapshot!([
        "review",
        "--config",
        "exemptions/rule.yaml",
        "half-a-gpu.yaml",
        "trainer.yaml"
    ]);
}

#[test]
fn an_exemption_that_is_over_no_longer_counts_and_is_told() {
    cli_snapshot!([
        "review",
        "--config",
        "exemptions/expired.yaml",
        "half-a-gpu.yaml"
    ]);
    let listed = run(
        &["policy", "list", "--config", "exemptions/expired.yaml"],
        b"",
    );
    assert!(
        listed.contains("exemption `halves` expired at 2020-01-01T00:00:00Z and no longer counts"),
        "{listed}"
    );
}

#[test]
fn names_that_there_are_not_and_absent_platforms_are_told() {
    cli_snapshot!([
        "review",
        "-q",
        "--config",
        "exemptions/doubtful.yaml",
        "trainer.yaml"
    ]);
}

#[test]
fn every_error_of_an_exemption_is_told() {
    cli_snapshot!([
        "review",
        "--config",
        "exemptions/wrong.yaml",
        "trainer.yaml"
    ]);
}

#[test]
fn users_are_let_off_what_they_create_and_not_what_controllers_make_for_them() {
    let config = ["review", "--config", "exemptions/users.yaml"];
    let status = |more: &[&str]| {
        let shown = run(&[&config[..], more].concat(), b"");
        shown.lines().next().unwrap_or_default().to_owned()
    };
    assert_eq!(status(&["half-a-gpu.yaml"]), "status: 1");
    assert_eq!(status(&["half-a-gpu.yaml", "--user", "ada"]), "status: 0");
    assert_eq!(status(&["half-a-gpu.yaml", "--user", "bob"]), "status: 1");
    assert_eq!(
        status(&["half-a-gpu.yaml", "--user", "bob", "--group", "gpu-admins"]),
        "status: 0"
    );
    assert_eq!(
        status(&["exemptions/owned.yaml", "--user", "ada"]),
        "status: 1"
    );
}

#[test]
fn what_was_wrong_before_does_not_deny_when_its_exemption_has_ended() {
    let update = |config: &str| {
        run(
            &[
                "review",
                "-o",
                "json",
                "--config",
                config,
                "--old",
                "notebooks-before.yaml",
                "notebooks.yaml",
            ],
            b"",
        )
    };
    let over = update("exemptions/expired.yaml");
    assert!(over.starts_with("status: 0\n"), "{over}");
    assert!(over.contains("\"severity\": \"warn\""), "{over}");
    let holds = update("exemptions/notebooks.yaml");
    assert!(holds.starts_with("status: 0\n"), "{holds}");
    assert!(!holds.contains("\"findings\": [\n        {"), "{holds}");
    assert!(holds.contains("\"exemption\": \"notebooks\""), "{holds}");
}
