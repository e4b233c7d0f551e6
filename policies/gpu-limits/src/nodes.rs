//! What pods ask for, against what the nodes of the cluster have and its pools could bring.
//!
//! A warning, never a refusal: clouds have pools that no object shows, and a device plugin may not have started yet.

use tollgate_sdk::gpu::{Quantity, lookup};
use tollgate_sdk::prelude::*;

use crate::asked::{Asked, totals};

pub(crate) const BEYOND: Rule = Rule::warn(
    "beyond-nodes",
    "Some node of the cluster has, or some pool could bring, as many of a device as a pod asks for: else it stays Pending.",
)
.needs("nodes");

/// Names by which the same GPUs may be offered: where nodes have none of one, they may have the other.
const OTHER_NAMES: [(&str, &str); 2] = [
    ("nvidia.com/gpu", "nvidia.com/gpu.shared"),
    ("nvidia.com/gpu.shared", "nvidia.com/gpu"),
];

/// Warns about devices of which no node has enough.
pub(crate) fn report(asked: &[Asked]) {
    for (name, total) in totals(asked) {
        if lookup(name).is_some_and(|known| known.counts_devices()) {
            report_one(asked, name, total);
        }
    }
}

fn report_one(asked: &[Asked], name: &str, total: u64) {
    let Some(most) = most(name).filter(|most| total > *most) else {
        return;
    };
    let taker = asked.iter().find_map(|asked| {
        let (wanted, _, _) = asked.devices().find(|(wanted, _, _)| wanted.name == name)?;
        Some(asked.place(wanted))
    });
    let what = match most {
        0 => format!("no node has `{name}`, and no pool that is known could bring it"),
        most => format!(
            "the pod asks for {total} `{name}`, and no node or pool that is known has more than {most}"
        ),
    };
    BEYOND
        .finding(taker.unwrap_or_default(), what)
        .actual(total.to_string())
        .allowed(match most {
            0 => "a resource that nodes have".to_owned(),
            most => format!("at most {most}"),
        })
        .fix(fix(name, most))
        .report();
}

fn fix(name: &str, most: u64) -> String {
    let mut others = OTHER_NAMES
        .iter()
        .filter(|(own, _)| *own == name && most == 0);
    let other = others.find(|(_, other)| self::most(other).is_some_and(|most| most > 0));
    match other {
        Some((_, other)) => format!("ask for `{other}`, which nodes here have"),
        None => "ask for what nodes have, or add a pool that has it".to_owned(),
    }
}

/// The most of a resource that any node has; `None` where there may be nodes with more.
fn most(name: &str) -> Option<u64> {
    let known = cluster::amounts(name).filter(|known| known.complete)?;
    let Some(largest) = known.values.first() else {
        return Some(0);
    };
    let whole = Quantity::parse(largest).ok()?.as_integer()?;
    u64::try_from(whole).ok()
}
