//! The Helm chart on a real API server. Its Service leads to replicas on loopback; its pods are played.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tollgate_e2e::{Cluster, Installation, NAMESPACE, documents, helm, until};

use crate::pods::wants;

const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/chart");
const VALUES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/values");
const IMAGE: &str = "image.repository=registry.example/tollgate";

const DEPLOYMENT: (&str, &str) = ("apps/v1", "Deployment");
const DEFINITION: (&str, &str) = ("apiextensions.k8s.io/v1", "CustomResourceDefinition");
const CONFIGURATIONS: [(&str, &str); 2] = [
    (
        "admissionregistration.k8s.io/v1",
        "MutatingWebhookConfiguration",
    ),
    (
        "admissionregistration.k8s.io/v1",
        "ValidatingWebhookConfiguration",
    ),
];

/// Groups of kinds that this cluster does not have.
const ABSENT: [&str; 2] = ["monitoring.coreos.com/", "cert-manager.io/"];

pub(crate) async fn the_api_server_takes_all_that_is_rendered(cluster: &Cluster) -> Result<()> {
    let namespace =
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
    cluster.objects().apply("", &namespace).await?;
    let mut taken = 0;
    for entry in std::fs::read_dir(VALUES)? {
        let values = entry?.path().display().to_string();
        let rendered = helm(
            cluster,
            &["template", "tollgate", CHART, "--values", &values],
        )
        .await?;
        let objects = documents(&rendered)?.into_iter().filter(is_known);
        let file = cluster.folder().join("rendered.json");
        let items: Vec<Value> = objects.collect();
        taken += items.len();
        std::fs::write(
            &file,
            json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string(),
        )?;
        let file = file.display().to_string();
        let arguments = [
            "apply",
            "--server-side",
            "--force-conflicts",
            "--dry-run=server",
            "--validate=strict",
            "--filename",
            &file,
        ];
        cluster
            .kubectl(&arguments)
            .await
            .with_context(|| values.clone())?;
    }
    ensure!(taken > 60, "only {taken} objects were rendered");
    Ok(())
}

fn is_known(object: &Value) -> bool {
    let version = object["apiVersion"].as_str().unwrap_or_default();
    !ABSENT.iter().any(|group| version.starts_with(group))
}

pub(crate) async fn a_release_comes_changes_and_goes(_: &Cluster) -> Result<()> {
    let cluster = Cluster::start().await?;
    release(&cluster).await.with_context(|| cluster.logs())
}

async fn release(cluster: &Cluster) -> Result<()> {
    helm(
        cluster,
        &[
            "install",
            "tollgate",
            CHART,
            "--create-namespace",
            "--set",
            IMAGE,
        ],
    )
    .await?;
    let tollgate = Installation::start(cluster, 2, &[]).await?;
    let namespace = cluster.namespace("chart").await?;
    let refused = namespace
        .create(wants("half", "nvidia.com/gpu", "500m"))
        .await;
    let said = refused
        .err()
        .context("half a GPU was admitted")?
        .to_string();
    ensure!(said.contains("only given out whole"), "{said}");

    helm(
        cluster,
        &[
            "upgrade",
            "tollgate",
            CHART,
            "--set",
            IMAGE,
            "--set",
            "replicas=3",
        ],
    )
    .await?;
    ensure!(
        replicas(cluster).await? == 3,
        "the release was not upgraded"
    );
    helm(cluster, &["rollback", "tollgate"]).await?;
    ensure!(
        replicas(cluster).await? == 2,
        "the release was not rolled back"
    );
    namespace
        .create(wants("one", "nvidia.com/gpu", "1"))
        .await?;
    nodes_can_be_drained(cluster).await?;

    helm(cluster, &["uninstall", "tollgate"]).await?;
    until(
        "both configurations are gone with their owner",
        async || are_gone(cluster).await,
    )
    .await?;
    // Replicas that still run have no rights any more to bring them back.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    are_gone(cluster).await?;
    drop(tollgate);
    namespace
        .create(wants("half", "nvidia.com/gpus", "1"))
        .await?;
    let left = leftovers(cluster).await?;
    let said = BTreeSet::from(["CustomResourceDefinition", "Lease", "Secret"]);
    ensure!(left == said, "left are {left:?}");
    Ok(())
}

/// One node after the other, and never the last replica.
async fn nodes_can_be_drained(cluster: &Cluster) -> Result<()> {
    let nodes = ["cpu-0", "dra-0"];
    two_run(cluster).await?;
    drain(cluster, &nodes[..1], "60s").await?;
    two_run(cluster).await?;
    let refused = drain(cluster, &nodes, "10s").await.err();
    let said = refused.context("the last replica was evicted")?.to_string();
    ensure!(said.contains("disruption budget"), "{said}");
    cluster.kubectl(&["uncordon", nodes[0], nodes[1]]).await?;
    two_run(cluster).await
}

async fn drain(cluster: &Cluster, nodes: &[&str], time: &str) -> Result<()> {
    let selector = "--pod-selector=app.kubernetes.io/name=tollgate";
    let timeout = format!("--timeout={time}");
    let arguments = [&["drain", selector, &timeout], nodes].concat();
    cluster.kubectl(&arguments).await.map(drop)
}

async fn two_run(cluster: &Cluster) -> Result<()> {
    until("both played replicas run", async || {
        let labels = "app.kubernetes.io/name=tollgate";
        let pods = cluster
            .objects()
            .list(("v1", "Pod"), NAMESPACE, labels)
            .await?;
        let running = pods.iter().filter(|pod| {
            pod["status"]["phase"] == "Running" && pod["metadata"]["deletionTimestamp"].is_null()
        });
        ensure!(running.count() == 2, "of {} not two run", pods.len());
        Ok(())
    })
    .await
}

async fn replicas(cluster: &Cluster) -> Result<Value> {
    let deployment = cluster
        .objects()
        .get(DEPLOYMENT, NAMESPACE, "tollgate")
        .await?;
    Ok(deployment["spec"]["replicas"].clone())
}

async fn are_gone(cluster: &Cluster) -> Result<()> {
    for kind in CONFIGURATIONS {
        let found = cluster.objects().list(kind, "", "").await?;
        ensure!(!found.iter().any(is_ours), "{} is there", kind.1);
    }
    Ok(())
}

/// What is left of the kinds that Tollgate and its chart make, as `docs/operations.md` says.
async fn leftovers(cluster: &Cluster) -> Result<BTreeSet<&'static str>> {
    let kinds = [
        ("v1", "Service"),
        ("v1", "ServiceAccount"),
        ("v1", "Secret"),
        ("coordination.k8s.io/v1", "Lease"),
        DEPLOYMENT,
        ("policy/v1", "PodDisruptionBudget"),
        ("networking.k8s.io/v1", "NetworkPolicy"),
        ("rbac.authorization.k8s.io/v1", "Role"),
        ("rbac.authorization.k8s.io/v1", "RoleBinding"),
        ("rbac.authorization.k8s.io/v1", "ClusterRole"),
        ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
        ("scheduling.k8s.io/v1", "PriorityClass"),
        DEFINITION,
    ];
    let mut left = BTreeSet::new();
    for kind in kinds {
        for namespace in [NAMESPACE, "default"] {
            let found = cluster.objects().list(kind, namespace, "").await?;
            left.extend(found.iter().any(is_ours).then_some(kind.1));
        }
    }
    Ok(left)
}

fn is_ours(object: &Value) -> bool {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    ["tollgate", "tollgate-tls"].contains(&name) || name.ends_with(".tollgate.dev")
}
