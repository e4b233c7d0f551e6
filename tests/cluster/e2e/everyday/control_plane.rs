//! What holds without Tollgate: the ground on which the other tests stand.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tollgate_e2e::{Cluster, NODES, Part};

use crate::pods::{claimable, claiming};

fn pod(name: &str, resource: &str, tolerations: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {
            "tolerations": tolerations,
            "containers": [{"name": "main", "image": "train:1", "resources": {"limits": {resource: "1"}}}],
        },
    })
}

fn resources() -> impl Iterator<Item = &'static str> {
    NODES
        .iter()
        .flat_map(|model| model.devices)
        .map(|(resource, _)| *resource)
}

pub(crate) async fn gpu_pods_without_toleration_stay_pending_on_every_model(
    cluster: &Cluster,
) -> Result<()> {
    let namespace = cluster.namespace_without_tollgate().await?;
    for (number, resource) in resources().enumerate() {
        namespace
            .create(pod(&format!("p{number}"), resource, &json!([])))
            .await?;
    }
    namespace.until_untolerated("", resources().count()).await?;
    Ok(())
}

pub(crate) async fn gpu_pods_with_toleration_run(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.namespace_without_tollgate().await?;
    let tolerations = json!([
        {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"},
        {"key": "amd.com/gpu", "operator": "Exists", "effect": "NoSchedule"},
    ]);
    for (number, resource) in resources().enumerate() {
        namespace
            .create(pod(&format!("p{number}"), resource, &tolerations))
            .await?;
    }
    namespace.until_running("", resources().count()).await?;
    Ok(())
}

pub(crate) async fn claims_for_devices_are_allocated_until_none_is_left(
    cluster: &Cluster,
) -> Result<()> {
    let namespace = cluster.namespace_without_tollgate().await?;
    let devices = claimable("gpu.e2e.tollgate.dev", "{name: gpu-0}, {name: gpu-1}");
    namespace.apply(&devices).await?;
    namespace.create(claiming("first")).await?;
    namespace.create(claiming("second")).await?;
    for pod in namespace.until_running("", 2).await? {
        ensure!(
            pod["spec"]["nodeName"] == "dra-0",
            "{}",
            pod["spec"]["nodeName"]
        );
    }
    namespace.create(claiming("third")).await?;
    let unallocated = |pod: &Value| pod.to_string().contains("cannot allocate all claims");
    namespace
        .until_object(("v1", "Pod"), "third", unallocated)
        .await?;
    Ok(())
}

pub(crate) async fn jobs_run_until_asked_to_complete(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.namespace_without_tollgate().await?;
    let mut template = pod(
        "ignored",
        "nvidia.com/gpu",
        &json!([{"operator": "Exists"}]),
    );
    template["spec"]["restartPolicy"] = json!("Never");
    let job = json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "train"},
        "spec": {"completions": 2, "parallelism": 2, "template": {"spec": template["spec"]}},
    });
    namespace.create(job).await?;
    namespace.until_running("job-name=train", 2).await?;
    namespace.complete("job-name=train").await?;
    let complete = |job: &Value| job["status"]["succeeded"] == 2;
    namespace
        .until_object(("batch/v1", "Job"), "train", complete)
        .await?;
    Ok(())
}

pub(crate) async fn objects_outlive_a_killed_api_server_and_etcd(_: &Cluster) -> Result<()> {
    // One of its own, since other tests would not outlive it.
    let cluster = Cluster::start().await?;
    let namespace = cluster.namespace_without_tollgate().await?;
    let tolerations = json!([{"operator": "Exists"}]);
    namespace
        .create(pod("before", "nvidia.com/gpu", &tolerations))
        .await?;
    for part in [Part::ApiServer, Part::Etcd] {
        cluster.kill(part);
        cluster.resume(part).await?;
    }
    namespace
        .create(pod("after", "nvidia.com/gpu", &tolerations))
        .await?;
    namespace.until_running("", 2).await?;
    Ok(())
}
