//! Objects of any kind, as JSON, written to and read from the API server.

use std::collections::HashMap;

use anyhow::{Context as _, Result, anyhow};
use kube::api::{
    ApiResource, DeleteParams, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams,
    PostParams,
};
use kube::client::Body;
use kube::discovery::{self, ApiCapabilities, Scope};
use kube::{Api, Client};
use serde_json::Value;
use tokio::sync::Mutex;

/// Reads and writes objects of any kind. What kinds there are is asked of the API server once.
pub struct Objects {
    client: Client,
    kinds: Mutex<HashMap<(String, String), (ApiResource, ApiCapabilities)>>,
}

impl Objects {
    pub(crate) fn new(client: Client) -> Self {
        Self {
            client,
            kinds: Mutex::default(),
        }
    }

    /// The client of the API server.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// Creates an object; `namespace` counts where its kind has namespaces.
    ///
    /// # Errors
    /// What the API server answers, its words included.
    pub async fn create(&self, namespace: &str, object: &Value) -> Result<Value> {
        let api = self.api_of(namespace, object).await?;
        let object: DynamicObject = serde_json::from_value(object.clone())?;
        Ok(serde_json::to_value(
            api.create(&PostParams::default(), &object)
                .await
                .map_err(said)?,
        )?)
    }

    /// Asks what would be stored if an object were created.
    ///
    /// # Errors
    /// What the API server answers, its words included.
    pub async fn dry_run(&self, namespace: &str, object: &Value) -> Result<Value> {
        let api = self.api_of(namespace, object).await?;
        let object: DynamicObject = serde_json::from_value(object.clone())?;
        let parameters = PostParams {
            dry_run: true,
            ..PostParams::default()
        };
        Ok(serde_json::to_value(
            api.create(&parameters, &object).await.map_err(said)?,
        )?)
    }

    /// Asks what would be said of an object if it were created, as `kubectl` would print it: the warnings, or the refusal.
    ///
    /// # Errors
    /// Where the API server does not answer.
    pub async fn said_of(&self, namespace: &str, object: &Value) -> Result<Said> {
        let api = self.api_of(namespace, object).await?;
        let parameters = PostParams {
            dry_run: true,
            ..PostParams::default()
        };
        let request = kube::core::Request::new(api.resource_url())
            .create(&parameters, serde_json::to_vec(object)?)?;
        let response = self.client.send(request.map(Body::from)).await?;
        let (parts, body) = response.into_parts();
        let warnings = parts.headers.get_all("warning").iter();
        let mut said: Vec<_> = warnings
            .map(|warning| String::from_utf8_lossy(warning.as_bytes()).into_owned())
            .collect();
        let is_admitted = parts.status.is_success();
        if !is_admitted {
            let status: Value = serde_json::from_slice(&body.collect_bytes().await?)?;
            said.push(text(&status, "/message").unwrap_or_default().to_owned());
        }
        Ok(Said { is_admitted, said })
    }

    /// Creates or changes an object by server-side apply.
    ///
    /// # Errors
    /// What the API server answers.
    pub async fn apply(&self, namespace: &str, object: &Value) -> Result<Value> {
        let own = text(object, "/metadata/namespace").unwrap_or(namespace);
        let api = self.api_of(own, object).await?;
        let name = text(object, "/metadata/name").context("an object without a name")?;
        let parameters = PatchParams::apply("tollgate-e2e").force();
        let applied = api.patch(name, &parameters, &Patch::Apply(object)).await;
        let kind = text(object, "/kind").unwrap_or_default();
        let applied = applied.with_context(|| format!("cannot apply {kind} {name}"))?;
        Ok(serde_json::to_value(applied)?)
    }

    /// Merges a patch into an object.
    ///
    /// # Errors
    /// What the API server answers.
    pub async fn merge(
        &self,
        kind: Kind<'_>,
        namespace: &str,
        name: &str,
        patch: &Value,
    ) -> Result<Value> {
        let api = self.api(kind, namespace).await?;
        let merged = api
            .patch(name, &PatchParams::default(), &Patch::Merge(patch))
            .await;
        Ok(serde_json::to_value(merged.map_err(said)?)?)
    }

