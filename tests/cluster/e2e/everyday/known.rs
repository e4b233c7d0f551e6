//! What replicas know of the cluster: what an object refers to is told where it is applied, from a moment after it is there
//! until a moment after it is gone.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tollgate_e2e::{Cluster, Namespace, until};

use crate::definitions::{Definition, Scope};
use crate::pods::{deployment, scaler, spec, wants};

/// How long replicas may take to know of an object.
const KNOWN: Duration = Duration::from_secs(1);

/// How often in a row the answer must be the same: two replicas answer by turns.
const ROW: u32 = 6;

/// Kinds that are not served when the replicas start.
const LATER: [Definition; 3] = [
    Definition(
        "kueue.x-k8s.io/v1beta1",
        "LocalQueue",
        "localqueues",
        Scope::Namespaced,
    ),
    Definition(
        "keda.sh/v1alpha1",
        "ScaledObject",
        "scaledobjects",
        Scope::Namespaced,
    ),
    Definition(
        "nvidia.com/v1",
        "ClusterPolicy",
        "clusterpolicies",
        Scope::Cluster,
    ),
];

/// An object under review, and one that decides what is said of it.
struct Row {
    rule: &'static str,
    reviewed: Value,
    deciding: Value,
    /// Whether the rule speaks while the other one is there; else it speaks while that is not.
    speaks_with: bool,
}

pub(crate) async fn what_objects_refer_to_is_known_within_a_second(_: &Cluster) -> Result<()> {
    // None of the kinds of Kueue, KEDA, Karpenter or the GPU operator is served in it, and the replicas get ready.
    Cluster::own(2, async |cluster, _| {
        let namespace = cluster.namespace("known").await?;
        for definition in &LATER {
            definition.install(cluster).await?;
        }
        prepare(&namespace).await?;
        until_taken_up(&namespace).await?;
        for row in rows(&namespace) {
            row.is_known(&namespace).await.with_context(|| row.rule)?;
        }
        is_let_go(&namespace).await
    })
    .await
}

/// What is there all along: a workload that is scaled, and a policy of the GPU operator.
async fn prepare(namespace: &Namespace<'_>) -> Result<()> {
    namespace
        .create(deployment("serve", 1, &spec("nvidia.com/gpu", "1")))
        .await?;
    let policy = json!({
        "apiVersion": "nvidia.com/v1", "kind": "ClusterPolicy", "metadata": {"name": "cluster-policy"},
        "spec": {"devicePlugin": {"config": {"name": "time-slicing-config", "default": "any"}}},
    });
    namespace.create(policy).await.map(drop)
}

/// Definitions that come later are looked for every few seconds.
async fn until_taken_up(namespace: &Namespace<'_>) -> Result<()> {
    for row in [unknown_queue(), scaled_twice()] {
        let other = |object: &Value| {
            let mut object = object.clone();
            object["metadata"]["name"] = json!("first");
            object
        };
        namespace.create(other(&row.deciding)).await?;
        let expected = match row.speaks_with {
            true => row.rule,
            // It names another queue than the one that is there.
            false => "there is no queue `team`",
        };
        until("a definition is taken up by both replicas", async || {
            for _ in 0..ROW {
                let said = namespace
                    .cluster()
                    .objects()
                    .said_of(namespace.name(), &row.reviewed)
                    .await?;
                ensure!(said.contains(expected), "{said:?}");
            }
            Ok(())
        })
        .await?;
        let kind = kind_of(&row.deciding);
        namespace.delete(kind, "first").await?;
    }
    Ok(())
}

/// A definition that goes takes what is known with it: it is not known any more that there is no queue.
async fn is_let_go(namespace: &Namespace<'_>) -> Result<()> {
    let row = unknown_queue();
    row.until_it_speaks(namespace, true).await?;
    LATER[0].remove(namespace.cluster()).await?;
    row.until_it_speaks(namespace, false).await?;
    Ok(())
}

fn rows(namespace: &Namespace<'_>) -> Vec<Row> {
    vec![
        unknown_queue(),
        scaled_twice(),
        claim_of_one_node(),
        hidden_shares(),
        unknown_scheduler(),
        share_not_offered(namespace),
    ]
}

fn unknown_queue() -> Row {
    let mut job = json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": "train", "labels": {"kueue.x-k8s.io/queue-name": "team"}},
        "spec": {"template": {"spec": spec("nvidia.com/gpu", "1")}},
    });
    job["spec"]["template"]["spec"]["restartPolicy"] = json!("Never");
    Row {
        rule: "placement/unknown-queue",
        reviewed: job,
        deciding: json!({
            "apiVersion": "kueue.x-k8s.io/v1beta1", "kind": "LocalQueue", "metadata": {"name": "team"},
            "spec": {"clusterQueue": "all"},
        }),
        speaks_with: false,
    }
}

fn scaled_twice() -> Row {
    Row {
        rule: "gpu-scaling/scaled-twice",
        reviewed: scaler("serve", 1),
        deciding: json!({
            "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {"name": "by-queue"},
            "spec": {"scaleTargetRef": {"name": "serve"}, "maxReplicaCount": 3, "triggers": [{"type": "cron"}]},
        }),
        speaks_with: true,
    }
}

