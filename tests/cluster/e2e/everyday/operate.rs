//! What those who operate a cluster look with: metrics, `doctor`, `audit`.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{DeleteParams, ListParams, PostParams};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tollgate_e2e::{Cluster, Namespace, tollgate_answers, until};

use crate::pods::{deployment, plain, spec, wants};

/// How many pods the audit is measured with, where the environment says so; few otherwise.
const MANY: &str = "TOLLGATE_E2E_AUDIT";

/// How many of them are made at once.
const AT_ONCE: usize = 32;

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
    // Nothing else is said, also where the API server answers with errors.
    let told: Value = serde_json::from_str(&said).with_context(|| said.clone())?;
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

/// Makes pods that came before Tollgate did, so that they have no toleration.
async fn make_pods(namespace: &Namespace<'_>, count: usize) -> Result<()> {
    let client = namespace.cluster().objects().client();
    let pods: Api<Pod> = Api::namespaced(client, namespace.name());
    let mut making = JoinSet::new();
    for number in 0..count {
        let pod = wants(&format!("pod-{number}"), "nvidia.com/gpu", "1");
        let (pods, pod) = (pods.clone(), serde_json::from_value(pod)?);
        making.spawn(async move { pods.create(&PostParams::default(), &pod).await });
        if making.len() == AT_ONCE
            && let Some(made) = making.join_next().await
        {
            made??;
        }
    }
    while let Some(made) = making.join_next().await {
        made??;
    }
    Ok(())
}

/// Runs a command of the `tollgate` binary that says little, and gives also the most memory that it had, in words.
fn measured(arguments: &[&str]) -> Result<(Option<i32>, String, String)> {
    let mut command = Command::new(std::env::var_os("TOLLGATE_BIN").context("no binary")?);
    let piped = command
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = piped.spawn()?;
    let mut most = String::new();
    while child.try_wait()?.is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        most = line.map_or(most, |line| line.trim().to_owned());
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = child.wait_with_output()?;
    let [told, said] = [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it));
    Ok((output.status.code(), format!("{told}{said}"), most))
}

/// A definition of pools as the Gateway API's inference extension has it, as far as it matters here.
fn pool_definition() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {
            "name": "inferencepools.inference.networking.k8s.io",
            // Without it the API server refuses definitions in a group of Kubernetes' own.
            "annotations": {"api-approved.kubernetes.io": "unapproved, a test"},
        },
        "spec": {
            "group": "inference.networking.k8s.io", "scope": "Namespaced",
            "names": {"kind": "InferencePool", "plural": "inferencepools", "singular": "inferencepool"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
                "type": "object", "x-kubernetes-preserve-unknown-fields": true,
            }}}],
        },
    })
}

/// Makes routes to pods that are there and to none.
async fn make_routes(cluster: &Cluster, namespace: &Namespace<'_>) -> Result<()> {
    let mut web = plain("web");
    web["metadata"]["labels"] = json!({"app": "web"});
    namespace.create(web).await?;
    for name in ["web", "nobody"] {
        namespace
            .create(json!({
                "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
                "spec": {"selector": {"app": name}, "ports": [{"port": 80}]},
            }))
            .await?;
        let backend = json!({"service": {"name": name, "port": {"number": 80}}});
        namespace
            .create(json!({
                "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name},
                "spec": {"defaultBackend": backend},
            }))
            .await?;
    }
    cluster.objects().create("", &pool_definition()).await?;
    let pool = json!({
        "apiVersion": "inference.networking.k8s.io/v1", "kind": "InferencePool", "metadata": {"name": "models"},
        "spec": {"selector": {"matchLabels": {"app": "models"}}},
    });
    until("pools are served", async || {
        namespace.create(pool.clone()).await
    })
    .await
    .map(drop)
}

/// The objects of which an audit says that what they lead to selects no pod.
fn led_astray(reports: &[Value]) -> Vec<String> {
    let lines = reports
        .iter()
        .flat_map(|report| report["results"].as_array());
    let lines = lines.flatten();
    let astray = lines.filter(|line| line.to_string().contains("backend-selects-nothing"));
    let objects = astray.map(|line| {
        let word = |key| line["resources"][0][key].as_str().unwrap_or_default();
        format!("{} {}", word("kind"), word("name"))
    });
    let mut objects: Vec<_> = objects.collect();
    objects.sort();
    objects
}

