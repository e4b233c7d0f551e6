//! vLLM on a share of a GPU: it takes nine tenths of the whole.

use tollgate_sdk::gpu::MigName;
use tollgate_sdk::prelude::*;
use tollgate_sdk::{Device, GpuUnit, below, gpu_unit};

use crate::server::Server;

pub(crate) const WHOLE: Rule = Rule::warn(
    "whole-memory-on-shared-gpu",
    "vLLM takes 90 % of the GPU's memory unless told otherwise: on a time-sliced or MPS share of an NVIDIA GPU the second one dies of CUDA out of memory.",
);

const FLAG: &str = "--gpu-memory-utilization";

/// What vLLM takes unless told otherwise.
const USUAL: f64 = 0.9;

/// Warns about a server that takes all the memory of a GPU that it shares.
pub(crate) fn report(pod: &Pod, server: &Server<'_>) {
    if server.program.known.name != "vllm" {
        return;
    }
    let Some(device) = server.devices.iter().find(|device| is_share(device, pod)) else {
        return;
    };
    let told = server.flag(&[FLAG]);
    let share = told
        .as_deref()
        .map_or(Some(USUAL), |told| told.parse().ok());
    // More than a half: not even two of them fit.
    let Some(share) = share.filter(|share| *share > 0.5) else {
        return;
    };
    WHOLE
        .finding(
            below(&server.container.path(), &["resources", "limits", &device.name]),
            format!(
                "container `{}` takes {:.0} % of the memory of a GPU that it shares: the next one dies of CUDA out of memory",
                server.container.name(),
                share * 100.0
            ),
        )
        .actual(told.unwrap_or_else(|| format!("{USUAL}, vLLM's own")))
        .allowed("its part of the GPU's memory")
        .fix(format!("set `{FLAG}` to one divided by the number of shares, less a little"))
        .report();
}

fn is_share(device: &Device, pod: &Pod) -> bool {
    match device.name.as_str() {
        "nvidia.com/gpu.shared" => true,
        "nvidia.com/gpu" => gpu_unit(pod) == GpuUnit::Shared,
        name => MigName::from_resource(name).is_some_and(|name| name.shared),
    }
}
