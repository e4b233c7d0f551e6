//! Every system that makes GPU pods: its pods stay Pending on tainted nodes, and run where Tollgate is; there it is refused
//! at once when its pods could not run.

use anyhow::{Context as _, Result};
use tollgate_e2e::{Cluster, Controller, System, system};

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
    system!(
        "kueue-pytorchjob",
        [Controller::TrainingOperator, Controller::Kueue],
        3
    ),
    system!("mpijob-v2beta1", [Controller::MpiOperator], 2),
];

/// A test for each system without Tollgate, and one with it.
macro_rules! systems {
    ($($name:literal: $alone:ident, $with:ident;)*) => {
        $(
            pub(crate) async fn $alone(cluster: &Cluster) -> Result<()> {
                find($name)?.stays_pending(cluster).await
            }
            pub(crate) async fn $with(cluster: &Cluster) -> Result<()> {
                find($name)?.runs_unless_broken(cluster).await
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
    "kueue-pytorchjob": kueue_pytorchjob, kueue_pytorchjob_with_tollgate;
    "mpijob-v2beta1": mpi_operator, mpi_operator_with_tollgate;
);

fn find(name: &str) -> Result<&'static System> {
    let system = SYSTEMS.iter().find(|system| system.name == name);
    system.with_context(|| format!("no row of the table is named `{name}`"))
}
