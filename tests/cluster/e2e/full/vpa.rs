//! A pod of a Deployment under a VerticalPodAutoscaler, whose admission controller edits the same pods as Tollgate.
//!
//! The recommendation is the test's, and so is the eviction of pods that do not have it: the recommender needs metrics
//! that fake nodes do not have.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tollgate_e2e::{Cluster, Controller, Kind, Namespace, System, system, until};

const VPA: System = system!("vpa", [Controller::VpaAdmission], 1);

const AUTOSCALER: Kind<'static> = ("autoscaling.k8s.io/v1", "VerticalPodAutoscaler");

pub(crate) async fn stays_pending_with_what_is_recommended(cluster: &Cluster) -> Result<()> {
    let namespace = VPA.without_tollgate(cluster).await?;
    until_recommended(&namespace).await?;
    namespace.until_untolerated("", VPA.pods).await?;
    Ok(())
}

pub(crate) async fn runs_with_what_is_recommended(cluster: &Cluster) -> Result<()> {
    let namespace = VPA.with_tollgate(cluster).await?;
    until_recommended(&namespace).await?;
    for pod in namespace.until_running("", VPA.pods).await? {
        ensure!(has_recommended(&pod), "the pod is {pod}");
        let tolerations = pod["spec"]["tolerations"].to_string();
        ensure!(tolerations.contains("nvidia.com/gpu"), "{tolerations}");
    }
    Ok(())
}

/// Recommends, and deletes pods without what is recommended until those that replace them have it.
async fn until_recommended(namespace: &Namespace<'_>) -> Result<()> {
    let objects = namespace.cluster().objects();
    until("the admission controller is registered", async || {
        let kind = (
            "admissionregistration.k8s.io/v1",
            "MutatingWebhookConfiguration",
        );
        objects.get(kind, "", "vpa-webhook-config").await
    })
    .await?;
    let status = json!({"status": {"recommendation": {"containerRecommendations": [
        {"containerName": "main", "target": {"cpu": "3", "memory": "16Gi"}},
    ]}}});
    (objects.merge_status(AUTOSCALER, namespace.name(), "serve", &status)).await?;
    until("pods have what is recommended", async || {
        let pods = namespace.pods("app=serve").await?;
        ensure!(!pods.is_empty(), "there is no pod");
        for pod in pods.iter().filter(|pod| !has_recommended(pod)) {
            let name = pod["metadata"]["name"].as_str().unwrap_or_default();
            // It may have gone by itself.
            let _ = namespace.delete(("v1", "Pod"), name).await;
        }
        ensure!(pods.iter().all(has_recommended), "a pod has not");
        Ok(())
    })
    .await
}

fn has_recommended(pod: &Value) -> bool {
    let requests = &pod["spec"]["containers"][0]["resources"]["requests"];
    requests["cpu"] == "3" && requests["memory"] == "16Gi" && requests["nvidia.com/gpu"] == "1"
}
