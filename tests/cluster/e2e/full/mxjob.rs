//! MXJob, which the training operator has had up to 1.8.

use anyhow::Result;
use tollgate_e2e::{Cluster, Controller, System, system};

const MXJOB: System = system!("mxjob", [Controller::MxTrainingOperator], 2);

pub(crate) async fn stays_pending(cluster: &Cluster) -> Result<()> {
    MXJOB.stays_pending(cluster).await
}

pub(crate) async fn runs_with_tollgate(cluster: &Cluster) -> Result<()> {
    MXJOB.runs_unless_broken(cluster).await
}
