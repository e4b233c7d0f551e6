//! `tollgate explain`: what a webhook answered, in words.

use std::borrow::Cow;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;
use tollgate_admission::{Op, OpKind, Request};
use tollgate_pipeline::{Received, receive};

use crate::answer::Word;
use crate::args::ExplainArgs;
use crate::failure::Failure;
use crate::render::{Edit, Entry, Note, Widths, place};
use crate::terminal;

/// An AdmissionReview with a response.
#[derive(Deserialize)]
struct Answered {
    response: Response,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    allowed: bool,
    status: Option<Status>,
    patch: Option<String>,
    #[serde(default)]
    warnings: Vec<String>,
    #[serde(default)]
    audit_annotations: Annotations,
}

#[derive(Deserialize)]
struct Status {
    code: Option<u16>,
    #[serde(default)]
    message: String,
}

#[derive(Default, Deserialize)]
struct Annotations {
    /// JSON: who made each operation of the patch.
    edits: Option<String>,
}

#[derive(Deserialize)]
struct Author {
    policy: String,
    rule: String,
}

/// Prints a response as `review` prints what came of a document.
pub(crate) fn run(args: &ExplainArgs) -> Result<ExitCode, Failure> {
    let ExplainArgs {
        request: request_path,
        response,
    } = args;
    let request = read_request(request_path)?;
    let Answered { response } = serde_json::from_slice(&read(response)?).with_context(|| {
        format!(
            "`{}` is no AdmissionReview with a response",
            response.display()
        )
    })?;
    let entry = Entry {
        word: word(&response),
        source: request_path.to_string_lossy(),
        kind: request.gvk.kind.as_str().into(),
        name: place(
            request.namespace.as_deref(),
            request.name.as_deref(),
            &request.object,
        ),
        reason: None,
        before: Some(&request.object),
        edits: edits(&response)?,
        notes: notes(&response),
        appendix: String::new(),
    };
    terminal::print(|out| entry.write(&Widths::default(), out))?;
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("`{}` cannot be read", path.display()))
}

fn read_request(path: &Path) -> anyhow::Result<Request> {
    match receive(&read(path)?)
        .with_context(|| format!("`{}` is no AdmissionReview with a request", path.display()))?
    {
        Received::Request(request) => Ok(*request),
        Received::Malformed { reason, .. } => bail!(
            "the request in `{}` makes no sense: {reason}",
            path.display()
        ),
    }
}

fn word(response: &Response) -> Word {
    let code = response.status.as_ref().and_then(|status| status.code);
    match (response.allowed, &response.patch, code) {
        (true, Some(_), _) => Word::Repaired,
        (true, None, _) => Word::Ok,
        (false, _, Some(500..)) => Word::Fault,
        (false, _, _) => Word::Denied,
    }
}

/// The operations of the patch, each with the rule that made it as far as the response says so.
fn edits(response: &Response) -> anyhow::Result<Vec<Edit<'static>>> {
    let Some(patch) = &response.patch else {
        return Ok(Vec::new());
    };
    let patch = STANDARD.decode(patch).context("the patch is not base64")?;
    let patch: Vec<Value> =
        serde_json::from_slice(&patch).context("the patch is no list of operations")?;
    let authors: Vec<Author> = match &response.audit_annotations.edits {
        Some(authors) => serde_json::from_str(authors)
            .context("the audit annotation `edits` is of another form")?,
        None => Vec::new(),
    };
    let authors = authors
        .iter()
        .map(|Author { policy, rule }| format!("{policy}/{rule}"));
    let authors = authors.chain(std::iter::repeat("unknown".to_owned()));
    patch
        .iter()
        .zip(authors)
        .map(|(op, author)| {
            Ok(Edit {
                op: Cow::Owned(operation(op)?),
                author,
            })
        })
        .collect()
}

fn operation(json: &Value) -> anyhow::Result<Op> {
    let text = |key: &str| json.get(key).and_then(Value::as_str);
    let kind = text("op")
        .and_then(OpKind::parse)
        .with_context(|| format!("no operation of ours: `{json}`"))?;
    let path = text("path").with_context(|| format!("an operation without a path: `{json}`"))?;
    Ok(Op {
        kind,
        path: path.to_owned(),
        value: json.get("value").cloned().unwrap_or_default(),
    })
}

fn notes(response: &Response) -> Vec<Note> {
    let refusal = if word(response) == Word::Fault {
        "fault"
    } else {
        "deny"
    };
    let denials = response
        .status
        .iter()
        .flat_map(|status| status.message.lines())
        .map(|line| (refusal, line));
    let warnings = response
        .warnings
        .iter()
        .map(|warning| ("warn", warning.as_str()));
    let note = |(label, text): (&'static str, &str)| Note {
        label,
        text: text.to_owned(),
        details: Vec::new(),
    };
    denials.chain(warnings).map(note).collect()
}