async fn audit(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.namespace("audited").await?;
    let count: usize = std::env::var(MANY).map_or(Ok(20), |count| count.parse())?;
    make_pods(&namespace, count).await?;
    make_routes(cluster, &namespace).await?;
    let kubeconfig = cluster.kubeconfig().display().to_string();
    let run = |kind: &str| {
        let started = Instant::now();
        let (status, said, most) = measured(&[
            "audit",
            "--cluster",
            "--kubeconfig",
            &kubeconfig,
            "--report",
            kind,
        ])?;
        eprintln!(
            "audit of {count} pods: {:?}, {most}\n{said}",
            started.elapsed()
        );
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
        let astray = led_astray(&first);
        ensure!(
            astray == ["InferencePool models", "Ingress nobody"],
            "{astray:?}: {first:#?}"
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
    let pods: Api<Pod> = Api::namespaced(cluster.objects().client(), namespace.name());
    let at_once = DeleteParams::default().grace_period(0);
    let _going = pods
        .delete_collection(&at_once, &ListParams::default())
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
    // The config map that each namespace has names no accelerator, and so makes no report.
    ensure!(left.is_empty(), "{said} {left:#?}");
    ensure!(said.contains(" 0 reports, 0 of them changed, "), "{said}");
    Ok(())
}

/// Answers as a Prometheus would: of these pods of a namespace, `busy` was busy nine tenths of the time, the others hardly.
pub(crate) async fn prometheus(
    namespace: &str,
    pods: &[Value],
) -> Result<(String, JoinHandle<()>)> {
    let sample = |pod: &Value| {
        let name = pod["metadata"]["name"].as_str().unwrap_or_default();
        let busy = if name == "busy" { "0.9" } else { "0.05" };
        json!({"metric": {"namespace": "gpu-operator", "pod": "dcgm", "exported_namespace": namespace, "exported_pod": name},
               "value": [0, busy]})
    };
    let result: Vec<_> = pods.iter().map(sample).collect();
    let body = json!({"status": "success", "data": {"resultType": "vector", "result": result}})
        .to_string();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let answering = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _read = stream.read(&mut request).await;
            let length = body.len();
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
            let _written = stream.write_all(format!("{head}{body}").as_bytes()).await;
        }
    });
    Ok((url, answering))
}

pub(crate) async fn idle_gpus_are_shown_beside_what_is_held(cluster: &Cluster) -> Result<()> {
    cluster.tollgate().await?;
    let namespace = cluster.namespace("idle").await?;
    let budget = json!({
        "apiVersion": "tollgate.dev/v1alpha1", "kind": "Budget", "metadata": {"name": "idle"},
        "spec": {"scope": {"namespaces": [namespace.name()]}, "limits": [{"unit": "gpu", "amount": "8"}]},
    });
    cluster.objects().create("", &budget).await?;
    until("its pods are let in", async || {
        namespace.create(wants("busy", "nvidia.com/gpu", "1")).await
    })
    .await?;
    namespace
        .create(deployment("idle", 3, &spec("nvidia.com/gpu", "1")))
        .await?;
    let pods = until("all pods are there", async || {
        let pods = namespace.pods("").await?;
        ensure!(pods.len() == 4, "{} are", pods.len());
        Ok(pods)
    })
    .await?;
    let (url, answering) = prometheus(namespace.name(), &pods).await?;
    let kubeconfig = cluster.kubeconfig().display().to_string();
    let (status, said) = tokio::task::spawn_blocking(move || {
        tollgate_answers(&[
            "budget",
            "idle",
            "--cluster",
            "-o",
            "json",
            "--kubeconfig",
            &kubeconfig,
            "--prometheus",
            &url,
        ])
    })
    .await??;
    answering.abort();
    ensure!(status == Some(0), "{said}");
    let told: Value = serde_json::from_str(&said).with_context(|| said.clone())?;
    let told = &told["budgets"][0]["utilisation"];
    let name = namespace.name();
    let expected = json!({
        "window": "1h", "held": "4", "measured": "4", "percent": 26.2,
        "byNamespace": {name: {"held": "4", "measured": "4", "percent": 26.2}},
        "byOwner": {
            format!("{name}/Deployment/idle"): {"held": "3", "measured": "3", "percent": 5.0},
            format!("{name}/Pod/busy"): {"held": "1", "measured": "1", "percent": 90.0},
        },
    });
    ensure!(*told == expected, "{told:#}");
    Ok(())
}
