//! A Deployment without replicas that KEDA's operator scales to what its ScaledObject names.
//!
//! The scaling is that of the annotation `paused-replicas`, since it needs neither the adapter for metrics nor an hour
//! of the day. So what is not shown is scaling by a trigger, through the HorizontalPodAutoscaler that KEDA makes, and
//! ScaledJobs.

use anyhow::Result;
use tollgate_e2e::{Cluster, Controller, System, system};

const KEDA: System = system!("keda", [Controller::Keda], 2);

pub(crate) async fn stays_pending(cluster: &Cluster) -> Result<()> {
    KEDA.stays_pending(cluster).await
}

pub(crate) async fn runs_with_tollgate(cluster: &Cluster) -> Result<()> {
    KEDA.runs_with_tollgate(cluster).await
}
