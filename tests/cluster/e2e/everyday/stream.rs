//! A steady stream of new pods, to see what fails while something else goes on.

use std::time::Duration;

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::PostParams;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tollgate_e2e::Cluster;

/// What became of the pods.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// As they would have been stored.
    pub(crate) stored: Vec<Pod>,
    /// What the API server said instead.
    pub(crate) failed: Vec<String>,
}

/// Asks the API server to create a pod, so many times a second and without storing it, while something goes on.
pub(crate) async fn while_creating<T>(
    cluster: &Cluster,
    namespace: &str,
    pod: Value,
    a_second: u32,
    goes_on: impl Future<Output = Result<T>>,
) -> Result<(T, Outcome)> {
    let pods: Api<Pod> = Api::namespaced(cluster.objects().client(), namespace);
    let pod: Pod = serde_json::from_value(pod)?;
    let mut calls = JoinSet::new();
    let mut ticks = interval(Duration::from_secs(1) / a_second);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    tokio::pin!(goes_on);
    let done = loop {
        tokio::select! {
            done = &mut goes_on => break done?,
            _ = ticks.tick() => {
                let (pods, pod) = (pods.clone(), pod.clone());
                calls.spawn(async move {
                    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
                    pods.create(&dry_run, &pod).await
                });
            }
        }
    };
    let mut outcome = Outcome::default();
    while let Some(call) = calls.join_next().await {
        match call.context("a call was lost")? {
            Ok(pod) => outcome.stored.push(pod),
            Err(err) => outcome.failed.push(err.to_string()),
        }
    }
    Ok((done, outcome))
}
