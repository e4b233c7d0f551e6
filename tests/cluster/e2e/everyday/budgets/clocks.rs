//! Replicas whose clocks differ.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tollgate_e2e::{Cluster, Installation, Namespace, WallClock, until};

use super::{
    ATOMS, GPU, POD, Storm, account, calm, held, live, storm_of, until_taken, with_limits,
};
use crate::pods::wants;

/// By how many seconds each replica's clock is wrong.
const WRONG: [i64; 3] = [-150, 0, 150];

/// For how long a pod may run at most, in seconds: a fifth of an hour.
const DEADLINE: u64 = 720;

/// The limit that binds, as accounts call it. Fifty pods fill it.
const HOURS: &str = "gpu-hours@1h";

/// A pod of a GPU that is charged ahead.
fn short(name: &str) -> Value {
    let mut pod = wants(name, GPU, "1");
    pod["spec"]["activeDeadlineSeconds"] = DEADLINE.into();
    pod
}

/// What is charged ahead is of other seconds for each replica, and the window lies elsewhere. The limit holds in every
/// window all the same, whoever looks.
pub(crate) async fn replicas_whose_clocks_differ_let_in_what_fits_and_no_more(
    _: &Cluster,
) -> Result<()> {
    let limits = json!([
        {"unit": "gpu", "amount": "60"},
        {"unit": "gpu-hours", "amount": "10", "window": "1h"},
    ]);
    with_limits(&limits, async |namespace, tollgate| {
        let cluster = namespace.cluster();
        live_by(cluster, tollgate).await?;
        let Storm {
            admitted,
            denied,
            unanswered,
        } = storm_of(namespace, 200, short, calm()).await?;
        ensure!(
            (admitted.len(), denied.len()) == (50, 150),
            "{} admitted, {} denied, unanswered: {unanswered:?}",
            admitted.len(),
            denied.len()
        );
        for replica in tollgate.running() {
            let reviews = replica.sum("tollgate_reviews_total{").await?;
            ensure!(reviews > 50, "{} had {reviews} calls", replica.name());
        }
        let whole = "of 10 GPU-hours";
        let odd = denied.iter().find(|denial| !denial.contains(whole));
        ensure!(odd.is_none(), "`{whole}` is missing: {odd:?}");
        ensure!(live(namespace).await? == 50, "they are not all there");
        until_taken(cluster, (50, 0)).await?;
        let account = account(cluster).await?;
        let expected = ATOMS * u128::from(DEADLINE) * 50;
        ensure!(held(&account, HOURS)? == expected, "{account}");
        is_given_back(namespace, &admitted).await
    })
    .await
}

/// Lets a replica by each clock follow those that were there, and waits until one of them has counted.
async fn live_by(cluster: &Cluster, tollgate: &mut Installation) -> Result<()> {
    let before = account(cluster).await?["term"].as_u64();
    for (number, wrong) in WRONG.into_iter().enumerate() {
        let folder = cluster.folder().join(format!("clock-{number}"));
        std::fs::create_dir(&folder)?;
        let clock = WallClock::new(&folder)?;
        clock.jump(wrong)?;
        tollgate.add_by(&clock).await?;
        tollgate.stop_oldest().await?;
    }
    until("a new leader has counted the pods", async || {
        let term = account(cluster).await?["term"].as_u64();
        ensure!(term > before, "the term is {term:?}");
        // One of the old ones may have led in between.
        tokio::time::sleep(Duration::from_secs(3)).await;
        let later = account(cluster).await?["term"].as_u64();
        ensure!(later == term, "the term is {later:?} now");
        Ok(())
    })
    .await
}

/// What pods did not use of the time that was charged ahead is free when they end. Whose clock is ahead of that of the
/// replica that let a pod in takes it to have run for longer: by as much as the two differ, and no more.
async fn is_given_back(namespace: &Namespace<'_>, admitted: &[String]) -> Result<()> {
    let cluster = namespace.cluster();
    for name in admitted {
        namespace.delete(POD, name).await?;
    }
    until_taken(cluster, (0, 0)).await?;
    let account = account(cluster).await?;
    ensure!(held(&account, HOURS)? == 0, "{account}");
    let more = storm_of(namespace, 10, short, calm()).await?;
    ensure!(more.admitted.len() == 10, "{more:?}");
    Ok(())
}
