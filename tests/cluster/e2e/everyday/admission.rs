//! What users of a cluster see: pods that run, and refusals where they apply something.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tollgate_e2e::{Answers, Cluster, Namespace, OtherWebhook};
use tollgate_webhook::Phase;

use crate::pods::{claimable, claiming, deployment, scaler, spec, wants};

pub(crate) async fn what_cannot_run_is_refused_at_apply(cluster: &Cluster) -> Result<()> {
    cluster.tollgate().await?;
    let namespace = cluster.namespace("apply").await?;
    // The API server has its own words for half a GPU, in templates too, and says them before it asks a validating
    // webhook. A pod is shown to us before.
    let half = wants("half", "nvidia.com/gpu", "500m");
    let said = refusal(&namespace, &half).await?;
    let ours = "container `main` asks for 500m nvidia.com/gpu, which is only given out whole";
    ensure!(said.contains(ours), "{said}");
    let misspelt = spec("nvidia.com/gpus", "1");
    let mut job = json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "misspelt"},
        "spec": {"template": {"spec": misspelt}},
    });
    job["spec"]["template"]["spec"]["restartPolicy"] = json!("Never");
    let refused = [
        wants("misspelt", "nvidia.com/gpus", "1"),
        deployment("misspelt", 1, &misspelt),
        job,
    ];
    for object in refused {
        let said = refusal(&namespace, &object).await?;
        let ours = "container `main` asks for `nvidia.com/gpus`, which no node has; `nvidia.com/gpu` is meant";
        ensure!(
            said.contains(ours),
            "{} is refused in other words: {said}",
            object["kind"]
        );
    }
    Ok(())
}

/// What kubectl prints when an object is applied that is refused.
async fn refusal(namespace: &Namespace<'_>, object: &Value) -> Result<String> {
    let said = apply(namespace, object).await.err();
    let said = said.with_context(|| format!("{object} was admitted"))?;
    Ok(format!("{said:#}"))
}

async fn apply(namespace: &Namespace<'_>, object: &Value) -> Result<String> {
    let kind = object["kind"].as_str().unwrap_or_default();
    let file = namespace
        .cluster()
        .folder()
        .join(format!("{}-{kind}.json", namespace.name()));
    std::fs::write(&file, object.to_string())?;
    let file = file.display().to_string();
    let arguments = [
        "apply",
        "--namespace",
        namespace.name(),
        "--filename",
        &file,
    ];
    namespace.cluster().kubectl(&arguments).await
}

pub(crate) async fn slices_run_on_nodes_that_have_them(cluster: &Cluster) -> Result<()> {
    cluster.tollgate().await?;
    let namespace = cluster.namespace("mig").await?;
    namespace
        .create(wants("named", "nvidia.com/mig-1g.10gb", "1"))
        .await?;
    // Says how much it needs, and of which model.
    let mut sized = wants("sized", "nvidia.com/gpu", "1");
    sized["metadata"]["annotations"] = json!({"tollgate.dev/gpu-memory": "30Gi"});
    sized["spec"]["nodeSelector"] = json!({"nvidia.com/gpu.product": "NVIDIA-A100-SXM4-80GB"});
    let sized = namespace.create(sized).await?;
    let limits = &sized["spec"]["containers"][0]["resources"]["limits"];
    ensure!(limits["nvidia.com/mig-3g.40gb"] == "1", "{limits}");
    for pod in namespace.until_running("", 2).await? {
        let node = &pod["spec"]["nodeName"];
        ensure!(
            node == "mig-mixed-0",
            "{} runs on {node}",
            pod["metadata"]["name"]
        );
    }
    Ok(())
}

