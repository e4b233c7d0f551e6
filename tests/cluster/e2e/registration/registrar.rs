//! What the leader keeps, and how it is let go.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tollgate_cluster::authority::Terms;
use tollgate_cluster::clock::Clock;
use tollgate_cluster::entry::Interests;
use tollgate_cluster::registrar::{Certificates, Learned, Options, Registrar, SECRET};
use tollgate_cluster::registration::{Endpoint, FailurePolicy};
use tollgate_cluster::removal::{self, CustomResources, Opened};
use tollgate_e2e::{Cluster, until};
use tollgate_webhook::vouches;

use crate::TURN;

const NAMESPACE: &str = "tollgate-registration";
const MUTATING: (&str, &str) = (
    "admissionregistration.k8s.io/v1",
    "MutatingWebhookConfiguration",
);
const VALIDATING: (&str, &str) = (
    "admissionregistration.k8s.io/v1",
    "ValidatingWebhookConfiguration",
);

/// A leader that runs until it is dropped. It asks for a namespace that does not exist.
struct Leader {
    task: JoinHandle<()>,
    learned: Learned,
    _leads: watch::Sender<bool>,
    _interests: watch::Sender<Option<Interests>>,
}

impl Drop for Leader {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn lead(cluster: &Cluster, terms: Terms) -> Result<Leader> {
    for object in [
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}),
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "tollgate"}}),
    ] {
        cluster.objects().apply("", &object).await?;
    }
    let options = Options {
        endpoint: Endpoint::Service {
            namespace: NAMESPACE.to_owned(),
            name: "tollgate".to_owned(),
            port: 443,
        },
        certificates: Certificates::Own,
        terms,
        namespace: NAMESPACE.to_owned(),
        exclude_namespaces: Vec::new(),
        only_namespaces: vec!["no-such-namespace".to_owned()],
        failure_policy: FailurePolicy::Fail,
        timeout_seconds: 2,
        clock: Clock::default(),
        cluster_role: Some("tollgate".to_owned()),
    };
    let (registrar, learned) = Registrar::new(cluster.objects().client(), options);
    let (leads, leading) = watch::channel(true);
    let (interests, wanted) = watch::channel(Some(Interests::everything()));
    Ok(Leader {
        task: tokio::spawn(registrar.run(leading, wanted)),
        learned,
        _leads: leads,
        _interests: interests,
    })
}

async fn policy(cluster: &Cluster) -> Result<String> {
    let found = cluster.objects().get(VALIDATING, "", "tollgate").await?;
    let webhooks = found["webhooks"].as_array().context("no webhooks")?;
    let pods = webhooks
        .iter()
        .find(|webhook| webhook["name"] == "pods.tollgate.dev");
    Ok(pods.context("no entry for pods")?["failurePolicy"]
        .as_str()
        .unwrap_or_default()
        .to_owned())
}

async fn until_policy(cluster: &Cluster, wanted: &str) -> Result<()> {
    until(&format!("the failure policy is {wanted}"), async || {
        let policy = policy(cluster).await?;
        ensure!(policy == wanted, "it is {policy}");
        Ok(())
    })
    .await
}

/// Waits until what is served verifies against what both configurations have.
async fn until_trusted(leader: &mut Leader) -> Result<()> {
    until("the leaf is trusted", async || {
        let pair = leader.learned.pair.borrow().clone().context("no leaf")?;
        let trust = leader.learned.trust.borrow().clone();
        ensure!(
            vouches(
                &trust.bundle,
                &pair,
                &trust.names,
                std::time::SystemTime::now()
            ),
            "it is not"
        );
        Ok(())
    })
    .await
}

async fn clear(cluster: &Cluster) -> Result<Vec<String>> {
    Ok(removal::uninstall(
        &cluster.objects().client(),
        NAMESPACE,
        CustomResources::Keep,
    )
    .await?)
}

pub(crate) async fn the_leader_registers_and_repairs(cluster: &Cluster) -> Result<()> {
    let _turn = TURN.lock().await;
    let mut leader = lead(cluster, Terms::default()).await?;
    until_trusted(&mut leader).await?;
    let first = cluster.objects().get(VALIDATING, "", "tollgate").await?;
    ensure!(
        first["metadata"]["ownerReferences"][0]["kind"] == "ClusterRole",
        "{}",
        first["metadata"]
    );
    // A bundle and a policy that somebody else wrote.
    let mut changed = first.clone();
    changed["webhooks"][0]["failurePolicy"] = "Ignore".into();
    changed["webhooks"][0]["clientConfig"]["caBundle"] = Value::Null;
    cluster
        .objects()
        .merge(
            VALIDATING,
            "",
            "tollgate",
            &json!({"webhooks": changed["webhooks"]}),
        )
        .await?;
    until("the configuration is repaired", async || {
        let found = cluster.objects().get(VALIDATING, "", "tollgate").await?;
        ensure!(
            found["webhooks"] == first["webhooks"],
            "{}",
            found["webhooks"][0]["failurePolicy"]
        );
        Ok(())
    })
    .await?;
    // One that somebody deleted.
    cluster.objects().delete(MUTATING, "", "tollgate").await?;
    until("the configuration is back", async || {
        cluster.objects().get(MUTATING, "", "tollgate").await
    })
    .await?;
    // What is as it should be is left alone.
    let generation = async || -> Result<Value> {
        let found = cluster.objects().get(VALIDATING, "", "tollgate").await?;
        Ok(found["metadata"]["resourceVersion"].clone())
    };
    until_trusted(&mut leader).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = generation().await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    ensure!(
        generation().await? == before,
        "the leader writes without need"
    );
    drop(leader);
    clear(cluster).await.map(drop)
}

