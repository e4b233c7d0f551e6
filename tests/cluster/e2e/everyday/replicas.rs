//! Tollgate's replicas behind the API server: the harness that budgets and rolling restarts are tested with.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tollgate_e2e::{Cluster, Replicas};

fn pod(name: &str, gpus: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {"containers": [
            {"name": "main", "image": "train:1", "resources": {"limits": {"nvidia.com/gpu": gpus}}},
        ]},
    })
}

pub(crate) async fn pods_run_while_replicas_are_stopped_and_killed(
    cluster: &Cluster,
) -> Result<()> {
    let mut replicas = Replicas::install(cluster, 2, &[]).await?;
    let namespace = replicas.namespace("replicas").await?;
    namespace.create(pod("first", "1")).await?;
    replicas.add().await?;
    replicas.stop_oldest()?;
    namespace.create(pod("second", "1")).await?;
    replicas.add().await?;
    replicas.kill_oldest()?;
    namespace.create(pod("third", "1")).await?;
    namespace.until_running("", 3).await?;
    Ok(())
}

pub(crate) async fn denials_reach_whoever_creates_the_pod(cluster: &Cluster) -> Result<()> {
    let replicas = Replicas::install(cluster, 1, &[]).await?;
    let namespace = replicas.namespace("denied").await?;
    // The API server takes an extended resource as a request only where it is a limit, too.
    let mut bad = pod("bad", "1");
    bad["spec"]["containers"][0]["resources"] = json!({"limits": {"nvidia.com/gpu": "500m"}});
    let denial = namespace.create(bad).await.err();
    let denial = denial.context("half a GPU was admitted")?.to_string();
    ensure!(denial.contains("mutate.tollgate.dev"), "{denial}");
    Ok(())
}
