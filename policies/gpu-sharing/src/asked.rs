//! The NVIDIA devices that containers ask for.

use tollgate_sdk::gpu::{MigName, Quantity};
use tollgate_sdk::{Container, Pod, below};

/// What HAMi's quantities begin with: beside them, `nvidia.com/gpu` counts virtual GPUs of HAMi.
const HAMI: [&str; 2] = ["nvidia.com/gpumem", "nvidia.com/gpucores"];

/// A container that asks for NVIDIA devices.
pub(crate) struct Asked {
    pub(crate) container: Container,
    pub(crate) devices: Vec<Wanted>,
    /// Whether HAMi shares its GPUs.
    pub(crate) is_under_hami: bool,
}

/// Devices of one name.
pub(crate) struct Wanted {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) count: i64,
    /// `limits` or `requests`.
    list: &'static str,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// `nvidia.com/gpu`: a GPU, or a share of one under its own name.
    Plain,
    /// `nvidia.com/gpu.shared`.
    Shared,
    /// A share of a MIG device.
    SharedMig,
}

impl Asked {
    /// The containers of a pod that ask for such devices.
    pub(crate) fn of(pod: &Pod) -> Vec<Self> {
        let containers = pod.containers();
        let asked = containers.iter().map(Self::read);
        asked.filter(|asked| !asked.devices.is_empty()).collect()
    }

    fn read(container: &Container) -> Self {
        let mut asked = Self {
            devices: Vec::new(),
            is_under_hami: false,
            container: container.clone(),
        };
        let (limits, requests) = (asked.container.limits(), asked.container.requests());
        for (name, amount) in limits.iter() {
            asked.add(name, amount, "limits");
        }
        for (name, amount) in requests.iter() {
            asked.add(name, amount, "requests");
        }
        asked
    }

    fn add(&mut self, name: &str, amount: &str, list: &'static str) {
        self.is_under_hami |= HAMI.iter().any(|start| name.starts_with(start));
        let Some(kind) = Kind::of(name) else {
            return;
        };
        let amount = Quantity::parse(amount).ok();
        let count = amount.and_then(Quantity::ceil_integer).unwrap_or(0);
        if count > 0 && !self.devices.iter().any(|there| there.name == name) {
            self.devices.push(Wanted {
                name: name.to_owned(),
                kind,
                count,
                list,
            });
        }
    }

    /// The place of a resource in the object.
    pub(crate) fn place(&self, wanted: &Wanted) -> String {
        below(
            &self.container.path(),
            &["resources", wanted.list, &wanted.name],
        )
    }
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        match name.strip_prefix("nvidia.com/")? {
            "gpu" => Some(Self::Plain),
            "gpu.shared" => Some(Self::Shared),
            _ if name.ends_with(".shared") => MigName::from_resource(name).map(|_| Self::SharedMig),
            _ => None,
        }
    }
}
