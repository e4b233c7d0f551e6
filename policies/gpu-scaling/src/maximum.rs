//! Scalers that nothing bounds.

use tollgate_sdk::prelude::*;

use crate::target::Target;
use crate::{SCALED_JOB, SCALED_OBJECT};

pub(crate) const MISSING: Rule = Rule::warn(
    "default-maximum",
    "A ScaledObject or ScaledJob of pods with accelerators says how many there may be (`maxReplicaCount`): KEDA's default is 100, and a burst then asks for a hundred times the devices.",
)
.about(&[SCALED_OBJECT, SCALED_JOB]);

const MAXIMUM: &str = "/spec/maxReplicaCount";
const DEFAULT: u64 = 100;

/// Warns about a maximum that is left to KEDA, or is the same.
pub(crate) fn report(review: &Review, kind: &str, target: &Target) {
    let told = review.number(MAXIMUM);
    let is_keda = kind == SCALED_OBJECT || kind == SCALED_JOB;
    if !is_keda || told.is_some_and(|told| told != DEFAULT) {
        return;
    }
    let (each, what) = (target.each_in_words(), target.in_words());
    MISSING
        .finding(
            MAXIMUM,
            format!("a burst makes up to {DEFAULT} replicas{each} of {what}"),
        )
        .actual(told.map_or_else(
            || format!("no `maxReplicaCount`, which is {DEFAULT}"),
            |told| told.to_string(),
        ))
        .allowed("as many replicas as there are devices for")
        .fix("set `maxReplicaCount` to what the devices here are enough for")
        .report();
}
