//! Paths of a node that lead to accelerators past every request, and how paths compare.

/// What lies at a path.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NodePathKind {
    /// Accelerators.
    Devices,
    /// Network devices that belong to accelerator pods.
    Companions,
    /// Where device plugins register and hand out devices.
    Plugins,
    /// What drivers and runtimes keep of devices.
    Driver,
    /// Files that tell a runtime which devices there are. What lies above them is mounted for other reasons.
    Specifications,
}

/// A place on a node.
#[derive(Clone, Copy, Debug)]
pub struct NodePath {
    /// The path; a star at the end stands for any rest of a name and for everything below.
    pub pattern: &'static str,
    /// What lies there.
    pub kind: NodePathKind,
}

/// Where the container runtime finds the devices that a mount asks for, one name a device.
///
/// Source: NVIDIA/nvidia-container-toolkit, `accept-nvidia-visible-devices-as-volume-mounts`.
pub const DEVICE_MOUNTS: &str = "/run/nvidia-container-devices";

use NodePathKind::{Companions, Devices, Driver, Plugins, Specifications};

const fn row(pattern: &'static str, kind: NodePathKind) -> NodePath {
    NodePath { pattern, kind }
}

/// Every such place. `/var/run` is written `/run`, as nodes link it.
///
/// Sources, by group of rows: the device nodes that the vendors' drivers make, as their device plugins pass them on
/// (NVIDIA/k8s-device-plugin, ROCm/k8s-device-plugin, intel/intel-device-plugins-for-kubernetes, HabanaAI, GKE's
/// TPU plugin, aws-neuron, Ascend, Cambricon, Iluvatar, Moore Threads, MetaX, Enflame, Kunlunxin, Furiosa,
/// Rebellions, Qualcomm); `/dev/char`, the links that nvidia-ctk makes (nvidia-container-toolkit, issue 48); the
/// kubelet's device plugin and pod resources API; GPU operator, `/run/nvidia`; CDI, `/etc/cdi` and `/var/run/cdi`.
pub const NODE_PATHS: &[NodePath] = &[
    row("/dev/nvidia*", Devices),
    row("/dev/dri", Devices),
    row("/dev/char", Devices),
    row("/dev/kfd", Devices),
    row("/dev/mkfd", Devices),
    row("/dev/dxg", Devices),
    row("/dev/accel*", Devices),
    row("/dev/vfio", Devices),
    row("/dev/hl*", Devices),
    row("/dev/neuron*", Devices),
    row("/dev/davinci*", Devices),
    row("/dev/devmm_svm", Devices),
    row("/dev/hisi_hdc", Devices),
    row("/dev/cambricon*", Devices),
    row("/dev/iluvatar*", Devices),
    row("/dev/mtgpu*", Devices),
    row("/dev/mxcd", Devices),
    row("/dev/mxgvm", Devices),
    row("/dev/gcu*", Devices),
    row("/dev/xpu*", Devices),
    row("/dev/npu*", Devices),
    row("/dev/rngd", Devices),
    row("/dev/rbln*", Devices),
    row("/dev/qaic*", Devices),
    row("/dev/infiniband", Companions),
    row("/var/lib/kubelet/device-plugins", Plugins),
    row("/var/lib/kubelet/pod-resources", Plugins),
    row("/run/nvidia", Driver),
    row(DEVICE_MOUNTS, Driver),
    row("/run/cdi", Specifications),
    row("/etc/cdi", Specifications),
];

/// The path as the node resolves it by its words alone: without double, dot and trailing slashes, with `..` taken
/// back, `/var/run` as the `/run` that it is a link to, and the node's root by way of `/proc` as the root.
///
/// ```
/// use tollgate_gpu::resolve;
///
/// assert_eq!(resolve("/dev/shm/..//nvidia0/"), "/dev/nvidia0");
/// assert_eq!(resolve("/var/run/cdi"), "/run/cdi");
/// assert_eq!(resolve("/proc/1/root/dev/nvidia0"), "/dev/nvidia0");
/// ```
#[must_use]
pub fn resolve(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
        match parts.as_slice() {
            ["proc", _, "root"] => parts.clear(),
            ["var", "run"] => parts = vec!["run"],
            _ => {}
        }
    }
    let length = parts.iter().map(|part| part.len() + 1).sum();
    parts
        .iter()
        .fold(String::with_capacity(length), |path, part| {
            path + "/" + part
        })
}

