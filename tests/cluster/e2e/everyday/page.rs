//! Who may see the page, as the API server says, and who holds what of the budgets on it.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tollgate_cluster::access::{Access, access};
use tollgate_e2e::{Cluster, Installation, NAMESPACE, Namespace, tollgate_answers, until};

use crate::operate::prometheus;
use crate::pods::{deployment, spec, wants};

const RIGHTS: &str = include_str!("../../../../deploy/chart/files/rbac-page.yaml");

pub(crate) async fn only_who_may_look_is_let_in(cluster: &Cluster) -> Result<()> {
    cluster.tollgate().await?;
    let replica = cluster.service_account(NAMESPACE, "tollgate")?;
    let replica = tollgate_cluster::connect(Some(&replica)).await?;
    let namespace = cluster.namespace("page").await?;
    let account = |name: &str| json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}});
    namespace.create(account("reader")).await?;
    let create = ["create", "token", "reader", "--namespace", namespace.name()];
    let token = cluster.kubectl(&create).await?;
    let token = token.trim();

    cluster.apply("", RIGHTS).await?;
    until("the replica may ask", async || {
        let known = access(&replica, "no token").await?;
        ensure!(known == Access::Unknown, "{known:?}");
        Ok(())
    })
    .await?;
    let user = format!("system:serviceaccount:{}:reader", namespace.name());
    let before = access(&replica, token).await?;
    ensure!(before == Access::Forbidden { user }, "{before:?}");

    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "page-readers"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "tollgate-page-reader"},
        "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": namespace.name()}],
    });
    cluster.objects().create("", &binding).await?;
    until("the reader may look", async || {
        let after = access(&replica, token).await?;
        ensure!(after == Access::Allowed, "{after:?}");
        Ok(())
    })
    .await
}

pub(crate) async fn every_replica_says_who_holds_what_and_how_busy_it_is(
    _: &Cluster,
) -> Result<()> {
    let cluster = Cluster::start().await?;
    let outcome = who_holds_what(&cluster).await;
    outcome.with_context(|| cluster.logs())
}

async fn who_holds_what(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.namespace("team").await?;
    let measured = ["busy", "idle"].map(|name| json!({"metadata": {"name": name}}));
    let (url, answering) = prometheus(namespace.name(), &measured).await?;
    let asking = format!("--prometheus={url}");
    let tollgate = Installation::install(cluster, 2, &[&asking]).await?;
    hold(cluster, &namespace).await?;
    pages_say_it(&tollgate, namespace.name()).await?;
    the_command_line_says_it(cluster, namespace.name())?;
    who_may_not_list_pods_sees_totals(cluster, &namespace).await?;
    answering.abort();
    Ok(())
}

/// Makes pods that hold four GPUs of a budget of eight.
async fn hold(cluster: &Cluster, namespace: &Namespace<'_>) -> Result<()> {
    let budget = json!({
        "apiVersion": "tollgate.dev/v1alpha1", "kind": "Budget", "metadata": {"name": "research"},
        "spec": {"scope": {"namespaces": [namespace.name()]}, "limits": [{"unit": "gpu", "amount": "8"}]},
    });
    cluster.objects().create("", &budget).await?;
    for name in ["busy", "idle"] {
        until("a pod is let in", async || {
            namespace.create(wants(name, "nvidia.com/gpu", "1")).await
        })
        .await?;
    }
    let chat = deployment("chat", 2, &spec("nvidia.com/gpu", "1"));
    namespace.create(chat).await.map(drop)
}

async fn pages_say_it(tollgate: &Installation, namespace: &str) -> Result<()> {
    for replica in tollgate.running() {
        until("the page of a replica says who holds what", async || {
            let page = replica.page().await?;
            for told in [
                "Who holds what: as of ",
                "4 pods",
                &format!("<bdi>{namespace}</bdi>"),
                &format!("<bdi>{namespace}/Deployment/chat</bdi>"),
                &format!("<bdi>{namespace}/Pod/idle</bdi>"),
                "4, of which 2 at 48 %",
                "1 at 90 %",
            ] {
                ensure!(page.contains(told), "no `{told}` in {page}");
            }
            Ok(())
        })
        .await
        .with_context(|| format!("the page of {}", replica.name()))?;
    }
    Ok(())
}

fn the_command_line_says_it(cluster: &Cluster, namespace: &str) -> Result<()> {
    let kubeconfig = cluster.kubeconfig().display().to_string();
    let budget = ["budget", "--cluster", "--kubeconfig", &kubeconfig];
    let (status, said) = tollgate_answers(&[&budget[..], &["-o", "json"]].concat())?;
    ensure!(status == Some(0), "{said}");
    let told: Value = serde_json::from_str(&said).with_context(|| said.clone())?;
    let told = &told["budgets"][0];
    let owners = json!({
        format!("{namespace}/Deployment/chat"): "2",
        format!("{namespace}/Pod/busy"): "1",
        format!("{namespace}/Pod/idle"): "1",
    });
    let limit = &told["limits"][0];
    ensure!(told["pods"] == 4 && limit["used"] == "4", "{told:#}");
    ensure!(limit["byNamespace"] == json!({namespace: "4"}), "{told:#}");
    ensure!(limit["byOwner"] == owners, "{told:#}");
    let models = limit["byModel"].as_object();
    ensure!(models.is_some_and(|models| !models.is_empty()), "{told:#}");
    Ok(())
}

/// What is taken is true without the pods too.
async fn who_may_not_list_pods_sees_totals(
    cluster: &Cluster,
    namespace: &Namespace<'_>,
) -> Result<()> {
    let account =
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "accountant"}});
    namespace.create(account).await?;
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "accountant"},
        "rules": [{"apiGroups": ["tollgate.dev"], "resources": ["budgets", "pricebooks"], "verbs": ["list"]}],
    });
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "accountant"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "accountant"},
        "subjects": [{"kind": "ServiceAccount", "name": "accountant", "namespace": namespace.name()}],
    });
    for object in [role, binding] {
        cluster.objects().create("", &object).await?;
    }
    let kubeconfig = cluster.service_account(namespace.name(), "accountant")?;
    let kubeconfig = kubeconfig.display().to_string();
    until("totals are shown", async || {
        let (status, said) =
            tollgate_answers(&["budget", "--cluster", "--kubeconfig", &kubeconfig])?;
        ensure!(status == Some(0) && said.contains("4 of 8 used"), "{said}");
        ensure!(said.contains("who takes what is not shown"), "{said}");
        ensure!(
            said.contains("forbidden") && !said.contains("by namespace"),
            "{said}"
        );
        Ok(())
    })
    .await
}
