//! The ways out: to let pods in though nobody answers, and to remove Tollgate. Both need no replica that runs.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::registrar::SECRET;
use crate::registration::{FAIL_OPEN, NAME, UNINSTALLED};

/// How often a change is tried again when somebody else changed the object meanwhile.
const TRIES: usize = 5;

/// The group of Tollgate's custom resources.
const GROUP: &str = "tollgate.dev";

/// What came of opening or closing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// There is no configuration.
    NotRegistered,
    /// The entries that changed.
    Changed(Vec<String>),
}

/// Lets every object in where nobody answers, until [`fail_closed`]. No leader takes it back.
///
/// # Errors
///
/// When the API server refuses or is away.
pub async fn fail_open(client: &Client) -> Result<Opened, kube::Error> {
    change(client, |configuration| {
        let mut softened = Vec::new();
        for webhook in configuration.webhooks.iter_mut().flatten() {
            if webhook.failure_policy.as_deref() != Some("Ignore") {
                webhook.failure_policy = Some("Ignore".to_owned());
                softened.push(webhook.name.clone());
            }
        }
        let annotations = configuration.annotations_mut();
        let noted = annotations.entry(FAIL_OPEN.to_owned()).or_default();
        let mut all: Vec<_> = noted
            .split(',')
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        all.extend(
            softened
                .iter()
                .filter(|name| !noted.split(',').any(|it| it == name.as_str()))
                .cloned(),
        );
        *noted = all.join(",");
        softened
    })
    .await
}

/// Takes [`fail_open`] back.
///
/// # Errors
///
/// When the API server refuses or is away.
pub async fn fail_closed(client: &Client) -> Result<Opened, kube::Error> {
    change(client, |configuration| {
        let noted = configuration
            .annotations_mut()
            .remove(FAIL_OPEN)
            .unwrap_or_default();
        let mut restored = Vec::new();
        for webhook in configuration.webhooks.iter_mut().flatten() {
            if noted.split(',').any(|name| name == webhook.name) {
                webhook.failure_policy = Some("Fail".to_owned());
                restored.push(webhook.name.clone());
            }
        }
        restored
    })
    .await
}

/// The mutating configuration never refuses, so the validating one is all that there is to change.
async fn change(
    client: &Client,
    edit: impl Fn(&mut ValidatingWebhookConfiguration) -> Vec<String>,
) -> Result<Opened, kube::Error> {
    let configurations: Api<ValidatingWebhookConfiguration> = Api::all(client.clone());
    let mut tries = 0;
    loop {
        let Some(mut configuration) = configurations.get_opt(NAME).await? else {
            return Ok(Opened::NotRegistered);
        };
        let changed = edit(&mut configuration);
        let replaced = configurations
            .replace(NAME, &PostParams::default(), &configuration)
            .await;
        match replaced {
            Ok(_) => return Ok(Opened::Changed(changed)),
            Err(err) if is_conflict(&err) && tries < TRIES => tries += 1,
            Err(err) => return Err(err),
        }
    }
}

fn is_conflict(err: &kube::Error) -> bool {
    matches!(err, kube::Error::Api(status) if status.code == 409)
}

/// Whether the custom resources, and all configuration in them, are removed too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CustomResources {
    /// They stay.
    Keep,
    /// They go.
    Remove,
}

/// How often to look whether somebody brings a configuration back.
const LOOK: Duration = Duration::from_millis(500);

/// How many looks at most: somebody else, such as a tool that keeps a cluster like a repository, may go on for ever.
const LOOKS: u32 = 60;

/// For how many looks nobody must have done so.
const QUIET: u32 = 4;

/// Removes what Tollgate made in the cluster, the webhook configurations first: from then on no request waits for
/// it. Gives what was removed; what was not there is left out.
///
/// # Errors
///
/// When the API server refuses or is away. It may be called again.
pub async fn uninstall(
    client: &Client,
    namespace: &str,
    custom_resources: CustomResources,
) -> Result<Vec<String>, kube::Error> {
    let mut removed = Vec::new();
    let validating = Api::<ValidatingWebhookConfiguration>::all(client.clone());
    let mutating = Api::<MutatingWebhookConfiguration>::all(client.clone());
    mark(&validating).await?;
    mark(&mutating).await?;
    remove(&validating, NAME, &mut removed).await?;
    remove(&mutating, NAME, &mut removed).await?;
    remove(
        &Api::<Lease>::namespaced(client.clone(), namespace),
        NAME,
        &mut removed,
    )
    .await?;
    remove(
        &Api::<Secret>::namespaced(client.clone(), namespace),
        SECRET,
        &mut removed,
    )
    .await?;
    // A leader that was just writing, or that had just lost its watch, may bring one back.
    let mut quiet = 0;
    for _ in 0..LOOKS {
        if quiet == QUIET {
            break;
        }
        tokio::time::sleep(LOOK).await;
        mark(&validating).await?;
        mark(&mutating).await?;
        let mut again = Vec::new();
        remove(&validating, NAME, &mut again).await?;
        remove(&mutating, NAME, &mut again).await?;
        quiet = if again.is_empty() { quiet + 1 } else { 0 };
    }
    if custom_resources == CustomResources::Remove {
        let definitions = Api::<CustomResourceDefinition>::all(client.clone());
        for definition in definitions.list(&ListParams::default()).await? {
            if definition.spec.group == GROUP {
                remove(&definitions, &definition.name_any(), &mut removed).await?;
            }
        }
    }
    Ok(removed)
}

/// Tells replicas that still run that the configuration goes for good.
async fn mark<K>(objects: &Api<K>) -> Result<(), kube::Error>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let patch = json!({"metadata": {"annotations": BTreeMap::from([(UNINSTALLED, "true")])}});
    let marked = objects
        .patch(NAME, &PatchParams::default(), &Patch::Merge(&patch))
        .await;
    ignore_absence(marked.map(drop)).map(drop)
}

async fn remove<K>(
    objects: &Api<K>,
    name: &str,
    removed: &mut Vec<String>,
) -> Result<(), kube::Error>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let deleted = objects.delete(name, &DeleteParams::background()).await;
    if ignore_absence(deleted.map(drop))? {
        removed.push(format!("{}/{name}", K::kind(&())));
    }
    Ok(())
}

/// Whether it was there.
fn ignore_absence(result: Result<(), kube::Error>) -> Result<bool, kube::Error> {
    match result {
        Ok(()) => Ok(true),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
        Err(err) => Err(err),
    }
}
