//! The policies of a catalog, with what a server counted of them.

use tollgate_catalog::{Catalog, Entry, Mode};
use tollgate_dashboard as page;
use tollgate_dashboard::{Decisions, History, Policy, PolicyUses, Rule, Totals, Uses};
use tollgate_webhook::{Decision, Effect, Metrics};

use super::moment;
use crate::policy::roles;

/// What a server counted.
#[derive(Clone, Copy)]
pub(crate) struct Told<'s> {
    pub(crate) metrics: &'s Metrics,
    pub(crate) history: &'s History,
    pub(crate) now: &'s Totals,
}

/// All that was counted so far.
pub(crate) fn totals(catalog: Option<&Catalog>, metrics: &Metrics) -> Totals {
    let entries = catalog.into_iter().flat_map(|catalog| &catalog.entries);
    let of_entry = |entry: &Entry| {
        let mut sum = Uses::default();
        for rule in &entry.info.rules {
            sum += uses(metrics, &entry.name, &rule.id);
        }
        (entry.name.to_string(), sum)
    };
    Totals {
        decisions: Decisions {
            allowed: metrics.decided(Decision::Allowed),
            denied: metrics.decided(Decision::Denied),
            faulted: metrics.decided(Decision::Faulted),
        },
        policies: entries.map(of_entry).collect(),
    }
}

fn uses(metrics: &Metrics, policy: &str, rule: &str) -> Uses {
    let used = |effect| metrics.used(policy, rule, effect);
    Uses {
        denied: used(Effect::Denied),
        warned: used(Effect::Warned),
        observed: used(Effect::Observed),
        edited: used(Effect::Edited),
    }
}

/// The policies that are on, in order.
pub(crate) fn policies(catalog: &Catalog, told: Option<Told<'_>>) -> Vec<Policy> {
    let entries = catalog.entries.iter();
    entries.map(|entry| policy(entry, told)).collect()
}

fn policy(entry: &Entry, told: Option<Told<'_>>) -> Policy {
    let faults = entry.breaker.as_ref().map(|breaker| breaker.report());
    let faults = faults.unwrap_or_default();
    Policy {
        name: entry.name.to_string(),
        doc: entry.info.doc.clone(),
        does: roles(&entry.info).replace(", ", " and "),
        mode: match entry.mode {
            Mode::Enforce => page::Mode::Enforce,
            Mode::Warn => page::Mode::Warn,
            // What is off is not in the catalog.
            Mode::Observe | Mode::Off => page::Mode::Observe,
        },
        module: entry.module.to_string(),
        digest: entry.digest.to_string(),
        rules: rules(entry, told),
        uses: told.map(|told| hour(&entry.name, told)),
        faults: faults.faults,
        last_fault: faults.last.map(|last| (moment(last.time), last.message)),
        is_cut_off: faults.cut_off,
    }
}

fn rules(entry: &Entry, told: Option<Told<'_>>) -> Vec<Rule> {
    let rules = entry.info.rules.iter().map(|rule| {
        let configured = entry.rules.get(&rule.id);
        let action = configured.map_or(rule.default.as_str(), |action| action.as_str());
        Rule {
            id: rule.id.clone(),
            doc: rule.doc.clone(),
            action,
            is_configured: configured.is_some(),
            uses: told.map(|told| uses(told.metrics, &entry.name, &rule.id)),
        }
    });
    rules.collect()
}

fn hour(policy: &str, told: Told<'_>) -> PolicyUses {
    let minutes = |number: fn(Uses) -> u64| {
        let of = |totals: &Totals| totals.policies.get(policy).map_or(0, |uses| number(*uses));
        told.history.minutes(told.now, of)
    };
    let hour = |number| minutes(number).into_iter().sum();
    PolicyUses {
        minutes: minutes(Uses::all),
        hour: Uses {
            denied: hour(|uses| uses.denied),
            warned: hour(|uses| uses.warned),
            observed: hour(|uses| uses.observed),
            edited: hour(|uses| uses.edited),
        },
    }
}
