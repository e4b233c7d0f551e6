//! A namespace with a budget of its own, and reviews of its pods.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tollgate_e2e::{Cluster, Namespace, until};

pub(crate) const BUDGET: (&str, &str) = ("tollgate.dev/v1alpha1", "Budget");

/// What stands in a review for what is a pod's own.
const UID: &str = "@uid@";
const NAME: &str = "@name@";

/// A namespace, and a budget that never fills.
pub(crate) struct Team<'a> {
    namespace: Namespace<'a>,
    /// A review of one of its pods.
    review: String,
}

impl<'a> Team<'a> {
    /// Makes both, and waits until the budget can be charged.
    pub(crate) async fn create(cluster: &'a Cluster) -> Result<Self> {
        let namespace = cluster.namespace("team").await?;
        let budget = json!({
            "apiVersion": BUDGET.0, "kind": BUDGET.1, "metadata": {"name": namespace.name()},
            "spec": {
                "scope": {"namespaces": [namespace.name()]},
                "limits": [{"unit": "gpu", "amount": "100000000"}],
            },
        });
        cluster.objects().create("", &budget).await?;
        let review = review(&namespace).await?;
        let team = Self { namespace, review };
        until("the pods of the budget are counted", async || {
            let term = team.account().await?["term"].as_u64();
            ensure!(term > Some(0), "they are not");
            Ok(())
        })
        .await?;
        Ok(team)
    }

    /// The review of a new pod.
    pub(crate) fn review(&self, uid: &str) -> Vec<u8> {
        let review = self.review.replace(UID, uid);
        review.replace(NAME, &format!("pod-{uid}")).into_bytes()
    }

    /// Does what the leader would if all pods had come and ended: nothing is reserved any more.
    pub(crate) async fn empty(&self) -> Result<()> {
        let objects = self.namespace.cluster().objects();
        let nothing = json!({"status": {"account": {"reservations": null}}});
        let emptied = objects
            .merge_status(BUDGET, "", self.namespace.name(), &nothing)
            .await;
        emptied.map(drop)
    }

    /// The pods that something is reserved for.
    pub(crate) async fn reservations(&self) -> Result<Vec<String>> {
        let account = self.account().await?;
        let lines = account["reservations"].as_str();
        let lines = lines.context("nothing is reserved")?.lines();
        let uids = lines.filter_map(|line| line.split(' ').next());
        Ok(uids.map(str::to_owned).collect())
    }

    async fn account(&self) -> Result<Value> {
        let objects = self.namespace.cluster().objects();
        let budget = objects.get(BUDGET, "", self.namespace.name()).await?;
        Ok(budget["status"]["account"].clone())
    }
}

/// A review as the API server sends it to `/validate`: of a pod as it would store it, repairs included.
async fn review(namespace: &Namespace<'_>) -> Result<String> {
    let amounts = json!({"nvidia.com/gpu": "1", "cpu": "1", "memory": "8Gi"});
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe"},
        "spec": {"containers": [{"name": "main", "image": "train:1", "resources": {"limits": amounts}}]},
    });
    let objects = namespace.cluster().objects();
    let mut stored = objects.dry_run(namespace.name(), &pod).await?;
    stored["metadata"]["uid"] = UID.into();
    stored["metadata"]["name"] = NAME.into();
    let (kind, resource) = (
        json!({"group": "", "version": "v1", "kind": "Pod"}),
        json!({"group": "", "version": "v1", "resource": "pods"}),
    );
    let review = json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": UID, "kind": kind, "requestKind": kind, "resource": resource, "requestResource": resource,
            "name": NAME, "namespace": namespace.name(), "operation": "CREATE", "dryRun": false,
            "userInfo": {
                "username": "system:serviceaccount:kube-system:job-controller",
                "groups": ["system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"],
            },
            "object": stored, "oldObject": null,
            "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
        },
    });
    Ok(review.to_string())
}
