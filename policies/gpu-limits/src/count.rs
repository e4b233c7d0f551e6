//! How many whole GPUs a pod takes, against what nodes have.
//!
//! Only GPUs are counted: TPUs and Neuron chips come in other numbers, a slice is no node's worth, and a scheduler
//! such as HAMi hands out more units than there are cards.

use tollgate_sdk::gpu::{self, Class, Resource, Vendor};
use tollgate_sdk::prelude::*;
use tollgate_sdk::{GpuUnit, gpu_unit, selected};

use crate::asked::{Asked, Wanted, totals};

pub(crate) const UNUSUAL: Rule = Rule::warn(
    "unusual-gpu-count",
    "A container takes a number of GPUs that leaves the rest of a node unused, or that few nodes have.",
);
pub(crate) const TOO_MANY: Rule = Rule::deny(
    "too-many-gpus",
    "A pod takes more GPUs than any node that it may run on has, so it would stay Pending for ever.",
);

/// What most of the largest nodes have.
const COMMON: u32 = 8;

/// Labels that say how many GPUs a node has.
const COUNT_LABELS: [&str; 4] = [
    "nvidia.com/gpu.count",
    "karpenter.k8s.aws/instance-gpu-count",
    "eks.amazonaws.com/instance-gpu-count",
    "cloud.google.com/gke-accelerator-count",
];

/// A resource of whole GPUs that a container takes.
struct Taken<'a> {
    asked: &'a Asked,
    wanted: &'a Wanted,
    vendor: Vendor,
    count: u32,
}

/// Reports counts that no node has, and counts that few have.
pub(crate) fn report(max_per_node: Option<u32>, pod: &Pod, asked: &[Asked]) {
    let taken: Vec<_> = asked.iter().flat_map(whole).collect();
    let is_taken = |name: &str| taken.iter().any(|taken| taken.wanted.name == name);
    let mut totals = totals(asked);
    // A single GPU fits everywhere, so nothing more is read for it.
    totals.retain(|(name, total)| *total > 1 && is_taken(name));
    if totals.is_empty() || !counts_whole_gpus(pod) {
        return;
    }
    for (name, total) in totals {
        let takers: Vec<_> = taken
            .iter()
            .filter(|taken| taken.wanted.name == name)
            .collect();
        report_resource(max_per_node, pod, &takers, total);
    }
}

fn report_resource(max_per_node: Option<u32>, pod: &Pod, takers: &[&Taken<'_>], total: u64) {
    let Some(first) = takers.first() else {
        return;
    };
    let nodes = Nodes::of(max_per_node, pod, first.vendor);
    if nodes.most().is_some_and(|most| total > u64::from(most)) {
        return report_too_many(first, total, &nodes);
    }
    for taken in takers.iter().filter(|taken| !nodes.usual(taken.count)) {
        report_unusual(taken, &nodes);
    }
}

/// The whole GPUs of a container. Beside a quantity, such as HAMi's memory, a count is one of shares.
fn whole(asked: &Asked) -> impl Iterator<Item = Taken<'_>> {
    asked
        .devices()
        .filter(|(_, known, _)| {
            known.class == Class::Device && matches!(known.vendor, Vendor::Nvidia | Vendor::Amd)
        })
        .filter(|(_, known, _)| !shares(asked, known))
        .map(|(wanted, known, count)| Taken {
            asked,
            wanted,
            vendor: known.vendor,
            count,
        })
}

/// Whether the container asks for memory or cores of the vendor's devices, so that their count is one of shares.
pub(crate) fn shares(asked: &Asked, device: &Resource) -> bool {
    let quantity =
        |known: &Resource| known.class == Class::Quantity && known.vendor == device.vendor;
    asked
        .resources
        .iter()
        .any(|wanted| wanted.known.is_some_and(quantity))
}

/// Whether one `nvidia.com/gpu` is a whole GPU wherever the pod may run.
pub(crate) fn counts_whole_gpus(pod: &Pod) -> bool {
    let shared = site::sharing().is_some_and(|sharing| sharing != "none");
    let cut = site::mig_strategy().is_some_and(|strategy| strategy == "single");
    !shared && !cut && gpu_unit(pod) == GpuUnit::Whole
}

