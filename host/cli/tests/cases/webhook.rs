//! Decisions of `tollgate serve`, asked over TLS as the API server asks.

use std::collections::BTreeSet;

use base64::Engine as _;
use serde_json::{Value, json};

use crate::case::Case;
use crate::server::Server;

/// Asserts that `/mutate` and `/validate` come to the same verdict, patch, authors and findings.
pub fn assert_same(case: &Case, decision: &Value) {
    let state = case.state.as_ref().map(|path| path.to_str().unwrap());
    let options = state.map_or_else(Vec::new, |path| vec!["--state", path]);
    let server = Server::start_with(case.policies.as_deref(), &options);
    let mut object = case.object();
    let is_pod = object["kind"] == "Pod";
    let mut allowed = true;
    let mut findings = Vec::new();
    let mut faults = BTreeSet::new();
    let mut exemptions = BTreeSet::new();
    if is_pod {
        let mutated = server.ask("mutate", &object);
        assert_status(case, &mutated, decision);
        allowed &= mutated["allowed"] == true;
        collect_findings(&mutated, &mut findings);
        collect(&mutated, "faults", &mut faults);
        collect(&mutated, "exemptions", &mut exemptions);
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
        assert_status(case, &validated, decision);
        allowed &= validated["allowed"] == true;
        collect_findings(&validated, &mut findings);
        collect(&validated, "faults", &mut faults);
        collect(&validated, "exemptions", &mut exemptions);
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
        exemptions,
        exemptions_of(decision),
        "the exemptions of {}",
        case.folder.display()
    );
    assert_eq!(
        faults,
        faults_of(decision),
        "the faults of {}",
        case.folder.display()
    );
    assert_eq!(
        json!(allowed),
        decision["allowed"],
        "{}",
        case.folder.display()
    );
    server.stop();
}

/// Asserts that a refusal says whether the object is wrong or a policy is.
fn assert_status(case: &Case, response: &Value, decision: &Value) {
    if response["allowed"] == true {
        assert!(response.get("status").is_none(), "a status without need");
        return;
    }
    let denied = !lines(decision, |severity| severity == "deny").is_empty();
    let (code, reason) = if denied {
        (403, "Forbidden")
    } else {
        (500, "InternalError")
    };
    let status = &response["status"];
    assert_eq!(status["code"], code, "{}: {status}", case.folder.display());
    assert_eq!(status["reason"], reason, "{}", case.folder.display());
}

/// The lines of an audit annotation.
fn collect(response: &Value, annotation: &str, lines: &mut BTreeSet<String>) {
    let text = response["auditAnnotations"][annotation]
        .as_str()
        .unwrap_or_default();
    lines.extend(text.lines().map(str::to_owned));
}

/// The uses of exemptions of a decision in the words of the audit annotation.
fn exemptions_of(decision: &Value) -> BTreeSet<String> {
    let line = |used: &Value| {
        let text = |key: &str| used[key].as_str().unwrap_or_default();
        let what = match used.get("message") {
            Some(_) => format!("{}: {}", text("severity"), text("message")),
            None => "edit withheld".to_owned(),
        };
        let until = match text("expires") {
            "" => String::new(),
            end => format!(", until {end}"),
        };
        format!(
            "{}: {}/{}: {what} (at {}); reason: {}{until}",
            text("exemption"),
            text("policy"),
            text("rule"),
            text("path"),
            text("reason")
        )
    };
    let used = decision["exemptions"].as_array();
    used.into_iter().flatten().map(line).collect()
}

/// The faults of a decision in the words of the audit annotation.
fn faults_of(decision: &Value) -> BTreeSet<String> {
    let line = |fault: &Value| {
        let text = |key: &str| fault[key].as_str().unwrap();
        format!("{}: {}", text("policy"), text("message"))
    };
    let faults = decision["faults"].as_array();
    faults.into_iter().flatten().map(line).collect()
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
