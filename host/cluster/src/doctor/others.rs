//! Webhooks of others that refuse everything while they are away: then Tollgate's pods do not come back either.

use k8s_openapi::api::admissionregistration::v1::{
    MatchCondition, MutatingWebhook, MutatingWebhookConfiguration, RuleWithOperations,
    ValidatingWebhook, ValidatingWebhookConfiguration,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt as _};

use super::{Check, listed};
use crate::registration::NAME as OURS;

const NAME: &str = "other webhooks";

/// What decides whether an entry of somebody's stands in the way of everything.
struct Entry<'a> {
    failure_policy: Option<&'a str>,
    namespaces: Option<&'a LabelSelector>,
    objects: Option<&'a LabelSelector>,
    conditions: Option<&'a Vec<MatchCondition>>,
    rules: Option<&'a Vec<RuleWithOperations>>,
}

/// Looks at the configurations of all others.
pub(super) async fn check(client: &Client) -> Check {
    let (mutating, validating) = (
        Api::<MutatingWebhookConfiguration>::all(client.clone()),
        Api::<ValidatingWebhookConfiguration>::all(client.clone()),
    );
    let all = ListParams::default();
    let lists = async { Ok((mutating.list(&all).await?, validating.list(&all).await?)) };
    let (mutating, validating) = match lists.await {
        Ok(lists) => lists,
        Err(err) => return Check::untold(NAME, &err),
    };
    let mut names = Vec::new();
    for configuration in mutating.items.iter().filter(|it| it.name_any() != OURS) {
        let entries = configuration.webhooks.iter().flatten();
        let bad = entries.filter(|webhook| Entry::of_mutating(webhook).stops_everything());
        names.extend(bad.map(|webhook| webhook.name.clone()));
    }
    for configuration in validating.items.iter().filter(|it| it.name_any() != OURS) {
        let entries = configuration.webhooks.iter().flatten();
        let bad = entries.filter(|webhook| Entry::of_validating(webhook).stops_everything());
        names.extend(bad.map(|webhook| webhook.name.clone()));
    }
    match names.as_slice() {
        [] => Check::ok(NAME, "none refuses everything while it is away"),
        names => Check::warn(
            NAME,
            format!(
                "these refuse all pods while they are away: {}",
                listed(names)
            ),
        )
        .fix("have their owners leave kube-system and Tollgate's namespace alone, or fail open"),
    }
}

impl<'a> Entry<'a> {
    fn of_mutating(webhook: &'a MutatingWebhook) -> Self {
        Self {
            failure_policy: webhook.failure_policy.as_deref(),
            namespaces: webhook.namespace_selector.as_ref(),
            objects: webhook.object_selector.as_ref(),
            conditions: webhook.match_conditions.as_ref(),
            rules: webhook.rules.as_ref(),
        }
    }

    fn of_validating(webhook: &'a ValidatingWebhook) -> Self {
        Self {
            failure_policy: webhook.failure_policy.as_deref(),
            namespaces: webhook.namespace_selector.as_ref(),
            objects: webhook.object_selector.as_ref(),
            conditions: webhook.match_conditions.as_ref(),
            rules: webhook.rules.as_ref(),
        }
    }

    /// Whether no pod of any namespace can be created while nobody answers.
    fn stops_everything(&self) -> bool {
        let selects_all = |selector: Option<&LabelSelector>| {
            selector
                .is_none_or(|selector| *selector == LabelSelector::default() || is_empty(selector))
        };
        self.failure_policy != Some("Ignore")
            && selects_all(self.namespaces)
            && selects_all(self.objects)
            && self.conditions.is_none_or(Vec::is_empty)
            && self.rules.into_iter().flatten().any(is_about_pods)
    }
}

fn is_empty(selector: &LabelSelector) -> bool {
    selector
        .match_labels
        .as_ref()
        .is_none_or(|labels| labels.is_empty())
        && selector
            .match_expressions
            .as_ref()
            .is_none_or(Vec::is_empty)
}

fn is_about_pods(rule: &RuleWithOperations) -> bool {
    let has = |texts: &Option<Vec<String>>, wanted: &[&str]| {
        let mut texts = texts.iter().flatten();
        texts.any(|text| wanted.contains(&text.as_str()))
    };
    has(&rule.api_groups, &["", "*"])
        && has(&rule.resources, &["pods", "*", "*/*"])
        && has(&rule.operations, &["CREATE", "*"])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stops(more: serde_json::Value) -> bool {
        let mut webhook = json!({
            "name": "all.example.test", "admissionReviewVersions": ["v1"], "clientConfig": {}, "sideEffects": "None",
            "failurePolicy": "Fail",
            "rules": [{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]}],
        });
        webhook
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let webhook: ValidatingWebhook = serde_json::from_value(webhook).unwrap();
        Entry::of_validating(&webhook).stops_everything()
    }

    #[test]
    fn only_what_refuses_all_pods_stops_everything() {
        assert!(stops(json!({})));
        assert!(stops(json!({"namespaceSelector": {}})));
        assert!(!stops(json!({"failurePolicy": "Ignore"})));
        assert!(!stops(
            json!({"namespaceSelector": {"matchLabels": {"a": "b"}}})
        ));
        assert!(!stops(
            json!({"matchConditions": [{"name": "a", "expression": "true"}]})
        ));
        let services = json!([{"apiGroups": [""], "apiVersions": ["*"], "operations": ["*"], "resources": ["services"]}]);
        assert!(!stops(json!({"rules": services})));
    }
}
