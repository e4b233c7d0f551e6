//! What must not be felt: restarts, new certificates, new policies. And what may be, but not for long: crashes.

pub(crate) mod clock;
pub(crate) mod connections;

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tollgate_cluster::authority::{Keys, Successor, Terms};
use tollgate_cluster::registrar::SECRET;
use tollgate_e2e::{Cluster, Installation, NAMESPACE, Part, until};
use tollgate_webhook::{Authority, Validity};

use crate::pods::wants;
use crate::stream::{Outcome, while_creating};

const SECRET_KIND: (&str, &str) = ("v1", "Secret");
const LEASE: (&str, &str) = ("coordination.k8s.io/v1", "Lease");
const VALIDATING: (&str, &str) = (
    "admissionregistration.k8s.io/v1",
    "ValidatingWebhookConfiguration",
);

/// Calls a second: pods, each of which causes two.
const RATE: u32 = 100;

/// How long a state may be wrong after a crash.
const RIGHT_AGAIN: Duration = Duration::from_secs(10);

/// These tests take turns: each loads the machine.
static TURN: Mutex<()> = Mutex::const_new(());

/// Runs a test, in its turn, in a cluster of its own with three replicas.
async fn in_turn(test: impl AsyncFnOnce(&Cluster, &mut Installation) -> Result<()>) -> Result<()> {
    let _turn = TURN.lock().await;
    Cluster::own(3, test).await
}

fn one_gpu() -> Value {
    wants("one", "nvidia.com/gpu", "1")
}

fn half_a_gpu() -> Value {
    wants("half", "nvidia.com/gpu", "500m")
}

fn refused_in_our_words(said: &str) -> Result<()> {
    ensure!(said.contains("only given out whole"), "{said}");
    Ok(())
}

pub(crate) async fn no_call_fails_while_replicas_follow_one_another(_: &Cluster) -> Result<()> {
    in_turn(async |cluster, tollgate| {
        let namespace = cluster.namespace("rolling").await?;
        let restart = async {
            for _ in 0..3 {
                tollgate.add().await?;
                tollgate.stop_oldest().await?;
            }
            Ok(())
        };
        let ((), outcome) =
            while_creating(cluster, namespace.name(), one_gpu(), RATE, restart).await?;
        all_repaired(&outcome)
    })
    .await
}

pub(crate) async fn no_call_fails_while_certificates_follow_one_another(_: &Cluster) -> Result<()> {
    in_turn(async |cluster, _| {
        let namespace = cluster.namespace("rotation").await?;
        let rotation = async {
            new_leaf(cluster).await?;
            new_authority(cluster).await
        };
        let ((), outcome) =
            while_creating(cluster, namespace.name(), one_gpu(), RATE, rotation).await?;
        all_repaired(&outcome)
    })
    .await
}

pub(crate) async fn no_call_is_judged_by_two_versions_of_a_policy(_: &Cluster) -> Result<()> {
    in_turn(async |cluster, _| {
        let namespace = cluster.namespace("versions").await?;
        let changes = async {
            for round in 0..20 {
                let version = if round % 2 == 0 { "a" } else { "b" };
                cluster.objects().apply("", &two_keys(version)).await?;
                tokio::time::sleep(Duration::from_millis(400)).await;
            }
            Ok(())
        };
        let ((), outcome) =
            while_creating(cluster, namespace.name(), one_gpu(), RATE, changes).await?;
        all_repaired(&outcome)?;
        let mut seen = BTreeMap::<Vec<String>, usize>::new();
        for pod in &outcome.stored {
            *seen.entry(keys(pod)).or_default() += 1;
        }
        let whole = |keys: &Vec<String>| ["", "a1 a2", "b1 b2"].contains(&keys.join(" ").as_str());
        ensure!(seen.keys().all(whole), "judged by two versions: {seen:?}");
        ensure!(seen.len() >= 2, "the policy never changed: {seen:?}");
        Ok(())
    })
    .await
}

