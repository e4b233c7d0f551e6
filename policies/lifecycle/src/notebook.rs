//! Notebooks that hold several devices.

use tollgate_sdk::gpu::takes_one_each;
use tollgate_sdk::prelude::*;
use tollgate_sdk::{GpuUnit, gpu_unit};

use crate::spot::names;

pub(crate) const SEVERAL: Rule = Rule::warn(
    "notebook-with-several-gpus",
    "A notebook has at most one whole GPU, better a MIG device or a share: it holds what it has while nobody types, for days where idle notebooks are not stopped.",
)
.about(&["Notebook.kubeflow.org"]);

/// The labels of the servers that JupyterHub starts for its users.
const HUB: (&str, &str) = ("component", "singleuser-server");

/// Warns about a notebook with several whole devices.
pub(crate) fn report(pod: &Pod) {
    let (key, value) = HUB;
    let is_notebook = pod.owner().as_deref() == Some("Notebook.kubeflow.org")
        || pod.label(key).as_deref() == Some(value);
    if !is_notebook {
        return;
    }
    let whole = whole_devices(pod);
    if whole <= 1 || gpu_unit(pod) != GpuUnit::Whole {
        return;
    }
    SEVERAL
        .finding(
            pod.path() + "/spec",
            format!(
                "the notebook of {} holds {whole} whole GPUs, also while nobody uses it",
                names(pod)
            ),
        )
        .actual(whole.to_string())
        .allowed("1, a MIG device or a share")
        .fix("give it one GPU or a MIG device, and run what needs more as a job")
        .report();
}

fn whole_devices(pod: &Pod) -> u64 {
    let containers = pod.containers();
    let devices = containers.iter().flat_map(|one| one.devices().to_vec());
    let whole = devices.filter(|device| takes_one_each(&device.name));
    whole.fold(0, |sum: u64, device| sum.saturating_add(device.count()))
}