pub(crate) async fn pods_with_claims_are_left_as_they_are_and_run(cluster: &Cluster) -> Result<()> {
    let mut pod = claiming("claims");
    pod["spec"]["containers"][0]["resources"]["limits"] = json!({"cpu": "1", "memory": "1Gi"});
    cluster.tollgate().await?;
    let with = cluster.namespace("claimed").await?;
    with.apply(&claimable("claimed.e2e.tollgate.dev", "{name: gpu-0}"))
        .await?;
    let without = cluster.namespace_without_tollgate().await?;
    let objects = cluster.objects();
    let (mut judged, mut plain) = (
        objects.dry_run(with.name(), &pod).await?,
        objects.dry_run(without.name(), &pod).await?,
    );
    for pod in [&mut judged, &mut plain] {
        *pod = crate::foretold::comparable(pod)?;
    }
    ensure!(judged == plain, "{judged} instead of {plain}");
    with.create(pod).await?;
    let running = with.until_running("", 1).await?;
    let node = &running[0]["spec"]["nodeName"];
    ensure!(node == "dra-0", "it runs on {node}");
    Ok(())
}

/// A kubelet shows a pod of its own in the API server, which changes nothing of it.
pub(crate) async fn mirror_pods_are_left_as_they_are(cluster: &Cluster) -> Result<()> {
    cluster.tollgate().await?;
    let namespace = cluster.namespace("mirror").await?;
    let mut pod = wants("static", "nvidia.com/gpu", "1");
    pod["spec"]["nodeName"] = json!("h100-0");
    let said = refusal(&namespace, &pod).await?;
    ensure!(said.contains("gpu-isolation/node-name"), "{said}");
    pod["metadata"]["annotations"] = json!({"kubernetes.io/config.mirror": "0"});
    let stored = namespace.create(pod).await?;
    let tolerations = stored["spec"]["tolerations"].to_string();
    ensure!(!tolerations.contains("nvidia.com/gpu"), "{tolerations}");
    Ok(())
}

/// `kubectl debug` adds a container to a pod that runs: no quota counts what that one takes.
pub(crate) async fn a_debug_container_that_takes_devices_is_refused(
    cluster: &Cluster,
) -> Result<()> {
    cluster.tollgate().await?;
    let namespace = cluster.namespace("debugged").await?;
    namespace
        .create(wants("train", "nvidia.com/gpu", "1"))
        .await?;
    namespace.until_running("", 1).await?;
    let debug = async |profile: &str| {
        let profile = format!("--profile={profile}");
        let pod = ["debug", "train", "--namespace", namespace.name()];
        let container = ["--image=debug:1", "--attach=false", &profile];
        cluster.kubectl(&[&pod[..], &container].concat()).await
    };
    let said = debug("sysadmin").await.err();
    let said = said.context("a privileged debug container was let in")?;
    let said = format!("{said:#}");
    ensure!(said.contains("gpu-isolation/debug-container: "), "{said}");
    debug("restricted").await?;
    let pod = cluster
        .objects()
        .get(("v1", "Pod"), namespace.name(), "train")
        .await?;
    let added = pod["spec"]["ephemeralContainers"].as_array().map(Vec::len);
    ensure!(added == Some(1), "{added:?} debug containers");
    Ok(())
}

/// What is judged is what is stored, whoever changes it after us.
pub(crate) async fn a_pod_that_another_webhook_makes_bad_is_refused(
    cluster: &Cluster,
) -> Result<()> {
    const PRIVILEGED: &str = r#"[{"op": "add", "path": "/spec/containers/0/securityContext", "value": {"privileged": true}}]"#;
    cluster.tollgate().await?;
    let namespace = cluster.namespace("changed").await?;
    let good = wants("good", "nvidia.com/gpu", "1");
    cluster.objects().dry_run(namespace.name(), &good).await?;
    let other = OtherWebhook::register(
        cluster,
        "zz-privileges",
        Phase::Mutate,
        Answers::Patches(PRIVILEGED),
    )
    .await?;
    let said = refusal(&namespace, &other.asked_about(good)).await?;
    ensure!(said.contains("gpu-isolation/privileged: "), "{said}");
    Ok(())
}

pub(crate) async fn deployments_under_a_scaler_get_pods_that_run(cluster: &Cluster) -> Result<()> {
    cluster.tollgate().await?;
    let namespace = cluster.namespace("scaled").await?;
    namespace
        .create(deployment("serve", 1, &spec("nvidia.com/gpu", "1")))
        .await?;
    namespace.until_running("app=serve", 1).await?;
    namespace.create(scaler("serve", 3)).await?;
    namespace.until_running("app=serve", 3).await?;
    Ok(())
}
