//! Configurations of NVIDIA's device plugin in a config map.
//!
//! Source: NVIDIA/k8s-device-plugin, `api/config/v1`.

use tollgate_sdk::below;
use tollgate_sdk::prelude::*;

use crate::CONFIG_MAP;
use crate::outline::{self, Line};

pub(crate) const TWO_WAYS: Rule = Rule::deny(
    "two-ways-of-sharing",
    "A configuration of the device plugin shares GPUs in one way, in time or by MPS: with both, the plugin does not start and the nodes offer no GPU.",
)
.about(&[CONFIG_MAP]);
pub(crate) const REPLICAS: Rule = Rule::deny(
    "replicas-of-one",
    "A configuration of the device plugin divides a GPU into two replicas or more: with fewer, the plugin does not start.",
)
.about(&[CONFIG_MAP]);
pub(crate) const EMPTY: Rule = Rule::warn(
    "sharing-without-resources",
    "`timeSlicing` or `mps` of a configuration of the device plugin has its `resources` below it: beside it, they are not read and nothing is shared.",
)
.about(&[CONFIG_MAP]);

const WAYS: [&str; 2] = ["timeSlicing", "mps"];

/// Judges each entry that configures sharing.
pub(crate) fn report(review: &Review) {
    let data = review.value("/data").unwrap_or_default();
    for (name, text) in data.as_object().into_iter().flatten() {
        let lines = outline::lines(text.as_str().unwrap_or_default());
        if let Some(sharing) = outline::section(&lines, "sharing") {
            report_entry(&below("/data", &[name]), sharing);
        }
    }
}

fn report_entry(path: &str, sharing: &[Line<'_>]) {
    let ways: Vec<_> = WAYS
        .iter()
        .filter_map(|way| Some((*way, outline::section(sharing, way)?)))
        .collect();
    if let [(_, one), (_, other)] = ways.as_slice()
        && !one.is_empty()
        && !other.is_empty()
    {
        TWO_WAYS
            .finding(path, "the configuration shares GPUs in time and by MPS at once: the plugin does not start")
            .actual("`timeSlicing` and `mps`")
            .allowed("one of the two")
            .fix("keep one of the two; nodes can pick different configurations by the label `nvidia.com/device-plugin.config`")
            .report();
    }
    for (way, lines) in ways {
        let is_written = sharing
            .iter()
            .any(|line| line.key == way && line.value.is_empty());
        let has_resources = lines.iter().any(|line| line.key == "resources");
        if is_written && !has_resources {
            report_empty(path, way);
        }
        let few = lines.iter().filter(|line| line.key == "replicas");
        for line in few.filter(|line| line.value.parse::<u32>().is_ok_and(|number| number < 2)) {
            report_replicas(path, line.value);
        }
    }
}

fn report_empty(path: &str, way: &str) {
    EMPTY
        .finding(
            path,
            format!("`{way}` has no `resources` below it: nothing is shared"),
        )
        .actual(format!("`{way}` without `resources`"))
        .allowed("`resources` below it, one row for each resource that is shared")
        .fix(format!("indent the fields below `{way}`"))
        .report();
}

fn report_replicas(path: &str, number: &str) {
    REPLICAS
        .finding(
            path,
            format!("a GPU is divided into {number} replicas: the plugin does not start"),
        )
        .actual(number)
        .allowed("2 or more")
        .fix("set `replicas` to 2 or more, or remove the row")
        .report();
}