/// Whether a resolved path is another or lies below it.
#[must_use]
pub fn lies_within(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The place that a resolved path leads to: it is that place, lies in it, or is a folder above it.
///
/// ```
/// use tollgate_gpu::leads_to;
///
/// assert_eq!(leads_to("/dev/nvidia-caps/nvidia-cap1").map(|place| place.pattern), Some("/dev/nvidia*"));
/// assert_eq!(leads_to("/var/lib").map(|place| place.pattern), Some("/var/lib/kubelet/device-plugins"));
/// assert!(leads_to("/dev/shm").is_none());
/// ```
#[must_use]
pub fn leads_to(path: &str) -> Option<&'static NodePath> {
    NODE_PATHS.iter().find(|place| {
        let inside = match place.pattern.strip_suffix('*') {
            Some(start) => path.starts_with(start),
            None => lies_within(path, place.pattern),
        };
        inside || place.kind != Specifications && lies_within(place.pattern, path)
    })
}

#[cfg(test)]
mod tests {
    use super::{NODE_PATHS, leads_to, resolve};

    #[test]
    fn resolves_every_spelling_to_one() {
        for path in [
            "/dev/nvidia0",
            "/dev/nvidia0/",
            "//dev/./nvidia0",
            "/tmp/../dev/nvidia0",
            "/../dev/nvidia0",
            "dev/nvidia0",
            "/dev/shm/../../dev/nvidia0//",
            "/proc/self/root/dev/nvidia0",
            "/proc/1/root/proc/2/root/../dev/nvidia0",
        ] {
            assert_eq!(resolve(path), "/dev/nvidia0", "{path}");
        }
        assert_eq!(resolve("/"), "");
        assert_eq!(resolve("/proc/1/root"), "");
        assert_eq!(resolve("/var/./run/nvidia"), "/run/nvidia");
        assert_eq!(resolve("/var/runner"), "/var/runner");
        assert_eq!(resolve("/proc/sys"), "/proc/sys");
    }

    #[test]
    fn finds_places_in_at_and_above() {
        for path in [
            "",
            "/dev",
            "/var",
            "/run",
            "/var/lib",
            "/var/lib/kubelet",
            "/dev/nvidia0",
            "/dev/nvidiactl",
            "/dev/nvidia-uvm",
            "/dev/nvidia-caps-imex-channels",
            "/dev/dri/renderD128",
            "/dev/kfd",
            "/dev/accel/accel0",
            "/dev/vfio/0",
            "/dev/neuron15",
            "/dev/davinci0",
            "/dev/infiniband/uverbs0",
            "/run/nvidia/driver",
            "/run/cdi",
            "/etc/cdi/nvidia.yaml",
            "/var/lib/kubelet/device-plugins/kubelet.sock",
        ] {
            assert!(leads_to(path).is_some(), "{path}");
        }
    }

    #[test]
    fn leaves_the_neighbours_alone() {
        for path in [
            "/dev/shm",
            "/dev/null",
            "/dev/fuse",
            "/dev/net/tun",
            "/dev/aperture_devices",
            "/dev/drive",
            "/home/kubernetes/bin/nvidia",
            "/var/log",
            "/var/lib/docker",
            "/var/lib/kubelet/pods",
            "/run/nvidia-fabricmanager",
            "/run/tcpx",
            "/run/docker.sock",
            "/proc/sys",
            "/sys",
            "/lib64",
            "/data",
            "/mnt/dev",
            "/etc",
            "/etc/ssl",
            "/devices",
        ] {
            assert!(leads_to(path).is_none(), "{path}: {:?}", leads_to(path));
        }
    }

    #[test]
    fn patterns_are_resolved_and_occur_once() {
        for (index, place) in NODE_PATHS.iter().enumerate() {
            assert_eq!(resolve(place.pattern), place.pattern);
            let same = |other: &super::NodePath| other.pattern == place.pattern;
            assert!(!NODE_PATHS[..index].iter().any(same), "{}", place.pattern);
        }
    }
}
