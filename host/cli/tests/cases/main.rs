//! The golden cases of `tests/cases`: the command line and the webhook come to the decision that is written there.
//!
//! A case is a folder: `review.yaml`, the object; `policies.yaml`, the configuration, where it is not the default
//! profile; `state.yaml`, what is known of the cluster, where anything is; `response.yaml`, the decision object. A module `file:NAME.wasm` is the guest of that name in `tests/hostile`. `UPDATE_CASES=1` writes what the command line says, to be read
//! before it is committed.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    reason = "a test program"
)]

mod case;
mod command_line;
#[path = "../../../../tests/hostile/component.rs"]
mod component;
mod guests;
#[path = "../support/server.rs"]
mod server;
mod webhook;
mod wording;

use case::Case;

#[test]
fn the_command_line_decides_as_written() {
    for case in Case::all() {
        let decision = command_line::decide(case);
        case.assert_decision(&decision);
    }
}

#[test]
fn every_finding_says_what_where_what_else_and_the_fix() {
    let mut wrong = Vec::new();
    for case in Case::all() {
        let decision = case.written();
        let lists = ["findings", "observed"].map(|key| decision[key].as_array());
        for finding in lists.into_iter().flatten().flatten() {
            // An edit that configuration turned into a finding is told in the words of the rule.
            let is_told_edit = finding.get("actual").is_none()
                && finding["fix"]
                    .as_str()
                    .is_some_and(|fix| fix.starts_with("{\"op\""));
            if is_told_edit {
                continue;
            }
            let faults = wording::faults(finding).into_iter();
            wrong.extend(faults.map(|fault| {
                let text = |key: &str| finding[key].as_str().unwrap_or_default();
                format!(
                    "{} {}/{}: {fault}",
                    case.folder.display(),
                    text("policy"),
                    text("rule")
                )
            }));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What `kubectl` shows of a warning, with its policy and rule.
const WARNING_MAX: usize = 120;

#[test]
fn every_warning_is_short_enough_to_be_read_whole() {
    let mut long = Vec::new();
    for case in Case::all() {
        let decision = case.written();
        for finding in decision["findings"].as_array().into_iter().flatten() {
            let text = |key: &str| finding[key].as_str().unwrap_or_default();
            let line = format!("{}/{}: {}", text("policy"), text("rule"), text("message"));
            // What a budget says is its numbers.
            let is_short = line.chars().count() <= WARNING_MAX || text("policy") == "gpu-budget";
            if text("severity") == "warn" && !is_short {
                long.push(format!("{}: {line}", case.folder.display()));
            }
        }
    }
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn a_component_that_wants_a_clock_is_refused_at_load() {
    let component = guests::FOLDER.join("foreign-import.wasm");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_tollgate"))
        .args(["policy", "inspect"])
        .arg(component)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("wasi:clocks/monotonic-clock@0.2.12"),
        "{said}"
    );
    assert!(said.contains("wasm32-unknown-unknown"), "{said}");
}

#[test]
fn the_webhook_decides_as_the_command_line() {
    for case in Case::all() {
        let decision = command_line::decide(case);
        webhook::assert_same(case, &decision);
    }
}