/// A policy that adds two tolerations of one version.
fn two_keys(version: &str) -> Value {
    let key = |number: u8| json!({"key": format!("{version}{number}"), "value": "gpu"});
    json!({
        "apiVersion": "tollgate.dev/v1alpha1", "kind": "Policy", "metadata": {"name": "house-keys"},
        "spec": {"module": "builtin:gpu-tolerations", "settings": {"extraKeys": [key(1), key(2)]}},
    })
}

/// The keys of the policy's tolerations.
fn keys(pod: &Pod) -> Vec<String> {
    let tolerations = pod
        .spec
        .iter()
        .flat_map(|spec| spec.tolerations.iter().flatten());
    let keys = tolerations.filter_map(|toleration| toleration.key.clone());
    let mut keys: Vec<String> = keys.filter(|key| key.len() == 2).collect();
    keys.sort();
    keys
}

/// Every call was answered, and every pod was repaired: with an entry that admits on failure, a call that fails would
/// else go unseen.
fn all_repaired(outcome: &Outcome) -> Result<()> {
    let Outcome { stored, failed } = outcome;
    ensure!(
        failed.is_empty(),
        "{} of {} calls failed, first: {}",
        failed.len(),
        stored.len() + failed.len(),
        failed[0]
    );
    ensure!(
        stored.len() > 200,
        "only {} pods were asked for",
        stored.len()
    );
    let repaired = |pod: &&Pod| {
        let tolerations = pod
            .spec
            .iter()
            .flat_map(|spec| spec.tolerations.iter().flatten());
        tolerations
            .filter_map(|it| it.key.as_deref())
            .any(|key| key == "nvidia.com/gpu")
    };
    let unrepaired = stored.iter().filter(|pod| !repaired(pod)).count();
    ensure!(
        unrepaired == 0,
        "{unrepaired} of {} pods were not repaired",
        stored.len()
    );
    Ok(())
}

async fn stored_keys(cluster: &Cluster) -> Result<Keys> {
    let secret = cluster
        .objects()
        .get(SECRET_KIND, NAMESPACE, SECRET)
        .await?;
    let data = secret["data"].as_object().context("no data")?;
    let decoded = data.iter().map(|(key, value)| {
        Ok((
            key.clone(),
            BASE64.decode(value.as_str().unwrap_or_default())?,
        ))
    });
    Keys::from_data(&decoded.collect::<Result<_>>()?).context("no keys")
}

async fn store(cluster: &Cluster, keys: &Keys) -> Result<()> {
    let data: BTreeMap<_, _> = keys
        .to_data()
        .into_iter()
        .map(|(key, value)| (key, BASE64.encode(value)))
        .collect();
    let patch = json!({"data": data});
    cluster
        .objects()
        .merge(SECRET_KIND, NAMESPACE, SECRET, &patch)
        .await
        .map(drop)
}

/// Puts a leaf in place that is about to expire, and waits until the leader has issued another.
async fn new_leaf(cluster: &Cluster) -> Result<()> {
    let mut keys = stored_keys(cluster).await?;
    let names = [format!("tollgate.{NAMESPACE}.svc")];
    let soon = Validity {
        now: SystemTime::now(),
        time: Duration::from_secs(3600),
    };
    keys.leaf = keys.current.issue(&names, soon)?;
    store(cluster, &keys).await?;
    let old = keys.leaf;
    until("the leaf is issued anew", async || {
        ensure!(stored_keys(cluster).await?.leaf != old, "it is the old one");
        Ok(())
    })
    .await
}

