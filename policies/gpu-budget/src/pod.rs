//! What a pod costs: what the one cost function is told, and what comes of it for each limit.

use std::num::NonZeroU32;

use tollgate_sdk::budget::{self, Account, Draw, Limit};
use tollgate_sdk::gpu::{
    self, Amount, AmountError, Ask, Candidates, Capacity, ContainerClass, Cost, CostItem, Fraction,
    Known, MigName, Model, Part, PriceContext, Quantity, Unit,
};
use tollgate_sdk::prelude::*;
use tollgate_sdk::{Stop, capacities, cluster_models, selected, selected_models};

use crate::demand::{Demand, Devices};
use crate::{GUESSED, OVER};

/// A pod that costs something.
pub(crate) struct Costed {
    pod: Pod,
    /// How many such pods there are; one where nothing tells.
    count: u32,
    cost: OwnedCost,
    seconds: Option<u32>,
    path: String,
}

/// What a pod costs, and the devices of each item by name.
struct OwnedCost {
    items: Vec<(String, CostItem<'static>)>,
}

impl Costed {
    /// What a pod costs; nothing where it costs nothing.
    pub(crate) fn of(review: &Review, pod: &Pod) -> Option<Self> {
        let count = pod.count().unwrap_or(1);
        let resources = resources(pod);
        let ask = Ask {
            resources: resources
                .iter()
                .map(|(class, name, amount)| (*class, name.as_str(), *amount))
                .collect(),
            fraction: fraction(pod),
            claimed: claimed(review, pod),
        };
        let selected = selected_models(pod).unwrap_or_else(|| left_models(pod));
        let cluster = cluster_models();
        let known = Known {
            candidates: Candidates {
                selected: &selected,
                cluster: &cluster,
            },
            partition: partition(pod),
            replicas: replicas(pod),
        };
        // What is too large to be counted is refused by whoever charges it.
        let cost = gpu::cost(&ask, &known).unwrap_or_else(|_| too_large());
        if cost.items.is_empty() || count == 0 {
            return None;
        }
        Some(Self {
            pod: pod.clone(),
            count,
            cost: OwnedCost::of(cost),
            seconds: seconds(review, pod),
            path: place(pod),
        })
    }

    /// Proposes what it is charged in a budget, and adds how that stands to what the object asks for.
    pub(crate) fn charge(&self, account: Account, demands: &mut Vec<Demand>) -> Outcome {
        let draws = account
            .limits
            .iter()
            .map(|limit| self.draw(&account, limit));
        let proposed = draws
            .collect::<Result<Vec<_>, _>>()
            .map_err(|err| err.to_string())
            .and_then(|draws| {
                let standings = budget::charge(&self.pod, &account.name, &draws)?;
                Ok((draws, standings))
            });
        let (draws, standings) = match proposed {
            Ok(proposed) => proposed,
            Err(reason) => {
                self.refuse(&account, &reason);
                return Ok(());
            }
        };
        self.tell_guess(&account);
        for standing in standings {
            let limit = account
                .limits
                .iter()
                .find(|limit| limit.key == standing.limit);
            let draw = draws.iter().find(|draw| draw.limit == standing.limit);
            let Some((limit, draw)) = limit.zip(draw) else {
                return Err(Stop::because(format!(
                    "the host told of the limit `{}`, which was not asked for",
                    standing.limit
                )));
            };
            let each = self.one(draw)?;
            Demand::add(demands, &account, limit, standing, each, &self.path);
        }
        Ok(())
    }

    /// One pod's part of a draw, and what it is of.
    fn one(&self, draw: &Draw) -> Result<Devices, Stop> {
        let each = Amount::from_atoms(draw.amount.atoms() / u128::from(self.count));
        Ok(Devices {
            pods: self.count,
            existing: self.pod.existing().min(self.count),
            each,
            seconds: draw.seconds,
            only: match self.cost.items.as_slice() {
                [(name, item)] => Some((name.clone(), item.clone())),
                _ => None,
            },
        })
    }

    fn draw(&self, account: &Account, limit: &Limit) -> Result<Draw, AmountError> {
        let cost = self.cost.borrowed();
        let each = match limit.unit {
            Unit::Gpu | Unit::GpuMemory => cost.held(limit.unit, limit.model)?,
            Unit::GpuHours => cost.hours_per_second(limit.model)?,
            Unit::Money => {
                cost.money_per_second(limit.model, |item| self.price(account, item).0)?
            }
        };
        Ok(Draw {
            limit: limit.key.clone(),
            amount: each.times(self.count.into())?,
            seconds: self.seconds,
        })
    }

