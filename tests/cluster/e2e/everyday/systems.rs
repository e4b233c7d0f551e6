//! Every system that makes GPU pods: its pods stay Pending on tainted nodes, and run where Tollgate is.

use anyhow::{Context as _, Result};
use tollgate_e2e::{Cluster, Controller, Namespace};

/// One kind of workload, and what runs it.
struct System {
    name: &'static str,
    controllers: &'static [Controller],
    manifest: &'static str,
    /// How many pods with GPUs it makes at once.
    pods: usize,
}

macro_rules! system {
    ($file:literal, $controllers:expr, $pods:literal) => {
        System {
            name: $file,
            controllers: &$controllers,
            manifest: include_str!(concat!("workloads/", $file, ".yaml")),
            pods: $pods,
        }
    };
}

/// A workload on each path from a manifest to pods.
const SYSTEMS: &[System] = &[
    system!("pytorchjob", [Controller::TrainingOperator], 3),
    system!("tfjob", [Controller::TrainingOperator], 2),
    system!("mpijob", [Controller::TrainingOperator], 2),
    system!("xgboostjob", [Controller::TrainingOperator], 2),
    system!("jaxjob", [Controller::TrainingOperator], 2),
    system!("paddlejob", [Controller::TrainingOperator], 2),
    system!("jobset", [Controller::JobSet], 2),
    system!("leaderworkerset", [Controller::LeaderWorkerSet], 3),
    system!("trainjob", [Controller::JobSet, Controller::Trainer], 2),
    system!("raycluster", [Controller::KubeRay], 2),
    system!("kueue", [Controller::Kueue], 2),
    system!("mpijob-v2beta1", [Controller::MpiOperator], 2),
];

/// Controllers that get a cluster of their own: while Kueue starts, its webhooks refuse every job, and the resource
/// of the MPI operator has the name of one of the training operator's.
const ALONE: &[Controller] = &[Controller::Kueue, Controller::MpiOperator];

/// A test for each system without Tollgate, and one with it.
macro_rules! systems {
    ($($name:literal: $alone:ident, $with:ident;)*) => {
        $(
            pub(crate) async fn $alone(cluster: &Cluster) -> Result<()> {
                let system = find($name)?;
                match system.own_cluster().await? {
                    Some(own) => stays_pending(&own, system).await.with_context(|| own.logs()),
                    None => stays_pending(cluster, system).await,
                }
            }
            pub(crate) async fn $with(cluster: &Cluster) -> Result<()> {
                let system = find($name)?;
                match system.own_cluster().await? {
                    Some(own) => runs_with_tollgate(&own, system).await.with_context(|| own.logs()),
                    None => runs_with_tollgate(cluster, system).await,
                }
            }
        )*
    };
}

systems!(
    "pytorchjob": pytorchjob, pytorchjob_with_tollgate;
    "tfjob": tfjob, tfjob_with_tollgate;
    "mpijob": mpijob, mpijob_with_tollgate;
    "xgboostjob": xgboostjob, xgboostjob_with_tollgate;
    "jaxjob": jaxjob, jaxjob_with_tollgate;
    "paddlejob": paddlejob, paddlejob_with_tollgate;
    "jobset": jobset, jobset_with_tollgate;
    "leaderworkerset": leaderworkerset, leaderworkerset_with_tollgate;
    "trainjob": trainjob, trainjob_with_tollgate;
    "raycluster": raycluster, raycluster_with_tollgate;
    "kueue": kueue, kueue_with_tollgate;
    "mpijob-v2beta1": mpi_operator, mpi_operator_with_tollgate;
);

impl System {
    async fn own_cluster(&self) -> Result<Option<Cluster>> {
        let alone = (self.controllers.iter()).any(|controller| ALONE.contains(controller));
        Ok(if alone {
            Some(Cluster::start().await?)
        } else {
            None
        })
    }
}

async fn stays_pending(cluster: &Cluster, system: &System) -> Result<()> {
    start(cluster, system).await?;
    let namespace = cluster.namespace_without_tollgate().await?;
    create(&namespace, system).await?;
    namespace.until_untolerated("", system.pods).await?;
    Ok(())
}

async fn runs_with_tollgate(cluster: &Cluster, system: &System) -> Result<()> {
    start(cluster, system).await?;
    cluster.tollgate().await?;
    let namespace = cluster.namespace(system.name).await?;
    create(&namespace, system).await?;
    namespace.until_running("", system.pods).await?;
    Ok(())
}

async fn start(cluster: &Cluster, system: &System) -> Result<()> {
    for controller in system.controllers {
        cluster.controller(*controller).await?;
    }
    Ok(())
}

async fn create(namespace: &Namespace<'_>, system: &System) -> Result<()> {
    namespace.apply(system.manifest).await
}

fn find(name: &str) -> Result<&'static System> {
    let system = SYSTEMS.iter().find(|system| system.name == name);
    system.with_context(|| format!("no row of the table is named `{name}`"))
}
