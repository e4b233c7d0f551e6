//! Beginnings and ends: a whole cluster that starts cold, and Tollgate's removal.

use anyhow::{Result, ensure};
use tollgate_e2e::{Cluster, NAMESPACE, Part, tollgate_says, until};

use crate::pods::{plain, wants};

const NAMESPACES: (&str, &str) = ("v1", "Namespace");

pub(crate) async fn a_cluster_that_starts_cold_does_not_wait_for_tollgate(
    _: &Cluster,
) -> Result<()> {
    Cluster::own(2, async |cluster, tollgate| {
        let namespace = cluster.namespace("cold").await?;
        namespace
            .create(wants("before", "nvidia.com/gpu", "1"))
            .await?;
        tollgate.kill_all()?;
        let parts = [
            Part::Nodes,
            Part::Scheduler,
            Part::ControllerManager,
            Part::ApiServer,
            Part::Etcd,
        ];
        for part in parts {
            cluster.kill(part);
        }
        for part in parts.into_iter().rev() {
            cluster.resume(part).await?;
        }
        namespace.create(plain("cpu")).await?;
        namespace
            .until_object(("v1", "Pod"), "cpu", |pod| {
                pod["status"]["phase"] == "Running"
            })
            .await?;
        ensure!(
            namespace
                .create(wants("after", "nvidia.com/gpu", "1"))
                .await
                .is_err(),
            "a GPU pod was admitted unseen"
        );
        tollgate.add().await?;
        until("GPU pods are admitted again", async || {
            namespace
                .create(wants("after", "nvidia.com/gpu", "1"))
                .await
        })
        .await?;
        namespace.until_running("", 2).await?;
        Ok(())
    })
    .await
}

pub(crate) async fn an_uninstalled_tollgate_leaves_nothing_behind(_: &Cluster) -> Result<()> {
    Cluster::own(2, async |cluster, _still_running| {
        let namespace = cluster.namespace("farewell").await?;
        namespace
            .create(wants("before", "nvidia.com/gpu", "1"))
            .await?;
        let kubeconfig = cluster.kubeconfig().display().to_string();
        let said = tollgate_says(&["uninstall", "--crds", "--kubeconfig", &kubeconfig])?;
        ensure!(
            said.contains("ValidatingWebhookConfiguration/tollgate"),
            "{said}"
        );
        // Nobody brings it back, nobody is asked, and nothing holds a namespace.
        tokio::time::sleep(std::time::Duration::from_secs(3)).await;
        for kind in [
            "MutatingWebhookConfiguration",
            "ValidatingWebhookConfiguration",
        ] {
            let found = cluster
                .objects()
                .list(("admissionregistration.k8s.io/v1", kind), "", "")
                .await?;
            ensure!(
                !found.iter().any(|it| it["metadata"]["name"] == "tollgate"),
                "{kind} is there"
            );
        }
        let definitions = cluster
            .objects()
            .list(
                ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
                "",
                "",
            )
            .await?;
        let ours = definitions
            .iter()
            .filter(|it| it["spec"]["group"] == "tollgate.dev")
            .count();
        ensure!(ours == 0, "{ours} definitions are there");
        let pod = cluster
            .objects()
            .dry_run(namespace.name(), &wants("after", "nvidia.com/gpu", "1"))
            .await?;
        ensure!(
            !pod["spec"]["tolerations"]
                .to_string()
                .contains("nvidia.com/gpu"),
            "it was repaired"
        );
        for name in [namespace.name(), NAMESPACE] {
            cluster.objects().delete(NAMESPACES, "", name).await?;
            until(&format!("namespace {name} is gone"), async || {
                let found = cluster.objects().get(NAMESPACES, "", name).await;
                ensure!(found.is_err(), "{found:?}");
                Ok(())
            })
            .await?;
        }
        Ok(())
    })
    .await
}
