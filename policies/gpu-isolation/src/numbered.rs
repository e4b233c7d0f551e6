//! Devices that a container picks by hand among those that it has.

use tollgate_sdk::gpu::{self, Class, ProcessVariable};
use tollgate_sdk::prelude::*;

use crate::asked::{Member, Subject, Taken};

pub(crate) const PICKED: Rule = Rule::warn(
    "hand-picked-devices",
    "A container with devices leaves the choice among them to the plugin: inside, they are numbered from 0, so that a value copied from another machine hides devices that are paid for, or names some that are not there (NVIDIA/k8s-device-plugin, issue 960).",
);
pub(crate) const IMPOSSIBLE: Rule = Rule::deny(
    "impossible-device-index",
    "The numbers in `CUDA_VISIBLE_DEVICES` and its like are below the number of devices that the container asks for: others cannot exist in it, and the program stops at the first of them or finds no device at all.",
);

const MIG: &str = "nvidia.com/mig-";

/// What a value picks among the devices of a container.
enum Pick {
    /// All of them, or what cannot be told.
    Harmless,
    /// Some, by number or by identifier, or none.
    Some,
    /// One that cannot be there.
    Impossible(u64),
}

/// Reports variables that pick devices, where the container has some to pick from.
pub(crate) fn report(subject: &Subject<'_>) {
    for member in subject.members.iter().filter(|member| member.asks) {
        report_runtime_variables(member);
        for row in gpu::PROCESS_VARIABLES {
            let of_row = |taken: &&Taken| row.vendors.contains(&taken.known.vendor);
            let taken: Vec<_> = member.taken.iter().filter(of_row).collect();
            if !taken.is_empty() {
                report_process_variable(member, row, &taken);
            }
        }
    }
}

fn report_runtime_variables(member: &Member) {
    let vendors = |row: &&gpu::RuntimeVariable| {
        let mut taken = member.taken.iter();
        taken.any(|taken| taken.known.vendor == row.vendor)
    };
    for row in gpu::RUNTIME_VARIABLES.iter().filter(vendors) {
        let var = member.container.env(row.name);
        let Some(value) = var.and_then(|var| var.value) else {
            continue;
        };
        if gpu::names_no_device(&value) {
            continue;
        }
        let name = row.name;
        PICKED
            .finding(
                member.env_place(name),
                format!(
                    "{} sets {name} to `{value}`, which is the device plugin's to set: the value is overwritten, or gives it devices of others",
                    member.title()
                ),
            )
            .actual(format!("{name}={value}"))
            .allowed("no such variable: the devices in the limits are what the container gets")
            .fix(format!("take {name} out"))
            .report();
    }
}

fn report_process_variable(member: &Member, row: &ProcessVariable, taken: &[&Taken]) {
    let Some(value) = member.container.env(row.name).and_then(|var| var.value) else {
        return;
    };
    let is_mig = taken.iter().any(|taken| taken.name.starts_with(MIG));
    match pick(&value, row, taken) {
        Pick::Impossible(index) => report_impossible(member, row, taken, &value, index),
        Pick::Some => report_picked(member, row, taken, &value),
        Pick::Harmless if is_mig && !is_open(&value) => report_picked(member, row, taken, &value),
        Pick::Harmless => {}
    }
}

/// Whether a value is only filled in later, as `$(INDEX)` and `<index>` are.
fn is_open(value: &str) -> bool {
    value.contains(['$', '<', '{'])
}

fn pick(value: &str, row: &ProcessVariable, taken: &[&Taken]) -> Pick {
    if is_open(value) {
        return Pick::Harmless;
    }
    let (Some(indexes), Some(count)) = (indexes(value), count(taken)) else {
        return Pick::Some;
    };
    let most = most(row, taken).max(count);
    if let Some(index) = indexes.iter().find(|index| **index >= most) {
        return Pick::Impossible(*index);
    }
    let all = u64::try_from(indexes.len()).is_ok_and(|length| length >= count);
    match all && counts_up(&indexes) {
        true => Pick::Harmless,
        false => Pick::Some,
    }
}

/// Whether numbers count up from 0.
fn counts_up(indexes: &[u64]) -> bool {
    (0..)
        .zip(indexes)
        .all(|(expected, index)| expected == *index)
}

/// How many devices there are; nothing where an amount counts no devices or is no number.
fn count(taken: &[&Taken]) -> Option<u64> {
    let counted = taken.iter().filter(|taken| taken.known.counts_devices());
    let sum: Option<u64> = counted.map(|taken| taken.count).sum();
    sum.filter(|sum| *sum > 0)
}

/// How many numbers there are at most: those of cores, where whole devices are asked for and the variable counts cores.
fn most(row: &ProcessVariable, taken: &[&Taken]) -> u64 {
    let each = taken.iter().map(|taken| match taken.known.class {
        Class::Device => taken.count.unwrap_or(0).saturating_mul(row.per_device),
        Class::Slice => taken.count.unwrap_or(0),
        Class::Quantity | Class::Companion => 0,
    });
    each.sum()
}

/// The numbers of a list such as `0,1` or `0-3,7`; nothing where it has anything else.
fn indexes(value: &str) -> Option<Vec<u64>> {
    let mut indexes = Vec::new();
    for part in value.split(',').map(str::trim) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        // A range that no machine has is told by its ends.
        indexes.extend(first..=last.min(first.saturating_add(1024)));
    }
    Some(indexes)
}

fn in_words(taken: &[&Taken]) -> String {
    let each: Vec<_> = taken
        .iter()
        .map(|taken| match taken.count {
            Some(count) => format!("{count} {}", taken.name),
            None => taken.name.clone(),
        })
        .collect();
    each.join(" and ")
}

fn report_impossible(
    member: &Member,
    row: &ProcessVariable,
    taken: &[&Taken],
    value: &str,
    index: u64,
) {
    let (name, devices) = (row.name, in_words(taken));
    IMPOSSIBLE
        .finding(
            member.env_place(name),
            format!(
                "{} sets {name} to `{value}` but asks for {devices}: there is no device {index} in it, since they are numbered from 0",
                member.title()
            ),
        )
        .actual(format!("{name}={value}"))
        .allowed(match most(row, taken) {
            0 | 1 => "0".to_owned(),
            most => format!("0 to {}", most - 1),
        })
        .fix(format!("take {name} out, or ask for as many devices as it names"))
        .report();
}

fn report_picked(member: &Member, row: &ProcessVariable, taken: &[&Taken], value: &str) {
    let (name, devices) = (row.name, in_words(taken));
    PICKED
        .finding(
            member.env_place(name),
            format!(
                "{} asks for {devices} and picks among them by {name}=`{value}`: what it leaves out is paid for and idle, and identifiers are those of one machine",
                member.title()
            ),
        )
        .actual(format!("{name}={value}"))
        .allowed("no such variable: the container sees the devices that it asks for")
        .fix(format!("take {name} out, or ask for fewer devices"))
        .report();
}
