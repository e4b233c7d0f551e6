//! Whether the weights of a model fit into the memory of the devices.

use tollgate_sdk::gpu::{
    Checkpoint, MigName, Model, Vendor, bits_of_flag, partition_of, spread, takes_one_each,
};
use tollgate_sdk::prelude::*;
use tollgate_sdk::{
    Degree, Device, GpuUnit, below, cluster_models, degree, gpu_unit, has_quantities, selected,
    selected_models,
};

use crate::server::Server;

pub(crate) const NO_ROOM: Rule = Rule::warn(
    "model-does-not-fit",
    "The weights of a model fit into the part of the devices' memory that the server may use: its parameters, by the model's name, times the bytes of their type; else CUDA runs out of memory at the start.",
);

/// Servers whose whole model lies in device memory, each with the part of it that the server uses unless told
/// otherwise, in percent, and the flag that tells.
static SERVERS: [(&str, f64, &str); 4] = [
    ("vllm", 0.9, "--gpu-memory-utilization"),
    ("sglang", 0.9, "--mem-fraction-static"),
    ("text-generation-inference", 1.0, "--cuda-memory-fraction"),
    ("tensorrt-llm", 1.0, ""),
];

/// Flags by which a part of the weights lies elsewhere, or experts are spread further.
const ELSEWHERE: [&str; 6] = [
    "--cpu-offload-gb",
    "--offload-group-size",
    "--enable-expert-parallel",
    "--ep-size",
    "--expert-parallel-size",
    "--config",
];

const DTYPES: [&str; 1] = ["--dtype"];
const QUANTIZATIONS: [&str; 3] = ["--quantization", "-q", "--quantize"];

/// Warns about a model that does not fit.
pub(crate) fn report(pod: &Pod, server: &Server<'_>) {
    if let Some(load) = Load::read(pod, server)
        && load.needed >= load.usable()
    {
        load.report(server);
    }
}

/// A model and where it goes.
struct Load<'a> {
    name: String,
    checkpoint: Checkpoint,
    bits: u32,
    /// What the weights take, in bytes.
    needed: f64,
    device: &'a Device,
    /// How many devices hold one copy.
    devices: u64,
    /// The memory of one of them, in GiB.
    memory_gib: u32,
    /// The part of it that the server uses.
    part: f64,
}

const GIB: f64 = 1_073_741_824.0;

impl<'a> Load<'a> {
    fn read(pod: &Pod, server: &'a Server<'_>) -> Option<Self> {
        let (_, usual, flag) = SERVERS
            .iter()
            .find(|(name, ..)| *name == server.program.known.name)?;
        let [device] = server.devices.as_ref() else {
            return None;
        };
        let memory_gib = memory(pod, device)?;
        let name = server.model()?;
        let checkpoint = Checkpoint::of_name(&name)?;
        let bits = bits(server, &checkpoint)?;
        let is_elsewhere = server.program.words.values(&ELSEWHERE).next().is_some();
        if is_elsewhere || has_quantities(server.container) {
            return None;
        }
        let part = server
            .flag(&[flag])
            .map_or(Some(*usual), |told| told.parse().ok())?;
        Some(Self {
            #[expect(clippy::cast_precision_loss, reason = "an estimate")]
            needed: checkpoint.bytes(bits) as f64,
            devices: devices_of_a_copy(server, device)?,
            memory_gib,
            name,
            checkpoint,
            bits,
            device,
            part,
        })
    }

    /// What the server may use, in bytes.
    fn usable(&self) -> f64 {
        self.per_device() * self.count()
    }

    fn per_device(&self) -> f64 {
        f64::from(self.memory_gib) * GIB * self.part
    }

    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn count(&self) -> f64 {
        self.devices as f64
    }

    fn report(&self, server: &Server<'_>) {
        let (needed, usable) = (self.needed / GIB, self.usable() / GIB);
        NO_ROOM
            .finding(
                below(&server.container.path(), &["resources", "limits", &self.device.name]),
                format!(
                    "container `{}` loads {needed:.0} GiB, and {} may use {usable:.0}",
                    server.container.name(),
                    server.program.known.name
                ),
            )
            .actual(format!(
                "{needed:.0} GiB of weights: `{}`, {} billion parameters of {} bits",
                self.name,
                f64::from(self.checkpoint.millions) / 1000.0,
                self.bits
            ))
            .allowed(format!(
                "less than {usable:.0} GiB: {} × {} GiB at {:.0} %",
                self.devices,
                self.memory_gib,
                self.part * 100.0
            ))
            .fix(format!(
                "spread it over {} such devices by tensor parallelism, choose a quantised model, or larger devices",
                self.enough()
            ))
            .report();
    }

    /// The next power of two of devices that leaves some room for the cache: models are not split by other numbers.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a small number above zero"
    )]
    fn enough(&self) -> u64 {
        let least = (self.needed * 1.1 / self.per_device()).ceil();
        (least as u64).clamp(1, 1024).next_power_of_two()
    }
}

/// The bits that a parameter takes when loaded; `None` where a flag or the name leaves that open.
fn bits(server: &Server<'_>, checkpoint: &Checkpoint) -> Option<u32> {
    if let Some(method) = server.flag(&QUANTIZATIONS) {
        return bits_of_flag(&method);
    }
    let published = checkpoint.bits?;
    let typed = server.flag(&DTYPES).and_then(|dtype| bits_of_flag(&dtype));
    // A type of the flag is that of what is not quantised already.
    Some(typed.filter(|_| published >= 16).unwrap_or(published))
}

/// How many devices hold one copy of the model; `None` where a size is no literal number.
fn devices_of_a_copy(server: &Server<'_>, device: &Device) -> Option<u64> {
    let spread = spread(server.program.known.name)?;
    let mut told = None;
    for factor in spread.factors.iter().filter(|factor| !factor.copies) {
        match degree(factor, server.container) {
            Degree::Is(size) => {
                told = Some(told.unwrap_or(1_u64).saturating_mul(u64::from(size)));
            }
            Degree::Untold => {}
            Degree::Unclear => return None,
        }
    }
    let untold = || spread.untold.map_or(device.count(), u64::from);
    Some(told.unwrap_or_else(untold))
}

/// The memory of one device in GiB: the most that the pod's selectors or the cluster's models leave.
fn memory(pod: &Pod, device: &Device) -> Option<u32> {
    if let Some(mig) = MigName::from_resource(&device.name) {
        return (!mig.shared).then(|| u32::from(mig.memory_gb));
    }
    if !takes_one_each(&device.name) {
        return None;
    }
    match gpu_unit(pod) {
        GpuUnit::Shared => None,
        GpuUnit::Mig => {
            let partitions = selected(pod, |key, value| {
                partition_of(key, value).map(|mig| vec![mig])
            })?;
            partitions.iter().map(|mig| u32::from(mig.memory_gb)).max()
        }
        GpuUnit::Whole => largest(pod, device.resource.vendor),
    }
}

fn largest(pod: &Pod, vendor: Vendor) -> Option<u32> {
    let models = selected_models(pod).unwrap_or_else(cluster_models);
    let fitting = models
        .iter()
        .filter(|model: &&&'static Model| model.vendor == vendor);
    fitting.map(|model| model.memory_gib).max()
}
