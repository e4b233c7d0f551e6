//! Every system that makes GPU pods: its pods stay Pending on tainted nodes, and run where Tollgate is.

use anyhow::Result;
use tollgate_e2e::{Cluster, Controller, Namespace, Replicas};

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
];

/// What needs a cluster of its own: its resource has the name of another system's.
const MPI: System = system!("mpijob-v2beta1", [Controller::MpiOperator], 2);

/// A test for each system, without Tollgate and with it.
macro_rules! systems {
    ($($name:ident: $with:ident),* $(,)?) => {
        $(
            pub(crate) async fn $name(cluster: &Cluster) -> Result<()> {
                stays_pending(cluster, find(stringify!($name))).await
            }
            pub(crate) async fn $with(cluster: &Cluster) -> Result<()> {
                runs_with_tollgate(cluster, find(stringify!($name))).await
            }
        )*
    };
}

systems!(
    pytorchjob: pytorchjob_with_tollgate,
    tfjob: tfjob_with_tollgate,
    mpijob: mpijob_with_tollgate,
    xgboostjob: xgboostjob_with_tollgate,
    jaxjob: jaxjob_with_tollgate,
    paddlejob: paddlejob_with_tollgate,
    jobset: jobset_with_tollgate,
    leaderworkerset: leaderworkerset_with_tollgate,
    trainjob: trainjob_with_tollgate,
    raycluster: raycluster_with_tollgate,
    kueue: kueue_with_tollgate,
);

pub(crate) async fn mpi_operator(_: &Cluster) -> Result<()> {
    stays_pending(&Cluster::start().await?, &MPI).await
}

pub(crate) async fn mpi_operator_with_tollgate(_: &Cluster) -> Result<()> {
    runs_with_tollgate(&Cluster::start().await?, &MPI).await
}

async fn stays_pending(cluster: &Cluster, system: &System) -> Result<()> {
    start(cluster, system).await?;
    let namespace = cluster.namespace(system.name).await?;
    create(&namespace, system).await?;
    namespace.until_untolerated("", system.pods).await?;
    Ok(())
}

async fn runs_with_tollgate(cluster: &Cluster, system: &System) -> Result<()> {
    start(cluster, system).await?;
    let replicas = Replicas::install(cluster, 1, &[]).await?;
    let namespace = replicas.namespace(system.name).await?;
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

fn find(name: &str) -> &'static System {
    let system = SYSTEMS.iter().find(|system| system.name == name);
    system.expect("every test of this file has a row in the table")
}
