//! An InferenceService, from which KServe's controller makes a Deployment.

use anyhow::{Context as _, Result, ensure};
use tollgate_e2e::{Cluster, Controller, System, documents, system};

const KSERVE: System = system!("kserve", [Controller::KServe], 2);

pub(crate) async fn stays_pending(cluster: &Cluster) -> Result<()> {
    KSERVE.stays_pending(cluster).await
}

pub(crate) async fn runs_with_tollgate(cluster: &Cluster) -> Result<()> {
    let namespace = KSERVE.with_tollgate(cluster).await?;
    for pod in namespace.until_running("", KSERVE.pods).await? {
        let tolerations = pod["spec"]["tolerations"].to_string();
        ensure!(tolerations.contains("nvidia.com/gpu"), "{tolerations}");
    }
    Ok(())
}

pub(crate) async fn one_that_cannot_run_is_refused(cluster: &Cluster) -> Result<()> {
    let namespace = KSERVE.with_tollgate(cluster).await?;
    let mut service = documents(KSERVE.manifest)?.pop().context("no document")?;
    service["metadata"]["name"] = "half".into();
    let container = &mut service["spec"]["predictor"]["containers"][0];
    for amounts in ["requests", "limits"] {
        container["resources"][amounts]["nvidia.com/gpu"] = "500m".into();
    }
    let refused = namespace.create(service).await.err();
    let said = refused.context("half a GPU was admitted")?.to_string();
    ensure!(said.contains("only given out whole"), "{said}");
    Ok(())
}
