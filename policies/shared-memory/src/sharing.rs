//! GPUs shared by MPS, whose daemon has a `/dev/shm` of its own.
//!
//! NVIDIA's device plugin mounts the daemon's folder over the container's `/dev/shm`; with another volume there
//! the client does not reach the daemon (NVIDIA/k8s-device-plugin, issues 467 and 805).

use tollgate_sdk::gpu::{
    MPS_LABEL, MPS_PIPES, MPS_VARIABLES, STRATEGY_LABELS, Sharing, Vendor, sharing_of,
};
use tollgate_sdk::prelude::*;

use crate::workload::{Workload, is_within, normal};

impl Workload<'_> {
    /// Whether MPS may serve the pod.
    pub(crate) fn is_under_mps(&self) -> bool {
        match self.selected_sharing() {
            Some(strategy) if strategy == "mps" => true,
            strategy => self.talks_to_mps() || strategy.is_none() && self.site_shares_by_mps(),
        }
    }

    /// The sharing strategy of the nodes that the pod wants: `mps` where any of them may have it.
    fn selected_sharing(&self) -> Option<String> {
        let pod = self.pod;
        let is_mps = |key: &str, value: &str| sharing_of(key, value) == Some(Sharing::Mps);
        let by_term = pod.node_terms().iter().any(|term| {
            let exists = term.operator == "Exists" && term.key == MPS_LABEL;
            exists
                || term.operator == "In" && term.values.iter().any(|value| is_mps(&term.key, value))
        });
        if by_term || pod.node_selector(MPS_LABEL).as_deref() == Some("true") {
            return Some("mps".to_owned());
        }
        STRATEGY_LABELS
            .iter()
            .find_map(|key| pod.node_selector(key))
    }

    fn talks_to_mps(&self) -> bool {
        let by_variable =
            |container: &Container| !container.env_with_prefix(MPS_VARIABLES).is_empty();
        self.members
            .iter()
            .any(|member| by_variable(&member.container))
            || self
                .pod
                .volumes()
                .iter()
                .filter_map(|volume| volume.host_path.as_ref())
                .any(|path| is_pipe(path))
    }

    /// Whether the cluster shares its NVIDIA GPUs so, and the pod asks for some.
    fn site_shares_by_mps(&self) -> bool {
        let mut devices = self.members.iter().flat_map(|member| member.devices.iter());
        devices.any(|device| device.resource.vendor == Vendor::Nvidia)
            && site::sharing().as_deref() == Some("mps")
    }
}

fn is_pipe(path: &str) -> bool {
    let path = normal(path);
    MPS_PIPES.iter().any(|pipes| is_within(&path, pipes))
}
