//! Definitions of kinds whose controllers are not here: as little as the API server takes.

use anyhow::Result;
use serde_json::{Value, json};
use tollgate_e2e::{Cluster, until};

/// Where the objects of a kind are.
#[derive(Clone, Copy)]
pub(crate) enum Scope {
    Cluster,
    Namespaced,
}

/// A kind that is defined for a test: its API version, its name, its plural and where its objects are.
pub(crate) struct Definition(
    pub(crate) &'static str,
    pub(crate) &'static str,
    pub(crate) &'static str,
    pub(crate) Scope,
);

impl Definition {
    /// Has the cluster serve the kind.
    pub(crate) async fn install(&self, cluster: &Cluster) -> Result<()> {
        cluster.objects().apply("", &self.object()).await?;
        let Self(version, kind, ..) = self;
        until("a kind is served", async || {
            cluster.objects().list((version, kind), "default", "").await
        })
        .await
        .map(drop)
    }

    /// Takes the kind away, with all its objects.
    pub(crate) async fn remove(&self, cluster: &Cluster) -> Result<()> {
        let kind = ("apiextensions.k8s.io/v1", "CustomResourceDefinition");
        let object = self.object();
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        cluster.objects().delete(kind, "", name).await
    }

    fn object(&self) -> Value {
        let Self(version, kind, plural, scope) = self;
        let (group, version) = version.split_once('/').unwrap_or_default();
        let scope = match scope {
            Scope::Cluster => "Cluster",
            Scope::Namespaced => "Namespaced",
        };
        json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("{plural}.{group}")},
            "spec": {
                "group": group, "scope": scope,
                "names": {"kind": kind, "plural": plural, "singular": kind.to_lowercase()},
                "versions": [{
                    "name": version, "served": true, "storage": true,
                    "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
                }],
            },
        })
    }
}