fn claim_of_one_node() -> Row {
    let mut mounting = deployment("mounting", 2, &spec("nvidia.com/gpu", "1"));
    mounting["spec"]["template"]["spec"]["volumes"] =
        json!([{"name": "models", "persistentVolumeClaim": {"claimName": "models"}}]);
    Row {
        rule: "placement/claim-of-one-node",
        reviewed: mounting,
        deciding: json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "models"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        }),
        speaks_with: true,
    }
}

/// Two of what is a share each, on a node whose labels alone say so: the plain name hides it.
fn hidden_shares() -> Row {
    let mut pod = wants("two", "nvidia.com/gpu", "2");
    pod["spec"]["nodeSelector"] = json!({"e2e/pool": "shared"});
    Row {
        rule: "gpu-sharing/several-shares",
        reviewed: pod,
        deciding: json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": "shared-0", "labels": {
                "e2e/pool": "shared", "nvidia.com/gpu.product": "NVIDIA-L4-SHARED", "nvidia.com/gpu.replicas": "4",
            }},
            "status": {"allocatable": {"cpu": "8", "memory": "64Gi", "pods": "110", "nvidia.com/gpu": "4"}},
        }),
        speaks_with: true,
    }
}

/// A scheduler is known from the first pod on that it has placed. Nobody reviews that one: it takes no accelerators.
fn unknown_scheduler() -> Row {
    let mut waiting = wants("waiting", "nvidia.com/gpu", "1");
    waiting["spec"]["schedulerName"] = json!("packer");
    let mut placed = crate::pods::plain("placed");
    placed["spec"]["schedulerName"] = json!("packer");
    placed["spec"]["nodeName"] = json!("cpu-0");
    placed["spec"]["terminationGracePeriodSeconds"] = json!(0);
    Row {
        rule: "placement/unknown-scheduler",
        reviewed: waiting,
        deciding: placed,
        speaks_with: false,
    }
}

/// The one config map of which replicas read anything: the operator's policy names it.
fn share_not_offered(namespace: &Namespace<'_>) -> Row {
    let slices = "sharing: {timeSlicing: {resources: [{name: nvidia.com/gpu, replicas: 4}]}}";
    Row {
        rule: "gpu-sharing/share-not-offered",
        reviewed: wants("share", "nvidia.com/gpu.shared", "1"),
        deciding: json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "time-slicing-config", "namespace": namespace.name()},
            "data": {"any": slices},
        }),
        speaks_with: true,
    }
}

impl Row {
    /// Shows what is said before the deciding object comes, while it is there, and after it has gone.
    async fn is_known(&self, namespace: &Namespace<'_>) -> Result<()> {
        self.until_it_speaks(namespace, !self.speaks_with).await?;
        namespace.create(self.deciding.clone()).await?;
        self.speaks_soon(namespace, self.speaks_with).await?;
        let (kind, name) = (kind_of(&self.deciding), &self.deciding["metadata"]["name"]);
        let name = name.as_str().unwrap_or_default();
        namespace.delete(kind, name).await?;
        until("the object is gone", async || {
            ensure!(namespace.get(kind, name).await.is_err(), "it is there");
            Ok(())
        })
        .await?;
        self.speaks_soon(namespace, !self.speaks_with).await
    }

    async fn speaks_soon(&self, namespace: &Namespace<'_>, speaks: bool) -> Result<()> {
        let since = Instant::now();
        let taken = self.until_it_speaks(namespace, speaks).await? - since;
        ensure!(taken < KNOWN, "it took {taken:?}");
        Ok(())
    }

    /// Waits until both replicas say so, and tells since when they have.
    async fn until_it_speaks(&self, namespace: &Namespace<'_>, speaks: bool) -> Result<Instant> {
        let objects = namespace.cluster().objects();
        let (mut row, mut since) = (0, Instant::now());
        until(&format!("{} speaks: {speaks}", self.rule), async || {
            while row < ROW {
                let asked = Instant::now();
                let said = objects.said_of(namespace.name(), &self.reviewed).await?;
                if said.contains(self.rule) != speaks {
                    row = 0;
                    anyhow::bail!("{said:?}");
                }
                since = if row == 0 { asked } else { since };
                row += 1;
            }
            Ok(())
        })
        .await?;
        Ok(since)
    }
}

fn kind_of(object: &Value) -> (&str, &str) {
    let text = |field: &str| object[field].as_str().unwrap_or_default();
    (text("apiVersion"), text("kind"))
}

/// The API server refuses these itself, so that no rule has to.
pub(crate) async fn unknown_classes_of_pods_are_refused_by_the_api_server(
    cluster: &Cluster,
) -> Result<()> {
    cluster.tollgate().await?;
    let namespace = cluster.namespace("classes").await?;
    for (field, words) in [
        (
            "priorityClassName",
            "no PriorityClass with name nope was found",
        ),
        ("runtimeClassName", "RuntimeClass \"nope\" not found"),
    ] {
        let mut pod = wants("classless", "nvidia.com/gpu", "1");
        pod["spec"][field] = json!("nope");
        let said = cluster.objects().said_of(namespace.name(), &pod).await?;
        ensure!(
            !said.is_admitted && said.contains(words),
            "{field}: {said:?}"
        );
    }
    Ok(())
}
