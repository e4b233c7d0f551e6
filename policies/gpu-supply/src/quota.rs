//! Quotas of devices.

use tollgate_sdk::below;
use tollgate_sdk::gpu::is_accelerator;
use tollgate_sdk::prelude::*;

use crate::QUOTA;

pub(crate) const UNCOUNTED: Rule = Rule::warn(
    "quota-counts-nothing",
    "A ResourceQuota bounds accelerators by `requests.NAME`: a line without it, or with `limits.`, is stored and counts nothing.",
)
.about(&[QUOTA]);

const HARD: &str = "/spec/hard";

/// Warns about lines that bound nothing.
pub(crate) fn report(review: &Review) {
    let hard = review.value(HARD).unwrap_or_default();
    for key in hard.as_object().into_iter().flat_map(|hard| hard.keys()) {
        let name = key.strip_prefix("limits.").unwrap_or(key);
        if !is_accelerator(name) {
            continue;
        }
        UNCOUNTED
            .finding(
                below(HARD, &[key]),
                format!("this line bounds nothing: only `requests.{name}` counts"),
            )
            .actual(key)
            .allowed(format!("requests.{name}"))
            .fix(format!("write `requests.{name}`"))
            .report();
    }
}
