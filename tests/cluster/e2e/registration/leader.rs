//! The election, against a real Lease.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tollgate_cluster::leader::{Election, Tenure, take_part};
use tollgate_e2e::{Cluster, until};

use crate::TURN;

const NAMESPACE: &str = "tollgate-election";

struct Candidate {
    leads: watch::Receiver<bool>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

fn candidate(cluster: &Cluster, name: &str) -> Candidate {
    let tenure = Tenure {
        lease: Duration::from_secs(4),
        lead: Duration::from_secs(3),
        retry: Duration::from_millis(500),
    };
    let election = Election::new(name.to_owned(), tenure);
    let (sender, leads) = watch::channel(false);
    let (stop, stopped) = oneshot::channel::<()>();
    let client = cluster.objects().client();
    let task = tokio::spawn(async move {
        take_part(client, NAMESPACE.to_owned(), election, sender, async {
            let _ = stopped.await;
        })
        .await;
    });
    Candidate { leads, stop, task }
}

pub(crate) async fn one_leads_and_another_follows_when_it_goes(cluster: &Cluster) -> Result<()> {
    let _turn = TURN.lock().await;
    let namespace =
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
    cluster.objects().apply("", &namespace).await?;
    let mut candidates: Vec<_> = ["a", "b", "c"]
        .iter()
        .map(|name| candidate(cluster, name))
        .collect();
    let leaders =
        |candidates: &[Candidate]| candidates.iter().filter(|it| *it.leads.borrow()).count();
    until("one leads", async || {
        ensure!(leaders(&candidates) == 1, "none does");
        Ok(())
    })
    .await?;
    for _ in 0..40 {
        ensure!(leaders(&candidates) <= 1, "two lead");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // One that goes gives the Lease up: the next one need not wait until it lapses.
    let index = candidates
        .iter()
        .position(|it| *it.leads.borrow())
        .context("none leads")?;
    let gone = candidates.remove(index);
    let _ = gone.stop.send(());
    gone.task.await?;
    until("another leads", async || {
        ensure!(leaders(&candidates) == 1, "none does");
        Ok(())
    })
    .await?;
    // One that is killed leaves it to lapse.
    let index = candidates
        .iter()
        .position(|it| *it.leads.borrow())
        .context("none leads")?;
    candidates.remove(index).task.abort();
    until("the last one leads", async || {
        ensure!(leaders(&candidates) == 1, "none does");
        Ok(())
    })
    .await
}
