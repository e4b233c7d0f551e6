//! What containers ask for, each read once.

use tollgate_sdk::gpu::{self, Class, ContainerClass, Quantity, Resource};
use tollgate_sdk::{Container, EditError, Outcome, Pod, Rule, below, edits};

/// A container and what it asks for.
pub(crate) struct Asked {
    pub(crate) container: Container,
    pub(crate) resources: Vec<Wanted>,
}

/// One resource of a container.
pub(crate) struct Wanted {
    pub(crate) name: String,
    /// What is known of it; nothing for CPU, memory and other resources of nodes.
    pub(crate) known: Option<&'static Resource>,
    pub(crate) request: Option<String>,
    pub(crate) limit: Option<String>,
}

impl Asked {
    /// The containers of a pod.
    pub(crate) fn of(pod: &Pod) -> Vec<Self> {
        pod.containers().iter().map(Self::read).collect()
    }

    fn read(container: &Container) -> Self {
        let limits = container.limits();
        let mut resources: Vec<Wanted> = limits
            .iter()
            .map(|(name, limit)| Wanted::new(name, None, Some(limit)))
            .collect();
        for (name, request) in container.requests().iter() {
            match resources.iter_mut().find(|there| there.name == *name) {
                Some(there) => there.request = Some(request.clone()),
                None => resources.push(Wanted::new(name, Some(request), None)),
            }
        }
        Self {
            container: container.clone(),
            resources,
        }
    }

    /// Whether it asks for nothing but the resources that every node has, and network devices.
    pub(crate) fn is_plain(&self) -> bool {
        let plain = |wanted: &Wanted| match wanted.known {
            Some(known) => known.class == Class::Companion,
            None => is_native(&wanted.name),
        };
        self.resources.iter().all(plain)
    }

    /// The devices, slices and shares that it takes, each with how many.
    pub(crate) fn devices(&self) -> impl Iterator<Item = (&Wanted, &'static Resource, u32)> {
        self.resources.iter().filter_map(|wanted| {
            let known = wanted.known.filter(|known| known.counts_devices())?;
            let count = u32::try_from(wanted.amount()?.ceil_integer()?).ok()?;
            (count > 0).then_some((wanted, known, count))
        })
    }

    /// Whether it takes a device.
    pub(crate) fn has_devices(&self) -> bool {
        self.devices().next().is_some()
    }

    /// Its devices in words: `2 nvidia.com/gpu`.
    pub(crate) fn devices_in_words(&self) -> String {
        let each: Vec<_> = self
            .devices()
            .map(|(wanted, _, count)| format!("{count} {}", wanted.name))
            .collect();
        each.join(" and ")
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Wanted> {
        self.resources.iter().find(|wanted| wanted.name == name)
    }

    /// When it runs.
    pub(crate) fn class(&self) -> ContainerClass {
        match self.container.class().as_str() {
            "init" => ContainerClass::Init,
            "sidecar" => ContainerClass::Sidecar,
            "ephemeral" => ContainerClass::Ephemeral,
            _ => ContainerClass::App,
        }
    }

    /// Sets the limit of a resource. What the API server refuses for other reasons, such as a name with letters
    /// that no name may have, is its to explain.
    pub(crate) fn set_limit(&self, rule: Rule, name: &str, amount: &str) -> Outcome {
        match edits::set_resource(&self.container, rule.id, name, amount) {
            Err(EditError::Invalid(_)) => Ok(()),
            done => Ok(done?),
        }
    }

    /// The place of a resource in the object.
    pub(crate) fn place(&self, wanted: &Wanted) -> String {
        let list = match wanted.limit {
            Some(_) => "limits",
            None => "requests",
        };
        below(&self.container.path(), &["resources", list, &wanted.name])
    }

    /// The place of all its resources in the object.
    pub(crate) fn resources_place(&self) -> String {
        below(&self.container.path(), &["resources"])
    }
}

impl Wanted {
    fn new(name: &str, request: Option<&String>, limit: Option<&String>) -> Self {
        let known = if is_native(name) {
            None
        } else {
            gpu::lookup(name)
        };
        Self {
            name: name.to_owned(),
            known,
            request: request.cloned(),
            limit: limit.cloned(),
        }
    }

    /// The amount as written: the limit, else the request.
    pub(crate) fn text(&self) -> &str {
        let text = self.limit.as_deref().or(self.request.as_deref());
        text.unwrap_or_default()
    }

    /// The amount, unless it is no quantity, as in a template that is still to be filled in.
    pub(crate) fn amount(&self) -> Option<Quantity> {
        Quantity::parse(self.text()).ok()
    }
}

/// What the whole pod takes of each device, by the formula of the scheduler.
pub(crate) fn totals(asked: &[Asked]) -> Vec<(&str, u64)> {
    let each = asked.iter().flat_map(|asked| {
        let class = asked.class();
        asked.devices().map(move |(wanted, _, count)| {
            (
                class,
                wanted.name.as_str(),
                Quantity::from(i64::from(count)),
            )
        })
    });
    gpu::devices(each)
}

/// Whether the resource is one that every node has.
pub(crate) fn is_native(name: &str) -> bool {
    matches!(name, "cpu" | "memory" | "ephemeral-storage" | "storage")
        || name.starts_with("hugepages-")
}
