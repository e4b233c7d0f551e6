//! What a whole pod asks for.
//!
//! Per resource, the larger of two sums: what runs together in the end (application containers
//! and sidecars), and what each ordinary init container needs while it runs (its own request and
//! that of the sidecars before it). Source: KEP-753, sidecar containers. Pod overhead is
//! held like a sidecar that starts before all others.

use crate::{quantity::Quantity, resource::lookup};

/// When a container runs.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ContainerClass {
    /// An application container.
    App,
    /// An ordinary init container: runs alone, before the application.
    Init,
    /// A restartable init container: runs from its turn to the end.
    Sidecar,
    /// A debug container, which can request nothing.
    Ephemeral,
}

impl ContainerClass {
    /// The word for it in the policy contract: `app`, `init`, `sidecar` or `ephemeral`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Init => "init",
            Self::Sidecar => "sidecar",
            Self::Ephemeral => "ephemeral",
        }
    }
}

struct Demand<'a> {
    name: &'a str,
    app: Quantity,
    sidecars: Quantity,
    peak_of_init: Quantity,
}

/// The effective request of a pod for each resource that occurs, in the order of occurrence.
///
/// The requests come as the pod has them: those of init containers in their order, so that only
/// the sidecars before an init container count with it. Amounts that do not fit are capped.
///
/// ```
/// use tollgate_gpu::{ContainerClass::{App, Init, Sidecar}, Quantity, effective};
///
/// let requests = [
///     (Sidecar, "nvidia.com/gpu", Quantity::from(1)),
///     (Init, "nvidia.com/gpu", Quantity::from(4)),
///     (App, "nvidia.com/gpu", Quantity::from(2)),
/// ];
/// assert_eq!(effective(requests), [("nvidia.com/gpu", Quantity::from(5))]);
/// ```
#[must_use]
pub fn effective<'a>(
    requests: impl IntoIterator<Item = (ContainerClass, &'a str, Quantity)>,
) -> Vec<(&'a str, Quantity)> {
    let mut demands: Vec<Demand<'a>> = Vec::new();
    for (class, name, amount) in requests {
        if !demands.iter().any(|demand| demand.name == name) {
            demands.push(Demand::new(name));
        }
        for demand in demands.iter_mut().filter(|demand| demand.name == name) {
            demand.add(class, amount);
        }
    }
    demands
        .iter()
        .map(|demand| (demand.name, demand.total()))
        .collect()
}

/// The devices and slices that a pod asks for, each a whole number above zero.
///
/// Amounts and order as in [`effective`]. Names that count no devices are left out, and so are
/// zeros, which mean "none" on purpose. A fraction, which the API server will refuse, is rounded
/// up.
#[must_use]
pub fn devices<'a>(
    requests: impl IntoIterator<Item = (ContainerClass, &'a str, Quantity)>,
) -> Vec<(&'a str, u64)> {
    let counts = |name: &str| lookup(name).is_some_and(|resource| resource.counts_devices());
    effective(requests.into_iter().filter(|(_, name, _)| counts(name)))
        .into_iter()
        .map(|(name, amount)| (name, whole(amount)))
        .filter(|(_, count)| *count > 0)
        .collect()
}

fn whole(amount: Quantity) -> u64 {
    if amount.is_negative() {
        return 0;
    }
    amount.ceil_integer().map_or(u64::MAX, i64::unsigned_abs)
}

impl<'a> Demand<'a> {
    const fn new(name: &'a str) -> Self {
        Self {
            name,
            app: Quantity::ZERO,
            sidecars: Quantity::ZERO,
            peak_of_init: Quantity::ZERO,
        }
    }

    fn add(&mut self, class: ContainerClass, amount: Quantity) {
        match class {
            ContainerClass::App => self.app = self.app.saturating_add(amount),
            ContainerClass::Sidecar => self.sidecars = self.sidecars.saturating_add(amount),
            ContainerClass::Init => {
                self.peak_of_init = self.peak_of_init.max(self.sidecars.saturating_add(amount));
            }
            ContainerClass::Ephemeral => {}
        }
    }

    fn total(&self) -> Quantity {
        self.app
            .saturating_add(self.sidecars)
            .max(self.peak_of_init)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        ContainerClass::{self, App, Ephemeral, Init, Sidecar},
        devices, effective,
    };
    use crate::quantity::Quantity;

    fn gpus(requests: &[(ContainerClass, i64)]) -> i64 {
        let requests = requests
            .iter()
            .map(|(class, n)| (*class, "nvidia.com/gpu", Quantity::from(*n)));
        effective(requests)
            .first()
            .and_then(|(_, amount)| amount.as_integer())
            .unwrap_or_default()
    }

    #[test]
    fn application_containers_and_sidecars_add_up() {
        assert_eq!(gpus(&[(App, 1), (App, 2)]), 3);
        assert_eq!(gpus(&[(Sidecar, 1), (App, 2)]), 3);
    }

    #[test]
    fn an_init_container_counts_only_where_it_needs_more() {
        assert_eq!(gpus(&[(Init, 1), (App, 2)]), 2);
        assert_eq!(gpus(&[(Init, 4), (Init, 3), (App, 2)]), 4);
    }

    #[test]
    fn only_the_sidecars_before_an_init_container_count_with_it() {
        assert_eq!(gpus(&[(Sidecar, 1), (Init, 4), (App, 2)]), 5);
        assert_eq!(gpus(&[(Init, 4), (Sidecar, 1), (App, 2)]), 4);
        assert_eq!(
            gpus(&[(Sidecar, 2), (Init, 1), (Sidecar, 2), (Init, 2), (App, 1)]),
            6
        );
    }

    #[test]
    fn debug_containers_ask_for_nothing() {
        assert_eq!(gpus(&[(App, 1), (Ephemeral, 8)]), 1);
    }

    #[test]
    fn resources_are_counted_apart_and_in_order() {
        let one = Quantity::from(1);
        let requests = [
            (App, "memory", Quantity::GIB),
            (App, "nvidia.com/gpu", one),
            (App, "cpu", one),
            (App, "memory", Quantity::GIB),
        ];
        let expected = [
            ("memory", Quantity::from(2 << 30)),
            ("nvidia.com/gpu", one),
            ("cpu", one),
        ];
        assert_eq!(effective(requests), expected);
        assert!(effective([]).is_empty());
    }

    #[test]
    fn devices_leave_out_quantities_companions_and_zeros() {
        let requests = [
            (App, "nvidia.com/gpu", "2"),
            (App, "nvidia.com/gpumem", "3000"),
            (App, "nvidia.com/mig-1g.5gb", "1"),
            (App, "amd.com/gpu", "0"),
            (App, "rdma/ib", "8"),
            (App, "cpu", "4"),
            (App, "google.com/tpu", "500m"),
            (App, "habana.ai/gaudi", "-1"),
        ]
        .map(|(class, name, amount)| (class, name, Quantity::parse(amount).unwrap()));
        let expected = [
            ("nvidia.com/gpu", 2),
            ("nvidia.com/mig-1g.5gb", 1),
            ("google.com/tpu", 1),
        ];
        assert_eq!(devices(requests), expected);
    }
}
