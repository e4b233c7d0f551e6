//! CUDA of an image against the driver of the nodes. NVIDIA's GPUs alone.

use tollgate_sdk::gpu::{Vendor, cuda_of_driver, cuda_of_image, driver_for_cuda};
use tollgate_sdk::prelude::*;
use tollgate_sdk::{below, selected};

pub(crate) const NEWER: Rule = Rule::warn(
    "cuda-newer-than-driver",
    "An image's CUDA is no newer than what the NVIDIA driver of the nodes runs, or the container does not start (`unsatisfied condition: cuda>=…`) or finds no kernels.",
);
pub(crate) const UNCHECKED: Rule = Rule::warn(
    "cuda-check-disabled",
    "A container with NVIDIA GPUs leaves the check of CUDA against the driver on: without it, it starts and fails later with less to go by.",
);

/// Node labels of GPU feature discovery, old and new, that name the driver's branch.
const DRIVER: [&str; 2] = [
    "nvidia.com/cuda.driver-version.major",
    "nvidia.com/cuda.driver.major",
];
/// The same, that name the newest CUDA that the driver runs.
const RUNTIME: [&str; 2] = [
    "nvidia.com/cuda.runtime-version.major",
    "nvidia.com/cuda.runtime.major",
];
const DISABLED: &str = "NVIDIA_DISABLE_REQUIRE";
const REQUIRED: &str = "NVIDIA_REQUIRE_CUDA";

/// Warns about images that are newer than the driver, and about checks that are switched off.
pub(crate) fn report(branch: Option<u32>, pod: &Pod) {
    let containers = pod.containers();
    let is_nvidias = |container: &&Container| {
        let devices = container.devices();
        devices
            .iter()
            .any(|device| device.resource.vendor == Vendor::Nvidia)
    };
    let newest = newest(branch, pod);
    for container in containers.iter().filter(is_nvidias) {
        report_unchecked(container);
        if let Some(newest) = newest {
            report_newer(container, newest);
        }
    }
}

/// The newest major CUDA that the nodes of the pod run, as their labels or the setting say.
fn newest(branch: Option<u32>, pod: &Pod) -> Option<u32> {
    let chosen = selected(pod, |key, value| read(key, value).map(|cuda| vec![cuda]))
        .and_then(|versions| versions.into_iter().max());
    chosen
        .or_else(|| cuda_of_driver(branch?))
        .or_else(|| newest_of_cluster(pod))
}

/// The newest major CUDA that any node runs on which the pod may run; `None` where some node does not say.
fn newest_of_cluster(pod: &Pod) -> Option<u32> {
    let labels = DRIVER.iter().chain(&RUNTIME);
    let mut known = labels.filter_map(|key| {
        let known = cluster::pod_node_label(pod, key).filter(|known| known.complete)?;
        let versions = known.values.iter().filter_map(|value| read(key, value));
        versions.max()
    });
    known.next()
}

/// The major CUDA that a label says.
fn read(key: &str, value: &str) -> Option<u32> {
    if DRIVER.contains(&key) {
        cuda_of_driver(value.parse().ok()?)
    } else if RUNTIME.contains(&key) {
        value.parse().ok()
    } else {
        None
    }
}

fn report_unchecked(container: &Container) {
    let value = container.env(DISABLED).and_then(|variable| variable.value);
    if let Some(value) = value.filter(|value| value == "1" || value.eq_ignore_ascii_case("true")) {
        UNCHECKED
            .finding(
                below(&container.path(), &["env"]),
                format!(
                    "container `{}` sets `{DISABLED}`: with too old a driver it fails late",
                    container.name()
                ),
            )
            .actual(format!("{DISABLED}={value}"))
            .allowed("the variable left out")
            .fix("remove the variable, and use an image whose CUDA the driver runs")
            .report();
    }
}

fn report_newer(container: &Container, newest: u32) {
    let Some(cuda) = cuda_of(container).filter(|cuda| *cuda > newest) else {
        return;
    };
    let needed = driver_for_cuda(cuda).map_or_else(
        || "a newer driver".to_owned(),
        |branch| format!("a driver of branch {branch} or newer"),
    );
    NEWER
        .finding(
            below(&container.path(), &["image"]),
            format!(
                "container `{}` is built on CUDA {cuda}, and its nodes run CUDA {newest} at most",
                container.name()
            ),
        )
        .actual(format!("CUDA {cuda}"))
        .allowed(format!("CUDA {newest} or older"))
        .fix(format!(
            "use an image of CUDA {newest}, or nodes with {needed}"
        ))
        .report();
}

/// The major CUDA that the container says it needs, else the one that its image's name says.
fn cuda_of(container: &Container) -> Option<u32> {
    let required = container.env(REQUIRED).and_then(|variable| variable.value);
    let said = required.and_then(|text| {
        let number = text.split("cuda>=").nth(1)?;
        number.split(['.', ' ', ',']).next()?.parse().ok()
    });
    said.or_else(|| cuda_of_image(&container.image()?))
}
