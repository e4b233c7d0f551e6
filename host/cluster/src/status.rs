//! What is reported of an object, and what of a report is new.
//!
//! Each replica writes its own entry of `replicas`. All else follows from these entries by one rule, so that all
//! replicas come to the same; whichever writes first has spared the others the work.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The newest fault is written at most this often, unless it has another cause.
const FAULT_PAUSE: Duration = Duration::from_secs(30);

/// `status` of an object.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Status {
    pub(crate) observed_generation: i64,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) replicas: Vec<Replica>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) rules: Vec<Rule>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_fault: Option<Fault>,
}

/// What holds of the object.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Condition {
    #[serde(rename = "type")]
    pub(crate) name: String,
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) observed_generation: i64,
    pub(crate) last_transition_time: Timestamp,
    pub(crate) reason: String,
    pub(crate) message: String,
}

/// What a replica has in force.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Replica {
    pub(crate) name: String,
    pub(crate) generation: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) in_force: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) loaded_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) refused: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cut_off: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_fault: Option<Fault>,
}

/// A rule of a policy.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) action: String,
}

/// A policy's newest fault.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Fault {
    pub(crate) time: Timestamp,
    pub(crate) cause: String,
    pub(crate) message: String,
}

/// What this replica knows of an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Own {
    /// Its entry, without when the version was loaded.
    pub(crate) entry: Replica,
    /// The policy's rules, where it is on.
    pub(crate) rules: Vec<Rule>,
    /// Whether there is something that runs, and that may be cut off.
    pub(crate) runs: bool,
}

impl Status {
    fn replica(&self, name: &str) -> Option<&Replica> {
        self.replicas.iter().find(|replica| replica.name == name)
    }

    fn condition(&self, name: &str) -> Option<&Condition> {
        self.conditions
            .iter()
            .find(|condition| condition.name == name)
    }

    /// The status with another entry for a replica.
    pub(crate) fn with(mut self, entry: Replica) -> Self {
        self.replicas.retain(|replica| replica.name != entry.name);
        self.replicas.push(entry);
        self
    }
}

/// Returns this replica's entry as it is to be written, in the light of the one that is there.
pub(crate) fn entry(own: &Own, written: &Status, now: Timestamp) -> Replica {
    let before = written.replica(&own.entry.name);
    let same_load = before.filter(|before| {
        (before.in_force, &before.digest) == (own.entry.in_force, &own.entry.digest)
    });
    let loaded_at = own
        .entry
        .in_force
        .map(|_| same_load.and_then(|before| before.loaded_at).unwrap_or(now));
    Replica {
        loaded_at,
        last_fault: newer(
            before.and_then(|before| before.last_fault.as_ref()),
            own.entry.last_fault.as_ref(),
        ),
        ..own.entry.clone()
    }
}

/// The fault to write: the one that is there, until another one is worth a write.
fn newer(written: Option<&Fault>, own: Option<&Fault>) -> Option<Fault> {
    match (written, own) {
        (Some(written), Some(own)) => {
            let later = own.time.duration_since(written.time).unsigned_abs();
            let is_worth =
                own.time > written.time && (own.cause != written.cause || later >= FAULT_PAUSE);
            Some(if is_worth { own } else { written }.clone())
        }
        (written, own) => own.or(written).cloned(),
    }
}

/// Returns what follows from the entries of all replicas, in the light of what is written.
pub(crate) fn shared(own: &Own, generation: i64, written: &Status, now: Timestamp) -> Status {
    let mut conditions = vec![ready(generation, written)];
    if own.runs || written.condition("Healthy").is_some() {
        conditions.push(healthy(generation, written));
    }
    for condition in &mut conditions {
        let before = written.condition(&condition.name);
        condition.last_transition_time = match before {
            Some(before) if before.status == condition.status => before.last_transition_time,
            _ => now,
        };
    }
    let faults = written.replicas.iter();
    let faults = faults.filter_map(|replica| replica.last_fault.clone());
    Status {
        observed_generation: generation,
        conditions,
        replicas: Vec::new(),
        rules: match own.entry.in_force == Some(generation) {
            true => own.rules.clone(),
            false => written.rules.clone(),
        },
        last_fault: faults.max_by_key(|fault| fault.time),
    }
}

