//! GPUs shared by MPS, whose clients talk to a daemon through its `/dev/shm`.

use tollgate_sdk::gpu::resolve;
use tollgate_sdk::prelude::*;

use crate::asked::Asked;

pub(crate) const SHM: Rule = Rule::warn(
    "mps-shm",
    "A container under NVIDIA's MPS mounts nothing at `/dev/shm`: the device plugin mounts the daemon's there, and with another volume the client does not reach it (NVIDIA/k8s-device-plugin, issues 467 and 805).",
);

const PATH: &str = "/dev/shm";

/// Warns about volumes that hide the daemon's shared memory. The node's own, by path or by IPC namespace, does not.
pub(crate) fn report(pod: &Pod, asked: &[Asked], is_mps: bool) {
    if !is_mps {
        return;
    }
    for asked in asked {
        for (index, mount) in asked.container.mounts().iter().enumerate() {
            let volume = || pod.volume(&mount.name);
            let is_nodes = || volume().is_some_and(|volume| volume.host_path.is_some());
            if resolve(&mount.mount_path) != PATH || is_nodes() {
                continue;
            }
            let (name, path) = (asked.container.name(), &mount.mount_path);
            SHM.finding(
                format!("{}/volumeMounts/{index}", asked.container.path()),
                format!(
                    "container `{name}` gets a GPU through MPS but mounts volume `{}` at `{path}`, which hides the MPS daemon's shared memory",
                    mount.name
                ),
            )
            .actual(path.as_str())
            .allowed("no mount at `/dev/shm`")
            .fix("take the mount out, or select nodes whose GPUs are not shared by MPS")
            .report();
        }
    }
}