pub(crate) async fn an_authority_follows_another(cluster: &Cluster) -> Result<()> {
    let _turn = TURN.lock().await;
    // An authority is to be followed as soon as it is made.
    let terms = Terms {
        authority_left: Terms::default().authority + Duration::from_secs(1),
        settle: Duration::from_secs(1),
        ..Terms::default()
    };
    let mut leader = lead(cluster, terms).await?;
    until_trusted(&mut leader).await?;
    let nudge = json!({"metadata": {"annotations": {"e2e.tollgate.dev/nudge": "1"}}});
    until("another authority issues", async || {
        // The leader looks when something changes; else it would take its time.
        tokio::time::sleep(Duration::from_millis(700)).await;
        let number = std::time::Instant::now();
        let mut nudge = nudge.clone();
        nudge["metadata"]["annotations"]["e2e.tollgate.dev/nudge"] = format!("{number:?}").into();
        let secret = cluster
            .objects()
            .merge(("v1", "Secret"), NAMESPACE, SECRET, &nudge)
            .await?;
        // At every moment, a leaf that is served verifies against what is published.
        let pair = leader.learned.pair.borrow().clone().context("no leaf")?;
        let trust = leader.learned.trust.borrow().clone();
        if !vouches(
            &trust.bundle,
            &pair,
            &trust.names,
            std::time::SystemTime::now(),
        ) {
            return Ok(Err("a leaf was served for which no bundle vouches"));
        }
        ensure!(
            secret["data"].get("previous-ca.crt").is_some(),
            "no authority followed"
        );
        Ok(Ok(()))
    })
    .await?
    .map_err(anyhow::Error::msg)?;
    until_trusted(&mut leader).await?;
    drop(leader);
    clear(cluster).await.map(drop)
}

pub(crate) async fn fail_open_stays_until_it_is_undone(cluster: &Cluster) -> Result<()> {
    let _turn = TURN.lock().await;
    let client = cluster.objects().client();
    ensure!(removal::fail_open(&client).await? == Opened::NotRegistered);
    let leader = lead(cluster, Terms::default()).await?;
    until_policy(cluster, "Fail").await?;
    let Opened::Changed(softened) = removal::fail_open(&client).await? else {
        anyhow::bail!("nothing is registered");
    };
    ensure!(
        softened.contains(&"pods.tollgate.dev".to_owned()),
        "{softened:?}"
    );
    ensure!(policy(cluster).await? == "Ignore");
    tokio::time::sleep(Duration::from_secs(2)).await;
    ensure!(
        policy(cluster).await? == "Ignore",
        "the leader took it back"
    );
    // Undone where no leader runs.
    drop(leader);
    let Opened::Changed(restored) = removal::fail_closed(&client).await? else {
        anyhow::bail!("nothing is registered");
    };
    ensure!(restored == softened, "{restored:?} instead of {softened:?}");
    ensure!(policy(cluster).await? == "Fail");
    clear(cluster).await.map(drop)
}

pub(crate) async fn uninstalling_removes_all_and_nobody_brings_it_back(
    cluster: &Cluster,
) -> Result<()> {
    let _turn = TURN.lock().await;
    let mut leader = lead(cluster, Terms::default()).await?;
    until_trusted(&mut leader).await?;
    let removed = clear(cluster).await?;
    ensure!(
        removed.starts_with(&[
            "ValidatingWebhookConfiguration/tollgate".to_owned(),
            "MutatingWebhookConfiguration/tollgate".to_owned()
        ]),
        "{removed:?}"
    );
    ensure!(removed.contains(&format!("Secret/{SECRET}")), "{removed:?}");
    tokio::time::sleep(Duration::from_secs(3)).await;
    for kind in [MUTATING, VALIDATING] {
        ensure!(
            cluster.objects().get(kind, "", "tollgate").await.is_err(),
            "{} is back",
            kind.1
        );
    }
    ensure!(clear(cluster).await?.is_empty());
    Ok(())
}
