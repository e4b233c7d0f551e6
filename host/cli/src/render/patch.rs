//! The changes as JSON Patch (RFC 6902), for `kubectl patch --type json` and scripts.

use std::io::{self, Write};

use serde_json::{Value, json};
use tollgate_pipeline::Outcome;

use crate::answer::Answer;

/// One document's patch is a list, empty where nothing changes. Of several documents each that changes is an object
/// on a line of its own.
pub(super) fn write(answers: &[Answer], out: &mut dyn Write) -> io::Result<()> {
    let is_alone = answers.len() == 1;
    for answer in answers {
        let Some(operations) = answer.outcome().map(operations) else {
            continue;
        };
        if is_alone {
            writeln!(out, "{:#}", Value::Array(operations))?;
        } else if !operations.is_empty() {
            writeln!(
                out,
                "{}",
                json!({"source": answer.source, "patch": operations})
            )?;
        }
    }
    Ok(())
}

/// The operations on what is allowed; what is refused does not change.
fn operations(outcome: &Outcome) -> Vec<Value> {
    let applied = outcome
        .patch
        .iter()
        .filter(|_| outcome.verdict.is_allowed());
    applied.map(|applied| applied.op.to_json()).collect()
}
