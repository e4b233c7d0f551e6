//! What a controller's module installs, made to fit a controller that is a process on loopback.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::objects::text;

/// Kinds that would run containers, or that what runs here does not have.
const DROPPED: &[&str] = &[
    "APIService",
    "DaemonSet",
    "Deployment",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "ServiceMonitor",
    "StatefulSet",
];

/// Reads every document of a YAML text that is an object.
///
/// # Errors
/// Where it is not YAML.
pub fn parse(yaml: &str) -> Result<Vec<Value>> {
    // They are trusted, and larger than what the limits of the default allow.
    let options = serde_saphyr::options! { budget: None };
    let objects = serde_saphyr::from_multiple_with_options(yaml, options);
    let mut objects: Vec<Value> = objects.context("cannot read manifests")?;
    objects.retain(Value::is_object);
    Ok(objects)
}

/// Points Services and webhooks at a port of loopback, and puts what others need first.
///
/// The Service of the webhooks becomes a name for `localhost`: the API server then dials the port there and
/// still verifies the certificate against the Service's own name.
pub(crate) fn localize(mut objects: Vec<Value>, service: Option<&str>, port: u16) -> Vec<Value> {
    objects.retain(|object| {
        let kind = text(object, "/kind").unwrap_or_default();
        let other_service = kind == "Service" && text(object, "/metadata/name") != service;
        !DROPPED.contains(&kind) && !other_service
    });
    for object in &mut objects {
        match text(object, "/kind") {
            Some("Service") => {
                object["spec"] = json!({"type": "ExternalName", "externalName": "localhost"})
            }
            Some("CustomResourceDefinition") => localize_conversion(object, port),
            _ => localize_webhooks(object, port),
        }
    }
    objects.sort_by_key(|object| match text(object, "/kind") {
        Some("Namespace") => 0,
        Some("CustomResourceDefinition") => 1,
        Some("MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration") => 3,
        _ => 2,
    });
    objects
}

fn localize_conversion(definition: &mut Value, port: u16) {
    if let Some(client) = definition.pointer_mut("/spec/conversion/webhook/clientConfig") {
        client["service"]["port"] = json!(port);
        if let Some(client) = client.as_object_mut() {
            client.remove("caBundle");
        }
    }
}

fn localize_webhooks(object: &mut Value, port: u16) {
    let webhooks = object.get_mut("webhooks").and_then(Value::as_array_mut);
    for webhook in webhooks.into_iter().flatten() {
        webhook["clientConfig"]["service"]["port"] = json!(port);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn webhooks_keep_their_service_and_get_the_port() {
        let objects = parse(
            "kind: Deployment\n---\nkind: ValidatingWebhookConfiguration\nwebhooks: \
             [{clientConfig: {service: {name: s, namespace: ns}}}]\n---\nkind: Service\nmetadata: {name: s}\n\
             ---\nkind: Service\nmetadata: {name: metrics}\n",
        );
        let local = localize(objects.unwrap(), Some("s"), 7);
        assert_eq!(
            local,
            [
                json!({"kind": "Service", "metadata": {"name": "s"},
                       "spec": {"type": "ExternalName", "externalName": "localhost"}}),
                json!({"kind": "ValidatingWebhookConfiguration", "webhooks":
                       [{"clientConfig": {"service": {"name": "s", "namespace": "ns", "port": 7}}}]}),
            ]
        );
    }
}
