//! What Tollgate must not touch: pods without accelerators, and objects of before, also while nobody answers.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tollgate_e2e::{Cluster, Namespace, until};

use crate::pods::{deployment, plain, scaler, spec, wants};

const POD: (&str, &str) = ("v1", "Pod");
const DEPLOYMENT: (&str, &str) = ("apps/v1", "Deployment");
const POLICY: (&str, &str) = ("tollgate.dev/v1alpha1", "Policy");

pub(crate) async fn objects_without_accelerators_cause_no_call(_: &Cluster) -> Result<()> {
    // One of its own, so that every call that is counted is one of this storm.
    Cluster::own(1, async |cluster, tollgate| {
        let namespace = cluster.namespace("storm").await?;
        let before = tollgate.calls().await?;
        ensure!(before > 0, "calls are not counted");
        for number in 0..500 {
            namespace.create(plain(&format!("p{number}"))).await?;
            let map = json!({
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("c{number}")},
                "data": {"a": "nvidia.com/gpu"},
            });
            namespace.create(map).await?;
        }
        roll_out(&namespace).await?;
        let calls = tollgate.calls().await? - before;
        ensure!(calls == 0, "{calls} calls");
        // The scaler itself is asked about, in an entry that fails open; what it does is not.
        scale(&namespace).await?;
        let calls = tollgate.calls().await? - before;
        ensure!(calls == 1, "{calls} calls with a scaler");
        namespace
            .create(wants("last", "nvidia.com/gpu", "1"))
            .await?;
        let calls = tollgate.calls().await? - before;
        ensure!(
            calls >= 3,
            "with a GPU pod there are {calls} calls: then none of before proves anything"
        );
        Ok(())
    })
    .await
}

/// A Deployment of pods without devices: made and changed.
async fn roll_out(namespace: &Namespace<'_>) -> Result<()> {
    let pod = plain("web")["spec"].clone();
    namespace.create(deployment("web", 10, &pod)).await?;
    namespace.until_object(DEPLOYMENT, "web", ready(10)).await?;
    let newer = json!({"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "web:2", "resources": {"limits": {"cpu": "1m"}}}]}}}});
    namespace.merge(DEPLOYMENT, "web", &newer).await?;
    namespace.until_object(DEPLOYMENT, "web", ready(10)).await?;
    Ok(())
}

/// A scaler that raises it.
async fn scale(namespace: &Namespace<'_>) -> Result<()> {
    namespace.create(scaler("web", 15)).await?;
    namespace.until_object(DEPLOYMENT, "web", ready(15)).await?;
    Ok(())
}

fn ready(count: u64) -> impl Fn(&Value) -> bool {
    move |it| it["status"]["readyReplicas"] == count && it["status"]["updatedReplicas"] == count
}

pub(crate) async fn nothing_else_stops_while_nobody_answers(_: &Cluster) -> Result<()> {
    Cluster::own(2, async |cluster, tollgate| {
        let namespace = cluster.namespace("outage").await?;
        let mut held = wants("held", "nvidia.com/gpu", "1");
        held["metadata"]["finalizers"] = json!(["e2e.tollgate.dev/held"]);
        namespace.create(held).await?;
        namespace
            .create(deployment("serve", 2, &spec("nvidia.com/gpu", "1")))
            .await?;
        namespace.until_running("", 3).await?;

        tollgate.kill_all()?;
        roll_out(&namespace).await?;
        scale(&namespace).await?;
        // What is there can be changed where it does not concern us, ended, and deleted.
        let label = json!({"metadata": {"finalizers": []}});
        namespace.merge(POD, "held", &label).await?;
        namespace.complete("app=serve").await?;
        namespace.delete(POD, "held").await?;
        let refused = namespace
            .create(wants("new", "nvidia.com/gpu", "1"))
            .await
            .err();
        let said = refused
            .context("a GPU pod was admitted unseen")?
            .to_string();
        ensure!(
            said.contains("failed calling webhook \"pods.tollgate.dev\""),
            "{said}"
        );

        tollgate.add().await?;
        namespace
            .create(wants("new", "nvidia.com/gpu", "1"))
            .await?;
        namespace
            .until_object(POD, "new", |pod| pod["status"]["phase"] == "Running")
            .await?;
        Ok(())
    })
    .await
}

pub(crate) async fn a_new_rule_leaves_what_exists_alone(cluster: &Cluster) -> Result<()> {
    cluster.tollgate().await?;
    let namespace = cluster.namespace("ratchet").await?;
    let mut unbounded = spec("nvidia.com/gpu", "1");
    unbounded["containers"][0]["resources"]["limits"] = json!({"nvidia.com/gpu": "1"});
    namespace.create(deployment("serve", 2, &unbounded)).await?;
    let rule = json!({
        "apiVersion": POLICY.0, "kind": POLICY.1, "metadata": {"name": "house-memory"},
        "spec": {
            "module": "builtin:gpu-limits", "match": {"namespaces": [namespace.name()]},
            "rules": {"no-memory-limit": "deny"},
        },
    });
    cluster.objects().apply("", &rule).await?;
    let said = until("the rule is in force", async || {
        let made = namespace.create(deployment("later", 1, &unbounded)).await;
        let Err(said) = made else {
            namespace.delete(DEPLOYMENT, "later").await?;
            anyhow::bail!("what it denies is admitted");
        };
        Ok(said.to_string())
    })
    .await?;
    ensure!(said.contains("memory"), "{said}");
    // The image alone is new, which the rule does not speak of.
    let mut newer = unbounded.clone();
    newer["containers"][0]["image"] = json!("train:2");
    namespace
        .merge(
            DEPLOYMENT,
            "serve",
            &json!({"spec": {"template": {"spec": newer}}}),
        )
        .await?;
    namespace
        .merge(DEPLOYMENT, "serve", &json!({"spec": {"replicas": 1}}))
        .await?;
    namespace.delete(DEPLOYMENT, "serve").await?;
    cluster.objects().delete(POLICY, "", "house-memory").await
}
