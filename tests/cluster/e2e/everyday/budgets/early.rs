//! What can never fit is refused before any pod is made: workloads that grow, autoscalers, and who scales up.

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use tollgate_e2e::{Cluster, Namespace, until};

use super::{BUDGET, GPU, account, taken, until_taken, with_budget};
use crate::pods::wants;

const DEPLOYMENT: (&str, &str) = ("apps/v1", "Deployment");

/// How often a call is made before all three replicas are taken to know something.
const ENOUGH: usize = 9;

fn deployment(replicas: u32) -> Value {
    json!({
        "apiVersion": DEPLOYMENT.0, "kind": DEPLOYMENT.1, "metadata": {"name": "serving"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "serving"}},
            "template": {"metadata": {"labels": {"app": "serving"}}, "spec": wants("", GPU, "1")["spec"]},
        },
    })
}

fn autoscaler(maximum: u32) -> Value {
    json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "serving"},
        "spec": {
            "scaleTargetRef": {"apiVersion": DEPLOYMENT.0, "kind": DEPLOYMENT.1, "name": "serving"},
            "minReplicas": 1, "maxReplicas": maximum,
            "metrics": [{"type": "Pods", "pods": {
                "metric": {"name": "vllm:num_requests_waiting"}, "target": {"type": "AverageValue", "averageValue": "5"},
            }}],
        },
    })
}

/// Scales as `kubectl scale` does, and gives what the API server says against it.
async fn scale(namespace: &Namespace<'_>, replicas: u32, is_dry: bool) -> Result<Option<String>> {
    let client = namespace.cluster().objects().client();
    let api: Api<Deployment> = Api::namespaced(client, namespace.name());
    let parameters = PatchParams {
        dry_run: is_dry,
        ..PatchParams::default()
    };
    let patch = Patch::Merge(json!({"spec": {"replicas": replicas}}));
    match api.patch_scale("serving", &parameters, &patch).await {
        Ok(_) => Ok(None),
        Err(kube::Error::Api(status)) => Ok(Some(status.message.clone())),
        Err(err) => Err(err.into()),
    }
}

pub(crate) async fn what_can_never_fit_is_refused_before_its_pods_are_made(
    _: &Cluster,
) -> Result<()> {
    with_budget(4, async |namespace, _| {
        let cluster = namespace.cluster();
        let objects = cluster.objects();
        namespace.create(deployment(2)).await?;
        until_taken(cluster, (2, 0)).await?;

        // Each replica learns of the Deployment by its own watch.
        until("each replica refuses what no budget has", async || {
            for _ in 0..ENOUGH {
                let said = objects.said_of(namespace.name(), &autoscaler(5)).await?;
                ensure!(!said.is_admitted, "it is admitted");
                ensure!(
                    said.contains("the pods that it may scale to need 5 GPUs together, more than budget `research` has when it is empty: 4 GPUs"),
                    "{said:?}"
                );
            }
            Ok(())
        })
        .await?;
        let fits = objects.said_of(namespace.name(), &autoscaler(4)).await?;
        ensure!(fits.is_admitted && fits.said.is_empty(), "two of four are its own: {fits:?}");

        until("who scales up is asked about", async || {
            let said = scale(namespace, 5, true).await?;
            let said = said.context("a Deployment may be scaled beyond the budget")?;
            ensure!(said.contains("scale.tollgate.dev"), "{said}");
            ensure!(
                said.contains("more than budget `research` has when it is empty: 4 GPUs"),
                "{said}"
            );
            Ok(())
        })
        .await?;
        let grown = objects
            .merge(DEPLOYMENT, namespace.name(), "serving", &json!({"spec": {"replicas": 5}}))
            .await;
        let said = grown.err().context("a Deployment grew beyond the budget")?.to_string();
        ensure!(said.contains("its pods need 5 GPUs together"), "{said}");

        ensure!(scale(namespace, 3, false).await?.is_none());
        until_taken(cluster, (3, 0)).await?;
        namespace.create(wants("other", GPU, "1")).await?;
        until_taken(cluster, (4, 0)).await?;
        let now = objects.said_of(namespace.name(), &autoscaler(4)).await?;
        ensure!(
            now.is_admitted && now.contains("which budget `research` does not have now"),
            "it is told of what is not there now: {now:?}"
        );

        // A budget that shrinks holds up nobody who makes it less.
        let smaller = json!({"spec": {"limits": [{"unit": "gpu", "amount": "1"}]}});
        objects.merge(BUDGET, "", "research", &smaller).await?;
        until("the smaller budget is in force", async || {
            for _ in 0..ENOUGH {
                let said = scale(namespace, 4, true).await?;
                ensure!(
                    said.is_some_and(|said| said.contains("when it is empty: 1 GPU")),
                    "it is not"
                );
            }
            Ok(())
        })
        .await?;
        ensure!(scale(namespace, 2, false).await?.is_none());
        until_taken(cluster, (3, 0)).await?;

        // Where no budget applies nobody is asked.
        let others = cluster.namespace("others").await?;
        others.create(deployment(1)).await?;
        ensure!(scale(&others, 7, false).await?.is_none());
        ensure!(taken(&account(cluster).await?)? == (3, 0));
        Ok(())
    })
    .await
}
