//! What those who operate a cluster look with: metrics, `doctor`, `audit`.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tollgate_e2e::{Cluster, tollgate_answers, until};

use crate::pods::wants;

/// How many pods the audit is measured with, where the environment says so; few otherwise.
const MANY: &str = "TOLLGATE_E2E_AUDIT";

pub(crate) async fn a_replica_tells_how_it_stands_in_the_cluster(cluster: &Cluster) -> Result<()> {
    let tollgate = cluster.tollgate().await?;
    until(
        "one leads, and all know that they are registered",
        async || {
            let mut leaders = 0;
            for replica in tollgate.running() {
                leaders += replica.sum("tollgate_leader ").await?;
                let metrics = replica.metrics().await?;
                for series in [
                    "tollgate_registered 1",
                    "tollgate_fail_open 0",
                    "tollgate_objects_refused{kind=\"Policy\"} ",
                ] {
                    ensure!(metrics.contains(series), "no `{series}` in {metrics}");
                }
            }
            ensure!(leaders == 1, "{leaders} lead");
            Ok(())
        },
    )
    .await
}

/// Runs `doctor` and gives its status and the checks by name.
fn doctor(cluster: &Cluster, more: &[&str]) -> Result<(Option<i32>, Vec<Value>)> {
    let kubeconfig = cluster.kubeconfig().display().to_string();
    let arguments = [
        "doctor",
        "--cluster",
        "-o",
        "json",
        "--kubeconfig",
        &kubeconfig,
    ];
    let (status, said) = tollgate_answers(&[&arguments, more].concat())?;
    // Behind it stands what the client logs of answers that it did not like.
    let end = said.rfind("\n}").map_or(said.len(), |end| end + 2);
    let told = said.get(..end).unwrap_or_default();
    let told: Value = serde_json::from_str(told).with_context(|| said.clone())?;
    let checks = told["checks"].as_array().cloned().unwrap_or_default();
    Ok((status, checks))
}

fn level(checks: &[Value], name: &str) -> Vec<String> {
    let named = checks.iter().filter(|check| check["name"] == name);
    named
        .map(|check| check["level"].as_str().unwrap_or_default().to_owned())
        .collect()
}

pub(crate) async fn a_doctor_finds_what_is_well_and_what_is_not(_: &Cluster) -> Result<()> {
    Cluster::own(2, async |cluster, tollgate| {
        let site = json!({"apiVersion": "tollgate.dev/v1alpha1", "kind": "Site", "metadata": {"name": "default"}, "spec": {"exempt": ["gpu-operator"]}});
        cluster.objects().apply("", &site).await?;
        until("all is well", async || {
            let (status, checks) = doctor(cluster, &[])?;
            ensure!(status == Some(0), "{checks:#?}");
            for name in ["api server", "clock", "definitions", "rights", "registration", "service", "certificate", "leader", "webhook", "configuration", "replicas", "other webhooks", "policies"] {
                ensure!(level(&checks, name) == ["ok"], "{name} is not well: {checks:#?}");
            }
            // The harness excludes namespaces that are not there yet, and no namespace is the operator's.
            for name in ["namespaces", "notice"] {
                ensure!(level(&checks, name) == ["warn"], "{name} is not told: {checks:#?}");
            }
            Ok(())
        })
        .await?;
        let kubeconfig = cluster.kubeconfig().display().to_string();
        tollgate_answers(&["fail-open", "--kubeconfig", &kubeconfig])?;
        let (status, checks) = doctor(cluster, &[])?;
        ensure!(status == Some(0) && level(&checks, "registration") == ["warn"], "{checks:#?}");
        tollgate_answers(&["fail-open", "--undo", "--kubeconfig", &kubeconfig])?;

        let role = ("rbac.authorization.k8s.io/v1", "ClusterRole");
        let rules = json!({"rules": [{"apiGroups": ["tollgate.dev"], "resources": ["policies"], "verbs": ["list", "watch"]}]});
        cluster.objects().merge(role, "", "tollgate", &rules).await?;
        tollgate.kill_all()?;
        until("what is broken is told", async || {
            let (status, checks) = doctor(cluster, &[])?;
            for name in ["rights", "webhook"] {
                ensure!(level(&checks, name).contains(&"fail".to_owned()), "{name}: {checks:#?}");
            }
            let webhook = checks.iter().find(|check| check["name"] == "webhook");
            let message = webhook.map(|check| check["message"].to_string()).unwrap_or_default();
            ensure!(message.contains("failed calling webhook"), "{message}");
            ensure!(status == Some(1), "status {status:?}");
            Ok(())
        })
        .await
    })
    .await
}

