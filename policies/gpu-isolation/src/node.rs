//! What pods take from the node itself: its files, and its namespaces.

use tollgate_sdk::gpu::{self, NodePathKind, lies_within, resolve};
use tollgate_sdk::prelude::*;

use crate::asked::Subject;

pub(crate) const HOST_DEVICES: Rule = Rule::deny(
    "host-devices",
    "A pod mounts none of the node's accelerators, nor what hands them out: device files, the sockets of device plugins, where a pod could register one of its own, and the files of drivers and of CDI.",
);
pub(crate) const NAMESPACES: Rule = Rule::deny(
    "host-namespaces",
    "A pod with accelerators shares neither the node's IPC or process namespace nor its `/dev/shm`, which is done to make NCCL work and opens the memory of every other such pod. Where MPS shares NVIDIA's GPUs its clients need the IPC namespace.",
);

/// The node's shared memory, and its other name on some distributions.
const HOST_SHM: [&str; 2] = ["/dev/shm", "/run/shm"];

/// A volume of the node's files.
struct HostVolume {
    index: usize,
    name: String,
    path: String,
}

/// Refuses volumes that lead to devices, and namespaces of the node.
pub(crate) fn report(subject: &Subject<'_>, allowed: &[String]) {
    report_namespaces(subject);
    let volumes = subject.pod.volumes();
    for (index, volume) in volumes.iter().enumerate() {
        let Some(path) = &volume.host_path else {
            continue;
        };
        let volume = HostVolume {
            index,
            name: volume.name.clone(),
            path: path.clone(),
        };
        for place in reached(subject, &volume) {
            // One place is enough to refuse a volume.
            if report_place(subject, &volume, &place, allowed) {
                break;
            }
        }
    }
}

/// Where the mounts of a volume lead; the volume's own path where nothing mounts it yet.
fn reached(subject: &Subject<'_>, volume: &HostVolume) -> Vec<String> {
    let path = &volume.path;
    let mut places = Vec::new();
    for member in &subject.members {
        let mounts = member.container.mounts();
        for mount in mounts.iter().filter(|mount| mount.name == volume.name) {
            places.push(match mount.sub_path.as_deref() {
                // What a variable will hold may lead anywhere below.
                Some(below) if !below.contains("$(") => resolve(&format!("{path}/{below}")),
                _ => resolve(path),
            });
        }
    }
    if places.is_empty() {
        places.push(resolve(path));
    }
    places
}

fn report_place(
    subject: &Subject<'_>,
    volume: &HostVolume,
    path: &str,
    allowed: &[String],
) -> bool {
    if allowed
        .iter()
        .any(|allowed| lies_within(path, &resolve(allowed)))
    {
        return false;
    }
    if HOST_SHM.iter().any(|shm| lies_within(path, shm)) {
        return report_shm(subject, volume);
    }
    let Some(place) = gpu::leads_to(path) else {
        return false;
    };
    // The pipes of an MPS daemon are no device: its clients need a GPU of their own.
    let is_pipe = gpu::MPS_PIPES.iter().any(|pipe| lies_within(path, pipe));
    if is_pipe && subject.asks_nvidia() {
        return false;
    }
    let what = match place.kind {
        NodePathKind::Devices => "accelerators",
        NodePathKind::Companions => "network devices",
        NodePathKind::Plugins => "device plugin sockets",
        NodePathKind::Driver | NodePathKind::Specifications => "driver and device configuration",
    };
    let HostVolume {
        index,
        name,
        path: written,
    } = volume;
    HOST_DEVICES
        .finding(
            format!("{}/spec/volumes/{index}/hostPath/path", subject.pod.path()),
            format!("volume `{name}` leads to the node's {what} at `{}`, past every request and quota", place.pattern),
        )
        .actual(written.as_str())
        .allowed("paths that neither hold devices nor what hands them out")
        .fix("take the volume out and ask for the devices in the limits of the container; where only a folder below is needed, mount that one")
        .report();
    true
}

/// Refuses the node's shared memory in a pod with accelerators. `shared-memory` has replaced it where it could.
fn report_shm(subject: &Subject<'_>, volume: &HostVolume) -> bool {
    if !subject.asks() || subject.is_under_mps() {
        return false;
    }
    let HostVolume {
        index,
        name,
        path: written,
    } = volume;
    NAMESPACES
        .finding(
            format!("{}/spec/volumes/{index}/hostPath/path", subject.pod.path()),
            format!("volume `{name}` is the node's shared memory, which every pod that mounts it reads and writes"),
        )
        .actual(written.as_str())
        .allowed("an `emptyDir` with medium `Memory`")
        .fix(format!("make volume `{name}` an `emptyDir` with `medium: Memory` and a `sizeLimit`"))
        .report();
    true
}

fn report_namespaces(subject: &Subject<'_>) {
    let pod = subject.pod;
    let (ipc, pid) = (pod.host_ipc(), pod.host_pid());
    if !(ipc || pid) || !subject.asks() {
        return;
    }
    if ipc && !subject.is_under_mps() {
        report_namespace(
            pod,
            "hostIPC",
            "the node's IPC namespace and its `/dev/shm`",
            "take `hostIPC` out; NCCL needs a memory-backed `emptyDir` at `/dev/shm` instead",
        );
    }
    if pid {
        report_namespace(
            pod,
            "hostPID",
            "the processes of the node and of its neighbours",
            "take `hostPID` out; `nvidia-smi` in the container shows the GPU without it",
        );
    }
}

fn report_namespace(pod: &Pod, field: &str, what: &str, fix: &str) {
    NAMESPACES
        .finding(
            format!("{}/spec/{field}", pod.path()),
            format!("the pod has accelerators and sees {what}: memory that it uses with them is open to other pods, and theirs to it"),
        )
        .actual(format!("{field}: true"))
        .allowed(format!("{field}: false"))
        .fix(fix)
        .report();
}
