//! The documents as a cluster would store them, as a YAML stream for `kubectl apply -f -`.

use std::io::{self, Write};

use serde_json::Value;

use super::block;
use crate::answer::{Answer, Judgement};

/// Objects that policies do not look at are part of the stream too; what is refused, unreadable or no object is not.
pub(super) fn write(answers: &[Answer], out: &mut dyn Write) -> io::Result<()> {
    for object in answers.iter().filter_map(object) {
        writeln!(out, "---")?;
        block::write(object, out)?;
    }
    Ok(())
}

fn object(answer: &Answer) -> Option<&Value> {
    match &answer.judgement {
        Judgement::Reviewed { outcome, .. } if outcome.verdict.is_allowed() => {
            Some(&outcome.object).filter(|object| !object.is_null())
        }
        Judgement::Reviewed { .. } | Judgement::Foreign(_) | Judgement::Unreadable(_) => None,
    }
}