/// Begins as the leader does when an authority grows old, and lets the time pass that it would wait.
async fn new_authority(cluster: &Cluster) -> Result<()> {
    let mut keys = stored_keys(cluster).await?;
    let validity = Validity {
        now: SystemTime::now(),
        time: Terms::default().authority,
    };
    keys.next = Some(Successor {
        authority: Authority::make(validity)?,
        published: None,
    });
    store(cluster, &keys).await?;
    let mut keys = until("the successor is published", async || {
        let keys = stored_keys(cluster).await?;
        let published = keys
            .next
            .as_ref()
            .is_some_and(|next| next.published.is_some());
        ensure!(published, "it is not");
        Ok(keys)
    })
    .await?;
    let old = keys.leaf.clone();
    if let Some(next) = &mut keys.next {
        next.published = Some(0);
    }
    store(cluster, &keys).await?;
    until("the successor issues", async || {
        let keys = stored_keys(cluster).await?;
        ensure!(keys.leaf != old && keys.next.is_none(), "it does not");
        ensure!(
            keys.previous.is_some(),
            "the authority before is not published any more"
        );
        Ok(())
    })
    .await?;
    // While the replicas take it up.
    tokio::time::sleep(Duration::from_secs(3)).await;
    Ok(())
}

pub(crate) async fn all_is_right_again_soon_after_a_crash(_: &Cluster) -> Result<()> {
    in_turn(async |cluster, tollgate| {
        tollgate.kill_oldest()?;
        is_right(cluster, "a replica was killed").await?;
        tollgate.add().await?;
        let leader = leader(cluster).await?;
        tollgate.kill_named(&leader)?;
        is_right(cluster, "the leader was killed").await?;
        tollgate.add().await?;
        for part in [Part::ApiServer, Part::Etcd] {
            cluster.kill(part);
            cluster.resume(part).await?;
            is_right(cluster, &format!("{part:?} was killed")).await?;
        }
        Ok(())
    })
    .await
}

async fn leader(cluster: &Cluster) -> Result<String> {
    let lease = cluster.objects().get(LEASE, NAMESPACE, "tollgate").await?;
    let holder = lease["spec"]["holderIdentity"].as_str();
    holder.map(str::to_owned).context("nobody leads")
}

/// Pods are repaired and refused, a change of a policy is in force, and the registration is repaired, all in time.
async fn is_right(cluster: &Cluster, after: &str) -> Result<()> {
    let since = Instant::now();
    let objects = cluster.objects();
    until(&format!("pods are judged after {after}"), async || {
        let pod = objects.dry_run("default", &one_gpu()).await?;
        let tolerations = pod["spec"]["tolerations"].to_string();
        ensure!(tolerations.contains("nvidia.com/gpu"), "{tolerations}");
        let refused = objects.dry_run("default", &half_a_gpu()).await.err();
        refused_in_our_words(&refused.context("half a GPU was admitted")?.to_string())
    })
    .await?;
    let version = format!("{}", char::from(b'c' + u8::try_from(after.len() % 20)?));
    objects.apply("", &two_keys(&version)).await?;
    changes_within(cluster, &version, RIGHT_AGAIN).await?;
    objects.delete(VALIDATING, "", "tollgate").await?;
    until(
        &format!("the registration is repaired after {after}"),
        async || objects.get(VALIDATING, "", "tollgate").await,
    )
    .await?;
    let taken = since.elapsed();
    ensure!(
        taken < RIGHT_AGAIN,
        "all was right only {taken:?} after {after}"
    );
    Ok(())
}

/// The policy of a version is in force in time.
async fn changes_within(cluster: &Cluster, version: &str, time: Duration) -> Result<()> {
    let since = Instant::now();
    until(
        &format!("version {version} of a policy is in force"),
        async || {
            let pod = cluster.objects().dry_run("default", &one_gpu()).await?;
            let keys = keys(&serde_json::from_value(pod)?);
            let wanted = [format!("{version}1"), format!("{version}2")];
            ensure!(keys == wanted, "{keys:?}");
            Ok(())
        },
    )
    .await?;
    let taken = since.elapsed();
    ensure!(
        taken < time,
        "version {version} was in force only after {taken:?}"
    );
    Ok(())
}
