//! Beside the API server's own ExtendedResourceToleration plugin: what it gives, Tollgate gives too.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tollgate_e2e::{Cluster, documents, tollgate_says};
use tollgate_gpu::{Class, exact_resources};

use crate::pods::wants;

pub(crate) async fn every_toleration_of_the_api_servers_plugin_is_ours_too(
    _: &Cluster,
) -> Result<()> {
    let cluster =
        Cluster::start_with(&["--enable-admission-plugins=ExtendedResourceToleration"]).await?;
    let namespace = cluster.namespace("plugin").await?;
    let mut compared = 0;
    let devices = exact_resources().filter(|(_, known)| known.class == Class::Device);
    // Names of device classes are no extended resources: the plugin passes them over.
    for (resource, known) in devices.filter(|(name, _)| !name.starts_with("deviceclass.")) {
        let pod = wants("one", resource, "1");
        let theirs = cluster.objects().dry_run(namespace.name(), &pod).await;
        let theirs = tolerated(&theirs.with_context(|| resource.to_owned())?);
        let file = cluster.folder().join("plugin.json");
        std::fs::write(&file, pod.to_string())?;
        let reviewed =
            tollgate_says(&["review", "--output=manifest", &file.display().to_string()])?;
        let ours = tolerated(documents(&reviewed)?.first().context("nothing came back")?);
        // The plugin takes the resource's own name. Where the vendor's nodes are known to carry another taint, ours is
        // that.
        let expected = known.taint.unwrap_or(resource);
        ensure!(ours == [expected], "{resource}: {ours:?}");
        if expected == resource {
            ensure!(
                theirs == ours,
                "{resource}: {theirs:?} by the plugin, {ours:?} by us"
            );
            compared += 1;
        }
    }
    ensure!(compared > 20, "only {compared} resources were compared");
    Ok(())
}

/// The keys of taints with the effect `NoSchedule` that a pod tolerates whatever their value.
fn tolerated(pod: &Value) -> Vec<String> {
    let tolerations = pod["spec"]["tolerations"].as_array();
    let any = |toleration: &&Value| {
        toleration["operator"] == "Exists"
            && ["", "NoSchedule"].contains(&toleration["effect"].as_str().unwrap_or_default())
    };
    let keys = tolerations.into_iter().flatten().filter(any);
    keys.filter_map(|it| it["key"].as_str().map(str::to_owned))
        .collect()
}
