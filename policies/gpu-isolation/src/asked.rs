//! What the containers of a pod ask for, each read once.

use tollgate_sdk::gpu::{
    self, Class, Quantity, Resource, Sharing, Suspicion, Vendor, device_class, suspicion,
};
use tollgate_sdk::prelude::*;
use tollgate_sdk::{has_fraction, selected};

use crate::GpuIsolation;

/// A pod and what it asks for.
pub(crate) struct Subject<'a> {
    pub(crate) pod: &'a Pod,
    pub(crate) members: Vec<Member>,
    /// Whether a scheduler gives it a part of a GPU that no resource shows.
    pub(crate) has_fraction: bool,
    /// Whether its runtime class hands out devices by variables.
    pub(crate) gives_devices: bool,
}

/// A container of any class.
pub(crate) struct Member {
    pub(crate) container: Container,
    /// The accelerators that it asks for by names that are known.
    pub(crate) taken: Vec<Taken>,
    /// The device classes that it asks for by implicit names, each with the name.
    pub(crate) classes: Vec<String>,
    /// Whether it asks for an accelerator in any way: by a known name, by one that sounds like an accelerator's, or by a claim.
    pub(crate) asks: bool,
    pub(crate) is_ephemeral: bool,
}

/// Accelerators of one name.
pub(crate) struct Taken {
    pub(crate) name: String,
    pub(crate) known: &'static Resource,
    /// How many, where the amount is a number.
    pub(crate) count: Option<u64>,
}

impl<'a> Subject<'a> {
    pub(crate) fn read(pod: &'a Pod, settings: &GpuIsolation) -> Self {
        Self {
            pod,
            gives_devices: settings.gives_devices(pod),
            members: pod.containers().iter().map(Member::read).collect(),
            has_fraction: gets_fraction(pod),
        }
    }

    /// Whether the pod asks for an accelerator.
    pub(crate) fn asks(&self) -> bool {
        self.has_fraction || self.members.iter().any(|member| member.asks)
    }

    /// Whether the pod asks for NVIDIA's GPUs in any form.
    pub(crate) fn asks_nvidia(&self) -> bool {
        let is_nvidia = |taken: &Taken| taken.known.vendor == Vendor::Nvidia;
        let mut taken = self.members.iter().flat_map(|member| &member.taken);
        taken.any(is_nvidia)
    }

    /// Whether the pod runs on nodes whose GPUs are shared by MPS, and on no others.
    pub(crate) fn is_under_mps(&self) -> bool {
        let selected = selected(self.pod, |key, value| {
            gpu::sharing_of(key, value).map(|sharing| vec![sharing])
        });
        match selected {
            Some(ways) => ways == [Sharing::Mps],
            None => self.asks_nvidia() && site::sharing().as_deref() == Some("mps"),
        }
    }
}

impl Member {
    fn read(container: &Container) -> Self {
        let mut member = Self {
            taken: Vec::new(),
            classes: Vec::new(),
            asks: !container.resource_claims().is_empty(),
            is_ephemeral: container.class() == "ephemeral",
            container: container.clone(),
        };
        let (limits, requests) = (member.container.limits(), member.container.requests());
        for (name, amount) in limits.iter().chain(requests.iter()) {
            if !is_native(name) {
                member.take(name, amount);
            }
        }
        member
    }

    fn take(&mut self, name: &str, amount: &str) {
        let amount = Quantity::parse(amount).ok();
        if amount.is_some_and(|amount| amount.is_zero()) {
            return;
        }
        if let Some(class) = device_class(name) {
            self.asks = true;
            if !self.classes.iter().any(|there| there == class) {
                self.classes.push(class.to_owned());
            }
        }
        match gpu::lookup(name) {
            Some(known) if known.class != Class::Companion => self.add(name, known, amount),
            Some(_) => {}
            None => self.asks |= !matches!(suspicion(name), Suspicion::Other),
        }
    }

    fn add(&mut self, name: &str, known: &'static Resource, amount: Option<Quantity>) {
        self.asks = true;
        if self.taken.iter().any(|there| there.name == name) {
            return;
        }
        let whole = amount.and_then(|amount| u64::try_from(amount.ceil_integer()?).ok());
        self.taken.push(Taken {
            name: name.to_owned(),
            known,
            count: whole,
        });
    }

    /// What it is and its name, for a message.
    pub(crate) fn title(&self) -> String {
        let what = match self.is_ephemeral {
            true => "debug container",
            false => "container",
        };
        format!("{what} `{}`", self.container.name())
    }

    /// The place of an environment variable in the object.
    pub(crate) fn env_place(&self, name: &str) -> String {
        let path = self.container.path();
        let vars = self.container.env_with_prefix("");
        match vars.iter().rposition(|var| var.name == name) {
            Some(index) => format!("{path}/env/{index}"),
            None => path + "/env",
        }
    }
}

/// Whether KAI or Run:ai gives the pod a part of a GPU: the annotation alone does nothing under another scheduler. A
/// template may leave the scheduler to the controller that makes its pods.
fn gets_fraction(pod: &Pod) -> bool {
    let is_other = |scheduler: String| scheduler != "default-scheduler";
    has_fraction(pod) && (!pod.path().is_empty() || pod.scheduler().is_some_and(is_other))
}

/// Whether the resource is one that every node has.
fn is_native(name: &str) -> bool {
    matches!(name, "cpu" | "memory" | "ephemeral-storage") || name.starts_with("hugepages-")
}
