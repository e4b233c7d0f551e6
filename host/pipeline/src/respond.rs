//! From an outcome to the AdmissionReview that answers.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::Value;
use tollgate_admission::{Applied, Finding, OpKind, Severity};

use crate::outcome::{Exempted, Outcome, Verdict};
use crate::receive::API_VERSION;
use crate::review::Phase;

/// The longest warning, in characters. The API server cuts at 256; kubectl's lines read well up to this.
const WARNING_MAX: usize = 120;

/// All warnings of a response together, in bytes: the API server drops what is beyond 4,096.
const WARNINGS_MAX: usize = 4_000;

/// The longest audit annotation, in bytes.
const ANNOTATION_MAX: usize = 8 << 10;

/// What is sent back: an AdmissionReview, its keys as the API server reads them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    api_version: &'static str,
    kind: &'static str,
    response: Response<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    uid: &'a str,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    audit_annotations: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
struct Status {
    code: u16,
    reason: &'static str,
    message: String,
}

/// The AdmissionReview that answers, as JSON bytes. The same outcome gives the same bytes.
pub fn respond(outcome: &Outcome, phase: Phase) -> Vec<u8> {
    let allowed = outcome.verdict.is_allowed();
    let sent = match phase {
        Phase::Mutate if allowed => outcome.patch.as_slice(),
        _ => &[],
    };
    let has_patch = !sent.is_empty();
    envelope(Response {
        uid: &outcome.uid,
        allowed,
        status: (!allowed).then(|| status(outcome)),
        patch_type: has_patch.then_some("JSONPatch"),
        patch: has_patch.then(|| STANDARD.encode(patch(sent))),
        warnings: warnings(outcome),
        audit_annotations: audit_annotations(outcome, sent),
    })
}

/// The answer to a request that makes no sense.
pub fn refuse_malformed(uid: &str, reason: &str) -> Vec<u8> {
    envelope(Response {
        uid,
        allowed: false,
        status: Some(Status {
            code: 400,
            reason: "BadRequest",
            message: format!("tollgate cannot read the request: {reason}"),
        }),
        patch_type: None,
        patch: None,
        warnings: Vec::new(),
        audit_annotations: BTreeMap::new(),
    })
}

fn envelope(response: Response<'_>) -> Vec<u8> {
    json(&Envelope {
        api_version: API_VERSION,
        kind: "AdmissionReview",
        response,
    })
}

/// JSON text. Nothing here can fail to be written: keys are texts and numbers are whole.
fn json(value: &impl Serialize) -> Vec<u8> {
    let written = serde_json::to_vec(value);
    debug_assert!(written.is_ok(), "{written:?}");
    written.unwrap_or_default()
}

/// An operation as RFC 6902 writes it.
#[derive(Serialize)]
struct Operation<'a> {
    op: &'static str,
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a Value>,
}

/// The operations as RFC 6902 text.
fn patch(applied: &[Applied]) -> Vec<u8> {
    let operations = applied.iter().map(|Applied { op, .. }| Operation {
        op: op.kind.as_str(),
        path: &op.path,
        value: (op.kind != OpKind::Remove).then_some(&op.value),
    });
    json(&operations.collect::<Vec<_>>())
}

fn status(outcome: &Outcome) -> Status {
    let denials = outcome.findings_of(Severity::Deny).map(Finding::line);
    let faults = outcome.refusing_faults().map(|report| {
        format!(
            "{}: policy faulted: {} (its `onFault` is `refuse`; ask the operators of this cluster)",
            report.policy, report.fault
        )
    });
    let message = denials.chain(faults).collect::<Vec<_>>().join("\n");
    let (code, reason) = match outcome.verdict {
        Verdict::Faulted => (500, "InternalError"),
        _ => (403, "Forbidden"),
    };
    Status {
        code,
        reason,
        message,
    }
}

fn warnings(outcome: &Outcome) -> Vec<String> {
    let found = outcome
        .findings_of(Severity::Warn)
        .map(|finding| format!("{}/{}: {}", finding.policy, finding.rule, finding.message));
    let changes = outcome.would_change.iter().map(|applied| {
        format!(
            "{}/{}: would {} {}",
            applied.policy,
            applied.rule,
            applied.op.kind.as_str(),
            applied.op.path
        )
    });
    let faults = outcome
        .faults
        .iter()
        .map(|report| format!("{}: policy faulted: {}", report.policy, report.fault));
    let mut room = WARNINGS_MAX;
    found
        .chain(changes)
        .chain(faults)
        .map(|warning| shorten(&warning))
        .take_while(|warning| {
            let fits = warning.len() <= room;
            room = room.saturating_sub(warning.len());
            fits
        })
        .collect()
}

