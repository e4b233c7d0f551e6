//! What a pod costs: the one function that admission, early answers and recounts use.
//!
//! Whatever nothing tells counts as the most that it can be, so that leaving something unsaid is never cheaper.

use std::num::NonZeroU32;

use crate::{
    amount::{Amount, AmountError, Unit},
    board::offers,
    demand::{ContainerClass, devices, effective},
    mig::MigName,
    model::{MODELS, Model},
    quantity::Quantity,
    resource::{Class, Vendor, lookup},
    weight::{Candidates, WHOLE, weight_56ths},
};

/// Millionths, in which parts of a GPU are counted.
const MILLION: u128 = 1_000_000;
const MIB_OF_GIB: u128 = 1_024;

/// What a pod asks for.
#[derive(Clone, Debug, Default)]
pub struct Ask<'a> {
    /// Each container's limit of each resource, else its request; containers in the order of the pod.
    pub resources: Vec<(ContainerClass, &'a str, Quantity)>,
    /// The part of a GPU that annotations ask for. It counts where no resource asks for devices: its scheduler refuses
    /// both together.
    pub fraction: Option<Fraction>,
    /// The devices of the pod's claims.
    pub claimed: u32,
}

/// A part of some GPUs, as KAI and Run:ai hand it out by annotation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Fraction {
    /// How much of each.
    pub of_each: Part,
    /// Of how many.
    pub devices: u32,
}

/// How much of one GPU.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Part {
    /// So many millionths.
    Millionths(u128),
    /// So many mebibytes of its memory.
    Mebibytes(u128),
}

/// What is known of the nodes that the pod may get.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// The models.
    pub candidates: Candidates<'a>,
    /// The MIG device that stands behind `nvidia.com/gpu` (strategy `single`, GKE's partitions).
    pub partition: Option<MigName>,
    /// How many shares each `nvidia.com/gpu` of time-slicing or MPS is cut into.
    pub replicas: Option<NonZeroU32>,
}

/// What a pod costs for as long as it runs.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Cost<'a> {
    /// One for each resource or other way of asking, in the order of the pod.
    pub items: Vec<CostItem<'a>>,
}

/// The devices of one name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CostItem<'a> {
    /// The resource; `gpu-fraction` for annotations, `claims` for claims.
    pub name: &'a str,
    /// The models that it may be: where nothing tells, all of its vendor.
    pub models: Vec<&'static Model>,
    /// GPUs, in atoms of [`Unit::Gpu`].
    pub gpus: Amount,
    /// Device memory, in atoms of [`Unit::GpuMemory`].
    pub memory: Amount,
}

/// Resources that count hundredths of devices without a name that counts devices beside them.
const PERCENTAGES: [&str; 4] = [
    "aliyun.com/gpu-core.percentage",
    "koordinator.sh/gpu-core",
    "koordinator.sh/gpu-memory-ratio",
    "tencent.com/vcuda-core",
];

/// What a pod costs.
///
/// ```
/// use tollgate_gpu::{Ask, ContainerClass::App, Known, Quantity, Unit, cost};
///
/// let ask = Ask {
///     resources: vec![(App, "nvidia.com/mig-3g.40gb", Quantity::from(2))],
///     ..Ask::default()
/// };
/// let cost = cost(&ask, &Known::default())?;
/// assert_eq!(cost.held(Unit::Gpu, None)?.text(Unit::Gpu), "1");
/// assert_eq!(cost.held(Unit::GpuMemory, None)?.text(Unit::GpuMemory), "80");
/// # Ok::<(), tollgate_gpu::AmountError>(())
/// ```
///
/// # Errors
///
/// When it is too large to be counted.
pub fn cost<'a>(ask: &Ask<'a>, known: &Known<'_>) -> Result<Cost<'a>, AmountError> {
    let counted = devices(ask.resources.iter().copied());
    let mut items = counted
        .iter()
        .map(|(name, count)| of_devices(name, *count, known))
        .collect::<Result<Vec<_>, _>>()?;
    if items.is_empty() {
        items.extend(of_quantities(ask, known)?);
    }
    if let Some(fraction) = ask.fraction.filter(|_| items.is_empty()) {
        items.push(of_fraction(fraction, known)?);
    }
    if ask.claimed > 0 {
        let whole = OneDevice::whole(models(|_| true, known.candidates));
        items.push(whole.times("claims", ask.claimed.into())?);
    }
    Ok(Cost { items })
}

