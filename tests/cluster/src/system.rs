//! A system that makes GPU pods: they stay Pending on tainted nodes, and run where Tollgate is.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::{Cluster, Controller, Namespace, manifests, until};

/// One kind of workload, and what runs it.
#[derive(Clone, Copy, Debug)]
pub struct System {
    /// Its name, which the names of its namespaces start with.
    pub name: &'static str,
    /// What runs it.
    pub controllers: &'static [Controller],
    /// The workload.
    pub manifest: &'static str,
    /// How many pods with GPUs it makes at once.
    pub pods: usize,
}

/// A [`System`]: the name of a file in the folder `workloads` beside the test, the controllers, how many pods.
#[macro_export]
macro_rules! system {
    ($file:literal, $controllers:expr, $pods:literal) => {
        $crate::System {
            name: $file,
            controllers: &$controllers,
            manifest: include_str!(concat!("workloads/", $file, ".yaml")),
            pods: $pods,
        }
    };
}

/// What is said of a misspelt device.
pub const NO_SUCH_DEVICE: &str = "asks for `nvidia.com/gpus`, which no node has";

/// A workload whose containers ask for a device by a name that nearly is one.
///
/// # Errors
/// Where it asks for none.
pub fn broken(workload: &Value) -> Result<Value> {
    let text = workload.to_string();
    let broken = text.replace("\"nvidia.com/gpu\"", "\"nvidia.com/gpus\"");
    ensure!(broken != text, "it asks for no GPU: {text}");
    Ok(serde_json::from_str(&broken)?)
}

/// Controllers that get a cluster of their own: while Kueue starts, its webhooks refuse every job, and the resource
/// of the MPI operator has the name of one of the training operator's.
const ALONE: &[Controller] = &[Controller::Kueue, Controller::MpiOperator];

impl System {
    /// Shows that its pods stay Pending where Tollgate leaves them alone.
    ///
    /// # Errors
    /// Where they do not.
    pub async fn stays_pending(&self, cluster: &Cluster) -> Result<()> {
        self.in_its_cluster(cluster, async |cluster| {
            let namespace = self.without_tollgate(cluster).await?;
            namespace.until_untolerated("", self.pods).await?;
            Ok(())
        })
        .await
    }

    /// Shows that its pods run where Tollgate is.
    ///
    /// # Errors
    /// Where they do not.
    pub async fn runs_with_tollgate(&self, cluster: &Cluster) -> Result<()> {
        self.in_its_cluster(cluster, async |cluster| {
            let namespace = self.with_tollgate(cluster).await?;
            namespace.until_running("", self.pods).await?;
            Ok(())
        })
        .await
    }

    /// Shows that its pods run where Tollgate is, and that it is refused there when it is broken.
    ///
    /// # Errors
    /// Where they do not, or it is not.
    pub async fn runs_unless_broken(&self, cluster: &Cluster) -> Result<()> {
        self.in_its_cluster(cluster, async |cluster| {
            let namespace = self.with_tollgate(cluster).await?;
            namespace.until_running("", self.pods).await?;
            self.is_refused_when_broken(cluster).await
        })
        .await
    }

    /// Shows that it is refused in Tollgate's words where it is applied, and not when its pods are made, if its containers
    /// ask for what no node has.
    ///
    /// # Errors
    /// Where it is not.
    async fn is_refused_when_broken(&self, cluster: &Cluster) -> Result<()> {
        let namespace = cluster.namespace(self.name).await?;
        let mut objects = manifests::parse(self.manifest)?;
        // What it stands on comes first.
        let workload = objects.pop().context("the manifest is empty")?;
        for object in &objects {
            cluster.objects().apply(namespace.name(), object).await?;
        }
        let broken = broken(&workload)?;
        // Its own webhook may not know yet what it stands on, and be heard before ours.
        until("it is refused in our words", async || {
            let said = cluster.objects().said_of(namespace.name(), &broken).await?;
            let is_ours = !said.is_admitted && said.contains(NO_SUCH_DEVICE);
            ensure!(is_ours, "{} is answered with {said:?}", self.name);
            Ok(())
        })
        .await
    }

    /// Creates it in a namespace of its own that Tollgate leaves alone.
    ///
    /// # Errors
    /// Where a controller does not start, or what the API server answers.
    pub async fn without_tollgate<'a>(&self, cluster: &'a Cluster) -> Result<Namespace<'a>> {
        self.start(cluster).await?;
        let namespace = cluster.namespace_without_tollgate().await?;
        namespace.apply(self.manifest).await?;
        Ok(namespace)
    }

    /// Creates it in a namespace of its own, with Tollgate installed.
    ///
    /// # Errors
    /// Where a controller or Tollgate does not start, or what the API server answers.
    pub async fn with_tollgate<'a>(&self, cluster: &'a Cluster) -> Result<Namespace<'a>> {
        self.start(cluster).await?;
        cluster.tollgate().await?;
        let namespace = cluster.namespace(self.name).await?;
        namespace.apply(self.manifest).await?;
        Ok(namespace)
    }

    async fn start(&self, cluster: &Cluster) -> Result<()> {
        for controller in self.controllers {
            cluster.controller(*controller).await?;
        }
        Ok(())
    }

    async fn in_its_cluster(
        &self,
        shared: &Cluster,
        test: impl AsyncFnOnce(&Cluster) -> Result<()>,
    ) -> Result<()> {
        if (self.controllers.iter()).any(|controller| ALONE.contains(controller)) {
            let own = Cluster::start().await?;
            return test(&own).await.with_context(|| own.logs());
        }
        test(shared).await
    }
}