/// The GPUs of the nodes that a pod may run on.
struct Nodes {
    max_per_node: Option<u32>,
    /// Of the nodes that the pod selects, where it selects any of known size.
    selected: Vec<u32>,
}

impl Nodes {
    fn of(max_per_node: Option<u32>, pod: &Pod, vendor: Vendor) -> Self {
        let read = |key: &str, value: &str| gpus_of(vendor, key, value).map(|count| vec![count]);
        Self {
            max_per_node,
            selected: selected(pod, read).unwrap_or_default(),
        }
    }

    /// The most that one of them has, where that is known.
    fn most(&self) -> Option<u32> {
        let selected = self.selected.iter().max().copied();
        self.max_per_node.into_iter().chain(selected).min()
    }

    /// Whether containers of this size fill some node.
    fn usual(&self, count: u32) -> bool {
        let fills = |node: &u32| node.is_multiple_of(count);
        if self.selected.is_empty() {
            let largest = self.max_per_node.unwrap_or(COMMON).max(COMMON);
            self.max_per_node.iter().any(fills) || (count.is_power_of_two() && count <= largest)
        } else {
            self.selected.iter().any(fills)
        }
    }

    fn in_words(&self) -> String {
        match (self.selected.iter().max(), self.max_per_node) {
            (Some(most), None) => format!("the nodes that it selects have {most}"),
            (Some(most), Some(max)) if *most <= max => {
                format!("the nodes that it selects have {most}")
            }
            (_, max) => format!("nodes here have at most {}", max.unwrap_or(COMMON)),
        }
    }
}

/// The GPUs of a node with this label.
fn gpus_of(vendor: Vendor, key: &str, value: &str) -> Option<u32> {
    if COUNT_LABELS.contains(&key) {
        return value.parse().ok().filter(|count| *count > 0);
    }
    if !matches!(
        key,
        "node.kubernetes.io/instance-type" | "beta.kubernetes.io/instance-type"
    ) {
        return None;
    }
    let instance = gpu::instance(value)?;
    let is_of_vendor = instance.models.iter().any(|model| model.vendor == vendor);
    is_of_vendor.then_some(instance.count)
}

fn report_too_many(first: &Taken<'_>, total: u64, nodes: &Nodes) {
    let name = &first.wanted.name;
    let most = nodes.most().unwrap_or(COMMON);
    TOO_MANY
        .finding(
            first.asked.place(first.wanted),
            format!(
                "the pod takes {total} {name} with container `{}`, but {}",
                first.asked.container.name(),
                nodes.in_words()
            ),
        )
        .actual(total.to_string())
        .allowed(format!("at most {most} in one pod"))
        .fix(format!(
            "ask for at most {most}, and run several pods for more"
        ))
        .report();
}

fn report_unusual(taken: &Taken<'_>, nodes: &Nodes) {
    let Taken {
        asked,
        wanted,
        count,
        ..
    } = taken;
    let name = &wanted.name;
    let why = if nodes.selected.is_empty() && *count > COMMON && nodes.max_per_node.is_none() {
        format!("few nodes have more than {COMMON}: it may stay Pending")
    } else {
        "the GPUs that are left fit nobody else".to_owned()
    };
    let fix = match nodes.selected.iter().max() {
        Some(most) => {
            format!("ask for a number that divides {most}, the GPUs of the nodes that it selects")
        }
        None => {
            "ask for 1, 2, 4 or 8, or tell Tollgate what nodes have with the setting `maxPerNode`"
                .to_owned()
        }
    };
    UNUSUAL
        .finding(
            asked.place(wanted),
            format!(
                "container `{}` takes {count} {name}: {why}",
                asked.container.name()
            ),
        )
        .actual(count.to_string())
        .allowed("numbers that fill a node: 1, 2, 4, 8")
        .fix(fix)
        .report();
}
