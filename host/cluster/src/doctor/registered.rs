//! What the API server knows of this installation: the configurations, whom they trust, and who leads.

use std::time::{Duration, SystemTime};

use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration, WebhookClientConfig,
};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Namespace, Secret, Service};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::api::ListParams;
use kube::core::PartialObjectMeta;
use kube::{Api, Client, ResourceExt as _};
use tollgate_webhook::{Pair, expires, vouches};

use super::server::told;
use super::{Check, Facts, Patient, listed};
use crate::bundle;
use crate::registrar::SECRET;
use crate::registration::{FAIL_OPEN, NAME, NEVER, UNINSTALLED};

/// When a Lease that nobody renews is no leader's any more: several times what a leader has.
const STALE: Duration = Duration::from_secs(30);

/// When a certificate should long have been renewed.
const SOON: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// What was found.
pub(super) struct Registration {
    pub(super) checks: Vec<Check>,
    /// Whether an entry refuses what nobody answers about; nothing where there is none.
    pub(super) refuses: Option<bool>,
}

/// Looks at both configurations, and at what they name.
pub(super) async fn check(client: &Client, patient: &Patient, facts: &Facts) -> Registration {
    let mutating = Api::<MutatingWebhookConfiguration>::all(client.clone());
    let validating = Api::<ValidatingWebhookConfiguration>::all(client.clone());
    let found = async {
        Ok((
            mutating.get_opt(NAME).await?,
            validating.get_opt(NAME).await?,
        ))
    };
    let (mutating, validating) = match found.await {
        Ok(found) => found,
        Err(err) => {
            return Registration {
                checks: vec![Check::untold("registration", &err)],
                refuses: None,
            };
        }
    };
    let (Some(mutating), Some(validating)) = (&mutating, &validating) else {
        return Registration {
            checks: vec![absent(mutating.is_some() || validating.is_some())],
            refuses: None,
        };
    };
    let mut checks = vec![standing(mutating, validating)];
    let target = validating.webhooks.iter().flatten().next();
    let target = target.map(|webhook| webhook.client_config.clone());
    if let Some(target) = &target {
        checks.push(service(client, target).await);
    }
    let bundle = bundle::published(Some(mutating), Some(validating));
    checks.push(authority(client, patient, facts, &bundle, target.as_ref()).await);
    checks.push(namespaces(client, validating).await);
    let mut entries = validating.webhooks.iter().flatten();
    Registration {
        checks,
        refuses: Some(entries.any(|entry| entry.failure_policy.as_deref() != Some("Ignore"))),
    }
}

fn absent(is_half: bool) -> Check {
    let message = match is_half {
        true => "one of the two webhook configurations `tollgate` is missing",
        false => "there is no webhook configuration `tollgate`: the API server asks about nothing",
    };
    Check::fail("registration", message).fix(
        "read the leader's log for `the registration could not be kept`; after `tollgate uninstall`, restart the replicas",
    )
}

fn standing(
    mutating: &MutatingWebhookConfiguration,
    validating: &ValidatingWebhookConfiguration,
) -> Check {
    const CHECK: &str = "registration";
    let is_marked = |annotation: &str| {
        mutating.annotations().contains_key(annotation)
            || validating.annotations().contains_key(annotation)
    };
    if is_marked(UNINSTALLED) {
        return Check::fail(CHECK, "configurations are left over from an uninstallation")
            .fix("finish it: `tollgate uninstall`");
    }
    if is_marked(FAIL_OPEN) {
        return Check::warn(CHECK, "somebody lets objects in when nobody answers")
            .fix("when the cause is gone: `tollgate fail-open --undo`");
    }
    let entries =
        mutating.webhooks.iter().flatten().count() + validating.webhooks.iter().flatten().count();
    match entries {
        0 => Check::fail(CHECK, "both configurations are there and empty")
            .fix("no policy that is on wants to see anything: `tollgate policy list`, `kubectl get policies`"),
        entries => Check::ok(CHECK, format!("both configurations are there, with {entries} entries")),
    }
}

/// The Service that is called.
async fn service(client: &Client, target: &WebhookClientConfig) -> Check {
    const CHECK: &str = "service";
    let Some(wanted) = &target.service else {
        let url = target.url.as_deref().unwrap_or_default();
        return Check::ok(CHECK, format!("the API server calls {url}, by no Service"));
    };
    let services: Api<Service> = Api::namespaced(client.clone(), &wanted.namespace);
    let (namespace, name) = (&wanted.namespace, &wanted.name);
    let found = match services.get_opt(name).await {
        Err(err) => return Check::untold(CHECK, &err),
        Ok(found) => found.and_then(|service| service.spec),
    };
    let Some(spec) = found else {
        return Check::fail(
            CHECK,
            format!("the configurations name the Service {namespace}/{name}, which there is not"),
        )
        .fix("install the chart, or remove what is left over: `tollgate uninstall`");
    };
    // What has a name elsewhere has no ports of its own.
    let port = wanted.port.unwrap_or(443);
    let is_elsewhere = spec.type_.as_deref() == Some("ExternalName");
    let mut ports = spec.ports.iter().flatten();
    match is_elsewhere || ports.any(|it| it.port == port) {
        true => Check::ok(
            CHECK,
            format!("the API server calls {namespace}/{name}, port {port}"),
        ),
        false => Check::fail(
            CHECK,
            format!("the Service {namespace}/{name} has no port {port}"),
        )
        .fix("give `serve --webhook-service NAME:PORT` the port of the Service"),
    }
}