/// Cuts a text to the length of a warning, at a character, and says so with `…`.
fn shorten(text: &str) -> String {
    let line = text.replace(['\n', '\r'], " ");
    match line.char_indices().nth(WARNING_MAX) {
        None => line,
        Some(_) => line.chars().take(WARNING_MAX - 1).chain(['…']).collect(),
    }
}

/// What the audit log keeps: who acted, with digests, and the full texts.
fn audit_annotations(outcome: &Outcome, sent: &[Applied]) -> BTreeMap<&'static str, String> {
    let mut policies: Vec<_> = outcome
        .runs
        .iter()
        .filter(|run| acted(outcome, &run.policy))
        .map(|run| format!("{}@{}", run.policy, run.digest))
        .collect();
    policies.sort_unstable();
    policies.dedup();
    let lines = |findings: &[Finding]| {
        findings
            .iter()
            .map(|finding| format!("{} {}", finding.severity.as_str(), finding.line()))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let faults: Vec<_> = outcome
        .faults
        .iter()
        .map(|report| format!("{}: {}", report.policy, report.fault))
        .collect();
    let exemptions: Vec<_> = outcome.exemptions.iter().map(Exempted::line).collect();
    let texts = [
        ("policies", policies.join(",")),
        ("edits", edits(sent)),
        ("findings", lines(&outcome.findings)),
        ("observed", lines(&outcome.observed)),
        ("exemptions", exemptions.join("\n")),
        ("faults", faults.join("\n")),
    ];
    let cut = |mut text: String| {
        text.truncate(text.floor_char_boundary(ANNOTATION_MAX));
        text
    };
    texts
        .into_iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(key, text)| (key, cut(text)))
        .collect()
}

/// Who made an operation.
#[derive(Serialize)]
struct Authored<'a> {
    policy: &'a str,
    rule: &'a str,
    op: &'static str,
    path: &'a str,
}

/// Who made each operation of the patch, as JSON, in its order. JSON that is cut is of no use to anybody.
fn edits(patch: &[Applied]) -> String {
    if patch.is_empty() {
        return String::new();
    }
    let authored = patch.iter().map(|applied| Authored {
        policy: &applied.policy,
        rule: &applied.rule,
        op: applied.op.kind.as_str(),
        path: &applied.op.path,
    });
    let text = serde_json::to_string(&authored.collect::<Vec<_>>()).unwrap_or_default();
    match text.len() > ANNOTATION_MAX {
        true => String::new(),
        false => text,
    }
}

fn acted(outcome: &Outcome, policy: &str) -> bool {
    outcome.patch.iter().any(|applied| applied.policy == policy)
        || outcome
            .findings
            .iter()
            .chain(&outcome.observed)
            .any(|finding| finding.policy == policy)
        || outcome
            .exemptions
            .iter()
            .any(|exempted| &*exempted.policy == policy)
        || outcome
            .faults
            .iter()
            .any(|report| &*report.policy == policy)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use tollgate_admission::{Finding, GroupVersionKind, Operation, Request};

    use super::*;

    fn outcome(messages: impl IntoIterator<Item = String>) -> Outcome {
        let request = Request {
            uid: "1".to_owned(),
            operation: Operation::Create,
            gvk: GroupVersionKind::new("v1", "Pod"),
            subresource: None,
            resource: None,
            namespace: Some("ml".to_owned()),
            name: None,
            user: String::new(),
            groups: Vec::new(),
            dry_run: false,
            namespace_labels: None,
            object: Value::Null,
            old_object: None,
        };
        let warning = |message| Finding {
            policy: "house".to_owned(),
            rule: "word".to_owned(),
            severity: Severity::Warn,
            path: "/spec".to_owned(),
            message,
            actual: None,
            allowed: None,
            fix: None,
        };
        Outcome {
            findings: messages.into_iter().map(warning).collect(),
            ..Outcome::allowed(request)
        }
    }

    #[test]
    fn each_warning_is_short_and_cut_between_characters() {
        let texts = ["a".repeat(1000), "é".repeat(1000), "short".to_owned()];
        let told = warnings(&outcome(texts));
        assert_eq!(told.len(), 3);
        for warning in told.iter().take(2) {
            let characters = warning.chars().count();
            assert!(characters <= WARNING_MAX, "{characters}: {warning}");
            assert!(characters > WARNING_MAX / 2, "{characters}: {warning}");
        }
        assert_eq!(told.last().unwrap(), "house/word: short");
    }

    #[test]
    fn all_warnings_together_stay_below_what_the_api_server_cuts() {
        let told = warnings(&outcome((0..200).map(|number| format!("{number:0200}"))));
        let bytes: usize = told.iter().map(String::len).sum();
        assert!(bytes <= WARNINGS_MAX, "{bytes}");
        assert!(told.len() > 20, "{} of 200 are told", told.len());
    }
}
