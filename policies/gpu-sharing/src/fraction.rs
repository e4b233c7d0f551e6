//! Parts of GPUs by the annotations of KAI and Run:ai, as far as `gpu-limits` leaves them open.
//!
//! Source: NVIDIA/KAI-Scheduler, `pkg/binder/plugins/gpusharing/gpu-request`, whose webhook refuses the same.

use tollgate_sdk::below;
use tollgate_sdk::prelude::*;

pub(crate) const WRONG: Rule = Rule::deny(
    "wrong-gpu-part",
    "The annotations `gpu-memory` and `gpu-fraction-num-devices` of a pod under the KAI scheduler or Run:ai are positive whole numbers; memory stands neither beside a fraction nor beside whole NVIDIA GPUs, and a number of devices not alone.",
);

const FRACTION: &str = "gpu-fraction";
const MEMORY: &str = "gpu-memory";
const DEVICES: &str = "gpu-fraction-num-devices";
const GPU: &str = "nvidia.com/gpu";

/// Refuses what KAI would refuse.
pub(crate) fn report(pod: &Pod) {
    let (memory, devices) = (pod.annotation(MEMORY), pod.annotation(DEVICES));
    if memory.is_none() && devices.is_none() || !is_under_kai(pod) {
        return;
    }
    if let Some(memory) = &memory {
        if !is_positive(memory) {
            let unit = "the memory of one GPU in MiB, such as `4096`";
            report_number(pod, MEMORY, memory, unit);
        }
        report_beside(pod, memory);
    }
    if let Some(devices) = &devices {
        if !is_positive(devices) {
            report_number(pod, DEVICES, devices, "the number of GPUs, such as `2`");
        }
        if memory.is_none() && pod.annotation(FRACTION).is_none() {
            report_alone(pod, devices);
        }
    }
}

/// Whether the pod's scheduler reads the annotations; other pods may have some of the same names for their own ends.
fn is_under_kai(pod: &Pod) -> bool {
    let reads = |scheduler: String| scheduler.starts_with("kai-") || scheduler.starts_with("runai");
    pod.scheduler().is_some_and(reads)
}

fn is_positive(text: &str) -> bool {
    text.parse::<u64>().is_ok_and(|number| number > 0)
}

fn place(pod: &Pod, key: &str) -> String {
    below(&pod.path(), &["metadata", "annotations", key])
}

fn report_number(pod: &Pod, key: &str, written: &str, unit: &str) {
    WRONG
        .finding(
            place(pod, key),
            format!("the annotation `{key}` is `{written}`, not a positive whole number: KAI refuses the pod"),
        )
        .actual(written)
        .allowed("a whole number above 0, without a unit")
        .fix(format!("write {unit}"))
        .report();
}

fn report_beside(pod: &Pod, memory: &str) {
    let has_gpus = |container: &Container| {
        let asked = container.limit(GPU).or_else(|| container.request(GPU));
        asked.is_some_and(|amount| amount != "0")
    };
    let beside = match pod.annotation(FRACTION) {
        Some(fraction) => format!("`{FRACTION}: {fraction}`"),
        None if pod.containers().iter().any(has_gpus) => format!("`{GPU}` in the limits"),
        None => return,
    };
    WRONG
        .finding(
            place(pod, MEMORY),
            format!("the annotation `{MEMORY}` stands beside {beside}: KAI takes one of them and refuses the pod"),
        )
        .actual(format!("`{MEMORY}: {memory}` and {beside}"))
        .allowed(format!("`{MEMORY}`, `{FRACTION}` or whole GPUs"))
        .fix("keep the one that is meant")
        .report();
}

fn report_alone(pod: &Pod, devices: &str) {
    WRONG
        .finding(
            place(pod, DEVICES),
            format!("the annotation `{DEVICES}` asks for parts of {devices} GPUs but nothing says how large: KAI refuses the pod"),
        )
        .actual(format!("{DEVICES} alone"))
        .allowed(format!("`{DEVICES}` beside `{FRACTION}` or `{MEMORY}`"))
        .fix(format!("add `{FRACTION}` or `{MEMORY}`, or take `{DEVICES}` off"))
        .report();
}
