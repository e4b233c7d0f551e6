//! The smallest change with which something fits.

use tollgate_sdk::gpu::{self, Amount, CostItem, MigName, MigSuffix, Unit};

use crate::demand::{Demand, Devices};

/// What lets a pod fit: fewer devices, a smaller slice, a shorter time; else patience.
pub(crate) fn of_pod(demand: &Demand) -> String {
    let smaller = demand.devices.first().and_then(|devices| {
        let fewer = || fewer_devices(devices, demand.left());
        let slice = || smaller_slice(demand, devices);
        match demand.limit.unit.adds_up() {
            true => shorter(devices, demand.left()),
            false => fewer().or_else(slice),
        }
    });
    ask(demand, &smaller.unwrap_or_else(|| wait(demand)))
}

/// What lets a workload fit into an amount: fewer pods; else smaller ones.
pub(crate) fn of_workload(demand: &Demand, room: Amount) -> String {
    let fewer = match demand.devices.as_slice() {
        [devices] => fits(devices.total(), room).map(|pods| pods.min(devices.pods.into())),
        _ => None,
    };
    let smaller = match fewer {
        Some(1) => "make one such pod at a time".to_owned(),
        Some(pods) => format!("make at most {pods} such pods at a time"),
        None => "make fewer pods, or give each fewer devices".to_owned(),
    };
    ask(demand, &smaller)
}

/// A change, and whom to ask for more.
pub(crate) fn ask(demand: &Demand, change: &str) -> String {
    match &demand.contact {
        Some(contact) => format!("{change}; for more, ask {contact}"),
        None => change.to_owned(),
    }
}

impl Devices {
    /// What one pod takes in all.
    fn total(&self) -> Amount {
        let seconds = self.seconds.unwrap_or(1);
        let total = self.each.times(seconds.into());
        total.unwrap_or(Amount::from_atoms(u128::MAX))
    }
}

/// How often an amount fits into another; nothing where not even once.
fn fits(each: Amount, room: Amount) -> Option<u128> {
    room.atoms()
        .checked_div(each.atoms())
        .filter(|times| *times > 0)
}

fn fewer_devices(devices: &Devices, left: Amount) -> Option<String> {
    let (name, item) = devices
        .only
        .as_ref()
        .filter(|(name, _)| name.contains('/'))?;
    let count = count_of(name, item)?;
    let one = Amount::from_atoms(devices.each.atoms().checked_div(count)?);
    let fewer = fits(one, left).filter(|fewer| *fewer < count)?;
    Some(format!("ask for `{name}: {fewer}`"))
}

/// How many devices an item counts.
fn count_of(name: &str, item: &CostItem<'_>) -> Option<u128> {
    let candidates = gpu::Candidates {
        selected: &item.models,
        cluster: &[],
    };
    let weight = gpu::weight_56ths(name, &candidates).filter(|weight| *weight > 0)?;
    let count = item.gpus.atoms() / (u128::from(weight) * 1_000_000);
    (count > 0).then_some(count)
}

/// A MIG device that all models have that the pod may get, the largest that fits.
fn smaller_slice(demand: &Demand, devices: &Devices) -> Option<String> {
    let (name, item) = devices.only.as_ref()?;
    let is_nvidia = name == "nvidia.com/gpu" || MigName::from_resource(name).is_some();
    if !is_nvidia || demand.limit.unit != Unit::Gpu {
        return None;
    }
    let (first, others) = item.models.split_first()?;
    let room = demand.left().atoms();
    let slices = gpu::profiles(first).iter().filter(|profile| {
        profile.mig.suffix == MigSuffix::Plain
            && u128::from(profile.weight_56ths) * 1_000_000 <= room
            && others.iter().all(|model| gpu::offers(model, profile.mig))
    });
    let largest = slices.max_by_key(|profile| profile.weight_56ths)?;
    Some(format!(
        "ask for one `{}`, if that is enough",
        largest.mig.resource()
    ))
}

fn shorter(devices: &Devices, left: Amount) -> Option<String> {
    devices.seconds?;
    let seconds = fits(devices.each, left)?;
    Some(format!("set `activeDeadlineSeconds` to at most {seconds}"))
}

fn wait(demand: &Demand) -> String {
    match &demand.resets {
        Some(resets) => format!("wait until {resets}"),
        None if demand.limit.unit.adds_up() => "wait until less was used lately".to_owned(),
        None => "wait until other pods of the budget have ended".to_owned(),
    }
}