impl Cost<'_> {
    /// What it takes of a unit at one time: of GPUs for all units but device memory.
    ///
    /// Of a model, what may be that model counts, also where it may be others.
    ///
    /// # Errors
    ///
    /// When it is too large to be counted.
    pub fn held(&self, unit: Unit, model: Option<&Model>) -> Result<Amount, AmountError> {
        Amount::sum(self.of(model).map(|item| match unit {
            Unit::GpuMemory => item.memory,
            _ => item.gpus,
        }))
    }

    /// What it takes each second, in atoms of [`Unit::GpuHours`].
    ///
    /// # Errors
    ///
    /// When it is too large to be counted.
    pub fn hours_per_second(&self, model: Option<&Model>) -> Result<Amount, AmountError> {
        // An atom is one of `Unit::Gpu` for a second.
        self.held(Unit::Gpu, model)
    }

    /// What it takes each second, in atoms of [`Unit::Money`], by the price of each item in millionths per GPU-hour.
    ///
    /// # Errors
    ///
    /// When it is too large to be counted.
    pub fn money_per_second(
        &self,
        model: Option<&Model>,
        price: impl Fn(&CostItem<'_>) -> Amount,
    ) -> Result<Amount, AmountError> {
        let each = self.of(model);
        each.map(|item| item.gpus.times(price(item).atoms()))
            .try_fold(Amount::ZERO, |sum, money| sum.plus(money?))
    }

    fn of(&self, model: Option<&Model>) -> impl Iterator<Item = &CostItem<'_>> {
        let counts = move |item: &&CostItem<'_>| {
            model.is_none_or(|model| item.models.iter().any(|candidate| candidate.id == model.id))
        };
        self.items.iter().filter(counts)
    }
}

/// One device of a name, before it is counted.
struct OneDevice {
    models: Vec<&'static Model>,
    gpus: Amount,
    memory: Amount,
}

impl OneDevice {
    fn whole(models: Vec<&'static Model>) -> Self {
        Self {
            gpus: Amount::from_atoms(u128::from(WHOLE) * MILLION),
            memory: Amount::from_atoms(u128::from(largest_memory(&models)) * MILLION),
            models,
        }
    }

    /// A part of it, rounded up.
    fn part(self, numerator: u128, denominator: u128) -> Result<Self, AmountError> {
        let part = |amount: Amount| {
            let product = amount.times(numerator)?.atoms();
            let rounded_up = product.div_ceil(denominator.max(1));
            Ok(Amount::from_atoms(rounded_up))
        };
        Ok(Self {
            gpus: part(self.gpus)?,
            memory: part(self.memory)?,
            models: self.models,
        })
    }

    /// The same GPUs with so much memory, rounded up.
    fn with_mebibytes(self, mebibytes: u128) -> Result<Self, AmountError> {
        let millionths = Amount::from_atoms(mebibytes).times(MILLION)?.atoms();
        let memory = Amount::from_atoms(millionths.div_ceil(MIB_OF_GIB));
        Ok(Self { memory, ..self })
    }

    fn times(self, name: &str, count: u128) -> Result<CostItem<'_>, AmountError> {
        Ok(CostItem {
            name,
            gpus: self.gpus.times(count)?,
            memory: self.memory.times(count)?,
            models: self.models,
        })
    }
}

fn of_devices<'a>(
    name: &'a str,
    count: u64,
    known: &Known<'_>,
) -> Result<CostItem<'a>, AmountError> {
    // A device of MIG's strategy `single` weighs what its named twin does.
    let behind = known
        .partition
        .filter(|_| is_plain(name))
        .map(|mig| mig.resource());
    let weighed = behind.as_deref().unwrap_or(name);
    let weight = weight_56ths(weighed, &known.candidates).unwrap_or(WHOLE);
    let vendor = lookup(name).map(|resource| resource.vendor);
    let mig = MigName::from_resource(weighed);
    let may_be = |model: &Model| is_of(vendor, model) && mig.is_none_or(|mig| offers(model, mig));
    let whole = OneDevice::whole(models(may_be, known.candidates));
    let mut one = whole.part(weight.into(), WHOLE.into())?;
    if let Some(mig) = mig {
        one.memory = Amount::from_atoms(u128::from(mig.memory_gb) * MILLION);
    }
    let replicas = known.replicas.filter(|_| is_plain(name));
    one.part(1, replicas.map_or(1, |shares| shares.get().into()))?
        .times(name, count.into())
}