/// Whether the API server would take what replicas serve.
async fn authority(
    client: &Client,
    patient: &Patient,
    facts: &Facts,
    bundle: &str,
    target: Option<&WebhookClientConfig>,
) -> Check {
    const CHECK: &str = "certificate";
    if bundle.is_empty() {
        return Check::fail(CHECK, "the configurations agree on no authority to trust")
            .fix("read the leader's log for `the registration could not be kept`; with cert-manager, its cainjector's");
    }
    let secrets: Api<Secret> = Api::namespaced(client.clone(), &patient.namespace);
    let secret = match secrets.get_opt(SECRET).await {
        Err(err) => return Check::untold(CHECK, &err),
        Ok(secret) => secret.and_then(|secret| secret.data),
    };
    let text = |key: &str| {
        let bytes = secret.as_ref()?.get(key)?;
        String::from_utf8(bytes.0.clone()).ok()
    };
    let (Some(leaf), Some(key)) = (text("tls.crt"), text("tls.key")) else {
        return Check::ok(
            CHECK,
            format!("it is not kept in the Secret `{SECRET}`; see `webhook` below"),
        );
    };
    let names: Vec<_> = target.and_then(name_of).into_iter().collect();
    let fix = "read the leader's log for `the registration could not be kept`; until it is right: `tollgate fail-open`";
    let end = expires(&leaf);
    if !vouches(bundle, &Pair::new(leaf, key), &names, facts.time) {
        let message = format!(
            "what the API server trusts does not vouch for the certificate that is served, for {}",
            listed(&names)
        );
        return Check::fail(CHECK, message).fix(fix);
    }
    match end {
        Some(end) if end < facts.time + SOON => Check::warn(
            CHECK,
            format!("it expires at {} and was not renewed", told(end)),
        )
        .fix(fix),
        Some(end) => Check::ok(CHECK, format!("it is trusted, until {}", told(end))),
        None => Check::warn(CHECK, "nobody can tell when it expires"),
    }
}

/// The name by which the API server calls.
fn name_of(target: &WebhookClientConfig) -> Option<String> {
    match (&target.service, &target.url) {
        (Some(service), _) => Some(format!("{}.{}.svc", service.name, service.namespace)),
        (None, Some(url)) => crate::registration::Endpoint::Url(url.clone())
            .names()
            .pop(),
        (None, None) => None,
    }
}

/// The namespaces that the configurations name and that there are not.
async fn namespaces(client: &Client, validating: &ValidatingWebhookConfiguration) -> Check {
    const CHECK: &str = "namespaces";
    let api: Api<PartialObjectMeta<Namespace>> = Api::all(client.clone());
    let known = match api.list(&ListParams::default()).await {
        Err(err) => return Check::untold(CHECK, &err),
        Ok(list) => list.items,
    };
    let selector = validating.webhooks.iter().flatten().next();
    let selector = selector.and_then(|webhook| webhook.namespace_selector.as_ref());
    let absent: Vec<_> = selector
        .map(named)
        .unwrap_or_default()
        .into_iter()
        .filter(|name| !NEVER.contains(&name.as_str()))
        .filter(|name| !known.iter().any(|it| it.name_any() == *name))
        .collect();
    match absent.as_slice() {
        [] => Check::ok(CHECK, "all that are left alone or looked at are there"),
        absent => Check::warn(CHECK, format!("named by the configurations, and not there: {}", listed(absent)))
            .fix("whoever may create a namespace of a name that is left alone gets round every policy: correct `excludeNamespaces` and `onlyNamespaces`"),
    }
}

fn named(selector: &LabelSelector) -> Vec<String> {
    let requirements = selector.match_expressions.iter().flatten();
    requirements
        .flat_map(|requirement| requirement.values.clone().unwrap_or_default())
        .collect()
}

/// Who holds the Lease.
pub(super) async fn leader(client: &Client, patient: &Patient, facts: &Facts) -> Check {
    const CHECK: &str = "leader";
    let leases: Api<Lease> = Api::namespaced(client.clone(), &patient.namespace);
    let spec = match leases.get_opt(NAME).await {
        Err(err) => return Check::untold(CHECK, &err),
        Ok(lease) => lease.and_then(|lease| lease.spec).unwrap_or_default(),
    };
    let fix = "`kubectl get pods` in the namespace of Tollgate, and the log for `the lease of the leader cannot be read or written`";
    let holder = spec.holder_identity.filter(|holder| !holder.is_empty());
    let renewed = spec.renew_time.map(|time| SystemTime::from(time.0));
    match (holder, renewed) {
        (Some(holder), Some(renewed)) if renewed + STALE > facts.time => {
            Check::ok(CHECK, format!("{holder} leads"))
        }
        (Some(holder), Some(renewed)) => {
            let message = format!(
                "{holder} led, and has not renewed the Lease since {}",
                told(renewed)
            );
            Check::fail(CHECK, message).fix(fix)
        }
        _ => Check::fail(
            CHECK,
            "nobody leads: certificates and configurations are not kept",
        )
        .fix(fix),
    }
}