    /// Merges a patch into the status of an object whose kind keeps that apart.
    ///
    /// # Errors
    /// What the API server answers.
    pub async fn merge_status(
        &self,
        kind: Kind<'_>,
        namespace: &str,
        name: &str,
        patch: &Value,
    ) -> Result<Value> {
        let api = self.api(kind, namespace).await?;
        let merged = api
            .patch_status(name, &PatchParams::default(), &Patch::Merge(patch))
            .await;
        Ok(serde_json::to_value(merged.map_err(said)?)?)
    }

    /// Reads an object.
    ///
    /// # Errors
    /// What the API server answers, also where there is none.
    pub async fn get(&self, kind: Kind<'_>, namespace: &str, name: &str) -> Result<Value> {
        let object = self.api(kind, namespace).await?.get(name).await?;
        Ok(serde_json::to_value(object)?)
    }

    /// Reads all objects of a kind in a namespace that a label selector selects; all of them where it is empty.
    ///
    /// # Errors
    /// What the API server answers.
    pub async fn list(&self, kind: Kind<'_>, namespace: &str, labels: &str) -> Result<Vec<Value>> {
        let selected = ListParams::default().labels(labels);
        let list = self.api(kind, namespace).await?.list(&selected).await?;
        list.items
            .into_iter()
            .map(|item| Ok(serde_json::to_value(item)?))
            .collect()
    }

    /// Deletes an object.
    ///
    /// # Errors
    /// What the API server answers, also where there is none.
    pub async fn delete(&self, kind: Kind<'_>, namespace: &str, name: &str) -> Result<()> {
        let api = self.api(kind, namespace).await?;
        api.delete(name, &DeleteParams::default()).await?;
        Ok(())
    }

    async fn api_of(&self, namespace: &str, object: &Value) -> Result<Api<DynamicObject>> {
        let version = text(object, "/apiVersion").context("an object without an API version")?;
        let kind = text(object, "/kind").context("an object without a kind")?;
        self.api((version, kind), namespace).await
    }

    async fn api(&self, kind: Kind<'_>, namespace: &str) -> Result<Api<DynamicObject>> {
        let (resource, capabilities) = self.resource(kind).await?;
        Ok(match capabilities.scope {
            Scope::Cluster => Api::all_with(self.client(), &resource),
            Scope::Namespaced => Api::namespaced_with(self.client(), namespace, &resource),
        })
    }

    async fn resource(&self, kind: Kind<'_>) -> Result<(ApiResource, ApiCapabilities)> {
        let key = (kind.0.to_owned(), kind.1.to_owned());
        if let Some(known) = self.kinds.lock().await.get(&key) {
            return Ok(known.clone());
        }
        let (group, version) = kind.0.split_once('/').unwrap_or(("", kind.0));
        let wanted = GroupVersionKind::gvk(group, version, kind.1);
        let found = discovery::pinned_kind(&self.client, &wanted).await;
        let found = found.with_context(|| format!("the cluster has no {} {}", kind.0, kind.1))?;
        self.kinds.lock().await.insert(key, found.clone());
        Ok(found)
    }
}

/// What the API server says of an object.
#[derive(Debug)]
pub struct Said {
    /// Whether it takes it.
    pub is_admitted: bool,
    /// The warnings, and why it does not take it.
    pub said: Vec<String>,
}

impl Said {
    /// Whether some of it contains a text.
    #[must_use]
    pub fn contains(&self, text: &str) -> bool {
        self.said.iter().any(|said| said.contains(text))
    }
}

/// What the API server says, in its own words alone.
fn said(err: kube::Error) -> anyhow::Error {
    match err {
        kube::Error::Api(status) => anyhow!(status.message),
        err => err.into(),
    }
}

/// A kind of object: its API version and its name, as in a manifest.
pub type Kind<'a> = (&'a str, &'a str);

/// The string at a JSON pointer.
pub(crate) fn text<'a>(object: &'a Value, pointer: &str) -> Option<&'a str> {
    object.pointer(pointer)?.as_str()
}
