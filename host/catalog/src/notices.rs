//! What is right as it is written, and yet will not do what was meant.

use std::time::SystemTime;

use crate::document::{Budget, Exemption, RuleName};
use crate::exempt::Platform;
use crate::{Catalog, Diagnostic, document};

impl Catalog {
    /// Returns what whoever wrote the configuration should know: exemptions that are over or about no policy,
    /// exempt platforms that the cluster does not have, and budgets that nothing charges.
    pub fn notices(&self, now: SystemTime) -> Vec<Diagnostic> {
        let exemptions = self.exemptions.iter();
        let about_exemptions = exemptions.flat_map(|exemption| {
            let over = expired(exemption, now);
            over.into_iter().chain(self.about_nothing(exemption))
        });
        let budgets = self.budgets.iter().filter(|_| !self.charges());
        let uncharged = budgets.map(|charged| uncharged(&charged.budget, self.ledger.is_open()));
        about_exemptions
            .chain(self.absent_platforms())
            .chain(uncharged)
            .collect()
    }

    /// The policies and rules of an exemption that there are not.
    fn about_nothing(&self, exemption: &Exemption) -> Vec<Diagnostic> {
        let spec = &exemption.spec;
        let policies = spec
            .policies
            .iter()
            .enumerate()
            .filter_map(|(index, name)| {
                let message = self.no_policy(exemption, name)?;
                Some((format!("/spec/policies/{index}"), message))
            });
        let rules = spec.rules.iter().enumerate().filter_map(|(index, rule)| {
            let message = self
                .no_policy(exemption, &rule.policy)
                .or_else(|| self.no_rule(exemption, rule))?;
            Some((format!("/spec/rules/{index}"), message))
        });
        policies
            .chain(rules)
            .map(|(pointer, message)| exemption.origin.diagnostic(&pointer, message))
            .collect()
    }

    fn no_policy(&self, exemption: &Exemption, name: &str) -> Option<String> {
        let known = || self.policies.iter().map(String::as_str);
        (!known().any(|known| known == name)).then(|| {
            let meant = document::did_you_mean(name, known());
            format!(
                "exemption `{}` names the policy `{name}`, which there is not{meant}",
                exemption.name
            )
        })
    }

    /// A policy that is off tells no rules, so that nothing can be said of those.
    fn no_rule(&self, exemption: &Exemption, name: &RuleName) -> Option<String> {
        let entry = self
            .entries
            .iter()
            .find(|entry| *entry.name == *name.policy)?;
        let rules = || entry.info.rules.iter().map(|rule| rule.id.as_str());
        (!rules().any(|rule| rule == name.rule)).then(|| {
            let meant = document::did_you_mean(&name.rule, rules());
            format!(
                "exemption `{}` names the rule `{name}`, which there is not{meant}",
                exemption.name
            )
        })
    }

    /// The exempt platforms of which no namespace is among those that are known. Whoever may create a namespace
    /// could take such a name.
    fn absent_platforms(&self) -> Vec<Diagnostic> {
        let known = self.namespaces.names();
        let Some(origin) = self.site_origin.as_ref().filter(|_| !known.is_empty()) else {
            return Vec::new();
        };
        let is_here = |platform: &Platform| known.iter().any(|name| platform.owns(name));
        let platforms = self.site.platforms().enumerate();
        let absent = platforms.filter(|(_, platform)| !is_here(platform));
        let told = absent.map(|(index, platform)| {
            let message = format!(
                "the site lets off `{}`, but none of its namespaces ({}) is among those that are known",
                platform.name,
                platform.namespaces.join(", ")
            );
            let hint = "take it out of `spec.exempt`: whoever may create a namespace of that name would be let off";
            origin
                .diagnostic(&format!("/spec/exempt/{index}"), message)
                .with_hint(hint)
        });
        told.collect()
    }
}

fn expired(exemption: &Exemption, now: SystemTime) -> Option<Diagnostic> {
    let end = exemption
        .spec
        .expires
        .filter(|_| exemption.is_expired(now))?;
    let message = format!(
        "exemption `{}` expired at {end} and no longer counts",
        exemption.name
    );
    let told = exemption.origin.diagnostic("/spec/expires", message);
    Some(told.with_hint("delete it, or write a later end"))
}

/// A quota that silently holds nobody back is worse than none.
fn uncharged(budget: &Budget, is_open: bool) -> Diagnostic {
    let (why, hint) = match is_open {
        true => (
            "no policy that is on charges pods to budgets",
            "switch `gpu-budget` on, with the grant `budget`",
        ),
        false => (
            "without `--register` there is no leader who counts the pods of a cluster",
            "serve with `--register`, or keep a ResourceQuota on `requests.nvidia.com/gpu`",
        ),
    };
    let message = format!("budget `{}` holds nobody back: {why}", budget.name);
    let told = budget.origin.diagnostic("/metadata/name", message);
    told.with_hint(hint)
}
