//! Golden cases on a real API server: each repair is taken and its pod runs; each denial is what the API server says.

mod case;

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tollgate_e2e::{Cluster, Namespace};

use self::case::{Case, cases, unconfigure};
use crate::foretold::gpu_pods;

/// What each rule does by default, as the policies say of themselves.
const RULES: &str = include_str!("../../../../docs/rules.md");

/// Lists the denials that the API server gives first.
const CLUSTER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/cluster.md");

/// The rules of which no golden pod tells in a cluster, and where they are shown.
const NOT_OF_PODS: &[(&str, &str)] = &[
    (
        "gpu-budget/never-fits",
        "of a cluster's accounts: `budgets`",
    ),
    (
        "gpu-budget/over-budget",
        "of a cluster's accounts: `budgets`",
    ),
    (
        "gpu-isolation/debug-container",
        "of a subresource: `admission`",
    ),
    (
        "gpu-supply/claim-of-administration",
        "of claims, which the API server itself refuses there",
    ),
    (
        "gpu-supply/karpenter-field-refused",
        "of node pools: golden cases",
    ),
    (
        "gpu-supply/node-class-without-images",
        "of node classes: golden cases",
    ),
    (
        "gpu-supply/replicas-of-one",
        "of a plugin's settings, which are only reviewed: golden cases",
    ),
    (
        "gpu-supply/two-ways-of-sharing",
        "of a plugin's settings, which are only reviewed: golden cases",
    ),
    (
        "parallelism/parallel-above-group",
        "of groups of pods: golden cases",
    ),
    (
        "parallelism/processes-untold",
        "of kinds of training jobs: golden cases",
    ),
    (
        "parallelism/tpu-topology",
        "of groups of pods: golden cases",
    ),
    (
        "placement/daemon-set-with-devices",
        "of DaemonSets: golden cases",
    ),
    (
        "placement/unknown-scheduler",
        "a warning in a cluster, which sees only schedulers that bind pods",
    ),
];

pub(crate) async fn every_repair_is_taken_and_its_pod_runs(_: &Cluster) -> Result<()> {
    Cluster::own(1, async |cluster, _| {
        let mut unseen = rules("repair");
        ensure!(unseen.len() > 10, "only {} rules repair", unseen.len());
        for case in cases()? {
            let repaired = case.repaired();
            if repaired.is_disjoint(&unseen) {
                continue;
            }
            case.runs(cluster)
                .await
                .with_context(|| case.name.clone())?;
            unseen.retain(|rule| !repaired.contains(rule));
        }
        ensure!(unseen.is_empty(), "no golden pod is repaired by {unseen:?}");
        Ok(())
    })
    .await
}

pub(crate) async fn every_denial_is_what_the_api_server_says(_: &Cluster) -> Result<()> {
    Cluster::own(1, async |cluster, _| {
        let ours = rules("deny");
        let mut said = Said::default();
        for case in cases()? {
            let denied: BTreeSet<_> = case.denied().filter(|rule| ours.contains(rule)).collect();
            if !denied.is_empty() && !case.needs_more_than_a_cluster() {
                let seen = is_refused(cluster, &case, &denied, &mut said).await;
                seen.with_context(|| case.name.clone())?;
            }
        }
        let unsaid: BTreeSet<_> = ours.difference(&said.by_us).map(String::as_str).collect();
        let elsewhere: BTreeSet<_> = NOT_OF_PODS.iter().map(|(rule, _)| *rule).collect();
        ensure!(
            unsaid == elsewhere,
            "no golden pod is denied by {unsaid:?}; {elsewhere:?} are shown elsewhere"
        );
        let listed = given_first()?;
        let first = said.of_templates_by_the_api_server;
        ensure!(
            first == listed,
            "of templates the API server speaks first of {first:?}; docs/cluster.md lists {listed:?}"
        );
        Ok(())
    })
    .await
}

/// Rules, by who refuses what they are about.
#[derive(Default)]
struct Said {
    by_us: BTreeSet<String>,
    of_templates_by_the_api_server: BTreeSet<String>,
}

/// Sees the pod of a case refused in our words, and a Deployment of such pods by whoever speaks first.
async fn is_refused(
    cluster: &Cluster,
    case: &Case,
    denied: &BTreeSet<String>,
    said: &mut Said,
) -> Result<()> {
    let namespace = cluster.namespace("denied").await?;
    let settings = case.configure(cluster).await?;
    case.furnish(&namespace).await?;
    let pod = case.bare();
    let of_pod = refusal(&namespace, pod.clone()).await?;
    for rule in denied {
        ensure!(
            of_pod.contains(&format!("{rule}: ")),
            "{rule} is not in: {of_pod}"
        );
    }
    // Templates that name no accelerator cause no call; their pods do, where they are privileged.
    if !gpu_pods(pod.clone()).is_empty() {
        let of_template = refusal(&namespace, template(&pod)).await?;
        let unsaid = denied
            .iter()
            .filter(|rule| !of_template.contains(rule.as_str()));
        said.of_templates_by_the_api_server.extend(unsaid.cloned());
    }
    said.by_us.extend(denied.iter().cloned());
    unconfigure(cluster, &settings).await
}

async fn refusal(namespace: &Namespace<'_>, object: Value) -> Result<String> {
    let kind = object["kind"].to_string();
    let refused = namespace.create(object).await.err();
    Ok(refused
        .with_context(|| format!("a {kind} was let in"))?
        .to_string())
}

/// A Deployment of such pods.
fn template(pod: &Value) -> Value {
    let mut metadata = pod["metadata"].clone();
    metadata["labels"]["app"] = json!("golden");
    if let Some(metadata) = metadata.as_object_mut() {
        metadata.retain(|key, _| ["labels", "annotations"].contains(&key.as_str()));
    }
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "golden"},
        "spec": {
            "selector": {"matchLabels": {"app": "golden"}},
            "template": {"metadata": metadata, "spec": pod["spec"]},
        },
    })
}

/// The rules, with their policies, that do this by default.
fn rules(default: &str) -> BTreeSet<String> {
    let mut policy = "";
    let mut found = BTreeSet::new();
    for line in RULES.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            policy = heading;
        }
        let mut cells = line.split('|').map(str::trim);
        if let (Some(""), Some(rule), Some(does)) = (cells.next(), cells.next(), cells.next())
            && does == default
        {
            found.insert(format!("{policy}/{}", rule.trim_matches('`')));
        }
    }
    found
}

/// The rules that docs/cluster.md lists as those that the API server speaks first of.
fn given_first() -> Result<BTreeSet<String>> {
    let page = std::fs::read_to_string(CLUSTER)?;
    let section = page
        .split("\n## ")
        .find(|text| text.starts_with("Who refuses"));
    let lines = section.context("no section says who refuses")?.lines();
    let rules = lines.filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    Ok(rules.map(str::to_owned).collect())
}
