//! Pods that are there when a budget comes to apply to them.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tollgate_e2e::{Cluster, Namespace};

use super::{BUDGET, GPU, NAMESPACE, until_taken, with_scope};
use crate::pods::wants;

/// How soon they count. Without being told, the leader would look again after ten minutes.
const SOON: Duration = Duration::from_secs(10);

const TEAM: &str = "e2e.tollgate.dev/team";

pub(crate) async fn pods_that_come_into_the_scope_count_at_once(_: &Cluster) -> Result<()> {
    let scope = json!({"namespaceSelector": {"matchLabels": {TEAM: "research"}}});
    with_scope(&scope, 4, async |namespace, _| {
        let cluster = namespace.cluster();
        let others = cluster.namespace("others").await?;
        namespace.create(wants("one", GPU, "1")).await?;
        others.create(wants("two", GPU, "2")).await?;
        until_taken(cluster, (0, 0)).await?;

        let labelled = |team: &str| json!({"metadata": {"labels": {TEAM: team}}});
        let objects = cluster.objects();
        let label = async |namespace: &Namespace<'_>, team: &str| -> Result<Value> {
            let labelled = labelled(team);
            objects
                .merge(NAMESPACE, "", namespace.name(), &labelled)
                .await
        };
        label(namespace, "research").await?;
        counts_soon(cluster, 1).await?;
        label(&others, "research").await?;
        counts_soon(cluster, 3).await?;
        let over = others.create(wants("over", GPU, "2")).await;
        let said = over.err().context("the pods of before were not counted")?;
        let said = said.to_string();
        ensure!(said.contains("of 4 GPUs, 3 are used"), "{said}");
        label(namespace, "teaching").await?;
        counts_soon(cluster, 2).await?;

        // The budget itself says more.
        let wider = json!({"spec": {"scope": {"namespaceSelector": null, "namespaces": [namespace.name(), others.name()]}}});
        objects.merge(BUDGET, "", "research", &wider).await?;
        counts_soon(cluster, 3).await
    })
    .await
}

async fn counts_soon(cluster: &Cluster, gpus: u128) -> Result<()> {
    let since = Instant::now();
    until_taken(cluster, (gpus, 0)).await?;
    let waited = since.elapsed();
    ensure!(waited < SOON, "{gpus} GPUs only after {waited:?}");
    Ok(())
}
