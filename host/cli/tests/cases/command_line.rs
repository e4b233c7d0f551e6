//! Decisions of `tollgate review`.

use std::process::Command;

use serde_json::Value;

use crate::case::Case;

/// The decision object, without the place of the document. The exit status must agree with it.
pub fn decide(case: &Case) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    command.args(["review", "-o", "json"]).arg(case.review());
    if let Some(policies) = &case.policies {
        command.arg("--config").arg(policies);
    }
    if let Some(state) = &case.state {
        command.arg("--state").arg(state);
    }
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let answer: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|err| panic!("{err}: {stderr}"));
    let mut decision = answer
        .pointer("/reviews/0")
        .cloned()
        .unwrap_or_else(|| panic!("no review: {answer:#}"));
    decision.as_object_mut().unwrap().shift_remove("source");
    let faults = decision
        .get("faults")
        .and_then(Value::as_array)
        .map_or(0, Vec::len);
    let expected = match (faults, decision.get("allowed").and_then(Value::as_bool)) {
        (1.., _) => 3,
        (0, Some(false)) => 1,
        (0, _) => 0,
    };
    assert_eq!(
        output.status.code(),
        Some(expected),
        "{}: {stderr}",
        case.folder.display()
    );
    decision
}
