//! The accelerators that containers and pods ask for.

use tollgate_gpu::{Class, Quantity, Resource, is_accelerator, lookup};

use crate::{Container, Pod};

/// A resource of a container that counts accelerators: whole devices, slices or shares.
#[derive(Clone, Debug)]
pub struct Device {
    /// The resource name.
    pub name: String,
    /// What is known of it.
    pub resource: &'static Resource,
    /// The request, as written.
    pub request: Option<String>,
    /// The limit, as written.
    pub limit: Option<String>,
}

impl Device {
    /// How many: the limit, else the request, rounded up; 0 where it is no number.
    pub fn count(&self) -> u64 {
        let text = self.limit.as_ref().or(self.request.as_ref());
        let whole = text.and_then(|text| Quantity::parse(text).ok()?.ceil_integer());
        whole
            .and_then(|whole| u64::try_from(whole).ok())
            .unwrap_or(0)
    }
}

/// Reads what [`Container::devices`] gives.
pub(crate) fn read(container: &Container) -> Vec<Device> {
    let limits = container.limits();
    let requests = container.requests();
    let mut devices: Vec<Device> = counted(&limits)
        .map(|(name, limit, resource)| Device {
            request: None,
            limit: Some(limit.clone()),
            name: name.clone(),
            resource,
        })
        .collect();
    for (name, request, resource) in counted(&requests) {
        match devices.iter_mut().find(|device| device.name == *name) {
            Some(device) => device.request = Some(request.clone()),
            None => devices.push(Device {
                request: Some(request.clone()),
                limit: None,
                name: name.clone(),
                resource,
            }),
        }
    }
    devices.retain(|device| device.count() > 0);
    devices
}

fn counted(
    resources: &[(String, String)],
) -> impl Iterator<Item = (&String, &String, &'static Resource)> {
    resources.iter().filter_map(|(name, quantity)| {
        let resource = lookup(name).filter(|resource| resource.counts_devices())?;
        Some((name, quantity, resource))
    })
}

/// Whether a container asks for memory or cores of shared accelerators, whose number then says nothing.
pub fn has_quantities(container: &Container) -> bool {
    let is_quantity = |name: &str| lookup(name).is_some_and(|known| known.class == Class::Quantity);
    container.limits().iter().any(|(name, _)| is_quantity(name))
}

/// Annotations by which the KAI scheduler and Run:ai hand out parts of a GPU that no resource shows.
const FRACTIONS: [&str; 2] = ["gpu-fraction", "gpu-memory"];

/// Whether a pod asks for a part of a GPU by annotation alone.
pub fn has_fraction(pod: &Pod) -> bool {
    FRACTIONS.iter().any(|key| pod.annotation(key).is_some())
}

/// Whether a pod asks for any accelerator: by a resource that counts devices or parts of them, by annotation or by a
/// claim.
pub fn takes_accelerators(pod: &Pod) -> bool {
    pod.containers().iter().any(asks) || has_fraction(pod) || !pod.resource_claims().is_empty()
}

fn asks(container: &Container) -> bool {
    !container.devices().is_empty() || asks_for_a_part(&container.limits())
}

/// Whether a resource without a device beside it is a part of one, as of `aliyun.com/gpu-mem`.
fn asks_for_a_part(limits: &[(String, String)]) -> bool {
    let is_some = |text: &str| Quantity::parse(text).is_ok_and(|amount| amount > Quantity::ZERO);
    let mut each = limits.iter();
    each.any(|(name, text)| is_accelerator(name) && is_some(text))
}
