//! Parts of GPUs as schedulers hand them out: HAMi's and Volcano's quantities, KAI's annotations.
//!
//! Sources: the documentation of Project-HAMi/HAMi and volcano-sh/devices; the validator of NVIDIA/KAI-Scheduler
//! (`pkg/binder/plugins/gpusharing/gpu-request`).

use tollgate_sdk::below;
use tollgate_sdk::gpu::{Class, Quantity};
use tollgate_sdk::prelude::*;

use crate::asked::{Asked, Wanted};

pub(crate) const NO_COUNT: Rule = Rule::warn(
    "quantity-without-count",
    "Memory or cores of shared GPUs come with a number of GPUs in the same container: without it they are ignored, or the pod stays Pending.",
);
pub(crate) const PERCENT: Rule = Rule::warn(
    "percent-above-100",
    "A share of a GPU in percent is at most 100: no GPU has more, so the pod stays Pending.",
);
pub(crate) const FRACTION: Rule = Rule::deny(
    "wrong-gpu-fraction",
    "The annotation `gpu-fraction` of the KAI scheduler is a number between 0 and 1 and stands alone: KAI refuses others, and with a limit beside it the GPU is counted twice.",
);

/// Quantities that stand for a device by themselves, with no count beside them.
const ALONE: [&str; 7] = [
    "volcano.sh/gpu-memory",
    "aliyun.com/",
    "koordinator.sh/",
    "tencent.com/",
    "huawei.com/npu-core",
    "nvidia.com/priority",
    "gpu.intel.com/",
];

/// Quantities in percent of one device.
const PERCENTS: [&str; 6] = [
    "nvidia.com/gpucores",
    "nvidia.com/gpumem-percentage",
    "volcano.sh/vgpu-cores",
    "volcano.sh/vgpu-memory-percentage",
    "hygon.com/dcucores",
    "metax-tech.com/vcore",
];

const ANNOTATION: &str = "gpu-fraction";

/// Warns about quantities that count for nothing, and about percents that no device has.
pub(crate) fn report_quantities(asked: &Asked) {
    let is_quantity = |wanted: &&Wanted| {
        wanted
            .known
            .is_some_and(|known| known.class == Class::Quantity)
    };
    for wanted in asked.resources.iter().filter(is_quantity) {
        if needs_count(&wanted.name) && !has_count(asked, &wanted.name) {
            report_no_count(asked, wanted);
        }
        let is_above = |amount: Quantity| amount > Quantity::from(100);
        if PERCENTS.contains(&wanted.name.as_str()) && wanted.amount().is_some_and(is_above) {
            report_percent(asked, wanted);
        }
    }
}

fn needs_count(name: &str) -> bool {
    !ALONE.iter().any(|alone| name.starts_with(alone))
}

/// Whether the container counts devices of the same domain.
fn has_count(asked: &Asked, quantity: &str) -> bool {
    let domain = |name: &str| name.split_once('/').map(|(domain, _)| domain.to_owned());
    let counted = |wanted: &Wanted| wanted.known.is_some_and(|known| known.counts_devices());
    let mut resources = asked.resources.iter();
    resources.any(|wanted| counted(wanted) && domain(&wanted.name) == domain(quantity))
}

fn report_no_count(asked: &Asked, wanted: &Wanted) {
    let name = &wanted.name;
    let domain = name.split('/').next().unwrap_or_default();
    NO_COUNT
        .finding(
            asked.place(wanted),
            format!(
                "container `{}` asks for {} of {name} but for no number of devices to take it from",
                asked.container.name(),
                wanted.text()
            ),
        )
        .actual(format!("{name} alone"))
        .allowed(format!("{name} beside a count of `{domain}` devices"))
        .fix("add the number of devices to the limits, such as `nvidia.com/gpu: 1`")
        .report();
}

fn report_percent(asked: &Asked, wanted: &Wanted) {
    let (name, text) = (&wanted.name, wanted.text());
    PERCENT
        .finding(
            asked.place(wanted),
            format!(
                "container `{}` asks for {text} of {name}, which is in percent of one device",
                asked.container.name()
            ),
        )
        .actual(text)
        .allowed("1 to 100")
        .fix("write the percentage of one device, and ask for more devices where one is not enough")
        .report();
}

/// Refuses a fraction that KAI would refuse.
pub(crate) fn report_fraction(pod: &Pod, asked: &[Asked]) {
    let Some(written) = pod.annotation(ANNOTATION) else {
        return;
    };
    let is_part = |part: Quantity| part > Quantity::ZERO && part < Quantity::from(1);
    if !Quantity::parse(&written).is_ok_and(is_part) {
        report_no_fraction(pod, &written);
    }
    let whole = |asked: &&Asked| {
        asked
            .devices()
            .any(|(wanted, _, _)| wanted.name == "nvidia.com/gpu")
    };
    if let Some(taker) = asked.iter().find(whole) {
        report_beside_devices(taker, &written);
    }
}

fn report_no_fraction(pod: &Pod, written: &str) {
    FRACTION
        .finding(
            below(&pod.path(), &["metadata", "annotations", ANNOTATION]),
            format!("the annotation `{ANNOTATION}` is `{written}`, not a number between 0 and 1: KAI refuses the pod"),
        )
        .actual(written)
        .allowed("a number above 0 and below 1, such as `0.5`")
        .fix("write the part of one GPU, or ask for whole GPUs in the limits without the annotation")
        .report();
}

fn report_beside_devices(taker: &Asked, written: &str) {
    let devices = taker.devices_in_words();
    FRACTION
        .finding(
            taker.resources_place(),
            format!("container `{}` takes {devices} while the annotation `{ANNOTATION}` asks for {written} of a GPU", taker.container.name()),
        )
        .actual(format!("{devices} and `{ANNOTATION}: {written}`"))
        .allowed("whole GPUs in the limits, or a part by annotation, not both")
        .fix(format!("take `nvidia.com/gpu` out of the limits, or the annotation `{ANNOTATION}` off the pod"))
        .report();
}
