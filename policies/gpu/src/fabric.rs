//! Network devices by which accelerators of several nodes reach each other.
//!
//! Sources: Mellanox/network-operator examples (every RDMA pod adds `IPC_LOCK`), Azure/aks-rdma-infiniband, AWS's
//! EFA device plugin and its documentation on EKS.

/// How a network device moves memory.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Fabric {
    /// RDMA over InfiniBand or RoCE: memory is registered with the device, which locks its pages.
    Rdma,
    /// AWS's Elastic Fabric Adapter, whose plugin raises the limit of locked memory by itself.
    Efa,
}

use Fabric::{Efa, Rdma};

/// Names; one that ends in `/` stands for all that begin so.
static NAMES: [(&str, Fabric); 7] = [
    ("rdma/", Rdma),
    ("nvidia.com/rdma-vf", Rdma),
    ("nvidia.com/mlnxnics", Rdma),
    ("nvidia.com/hostdev", Rdma),
    ("nvidia.com/sriovlegacy", Rdma),
    ("vke.volcengine.com/rdma", Rdma),
    ("vpc.amazonaws.com/efa", Efa),
];

/// How the device behind a resource name moves memory; nothing for names that are no such device.
#[must_use]
pub fn fabric(resource: &str) -> Option<Fabric> {
    let matches = |name: &str| match name.ends_with('/') {
        true => resource.len() > name.len() && resource.starts_with(name),
        false => resource == name,
    };
    let row = NAMES.iter().find(|(name, _)| matches(name));
    row.map(|(_, fabric)| *fabric)
}

#[cfg(test)]
mod tests {
    use super::{Fabric, NAMES, fabric};
    use crate::{Class, lookup};

    #[test]
    fn tells_rdma_from_efa_and_from_the_rest() {
        assert_eq!(fabric("rdma/hca_shared_devices_a"), Some(Fabric::Rdma));
        assert_eq!(fabric("nvidia.com/hostdev"), Some(Fabric::Rdma));
        assert_eq!(fabric("vpc.amazonaws.com/efa"), Some(Fabric::Efa));
        for other in [
            "rdma/",
            "nvidia.com/gpu",
            "networking.gke.io.networks/vpc1",
            "cpu",
        ] {
            assert_eq!(fabric(other), None, "{other}");
        }
    }

    #[test]
    fn every_name_is_a_companion() {
        for (name, _) in NAMES {
            let name = name.to_owned() + if name.ends_with('/') { "ib" } else { "" };
            let class = lookup(&name).map(|resource| resource.class);
            assert_eq!(class, Some(Class::Companion), "{name}");
        }
    }
}
