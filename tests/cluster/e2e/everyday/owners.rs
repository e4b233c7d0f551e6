//! Who made a Deployment is told why its pods do not come.

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::PostParams;
use serde_json::{Value, json};
use tollgate_e2e::{Cluster, Installation, Namespace, until};

use crate::pods::{deployment, spec, wants};

const EVENT: (&str, &str) = ("events.k8s.io/v1", "Event");
const EXEMPTION: (&str, &str) = ("tollgate.dev/v1alpha1", "Exemption");
const GPU: &str = "nvidia.com/gpu";

/// Our events on objects of a kind.
async fn told(namespace: &Namespace<'_>, kind: &str) -> Result<Vec<Value>> {
    let objects = namespace.cluster().objects();
    let mut events = objects.list(EVENT, namespace.name(), "").await?;
    events.retain(|event| event["reason"] == "PodRefused" && event["regarding"]["kind"] == kind);
    Ok(events)
}

async fn counted(tollgate: &Installation, result: &str) -> Result<u64> {
    let series = format!("tollgate_owners_told_total{{result=\"{result}\"}} ");
    let mut count = 0;
    for replica in tollgate.running() {
        count += replica.sum(&series).await?;
    }
    Ok(count)
}

fn privileged() -> Value {
    let mut spec = spec(GPU, "1");
    spec["containers"][0]["securityContext"] = json!({"privileged": true});
    spec
}

pub(crate) async fn a_deployment_is_told_why_its_pods_are_refused(_: &Cluster) -> Result<()> {
    Cluster::own(2, async |cluster, tollgate| {
        let namespace = cluster.namespace("owners").await?;
        let exemption = json!({
            "apiVersion": EXEMPTION.0, "kind": EXEMPTION.1, "metadata": {"name": "owners"},
            "spec": {"rules": ["gpu-isolation/privileged"], "namespaces": [namespace.name()], "reason": "a test"},
        });
        cluster.objects().create("", &exemption).await?;
        // It came before the rule was enforced.
        until("the Deployment is let in", async || {
            namespace.create(deployment("chat", 1, &privileged())).await
        })
        .await?;
        until("its pod is there", async || {
            ensure!(namespace.pods("app=chat").await?.len() == 1, "it is not");
            Ok(())
        })
        .await?;
        cluster.objects().delete(EXEMPTION, "", "owners").await?;
        let all = ["delete", "pods", "--all", "--grace-period=0", "--force", "--namespace"];
        until("its owners are told", async || {
            cluster.kubectl(&[&all[..], &[namespace.name()]].concat()).await?;
            for kind in ["ReplicaSet", "Deployment"] {
                ensure!(!told(&namespace, kind).await?.is_empty(), "no {kind} is");
            }
            Ok(())
        })
        .await?;
        // Its controller tries again and again.
        until("it is told once", async || {
            ensure!(counted(tollgate, "repeated").await? > 1, "it was not tried again");
            Ok(())
        })
        .await?;
        let [of_set] = &told(&namespace, "ReplicaSet").await?[..] else {
            anyhow::bail!("{:#?}", told(&namespace, "ReplicaSet").await?);
        };
        let [of_deployment] = &told(&namespace, "Deployment").await?[..] else {
            anyhow::bail!("{:#?}", told(&namespace, "Deployment").await?);
        };
        let set = of_set["regarding"]["name"].as_str().unwrap_or_default();
        let why = "gpu-isolation/privileged: container `main` is privileged: it has every accelerator of the node, \
                   whatever it asks for (fix: take `privileged` out and ask for the devices in the limits; \
                   RDMA needs no more than the capability IPC_LOCK)";
        ensure!(of_set["note"] == format!("its pods are refused: {why}"), "{of_set:#?}");
        ensure!(
            of_deployment["note"] == format!("the pods of its ReplicaSet `{set}` are refused: {why}")
                && of_deployment["regarding"]["name"] == "chat"
                && of_deployment["type"] == "Warning",
            "{of_deployment:#?}"
        );
        ensure!(counted(tollgate, "written").await? == 1, "more was written");
        ensure!(counted(tollgate, "failed").await? == 0, "something failed");
        only_what_is_meant_is_told(&namespace).await
    })
    .await
}

/// A dry run tells nobody, nor does a pod whose owner there cannot be.
async fn only_what_is_meant_is_told(namespace: &Namespace<'_>) -> Result<()> {
    let pods: Api<Pod> = Api::namespaced(namespace.cluster().objects().client(), namespace.name());
    let refuse = async |kind: &str, name: &str, dry_run: bool| {
        let mut pod = wants("half", GPU, "0.5");
        let owner = json!({"apiVersion": "example.dev/v1", "kind": kind, "name": name, "uid": "1-2", "controller": true});
        pod["metadata"]["ownerReferences"] = json!([owner]);
        let pod: Pod = serde_json::from_value(pod)?;
        let params = PostParams {
            dry_run,
            ..PostParams::default()
        };
        let said = pods
            .create(&params, &pod)
            .await
            .map(drop)
            .map_err(|err| err.to_string());
        ensure!(
            said.as_ref()
                .is_err_and(|said| said.contains("fractional-gpu")),
            "{said:?}"
        );
        Ok(())
    };
    refuse("Tried", "a", true).await?;
    refuse("Odd", "../a", false).await?;
    refuse("Meant", "a", false).await?;
    until("the owner is told", async || {
        ensure!(!told(namespace, "Meant").await?.is_empty(), "he is not");
        Ok(())
    })
    .await?;
    for kind in ["Tried", "Odd"] {
        let told = told(namespace, kind).await?;
        ensure!(told.is_empty(), "{told:#?}");
    }
    Ok(())
}
