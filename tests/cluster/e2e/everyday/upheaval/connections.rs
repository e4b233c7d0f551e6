//! Between the replicas and the API server, connections break, are forgotten, or fall silent. Meanwhile somebody
//! changes a policy.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use tollgate_e2e::{Cluster, Installation, Kind, Part, until};

use super::{RATE, RIGHT_AGAIN, all_repaired, half_a_gpu, in_turn, is_right, one_gpu, two_keys};
use super::{changes_within, refused_in_our_words};
use crate::stream::while_creating;

const POLICY: Kind<'static> = ("tollgate.dev/v1alpha1", "Policy");

/// How long nobody can connect: longer than the leader leads without a word from the API server, and long enough for
/// whoever tries again ever more seldom to wait his longest.
const OUTAGE: Duration = Duration::from_secs(20);

/// How long a connection that says nothing may be believed: a watch that lasts 25 s, and what is granted beyond.
const SILENCE: Duration = Duration::from_secs(30);

pub(crate) async fn all_is_right_again_soon_after_nobody_could_connect(_: &Cluster) -> Result<()> {
    in_turn(async |cluster, tollgate| {
        let outage = async {
            let uplink = tollgate.uplink();
            uplink.route(Vec::new());
            uplink.cut();
            cluster.objects().apply("", &two_keys("x")).await?;
            tokio::time::sleep(OUTAGE).await;
            uplink.route(vec![cluster.address()]);
            changes_within(cluster, "x", RIGHT_AGAIN).await?;
            is_right(cluster, "nobody could connect").await
        };
        while_judged(cluster, outage).await
    })
    .await
}

pub(crate) async fn a_connection_that_falls_silent_is_noticed(_: &Cluster) -> Result<()> {
    in_turn(async |cluster, tollgate| {
        let silence = async {
            tollgate.uplink().silence();
            cluster.objects().apply("", &two_keys("y")).await?;
            // Until the last replica has noticed that the last of its connections says nothing.
            tokio::time::sleep(SILENCE).await;
            changes_within(cluster, "y", RIGHT_AGAIN).await?;
            is_right(cluster, "connections fell silent").await
        };
        while_judged(cluster, silence).await
    })
    .await
}

/// Pods are judged as ever, though nobody hears from the API server: none that is right fails, none that is wrong is
/// let in.
pub(super) async fn while_judged(
    cluster: &Cluster,
    goes_on: impl Future<Output = Result<()>>,
) -> Result<()> {
    let namespace = cluster.namespace("judged").await?;
    let (name, half_rate) = (namespace.name(), RATE / 2);
    let wrong = while_creating(cluster, name, half_a_gpu(), half_rate, goes_on);
    let (((), wrong), right) = while_creating(cluster, name, one_gpu(), half_rate, wrong).await?;
    all_repaired(&right)?;
    ensure!(
        wrong.stored.is_empty(),
        "{} wrong pods were let in",
        wrong.stored.len()
    );
    wrong
        .failed
        .iter()
        .try_for_each(|said| refused_in_our_words(said))
}

/// Watches end, and go on only after etcd and the API server have forgotten the version at which they ended. What was
/// deleted meanwhile is nowhere to be seen but in a new list.
pub(crate) async fn all_is_right_again_soon_after_watches_were_forgotten(
    _: &Cluster,
) -> Result<()> {
    in_turn(async |cluster, tollgate| {
        for version in ["x", "y", "z"] {
            forget(cluster, tollgate, version).await?;
            // On a busy machine the API server may be away for so long that connections are given up.
            if was_listed_anew(tollgate)? {
                return is_right(cluster, "watches were forgotten").await;
            }
        }
        bail!("no watch went on from a version that was no longer known")
    })
    .await
}

/// Restarts the API server, while whoever watched waits to go on; meanwhile one policy changes and another one goes.
async fn forget(cluster: &Cluster, tollgate: &Installation, version: &str) -> Result<()> {
    let objects = cluster.objects();
    objects.apply("", &softened()).await?;
    until(
        "half a GPU is refused by the API server alone",
        async || {
            ensure!(
                refused_in_our_words(&refusal(cluster).await?).is_err(),
                "it is by us"
            );
            Ok(())
        },
    )
    .await?;
    tollgate.uplink().hold();
    // It ends its watches well: they go on from where they were.
    cluster.stop_within(Part::ApiServer, Duration::from_secs(2));
    cluster.resume(Part::ApiServer).await?;
    objects.delete(POLICY, "", "gpu-limits").await?;
    objects.apply("", &two_keys(version)).await?;
    cluster.compact().await?;
    tollgate.uplink().release();
    changes_within(cluster, version, RIGHT_AGAIN).await?;
    until("the policy that is gone counts no more", async || {
        refused_in_our_words(&refusal(cluster).await?)
    })
    .await
}

/// Lets half a GPU pass, as far as we are asked.
fn softened() -> Value {
    json!({
        "apiVersion": POLICY.0, "kind": POLICY.1, "metadata": {"name": "gpu-limits"},
        "spec": {"rules": {"fractional-gpu": "warn"}},
    })
}

async fn refusal(cluster: &Cluster) -> Result<String> {
    let refused = cluster.objects().dry_run("default", &half_a_gpu()).await;
    Ok(refused.err().context("half a GPU was let in")?.to_string())
}

fn was_listed_anew(tollgate: &Installation) -> Result<bool> {
    for replica in tollgate.running() {
        if std::fs::read_to_string(replica.log())?.contains("no longer known") {
            return Ok(true);
        }
    }
    Ok(false)
}
