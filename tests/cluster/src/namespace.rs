//! A namespace that is one test's own.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::Cluster;
use crate::objects::{Kind, text};
use crate::wait::until;

const POD: Kind<'static> = ("v1", "Pod");

/// A namespace of a cluster. Its objects go with the cluster.
pub struct Namespace<'a> {
    cluster: &'a Cluster,
    name: String,
}

impl<'a> Namespace<'a> {
    pub(crate) const fn new(cluster: &'a Cluster, name: String) -> Self {
        Self { cluster, name }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its cluster.
    #[must_use]
    pub const fn cluster(&self) -> &'a Cluster {
        self.cluster
    }

    /// Creates an object in it.
    ///
    /// # Errors
    /// What the API server answers, its words included.
    pub async fn create(&self, object: Value) -> Result<Value> {
        self.cluster.objects().create(&self.name, &object).await
    }

    /// Applies every document of a YAML text.
    ///
    /// # Errors
    /// What the API server answers.
    pub async fn apply(&self, yaml: &str) -> Result<()> {
        self.cluster.apply(&self.name, yaml).await
    }

    /// Reads an object.
    ///
    /// # Errors
    /// What the API server answers, also where there is none.
    pub async fn get(&self, kind: Kind<'_>, name: &str) -> Result<Value> {
        self.cluster.objects().get(kind, &self.name, name).await
    }

    /// Merges a patch into an object.
    ///
    /// # Errors
    /// What the API server answers.
    pub async fn merge(&self, kind: Kind<'_>, name: &str, patch: &Value) -> Result<Value> {
        let objects = self.cluster.objects();
        objects.merge(kind, &self.name, name, patch).await
    }

    /// Deletes an object.
    ///
    /// # Errors
    /// What the API server answers.
    pub async fn delete(&self, kind: Kind<'_>, name: &str) -> Result<()> {
        self.cluster.objects().delete(kind, &self.name, name).await
    }

    /// Its pods that a label selector selects.
    ///
    /// # Errors
    /// What the API server answers.
    pub async fn pods(&self, labels: &str) -> Result<Vec<Value>> {
        self.cluster.objects().list(POD, &self.name, labels).await
    }

    /// Waits until at least so many pods are there and each of those that ask for devices runs.
    ///
    /// # Errors
    /// Where they do not run in time, with what became of them instead.
    pub async fn until_running(&self, labels: &str, count: usize) -> Result<Vec<Value>> {
        let what = format!("{count} pods with devices run in {}", self.name);
        until(&what, async || {
            let pods = self.device_pods(labels, count).await?;
            for pod in &pods {
                let phase = text(pod, "/status/phase").unwrap_or_default();
                let (name, told) = (name(pod), scheduler_says(pod));
                ensure!(phase == "Running", "pod {name} is {phase}: {told}");
            }
            Ok(pods)
        })
        .await
    }

    /// Waits until at least so many pods that ask for devices are there, and the scheduler has refused each of them for
    /// a taint that it does not tolerate.
    ///
    /// # Errors
    /// Where a pod is scheduled, or nothing is said of it in time.
    pub async fn until_untolerated(&self, labels: &str, count: usize) -> Result<Vec<Value>> {
        let what = format!(
            "{count} pods with devices wait in {} for a toleration",
            self.name
        );
        until(&what, async || {
            let pods = self.device_pods(labels, count).await?;
            for pod in &pods {
                let told = scheduler_says(pod);
                let phase = text(pod, "/status/phase").unwrap_or_default();
                let refused = phase == "Pending" && told.contains("untolerated taint");
                ensure!(refused, "pod {} is {phase}: {told}", name(pod));
            }
            Ok(pods)
        })
        .await
    }

    /// Waits until something holds of an object, which is given as an error in words where it does not.
    ///
    /// # Errors
    /// Where it does not hold in time.
    pub async fn until_object(
        &self,
        kind: Kind<'_>,
        name: &str,
        holds: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let what = format!("{} {name} in {} is as expected", kind.1, self.name);
        until(&what, async || {
            let object = self.get(kind, name).await?;
            ensure!(holds(&object), "its status is {}", object["status"]);
            Ok(object)
        })
        .await
    }

    /// Lets running pods end well.
    ///
    /// # Errors
    /// What the API server answers.
    pub async fn complete(&self, labels: &str) -> Result<()> {
        let patch = json!({"metadata": {"annotations": {"test/complete": "true"}}});
        for pod in self.pods(labels).await? {
            self.cluster
                .objects()
                .merge(POD, &self.name, name(&pod), &patch)
                .await?;
        }
        Ok(())
    }

    async fn device_pods(&self, labels: &str, count: usize) -> Result<Vec<Value>> {
        let mut pods = self.pods(labels).await?;
        pods.retain(asks_for_devices);
        ensure!(pods.len() >= count, "there are {} such pods", pods.len());
        Ok(pods)
    }
}

/// Whether a container asks for an extended resource or a claim.
fn asks_for_devices(pod: &Value) -> bool {
    let containers = pod.pointer("/spec/containers").and_then(Value::as_array);
    containers.into_iter().flatten().any(|container| {
        let limits = container
            .pointer("/resources/limits")
            .and_then(Value::as_object);
        let extended = limits.is_some_and(|limits| limits.keys().any(|name| name.contains('/')));
        extended || container.pointer("/resources/claims").is_some()
    })
}

fn name(object: &Value) -> &str {
    text(object, "/metadata/name").unwrap_or_default()
}

/// Why the scheduler has not bound a pod; empty where it has or has not tried.
fn scheduler_says(pod: &Value) -> &str {
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
    let unscheduled = conditions.into_iter().flatten().find(|condition| {
        text(condition, "/type") == Some("PodScheduled")
            && text(condition, "/status") == Some("False")
    });
    unscheduled
        .and_then(|condition| text(condition, "/message"))
        .unwrap_or_default()
}
