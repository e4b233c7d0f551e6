//! The document `Exemption`: who is let off which rules, until when, and why.

use std::{sync::Arc, sync::LazyLock, time::SystemTime};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Expiry, LabelSelector, RuleName,
    object::Spec,
    schema::{self, Problem},
};
use crate::yaml::Origin;

/// What an `Exemption` document may say. It names policies or rules, and whom it lets off them; of
/// namespaces, pods and users all that is given must hold.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExemptionSpec {
    /// The policies, all of whose rules are meant, by the names of their documents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub policies: Vec<String>,
    /// Single rules, as `POLICY/RULE`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub rules: Vec<RuleName>,
    /// The namespaces, by name. Every one unless given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub namespaces: Vec<String>,
    /// Selects pods by their labels or their template's, within `namespaces`: whoever writes a pod
    /// chooses its labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_selector: Option<LabelSelector>,
    /// Users who create objects themselves. What a controller makes for them is not let off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub users: Vec<String>,
    /// Groups of such users.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub groups: Vec<String>,
    /// Why.
    pub reason: String,
    /// When it ends, such as `2026-12-31T00:00:00Z`. Never unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Expiry>,
}

/// An exemption, with the name of its document.
#[derive(Clone, Debug)]
pub struct Exemption {
    /// The name of its document.
    pub name: Arc<str>,
    /// Who is let off what.
    pub spec: ExemptionSpec,
    /// Where its document stands.
    pub origin: Origin,
}

impl Exemption {
    /// Whether it is over.
    pub fn is_expired(&self, now: SystemTime) -> bool {
        self.spec.expires.is_some_and(|end| end.is_past(now))
    }

    /// Which rules of a policy it lets off, if it is about that policy.
    pub fn of(&self, policy: &str) -> Option<Waived<'_>> {
        let ExemptionSpec {
            policies, rules, ..
        } = &self.spec;
        if policies.iter().any(|name| name == policy) {
            return Some(Waived::All);
        }
        let rules = rules.iter().filter(|rule| rule.policy == policy);
        let rules: Vec<_> = rules.map(|rule| rule.rule.as_str()).collect();
        (!rules.is_empty()).then_some(Waived::Rules(rules))
    }

    /// Whether it holds in a namespace, for what somebody asks.
    pub fn holds_for(&self, namespace: Option<&str>, asker: Asker<'_>) -> bool {
        let ExemptionSpec {
            namespaces,
            users,
            groups,
            ..
        } = &self.spec;
        let in_namespace = namespaces.is_empty()
            || namespace.is_some_and(|here| namespaces.iter().any(|name| name == here));
        let of_anybody = users.is_empty() && groups.is_empty();
        in_namespace && (of_anybody || asker.is_direct && asker.is_one_of(users, groups))
    }
}

/// The rules of a policy that an exemption is about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Waived<'e> {
    /// Every one.
    All,
    /// These.
    Rules(Vec<&'e str>),
}

/// Who asks for an object.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'r> {
    /// The user.
    pub user: &'r str,
    /// The user's groups.
    pub groups: &'r [String],
    /// Whether the object is the user's own: no controller owns it.
    pub is_direct: bool,
}

impl Asker<'_> {
    fn is_one_of(&self, users: &[String], groups: &[String]) -> bool {
        users.iter().any(|user| user == self.user)
            || groups.iter().any(|group| self.groups.contains(group))
    }
}

/// The users and groups that whoever may make pods somewhere can be: a pod's author chooses its
/// service account, and may use that account's token.
const CHOSEN: [&str; 4] = [
    "system:serviceaccount",
    "system:authenticated",
    "system:unauthenticated",
    "system:anonymous",
];

impl Spec for ExemptionSpec {
    fn schema() -> &'static Value {
        static SCHEMA: LazyLock<Value> = LazyLock::new(schema::of::<ExemptionSpec>);
        &SCHEMA
    }

    fn problems(&self) -> Vec<Problem> {
        let Self {
            policies,
            rules,
            namespaces,
            pod_selector,
            users,
            groups,
            reason,
            expires: _,
        } = self;
        let mut problems = Vec::new();
        if policies.is_empty() && rules.is_empty() {
            let hint = "write `policies: [POLICY]` or `rules: [POLICY/RULE]`";
            problems.push(Problem::at("", "it lets nobody off anything").hint(hint));
        }
        if reason.trim().is_empty() {
            problems.push(Problem::at("/reason", "the reason is empty"));
        }
        if namespaces.is_empty() {
            problems.extend(without_namespaces(self));
        }
        if let Some(selector) = pod_selector {
            problems.extend(selector.problems("/podSelector"));
        }
        if namespaces.is_empty() && pod_selector.is_none() && users.is_empty() && groups.is_empty()
        {
            let hint = "write `namespaces`, `users` or `groups`; to switch a rule off for all, write \
                        `rules: {RULE: off}` in its Policy";
            problems.push(Problem::at("", "it does not say whom it lets off").hint(hint));
        }
        problems
    }
}

/// What must not stand alone, since the author of a pod can choose it.
fn without_namespaces(spec: &ExemptionSpec) -> Vec<Problem> {
    let mut problems = Vec::new();
    if spec.pod_selector.is_some() {
        let message = "labels alone let nobody off: whoever writes a pod chooses its labels";
        let hint = "add the `namespaces` in which the selector holds";
        problems.push(Problem::at("/podSelector", message).hint(hint));
    }
    for (key, names) in [("users", &spec.users), ("groups", &spec.groups)] {
        let chosen = names
            .iter()
            .enumerate()
            .filter(|(_, name)| CHOSEN.iter().any(|chosen| name.starts_with(chosen)));
        problems.extend(chosen.map(|(index, name)| {
            let message = format!(
                "`{name}` alone lets nobody off: whoever may make pods can act as a service account"
            );
            let hint = "add the `namespaces` in which that is right";
            Problem::at(format!("/{key}/{index}"), message).hint(hint)
        }));
    }
    problems
}

#[cfg(test)]
mod tests;
