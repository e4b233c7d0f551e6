//! Tensor parallelism over parts of GPUs.

use tollgate_sdk::gpu::{MigName, TENSOR as TENSOR_SIZE};
use tollgate_sdk::prelude::*;
use tollgate_sdk::{Degree, Device, GpuUnit, degree, gpu_unit};

use crate::Taker;
use crate::rename::WHOLE_GPU;

pub(crate) const TENSOR: Rule = Rule::deny(
    "tensor-parallel-over-mig",
    "A server spreads a model over several MIG devices or shares of GPUs: NCCL does not work between MIG devices, and shares may be the same card twice, which it refuses too.",
);

/// Refuses tensor parallelism over parts of GPUs.
pub(crate) fn report(pod: &Pod, takers: &[Taker]) {
    for taker in takers {
        let unit = || {
            if taker.whole().is_some() {
                gpu_unit(pod)
            } else {
                GpuUnit::Whole
            }
        };
        let mut parts = taker
            .devices
            .iter()
            .filter(|device| is_part(device, unit))
            .peekable();
        if parts.peek().is_none() {
            continue;
        }
        let Some(size) = parallelism(&taker.container).filter(|size| *size > 1) else {
            continue;
        };
        parts.for_each(|device| report_device(taker, device, size));
    }
}

/// Whether a model cannot be spread over such devices. A single share may be one of several pods' on several nodes.
fn is_part(device: &Device, unit: impl Fn() -> GpuUnit) -> bool {
    if MigName::from_resource(&device.name).is_some() {
        return true;
    }
    let several = device.count() > 1;
    match device.name.as_str() {
        "nvidia.com/gpu.shared" => several,
        WHOLE_GPU => match unit() {
            GpuUnit::Whole => false,
            GpuUnit::Mig => true,
            GpuUnit::Shared => several,
        },
        _ => false,
    }
}

/// The tensor parallel size that the container is started with, where it is a literal number.
fn parallelism(container: &Container) -> Option<u32> {
    match degree(&TENSOR_SIZE, container) {
        Degree::Is(size) => Some(size),
        Degree::Untold | Degree::Unclear => None,
    }
}

fn report_device(taker: &Taker, device: &Device, size: u32) {
    let name = &device.name;
    TENSOR
        .finding(
            taker.place(device),
            format!("container `{}` runs with tensor parallel size {size} over {name}, between which NCCL does not work", taker.container.name()),
        )
        .actual(format!("tensor parallel size {size} over {} {name}", device.count()))
        .allowed("tensor parallel size 1 on a part of a GPU")
        .fix(format!("set the tensor parallel size to 1 on a larger part, or ask for `{WHOLE_GPU}: {size}`"))
        .report();
}
