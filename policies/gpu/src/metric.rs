//! Names of metrics that servers never export, and those that they do.
//!
//! Sources: TorchServe's metrics documentation (`ts_` names with `metrics_mode=prometheus`), vLLM's production metrics
//! (a colon after the prefix), and the change log of dcgm-exporter 2.0 (upper-case field names).

use crate::server::WORKLOADS;

/// Names that manifests use, and the ones under which the values are exported.
static NEVER: [(&str, &str); 6] = [
    (
        "torchserve_queue_latency_microseconds",
        "ts_queue_latency_microseconds",
    ),
    (
        "torchserve_inference_latency_microseconds",
        "ts_inference_latency_microseconds",
    ),
    (
        "torchserve_inference_requests_total",
        "ts_inference_requests_total",
    ),
    ("dcgm_gpu_utilization", "DCGM_FI_DEV_GPU_UTIL"),
    ("dcgm_fb_used", "DCGM_FI_DEV_FB_USED"),
    ("dcgm_gpu_temp", "DCGM_FI_DEV_GPU_TEMP"),
];

/// The server whose names are written without their prefix, or with `_` in place of the colon.
const PREFIX: &str = "vllm:";

/// The name under which a metric is exported, where no server exports it by this one. In a query of Prometheus names are
/// as they are exported; an adapter may give them others.
///
/// ```
/// use tollgate_gpu::exported_name;
///
/// assert_eq!(exported_name("num_requests_waiting", true), Some("vllm:num_requests_waiting"));
/// assert_eq!(exported_name("vllm_num_requests_waiting", false), None);
/// assert_eq!(exported_name("vllm:num_requests_waiting", true), None);
/// ```
#[must_use]
pub fn exported_name(name: &str, is_query: bool) -> Option<&'static str> {
    let never = NEVER.iter().find(|(never, _)| *never == name);
    if let Some((_, right)) = never.filter(|(never, _)| is_query || never.starts_with("torchserve"))
    {
        return Some(*right);
    }
    let metrics = WORKLOADS.iter().filter_map(|known| known.metrics);
    let mut names = metrics.flat_map(|metrics| metrics.names);
    let is_meant = |right: &&&str| {
        let bare = right.strip_prefix(PREFIX);
        let underscored = || name.strip_prefix("vllm_");
        is_query && bare.is_some_and(|bare| bare == name || underscored() == Some(bare))
    };
    names.find(is_meant).copied()
}

#[cfg(test)]
mod tests {
    use super::exported_name;

    #[test]
    fn wrong_names_have_right_ones() {
        for (name, is_query, expected) in [
            (
                "torchserve_queue_latency_microseconds",
                false,
                Some("ts_queue_latency_microseconds"),
            ),
            ("ts_queue_latency_microseconds", true, None),
            (
                "vllm_num_requests_waiting",
                true,
                Some("vllm:num_requests_waiting"),
            ),
            ("num_requests_waiting", false, None),
            ("dcgm_gpu_utilization", true, Some("DCGM_FI_DEV_GPU_UTIL")),
            ("dcgm_gpu_utilization", false, None),
            ("DCGM_FI_DEV_GPU_UTIL", true, None),
            ("http_requests_total", true, None),
        ] {
            assert_eq!(exported_name(name, is_query), expected, "{name}");
        }
    }
}
