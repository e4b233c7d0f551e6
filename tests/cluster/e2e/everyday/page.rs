//! Who may see the page, as the API server says.

use anyhow::{Result, ensure};
use serde_json::json;
use tollgate_cluster::access::{Access, access};
use tollgate_e2e::{Cluster, NAMESPACE, until};

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