    /// The price of an item's GPU-hour, and whether it is a guess.
    fn price(&self, account: &Account, item: &CostItem<'_>) -> (Amount, bool) {
        let labels = self.pod.node_selectors();
        let context = PriceContext {
            models: &item.models,
            node_labels: &labels,
            capacity: capacity(&self.pod),
        };
        gpu::price(&account.prices, context).unwrap_or_default()
    }

    fn tell_guess(&self, account: &Account) {
        let counts_money = |limit: &Limit| limit.unit == Unit::Money;
        let mut items = self.cost.items.iter();
        let guessed = items.find(|(_, item)| self.price(account, item).1);
        let Some((name, item)) = guessed.filter(|_| account.limits.iter().any(counts_money)) else {
            return;
        };
        let (price, _) = self.price(account, item);
        let currency = account.currency.as_deref().unwrap_or_default();
        GUESSED
            .finding(
                &self.path,
                format!(
                    "the price book of budget `{}` has no price for what `{name}` may be: the dearest is charged, {} {currency} for each GPU-hour",
                    account.name,
                    price.decimal_text()
                ),
            )
            .actual(match item.models.as_slice() {
                [] => "an unknown model".to_owned(),
                [model] => model.id.to_owned(),
                models => format!("one of {} models", models.len()),
            })
            .allowed("a model that the price book has a price for")
            .fix("select the nodes of one model, such as by `nvidia.com/gpu.product`, or add its price to the book")
            .report();
    }

    fn refuse(&self, account: &Account, reason: &str) {
        OVER.finding(
            &self.path,
            format!("budget `{}` cannot count the pod: {reason}", account.name),
        )
        .actual(reason)
        .allowed("an amount that can be counted")
        .fix("ask for fewer devices, or for a shorter time")
        .report();
    }
}

impl OwnedCost {
    fn of(cost: Cost<'_>) -> Self {
        let own = |item: CostItem<'_>| {
            let own = CostItem {
                name: "",
                models: item.models,
                gpus: item.gpus,
                memory: item.memory,
            };
            (item.name.to_owned(), own)
        };
        Self {
            items: cost.items.into_iter().map(own).collect(),
        }
    }

    fn borrowed(&self) -> Cost<'static> {
        let items = self.items.iter().map(|(_, item)| item.clone());
        Cost {
            items: items.collect(),
        }
    }
}

fn too_large() -> Cost<'static> {
    Cost {
        items: vec![CostItem {
            name: "devices",
            models: Vec::new(),
            gpus: Amount::from_atoms(u128::MAX),
            memory: Amount::from_atoms(u128::MAX),
        }],
    }
}

/// Each container's limit of each resource, else its request. What is no quantity is for others to refuse.
fn resources(pod: &Pod) -> Vec<(ContainerClass, String, Quantity)> {
    let mut resources = Vec::new();
    for container in pod.containers().iter() {
        let class = match container.class().as_str() {
            "init" => ContainerClass::Init,
            "sidecar" => ContainerClass::Sidecar,
            "ephemeral" => ContainerClass::Ephemeral,
            _ => ContainerClass::App,
        };
        let (limits, requests) = (container.limits(), container.requests());
        let is_limited = |name: &String| limits.iter().any(|(there, _)| there == name);
        let others = requests.iter().filter(|(name, _)| !is_limited(name));
        for (name, text) in limits.iter().chain(others) {
            if let Ok(amount) = Quantity::parse(text) {
                resources.push((class, name.clone(), amount));
            }
        }
    }
    resources
}

/// The part of a GPU that annotations ask for. A fraction that is no number counts as a whole GPU.
fn fraction(pod: &Pod) -> Option<Fraction> {
    let number = |text: String| text.parse().ok();
    let devices = pod.annotation("gpu-fraction-num-devices").and_then(number);
    let of_each = match (pod.annotation("gpu-fraction"), pod.annotation("gpu-memory")) {
        (None, None) => return None,
        (Some(text), _) => {
            let whole = Amount::from_atoms(1_000_000);
            Part::Millionths(Amount::decimal(&text).unwrap_or(whole).atoms())
        }
        (None, Some(text)) => match text.parse() {
            Ok(mebibytes) => Part::Mebibytes(mebibytes),
            Err(_) => Part::Millionths(1_000_000),
        },
    };
    Some(Fraction {
        of_each,
        devices: devices.unwrap_or(1),
    })
}

