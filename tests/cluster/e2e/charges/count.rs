//! How long it takes to count pods that are there, and how much memory: at the size that the machine's API server holds.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::json;
use tollgate_e2e::{Cluster, Installation, Namespace, until};

use crate::team::BUDGET;

/// How many pods there are, where this variable says nothing else.
const PODS: &str = "TOLLGATE_E2E_PODS";
const FEW: usize = 2_000;

/// Over how many namespaces, each of which has a budget.
const TEAMS: usize = 20;

/// How many are created at the same time.
const TOGETHER: usize = 20;

/// A GPU in the atoms of an account.
const ATOMS: u128 = 56_000_000;

pub(crate) async fn pods_that_are_there_are_counted_and_figures_are_told(
    _: &Cluster,
) -> Result<()> {
    let pods = std::env::var(PODS).map_or(Ok(FEW), |count| count.parse())?;
    // Of its own, so that nobody looks at the pods while they are made.
    let cluster = Cluster::start().await?;
    let each = pods / TEAMS;
    let mut teams = Vec::new();
    for _ in 0..TEAMS {
        let team = cluster.namespace("crowd").await?;
        crowd(&team, each).await?;
        teams.push(team);
    }
    let tollgate = Installation::install(&cluster, 1, &[]).await?;
    let replica = tollgate.running().first().context("no replica")?;
    let before = replica.memory()?;
    let since = Instant::now();
    for team in &teams {
        cluster.objects().create("", &budget(team)).await?;
    }
    let expected = u128::try_from(each)? * ATOMS;
    for team in &teams {
        until("all pods are counted", async || {
            let budget = cluster.objects().get(BUDGET, "", team.name()).await?;
            let held = &budget["status"]["account"]["usage"]["gpu"]["held"]["0"];
            ensure!(
                held.as_str() == Some(&expected.to_string()),
                "{held} are held"
            );
            Ok(())
        })
        .await?;
    }
    let counted = since.elapsed();
    let after = replica.memory()?;
    println!(
        "\n{} pods of {TEAMS} new budgets: counted in {:.1} s; memory {} MiB before, {} MiB after, {} MiB at most",
        each * TEAMS,
        counted.as_secs_f64(),
        before.resident >> 20,
        after.resident >> 20,
        after.most >> 20,
    );
    Ok(())
}

/// Pods with a GPU each, which nobody schedules.
async fn crowd(team: &Namespace<'_>, count: usize) -> Result<()> {
    let pods = (0..count).map(async |number| {
        let amounts = json!({"nvidia.com/gpu": "1", "cpu": "1", "memory": "8Gi"});
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": format!("p{number}")},
            "spec": {
                "schedulerName": "nobody",
                "containers": [{"name": "main", "image": "train:1", "resources": {"limits": amounts}}],
            },
        });
        team.create(pod).await.map(drop)
    });
    stream::iter(pods)
        .buffer_unordered(TOGETHER)
        .try_collect()
        .await
}

fn budget(team: &Namespace<'_>) -> serde_json::Value {
    json!({
        "apiVersion": BUDGET.0, "kind": BUDGET.1, "metadata": {"name": team.name()},
        "spec": {
            "scope": {"namespaces": [team.name()]},
            "limits": [{"unit": "gpu", "amount": "1000000"}],
        },
    })
}