/// Whether the newest generation is in force wherever it was read.
fn ready(generation: i64, written: &Status) -> Condition {
    let mut read: Vec<_> = written
        .replicas
        .iter()
        .filter(|replica| replica.generation == generation)
        .collect();
    read.sort_by(|left, right| left.name.cmp(&right.name));
    let refused: Vec<_> = read
        .iter()
        .filter_map(|replica| Some((replica, replica.refused.as_deref()?)))
        .collect();
    let (status, reason, message) = match refused.first() {
        Some((_, why)) if refused.len() == read.len() => ("False", "Refused", (*why).to_owned()),
        Some((replica, why)) => (
            "False",
            "Refused",
            format!("on replica {}: {why}", replica.name),
        ),
        None => (
            "True",
            "InForce",
            "the newest version is in force".to_owned(),
        ),
    };
    condition("Ready", status, reason, message, generation)
}

/// Whether no replica has cut the policy off.
fn healthy(generation: i64, written: &Status) -> Condition {
    let cut_off = |replica: &&Replica| replica.cut_off == Some(true);
    let mut replicas: Vec<_> = written.replicas.iter().filter(cut_off).collect();
    replicas.sort_by(|left, right| left.name.cmp(&right.name));
    match replicas.first() {
        None => condition(
            "Healthy",
            "True",
            "Running",
            "no replica has cut it off".to_owned(),
            generation,
        ),
        Some(first) => {
            let names: Vec<_> = replicas
                .iter()
                .map(|replica| replica.name.as_str())
                .collect();
            let what = first.last_fault.as_ref().map(|fault| fault.cause.as_str());
            let message = format!(
                "cut off for faulting often (the last time: {}) on {}; until it is tried again `onFault` decides",
                what.unwrap_or("unknown"),
                names.join(", ")
            );
            condition("Healthy", "False", "CutOff", message, generation)
        }
    }
}

fn condition(
    name: &str,
    status: &str,
    reason: &str,
    message: String,
    observed_generation: i64,
) -> Condition {
    Condition {
        name: name.to_owned(),
        status: status.to_owned(),
        observed_generation,
        last_transition_time: Timestamp::UNIX_EPOCH,
        reason: reason.to_owned(),
        message,
    }
}

/// The part of a status that all replicas write, to compare.
pub(crate) fn shared_part(written: &Status) -> Status {
    let conditions = ["Ready", "Healthy"].map(|name| written.condition(name).cloned());
    Status {
        conditions: conditions.into_iter().flatten().collect(),
        replicas: Vec::new(),
        ..written.clone()
    }
}

/// Something that who looks after the cluster wants to be told when it happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Happening {
    pub(crate) is_warning: bool,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
}

/// Returns what has happened between two statuses.
pub(crate) fn happenings(before: &Status, after: &Status) -> Vec<Happening> {
    let rows = [
        ("Ready", "Refused", "Restored"),
        ("Healthy", "CutOff", "BackInUse"),
    ];
    let happened = |(name, bad, good): (&str, &'static str, &'static str)| {
        let after = after.condition(name)?;
        let before = before.condition(name);
        let was_bad = before.is_some_and(|before| before.status == "False");
        let is_bad = after.status == "False";
        let same = before.is_some_and(|before| {
            before.observed_generation == after.observed_generation && was_bad == is_bad
        });
        match (was_bad, is_bad) {
            (_, true) if !same => Some(Happening {
                is_warning: true,
                reason: bad,
                message: after.message.clone(),
            }),
            (true, false) => Some(Happening {
                is_warning: false,
                reason: good,
                message: after.message.clone(),
            }),
            _ => None,
        }
    };
    rows.into_iter().filter_map(happened).collect()
}

/// How long a replica may lag behind before its entry is taken for that of one that is gone.
const LAG: Duration = Duration::from_secs(300);

/// The replicas whose entries nobody keeps: they have not read what this one has had in force for a while.
pub(crate) fn left_behind<'s>(
    own: &Replica,
    written: &'s Status,
    now: Timestamp,
) -> impl Iterator<Item = &'s str> {
    let since = own.loaded_at.unwrap_or(now);
    let long_ago = now.duration_since(since).unsigned_abs() >= LAG;
    let generation = own.generation;
    written
        .replicas
        .iter()
        .filter(move |replica| long_ago && replica.generation < generation)
        .map(|replica| replica.name.as_str())
}

#[cfg(test)]
mod tests;
