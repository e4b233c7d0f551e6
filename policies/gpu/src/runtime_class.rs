//! Runtime classes that hand accelerators to containers by what their variables say.

/// Names of runtime classes, each of which also stands for those that begin with it and a dash.
///
/// Sources: NVIDIA/gpu-operator (`operator.runtimeClass`, and the classes `nvidia-cdi` and `nvidia-legacy` of its
/// toolkit); Habana's container runtime (`habana`); Ascend Docker Runtime, as HAMi's chart configures it (`ascend`).
pub const RUNTIME_CLASSES: &[&str] = &["nvidia", "habana", "ascend"];

/// Whether containers of a runtime class get the accelerators that their variables name.
///
/// ```
/// assert!(tollgate_gpu::gives_devices("nvidia-cdi"));
/// assert!(!tollgate_gpu::gives_devices("gvisor"));
/// ```
#[must_use]
pub fn gives_devices(class: &str) -> bool {
    RUNTIME_CLASSES.iter().any(|known| {
        class
            .strip_prefix(known)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    })
}

#[cfg(test)]
mod tests {
    use super::gives_devices;

    #[test]
    fn knows_the_vendors_classes_and_no_others() {
        for class in ["nvidia", "nvidia-cdi", "nvidia-legacy", "habana", "ascend"] {
            assert!(gives_devices(class), "{class}");
        }
        for class in ["", "gvisor", "kata-qemu-nvidia-gpu", "nvidious", "runc"] {
            assert!(!gives_devices(class), "{class}");
        }
    }
}