/// Whether time-slicing, MPS or MIG's strategy `single` may stand behind the name.
fn is_plain(name: &str) -> bool {
    matches!(name, "nvidia.com/gpu" | "nvidia.com/gpu.shared")
}

/// What shared GPUs weigh that no name counts: by hundredths where the resource says so, else one whole.
fn of_quantities<'a>(
    ask: &Ask<'a>,
    known: &Known<'_>,
) -> Result<Option<CostItem<'a>>, AmountError> {
    let is_quantity = |name: &str| lookup(name).is_some_and(|known| known.class == Class::Quantity);
    let asked = ask.resources.iter().copied();
    let parts = effective(asked.filter(|(_, name, _)| is_quantity(name)))
        .into_iter()
        .filter(|(_, amount)| *amount > Quantity::ZERO)
        .map(|(name, amount)| (hundredths(name, amount), name));
    let Some((hundredths, name)) = parts.max() else {
        return Ok(None);
    };
    let vendor = lookup(name).map(|resource| resource.vendor);
    let whole = OneDevice::whole(models(|model| is_of(vendor, model), known.candidates));
    whole.part(hundredths, 100)?.times(name, 1).map(Some)
}

fn hundredths(name: &str, amount: Quantity) -> u128 {
    match PERCENTAGES.contains(&name) {
        true => amount
            .ceil_integer()
            .and_then(|amount| u128::try_from(amount).ok())
            .unwrap_or(u64::MAX.into()),
        false => 100,
    }
}

/// Only NVIDIA's devices are handed out by annotation.
fn of_fraction(fraction: Fraction, known: &Known<'_>) -> Result<CostItem<'static>, AmountError> {
    let is_known = [known.candidates.selected, known.candidates.cluster]
        .into_iter()
        .flatten()
        .any(|model| model.vendor == Vendor::Nvidia);
    let models = models(|model| model.vendor == Vendor::Nvidia, known.candidates);
    // The same memory is the larger part of a smaller GPU, and may be all of one that nothing is known of.
    let smallest = models.iter().map(|model| model.memory_gib).min();
    let smallest = smallest.filter(|_| is_known);
    let whole = OneDevice::whole(models);
    let one = match (fraction.of_each, smallest) {
        (Part::Millionths(part), _) => whole.part(part.min(MILLION), MILLION)?,
        (Part::Mebibytes(part), None) => whole.with_mebibytes(part)?,
        (Part::Mebibytes(part), Some(smallest)) => {
            let all = u128::from(smallest) * MIB_OF_GIB;
            whole.part(part.min(all), all)?.with_mebibytes(part)?
        }
    };
    one.times("gpu-fraction", fraction.devices.into())
}

fn is_of(vendor: Option<Vendor>, model: &Model) -> bool {
    vendor.is_none_or(|vendor| vendor == model.vendor)
}

/// The models that a device may be: of those that the pod selects, else of the cluster's, else of all.
fn models(may_be: impl Fn(&Model) -> bool, candidates: Candidates<'_>) -> Vec<&'static Model> {
    let Candidates { selected, cluster } = candidates;
    let fitting = |models: &[&'static Model]| {
        let fitting = models.iter().copied().filter(|model| may_be(model));
        fitting.collect::<Vec<_>>()
    };
    let levels = [selected, cluster].into_iter();
    let known = levels.map(&fitting).find(|models| !models.is_empty());
    known.unwrap_or_else(|| fitting(MODELS))
}

/// The most memory that a device may have, in gibibytes: of its models, else of any.
fn largest_memory(models: &[&'static Model]) -> u32 {
    let models = if models.is_empty() { MODELS } else { models };
    let memory = models.iter().map(|model| model.memory_gib);
    memory.max().unwrap_or_default()
}

#[cfg(test)]
mod tests;