/// How many devices the pod's claims ask for: one for a claim of which nothing is known. Devices of classes of others than
/// accelerators count as well: their names tell nothing for sure.
fn claimed(review: &Review, pod: &Pod) -> u32 {
    let claims = pod.resource_claims();
    if claims.is_empty() {
        return 0;
    }
    let namespace = review.namespace().unwrap_or_default();
    let each = claims.iter().map(|claim| {
        let name = claim.claim.as_ref().or(claim.template.as_ref());
        let is_template = claim.claim.is_none();
        let devices = name.and_then(|name| cluster::claim_devices(&namespace, name, is_template));
        devices.map_or(1, |devices| devices.max(1))
    });
    each.fold(0, u32::saturating_add)
}

/// The models of the nodes that the pod's selectors leave, where those are all known.
fn left_models(pod: &Pod) -> Vec<&'static Model> {
    let known = cluster::pod_gpu_models(pod).filter(|known| known.complete);
    let models = known.map_or_else(Vec::new, |known| known.values);
    models
        .iter()
        .filter_map(|id| Model::parse(id).ok())
        .collect()
}

/// The MIG device behind `nvidia.com/gpu`: as the pod's selectors say, else as all nodes agree that are left to it.
fn partition(pod: &Pod) -> Option<MigName> {
    let read = |key: &str, value: &str| gpu::partition_of(key, value).map(|mig| vec![mig]);
    match selected(pod, read).as_deref() {
        Some([mig]) => Some(*mig),
        Some(_) => None,
        None => {
            let units = cluster::pod_gpu_units(pod);
            let (first, more) = units.split_first()?;
            let is_same = more
                .iter()
                .all(|other| other.mig_profile == first.mig_profile);
            let profile = first.mig_profile.as_deref().filter(|_| is_same)?;
            MigName::from_profile(profile)
        }
    }
}

/// Labels that tell how many shares a GPU of a node is divided into.
const REPLICAS: [&str; 2] = [
    "nvidia.com/gpu.replicas",
    "cloud.google.com/gke-max-shared-clients-per-gpu",
];

/// How many shares each `nvidia.com/gpu` is divided into: of several answers the fewest, whose shares are the largest.
fn replicas(pod: &Pod) -> Option<NonZeroU32> {
    let read = |key: &str, value: &str| {
        let count = value.parse().ok().filter(|_| REPLICAS.contains(&key))?;
        Some(vec![count])
    };
    if let Some(counts) = selected(pod, read) {
        return counts.into_iter().min().and_then(NonZeroU32::new);
    }
    let units = cluster::pod_gpu_units(pod);
    let replicas = |unit: &cluster::GpuUnit| match unit.sharing.as_str() {
        "none" => Some(1),
        _ => unit.replicas,
    };
    let counts: Option<Vec<u32>> = units.iter().map(replicas).collect();
    counts?.into_iter().min().and_then(NonZeroU32::new)
}

/// How long the pod runs at most: by its own deadline, or the object's.
fn seconds(review: &Review, pod: &Pod) -> Option<u32> {
    let own = format!("{}/spec/activeDeadlineSeconds", pod.path());
    let places = [
        own.as_str(),
        "/spec/activeDeadlineSeconds",
        "/spec/runPolicy/activeDeadlineSeconds",
        "/spec/jobTemplate/spec/activeDeadlineSeconds",
    ];
    let deadline = |place: &&str| review.json(place)?.parse().ok();
    places.iter().filter_map(deadline).min()
}

/// Spot where the pod can run nowhere else. What it merely tolerates may be on demand, which is dearer.
fn capacity(pod: &Pod) -> Option<Capacity> {
    let labels = pod.node_selectors();
    let selected = labels
        .iter()
        .find_map(|(key, value)| gpu::capacity_of(key, value));
    selected.or_else(|| {
        let choices = capacities(pod);
        choices
            .iter()
            .all(|choice| choice.capacity == Capacity::OnDemand)
            .then_some(Capacity::OnDemand)
    })
}

/// Where findings about the pod point: to the first container that asks for accelerators.
fn place(pod: &Pod) -> String {
    let containers = pod.containers();
    let asks = |container: &&Container| {
        !container.devices().is_empty()
            || container
                .limits()
                .iter()
                .any(|(name, _)| gpu::is_accelerator(name))
    };
    match containers.iter().find(asks) {
        Some(container) => container.path() + "/resources",
        None => pod.path() + "/spec",
    }
}
