//! From an outcome to the AdmissionReview that answers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use tollgate_admission::{Applied, Finding, Severity};

use crate::outcome::{Exempted, Outcome, Verdict};
use crate::receive::API_VERSION;
use crate::review::Phase;

/// The longest warning, in characters. The API server cuts at 256; kubectl's lines read well up to this.
const WARNING_MAX: usize = 120;

/// All warnings of a response together, in bytes: the API server drops what is beyond 4,096.
const WARNINGS_MAX: usize = 4_000;

/// The longest audit annotation, in bytes.
const ANNOTATION_MAX: usize = 8 << 10;

/// The AdmissionReview that answers, as JSON bytes. The same outcome gives the same bytes.
pub fn respond(outcome: &Outcome, phase: Phase) -> Vec<u8> {
    let mut response = Map::new();
    response.insert("uid".to_owned(), outcome.uid.as_str().into());
    response.insert("allowed".to_owned(), outcome.verdict.is_allowed().into());
    if !outcome.verdict.is_allowed() {
        response.insert("status".to_owned(), status(outcome));
    }
    let sent = match phase {
        Phase::Mutate if outcome.verdict.is_allowed() => outcome.patch.as_slice(),
        _ => &[],
    };
    if !sent.is_empty() {
        response.insert("patchType".to_owned(), "JSONPatch".into());
        response.insert("patch".to_owned(), STANDARD.encode(patch(sent)).into());
    }
    let warnings = warnings(outcome);
    if !warnings.is_empty() {
        response.insert("warnings".to_owned(), warnings.into());
    }
    let annotations = audit_annotations(outcome, sent);
    if !annotations.is_empty() {
        response.insert("auditAnnotations".to_owned(), Value::Object(annotations));
    }
    envelope(response)
}

/// The answer to a request that makes no sense.
pub fn refuse_malformed(uid: &str, reason: &str) -> Vec<u8> {
    let status = json!({"code": 400, "reason": "BadRequest", "message": format!("tollgate cannot read the request: {reason}")});
    envelope(Map::from_iter([
        ("uid".to_owned(), uid.into()),
        ("allowed".to_owned(), false.into()),
        ("status".to_owned(), status),
    ]))
}

fn envelope(response: Map<String, Value>) -> Vec<u8> {
    json!({"apiVersion": API_VERSION, "kind": "AdmissionReview", "response": response})
        .to_string()
        .into_bytes()
}

/// The operations as RFC 6902 text.
fn patch(applied: &[Applied]) -> String {
    applied
        .iter()
        .map(|applied| applied.op.to_json())
        .collect::<Value>()
        .to_string()
}

fn status(outcome: &Outcome) -> Value {
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
    json!({"code": code, "reason": reason, "message": message})
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
fn audit_annotations(outcome: &Outcome, sent: &[Applied]) -> Map<String, Value> {
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
    let cut = |text: String| {
        text.get(..text.floor_char_boundary(ANNOTATION_MAX))
            .unwrap_or_default()
            .to_owned()
    };
    texts
        .into_iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(key, text)| (key.to_owned(), cut(text).into()))
        .collect()
}

/// Who made each operation of the patch, as JSON, in its order.
fn edits(patch: &[Applied]) -> String {
    let author = |applied: &Applied| {
        let Applied {
            op, policy, rule, ..
        } = applied;
        json!({"policy": policy, "rule": rule, "op": op.kind.as_str(), "path": op.path})
    };
    let text = patch.iter().map(author).collect::<Value>().to_string();
    // JSON that is cut is of no use to anybody.
    match patch {
        [] => String::new(),
        _ if text.len() > ANNOTATION_MAX => String::new(),
        _ => text,
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
