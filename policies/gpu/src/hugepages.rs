//! Devices whose software wants huge pages.
//!
//! Sources: HabanaAI/Setup_and_Install health screen manifests (8 cards with 29000Mi, `hl-smi` with 21000Mi); EKS
//! documentation of EFA and its NCCL test (5120Mi). libfabric does without when `FI_EFA_USE_HUGE_PAGE` says so.

/// Huge pages that belong to a device.
#[derive(Debug, Eq, PartialEq)]
pub struct HugePages {
    /// The name of the device's resource.
    pub device: &'static str,
    /// The name of the pages' resource.
    pub pages: &'static str,
    /// What samples ask for.
    pub usual: &'static str,
    /// The environment variable by which the software is told to do without.
    pub unless: Option<&'static str>,
}

static ROWS: [HugePages; 2] = [
    HugePages {
        device: "habana.ai/gaudi",
        pages: "hugepages-2Mi",
        usual: "29000Mi for eight cards",
        unless: None,
    },
    HugePages {
        device: "vpc.amazonaws.com/efa",
        pages: "hugepages-2Mi",
        usual: "5120Mi",
        unless: Some("FI_EFA_USE_HUGE_PAGE"),
    },
];

/// The huge pages that a device's software wants; nothing where it wants none.
#[must_use]
pub fn huge_pages(device: &str) -> Option<&'static HugePages> {
    ROWS.iter().find(|row| row.device == device)
}

#[cfg(test)]
mod tests {
    use super::{ROWS, huge_pages};
    use crate::lookup;

    #[test]
    fn every_device_is_a_known_resource() {
        for row in &ROWS {
            assert!(lookup(row.device).is_some(), "{}", row.device);
            assert_eq!(huge_pages(row.device), Some(row));
        }
        assert_eq!(huge_pages("nvidia.com/gpu"), None);
    }
}
