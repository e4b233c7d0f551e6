//! Decisions of `tollgate serve`, asked over TLS as the API server asks.

use base64::Engine as _;
use serde_json::{Value, json};

use crate::case::Case;
use crate::server::Server;

/// Asserts that `/mutate` and `/validate` come to the same verdict, patch, authors and findings.
pub fn assert_same(case: &Case, decision: &Value) {
    let server = Server::start(case.policies().as_deref());
    let mut object = case.object();
    let is_pod = object["kind"] == "Pod";
    let mut allowed = true;
    let mut findings = Vec::new();
    if is_pod {
        let mutated = server.ask("mutate", &object);
        allowed &= mutated["allowed"] == true;
        collect_findings(&mutated, &mut findings);
        let patch = patch_of(&mutated);
        // What is refused at once is not changed as well.
        let expected = if allowed {
            decision_patch(decision)
        } else {
            Vec::new()
        };
        assert_eq!(
            with_authors(&patch, &mutated),
            expected,
            "{}",
            case.folder.display()
        );
        json_patch::patch(
            &mut object,
            &serde_json::from_value::<json_patch::Patch>(Value::Array(patch)).unwrap(),
        )
        .unwrap();
    }
    // The API server does not validate what was refused already.
    if allowed {
        let validated = server.ask("validate", &object);
        assert!(validated.get("patch").is_none(), "a patch from /validate");
        allowed &= validated["allowed"] == true;
        collect_findings(&validated, &mut findings);
        let expected = lines(decision, |_| true);
        let unexpected: Vec<_> = findings
            .iter()
            .filter(|line| !expected.contains(line))
            .collect();
        assert!(
            unexpected.is_empty(),
            "{}: {unexpected:#?} is not in {expected:#?}",
            case.folder.display()
        );
        let missing: Vec<_> = expected
            .iter()
            .filter(|line| !findings.contains(line))
            .collect();
        assert!(
            missing.is_empty(),
            "{}: {missing:#?} is not in {findings:#?}",
            case.folder.display()
        );
    } else {
        let denials = lines(decision, |severity| severity == "deny");
        assert!(
            findings
                .iter()
                .filter(|line| line.starts_with("deny"))
                .all(|line| denials.contains(line))
        );
    }
    assert_eq!(
        json!(allowed),
        decision["allowed"],
        "{}",
        case.folder.display()
    );
    server.stop();
}

/// The full findings, as the audit annotation has them.
fn collect_findings(response: &Value, findings: &mut Vec<String>) {
    let text = response["auditAnnotations"]["findings"]
        .as_str()
        .unwrap_or_default();
    findings.extend(text.lines().map(str::to_owned));
}

/// The findings of a decision in the words of the audit annotation.
fn lines(decision: &Value, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    let findings = decision["findings"].as_array().into_iter().flatten();
    let findings = findings.filter(|finding| wanted(&text(finding, "severity")));
    let line = |finding: &Value| {
        let fix = finding
            .get("fix")
            .map(|fix| format!("; fix: {}", fix.as_str().unwrap()))
            .unwrap_or_default();
        format!(
            "{} {}/{}: {} (at {}{fix})",
            text(finding, "severity"),
            text(finding, "policy"),
            text(finding, "rule"),
            text(finding, "message"),
            text(finding, "path")
        )
    };
    findings.map(line).collect()
}

fn patch_of(response: &Value) -> Vec<Value> {
    let Some(encoded) = response.get("patch") else {
        assert!(
            response.get("patchType").is_none(),
            "patchType without patch"
        );
        return Vec::new();
    };
    assert_eq!(response["patchType"], "JSONPatch");
    let text = base64::engine::general_purpose::STANDARD
        .decode(encoded.as_str().unwrap())
        .unwrap();
    serde_json::from_slice(&text).unwrap()
}

fn with_authors(patch: &[Value], response: &Value) -> Vec<Value> {
    let edits = response["auditAnnotations"]["edits"]
        .as_str()
        .unwrap_or("[]");
    let edits: Vec<Value> = serde_json::from_str(edits).unwrap();
    assert_eq!(edits.len(), patch.len(), "an author for every operation");
    let join = |(op, edit): (&Value, &Value)| {
        let mut op = op.clone();
        op["policy"] = edit["policy"].clone();
        op["rule"] = edit["rule"].clone();
        op
    };
    patch.iter().zip(&edits).map(join).collect()
}

/// The patch of a decision, each operation with its author.
fn decision_patch(decision: &Value) -> Vec<Value> {
    decision["patch"].as_array().cloned().unwrap_or_default()
}
