//! The metrics by which pods are scaled, and the names that servers export.

use tollgate_sdk::gpu::{WORKLOADS, exported_name};
use tollgate_sdk::prelude::*;
use tollgate_sdk::serde_json::Value;

use crate::{HORIZONTAL, SCALED_JOB, SCALED_OBJECT};

pub(crate) const NEVER_EXPORTED: Rule = Rule::warn(
    "metric-never-exported",
    "A metric by which pods are scaled has a name that its server exports: under another name there is no value, and nothing ever scales.",
)
.about(&[HORIZONTAL, SCALED_OBJECT, SCALED_JOB]);

/// How the metrics of GPUs begin.
const OF_GPUS: [&str; 2] = ["DCGM_FI_", "dcgm_"];

/// A text that names metrics.
struct Named {
    path: String,
    text: String,
    /// Whether it is a query of Prometheus, which knows the names as they are exported. Adapters rename them.
    is_query: bool,
}

/// Warns about names that no server exports.
pub(crate) fn report(review: &Review, kind: &str) {
    for named in all(review, kind) {
        for word in words(&named.text) {
            if let Some(right) = exported_name(word, named.is_query) {
                report_one(&named.path, word, right);
            }
        }
    }
}

/// Whether any metric is one of GPUs or of an inference server.
pub(crate) fn are_of_accelerators(review: &Review, kind: &str) -> bool {
    let texts = all(review, kind);
    texts
        .iter()
        .any(|named| words(&named.text).any(is_of_accelerators))
}

fn is_of_accelerators(word: &str) -> bool {
    let metrics = WORKLOADS.iter().filter_map(|known| known.metrics);
    let mut names = metrics.flat_map(|metrics| metrics.names);
    let word = word.replace(':', "_");
    OF_GPUS.iter().any(|prefix| word.starts_with(prefix))
        || names.any(|name| word.starts_with(&name.replace(':', "_")))
}

fn all(review: &Review, kind: &str) -> Vec<Named> {
    match kind {
        HORIZONTAL => of_horizontal(review),
        SCALED_OBJECT | SCALED_JOB => of_keda(review),
        _ => Vec::new(),
    }
}

fn of_horizontal(review: &Review) -> Vec<Named> {
    let metrics = review.value("/spec/metrics").unwrap_or_default();
    let each = metrics.as_array().into_iter().flatten().enumerate();
    let named = each.flat_map(|(index, metric)| {
        ["pods", "object", "external"]
            .into_iter()
            .filter_map(move |source| {
                let name = metric.get(source)?.get("metric")?.get("name")?.as_str()?;
                Some(Named {
                    path: format!("/spec/metrics/{index}/{source}/metric/name"),
                    text: name.to_owned(),
                    is_query: false,
                })
            })
    });
    named.collect()
}

fn of_keda(review: &Review) -> Vec<Named> {
    let triggers = review.value("/spec/triggers").unwrap_or_default();
    let each = triggers.as_array().into_iter().flatten().enumerate();
    let named = each.filter_map(|(index, trigger)| {
        let query = trigger
            .get("metadata")?
            .get("query")
            .and_then(Value::as_str)?;
        Some(Named {
            path: format!("/spec/triggers/{index}/metadata/query"),
            text: query.to_owned(),
            is_query: true,
        })
    });
    named.collect()
}

/// The names in a text. What stands in quotes or before `=` in a query are labels.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_' && letter != ':')
        .filter(|word| !word.is_empty())
}

fn report_one(path: &str, word: &str, right: &str) {
    NEVER_EXPORTED
        .finding(
            path,
            format!("no server exports `{word}`: nothing ever scales"),
        )
        .actual(word)
        .allowed(format!("`{right}`"))
        .fix(format!("name it `{right}`"))
        .report();
}