const REPORTS: [(&str, (&str, &str), &str); 2] = [
    (
        "policyreports",
        ("wgpolicyk8s.io/v1alpha2", "PolicyReport"),
        "wgpolicy",
    ),
    (
        "openreports",
        ("openreports.io/v1alpha1", "Report"),
        "openreports",
    ),
];

pub(crate) async fn an_audit_writes_reports_that_a_second_run_leaves_alone(
    _: &Cluster,
) -> Result<()> {
    let cluster = Cluster::start().await?;
    let outcome = audit(&cluster).await;
    outcome.with_context(|| cluster.logs())
}

async fn audit(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.namespace("audited").await?;
    let count: usize = std::env::var(MANY).map_or(Ok(20), |count| count.parse())?;
    for number in 0..count {
        // They came before Tollgate did, so that they have no toleration, and ask for shares that others would mind.
        namespace
            .create(wants(&format!("pod-{number}"), "nvidia.com/gpu", "1"))
            .await?;
    }
    let kubeconfig = cluster.kubeconfig().display().to_string();
    let run = |kind: &str| {
        let started = Instant::now();
        let (status, said) = tollgate_answers(&[
            "audit",
            "--cluster",
            "--kubeconfig",
            &kubeconfig,
            "--report",
            kind,
        ])?;
        eprintln!("audit of {count} pods: {:?}\n{said}", started.elapsed());
        Ok::<_, anyhow::Error>((status, said))
    };
    let (status, said) = run("wgpolicy")?;
    ensure!(
        status == Some(2) && said.contains("the cluster has no PolicyReport"),
        "{said}"
    );
    for (manifests, kind, word) in REPORTS {
        cluster.install(manifests).await?;
        until("the reports are served", async || {
            cluster.objects().list(kind, "", "").await
        })
        .await?;
        let (status, said) = run(word)?;
        ensure!(status == Some(0), "{status:?} {said}");
        let first = cluster
            .objects()
            .list(kind, namespace.name(), "tollgate.dev/report=audit")
            .await?;
        let lines: usize = first
            .iter()
            .map(|report| report["results"].as_array().map_or(0, Vec::len))
            .sum();
        ensure!(
            lines >= count,
            "{lines} lines about {count} pods: {first:#?}"
        );
        let (_, said) = run(word)?;
        ensure!(said.contains(" 0 of them changed, 0 removed"), "{said}");
        let second = cluster
            .objects()
            .list(kind, namespace.name(), "tollgate.dev/report=audit")
            .await?;
        ensure!(first == second, "a second run changed reports");
    }
    // What nothing is left of goes.
    cluster
        .kubectl(&[
            "delete",
            "pods",
            "--all",
            "--namespace",
            namespace.name(),
            "--grace-period=0",
            "--force",
        ])
        .await?;
    until("the pods are gone", async || {
        ensure!(namespace.pods("").await?.is_empty(), "they are there");
        Ok(())
    })
    .await?;
    let (_, said) = run("openreports")?;
    let left = cluster
        .objects()
        .list(REPORTS[1].1, namespace.name(), "")
        .await?;
    // Each namespace has a config map, which nobody minds.
    let is_empty =
        |report: &Value| report["results"] == json!([]) && report["summary"]["pass"] == 1;
    ensure!(left.iter().all(is_empty), "{said} {left:#?}");
    Ok(())
}
