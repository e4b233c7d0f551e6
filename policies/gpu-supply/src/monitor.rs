//! Monitors of the GPUs' metrics.

use tollgate_sdk::prelude::*;
use tollgate_sdk::serde_json::Value;

use crate::{POD_MONITOR, SERVICE_MONITOR, list};

pub(crate) const SELECTS_NOTHING: Rule = Rule::warn(
    "dcgm-monitor-selects-nothing",
    "A monitor of the DCGM exporter selects it by a label that the exporter has: else there are no metrics of GPUs, and what scales by them never does.",
)
.about(MONITORS);
pub(crate) const HIDDEN: Rule = Rule::warn(
    "dcgm-labels-hidden",
    "A monitor of the DCGM exporter keeps the exporter's labels (`honorLabels`, or by relabelling): else `pod` and `namespace` are those of the exporter and not of the workload.",
)
.about(MONITORS);

const MONITORS: &[&str] = &[SERVICE_MONITOR, POD_MONITOR];

/// The labels of the exporter: of the GPU operator, and of its own chart.
const EXPORTERS: [(&str, &str); 2] = [
    ("app", "nvidia-dcgm-exporter"),
    ("app.kubernetes.io/name", "dcgm-exporter"),
];

const LABELS: &str = "/spec/selector/matchLabels";

/// Fields of an endpoint that keep the exporter's labels.
const KEEPING: [&str; 2] = ["relabelings", "metricRelabelings"];

/// Warns about a monitor of DCGM that selects nothing, or hides whose metrics they are.
pub(crate) fn report(review: &Review) {
    let labels = review.value(LABELS).unwrap_or_default();
    let is_dcgm = |text: &str| text.contains("dcgm");
    let values = labels
        .as_object()
        .into_iter()
        .flat_map(|labels| labels.values());
    let is_meant = review.name().is_some_and(|name| is_dcgm(&name))
        || values.filter_map(Value::as_str).any(is_dcgm);
    if !is_meant {
        return;
    }
    let has =
        |(key, value): &(&str, &str)| labels.get(*key).and_then(Value::as_str) == Some(*value);
    let has_labels = labels.as_object().is_some_and(|labels| !labels.is_empty());
    if has_labels && !EXPORTERS.iter().any(has) {
        report_nothing(&labels);
    }
    for place in ["/spec/endpoints", "/spec/podMetricsEndpoints"] {
        for (index, endpoint) in list(review, place).iter().enumerate() {
            let honors = endpoint.get("honorLabels") == Some(&Value::Bool(true));
            let relabels = KEEPING.iter().any(|field| endpoint.get(field).is_some());
            if !honors && !relabels {
                report_hidden(format!("{place}/{index}"));
            }
        }
    }
}

fn report_nothing(labels: &Value) {
    let known: Vec<_> = EXPORTERS
        .iter()
        .map(|(key, value)| format!("`{key}: {value}`"))
        .collect();
    SELECTS_NOTHING
        .finding(
            LABELS,
            "no known DCGM exporter has these labels: there are no metrics",
        )
        .actual(labels.to_string())
        .allowed(known.join(" (GPU operator) or ") + " (the exporter's chart)")
        .fix("select by one of the two, as the exporter here was installed")
        .report();
}

fn report_hidden(path: String) {
    HIDDEN
        .finding(
            path,
            "`pod` and `namespace` of the metrics are the exporter's, not the workload's",
        )
        .actual("no `honorLabels: true`")
        .allowed("`honorLabels: true`, or relabelling of `exported_pod`")
        .fix("set `honorLabels: true`")
        .report();
}
