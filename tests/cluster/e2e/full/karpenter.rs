//! A pod that fits no node that there is, so that Karpenter adds one, where the pod tolerates its taint.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tollgate_e2e::{Cluster, Controller, Namespace, System, system, until};

const KARPENTER: System = system!("karpenter", [Controller::Karpenter], 1);

/// A node's label, which Karpenter gives those of its own.
const POOL: &str = "karpenter.sh/nodepool";

pub(crate) async fn a_pod_that_does_not_tolerate_the_taint_gets_no_node(
    cluster: &Cluster,
) -> Result<()> {
    let namespace = KARPENTER.without_tollgate(cluster).await?;
    until(
        "Karpenter has passed the pod over for its taint",
        async || {
            let refusal = refusal(&namespace).await?;
            ensure!(refusal.contains("did not tolerate taint"), "{refusal}");
            Ok(())
        },
    )
    .await?;
    namespace.until_untolerated("", KARPENTER.pods).await?;
    Ok(())
}

pub(crate) async fn a_node_is_added_and_runs_the_pod(cluster: &Cluster) -> Result<()> {
    let namespace = KARPENTER.with_tollgate(cluster).await?;
    let pods = namespace.until_running("", KARPENTER.pods).await?;
    for pod in &pods {
        let node = pod["spec"]["nodeName"].as_str().unwrap_or_default();
        let node = cluster.objects().get(("v1", "Node"), "", node).await?;
        let labels = &node["metadata"]["labels"];
        ensure!(labels[POOL] == "gpu", "the node is labelled {labels}");
        let taints = node["spec"]["taints"].to_string();
        ensure!(taints.contains("nvidia.com/gpu"), "its taints are {taints}");
    }
    Ok(())
}

/// What Karpenter says of the pod.
async fn refusal(namespace: &Namespace<'_>) -> Result<String> {
    let objects = namespace.cluster().objects();
    let events = objects.list(("v1", "Event"), namespace.name(), "").await?;
    let said = |event: &&Value| {
        event["source"]["component"] == "karpenter" || event["reportingComponent"] == "karpenter"
    };
    let event = events
        .iter()
        .find(said)
        .context("no event is Karpenter's")?;
    Ok(event["message"].as_str().unwrap_or_default().to_owned())
}
