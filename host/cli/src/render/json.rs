//! One JSON object: the decision objects of all documents, and their numbers.

use std::io::{self, Write};

use serde_json::{Map, Value, json};
use tollgate_catalog::Diagnostic;
use tollgate_pipeline::report;

use crate::answer::{Answer, Judgement, Quiet, Reviewed, Summary};

pub(super) fn write(reviewed: &Reviewed, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &object(reviewed))?;
    writeln!(out)
}

/// The whole object.
pub(super) fn object(reviewed: &Reviewed) -> Value {
    let Reviewed { answers, quiet } = reviewed;
    let reviews: Vec<_> = answers.iter().map(review).collect();
    let quiet: Vec<_> = quiet.iter().map(quiet_rule).collect();
    json!({"summary": summary(&Summary::of(answers)), "quiet": quiet, "reviews": reviews})
}

fn quiet_rule(
    Quiet {
        policy,
        rule,
        needs,
    }: &Quiet,
) -> Value {
    json!({"policy": policy, "rule": rule, "needs": needs})
}

fn summary(summary: &Summary) -> Value {
    let Summary {
        documents,
        reviewed,
        allowed,
        denied,
        changed,
        skipped,
        unreadable,
        faults,
    } = summary;
    json!({
        "documents": documents,
        "reviewed": reviewed,
        "allowed": allowed,
        "denied": denied,
        "changed": changed,
        "skipped": skipped,
        "unreadable": unreadable,
        "faults": faults,
    })
}

fn review(answer: &Answer) -> Value {
    let mut fields = Map::new();
    fields.insert("source".to_owned(), answer.source.as_str().into());
    fields.extend(match &answer.judgement {
        Judgement::Reviewed { outcome, .. } => report(outcome),
        Judgement::Foreign(why) => skipped(why),
        Judgement::Unreadable(diagnostic) => unreadable(diagnostic),
    });
    Value::Object(fields)
}

fn skipped(why: &str) -> Map<String, Value> {
    [("status", "skipped"), ("reason", why)]
        .map(|(key, text)| (key.to_owned(), text.into()))
        .into_iter()
        .collect()
}

fn unreadable(diagnostic: &Diagnostic) -> Map<String, Value> {
    let Diagnostic {
        file: _,
        line,
        column,
        message,
        hint,
        excerpt: _,
        pointer: _,
    } = diagnostic;
    let place = (*line > 0).then_some([
        ("line", Value::from(*line)),
        ("column", Value::from(*column)),
    ]);
    let hint = hint.as_deref().map(|hint| ("hint", Value::from(hint)));
    let fields = [
        ("status", Value::from("unreadable")),
        ("error", Value::from(message.as_str())),
    ];
    let fields = fields
        .into_iter()
        .chain(place.into_iter().flatten())
        .chain(hint);
    fields.map(|(key, value)| (key.to_owned(), value)).collect()
}
