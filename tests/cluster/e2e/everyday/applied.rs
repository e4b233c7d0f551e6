//! What is refused where it is applied, kind by kind, and what passes untouched whether anybody answers or not.
//!
//! Kinds whose controllers are not Kubernetes' own are in `systems`, beside what they run.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tollgate_e2e::{
    Cluster, Controller, Installation, NO_SUCH_DEVICE, Namespace, broken, documents, until,
};

use crate::definitions::{Definition, Scope};
use crate::foretold::comparable;
use crate::pods::{deployment, spec, wants};

/// Kinds of Kubernetes' own that make pods: API version, kind, and the pointer of their template.
const BUILT_IN: [(&str, &str, &str); 8] = [
    ("v1", "ReplicationController", "/spec/template"),
    ("v1", "PodTemplate", "/template"),
    ("apps/v1", "Deployment", "/spec/template"),
    ("apps/v1", "ReplicaSet", "/spec/template"),
    ("apps/v1", "StatefulSet", "/spec/template"),
    ("apps/v1", "DaemonSet", "/spec/template"),
    ("batch/v1", "Job", "/spec/template"),
    ("batch/v1", "CronJob", "/spec/jobTemplate/spec/template"),
];

pub(crate) async fn every_kind_of_kubernetes_is_refused_when_broken(
    cluster: &Cluster,
) -> Result<()> {
    cluster.tollgate().await?;
    let namespace = cluster.namespace("broken").await?;
    is_judged(&namespace, &wants("pod", "nvidia.com/gpu", "1")).await?;
    for (version, kind, place) in BUILT_IN {
        is_judged(&namespace, &workload(version, kind, place)?)
            .await
            .with_context(|| kind)?;
    }
    Ok(())
}

pub(crate) async fn every_kind_of_ray_and_trainer_is_refused_when_broken(
    cluster: &Cluster,
) -> Result<()> {
    for controller in [Controller::KubeRay, Controller::Trainer] {
        cluster.controller(controller).await?;
    }
    cluster.tollgate().await?;
    let namespace = cluster.namespace("broken").await?;
    let ray = documents(include_str!("workloads/raycluster.yaml"))?.pop();
    let ray = ray.context("no RayCluster")?["spec"].clone();
    let object = |kind: &str, spec: Value| json!({"apiVersion": "ray.io/v1", "kind": kind, "metadata": {"name": "broken"}, "spec": spec});
    let mut runtime = documents(include_str!("workloads/trainjob.yaml"))?.swap_remove(0);
    let containers =
        "/spec/template/spec/replicatedJobs/0/template/spec/template/spec/containers/0";
    let container = runtime.pointer_mut(containers).context("no container")?;
    container["resources"] = json!({"limits": {"nvidia.com/gpu": 1}});
    for workload in [
        object(
            "RayJob",
            json!({"entrypoint": "train", "rayClusterSpec": ray}),
        ),
        object("RayService", json!({"rayClusterConfig": ray})),
        runtime,
    ] {
        is_judged(&namespace, &workload)
            .await
            .with_context(|| workload["kind"].to_string())?;
    }
    Ok(())
}

/// Shows that an object is refused in our words when its containers ask for what no node has, and for nothing else.
async fn is_judged(namespace: &Namespace<'_>, workload: &Value) -> Result<()> {
    let objects = namespace.cluster().objects();
    let said = objects.said_of(namespace.name(), workload).await?;
    // DaemonSets that take devices are refused in other words.
    let is_taken = said.is_admitted || workload["kind"] == "DaemonSet";
    ensure!(is_taken && !said.contains(NO_SUCH_DEVICE), "{said:?}");
    let said = objects
        .said_of(namespace.name(), &broken(workload)?)
        .await?;
    ensure!(
        !said.is_admitted && said.contains(NO_SUCH_DEVICE),
        "{said:?}"
    );
    Ok(())
}

fn workload(version: &str, kind: &str, place: &str) -> Result<Value> {
    let made = deployment("broken", 1, &spec("nvidia.com/gpu", "1"));
    let mut template = made["spec"]["template"].clone();
    if version == "batch/v1" {
        template["spec"]["restartPolicy"] = json!("Never");
    }
    let labels = template["metadata"]["labels"].clone();
    let mut object = match (version, kind) {
        (_, "PodTemplate") => json!({"template": {}}),
        (_, "CronJob") => {
            json!({"spec": {"schedule": "0 0 * * *", "jobTemplate": {"spec": {"template": {}}}}})
        }
        ("batch/v1", _) => json!({"spec": {"template": {}}}),
        ("v1", _) => json!({"spec": {"selector": labels, "template": {}}}),
        _ => json!({"spec": {"selector": {"matchLabels": labels}, "template": {}}}),
    };
    if kind == "StatefulSet" {
        object["spec"]["serviceName"] = json!("broken");
    }
    *object.pointer_mut(place).context("no such place")? = template;
    object["apiVersion"] = json!(version);
    object["kind"] = json!(kind);
    object["metadata"] = json!({"name": "broken"});
    Ok(object)
}

/// Kinds that are configuration of others' operators.
const CONFIGURATION: [Definition; 3] = [
    Definition(
        "nvidia.com/v1",
        "ClusterPolicy",
        "clusterpolicies",
        Scope::Cluster,
    ),
    Definition(
        "monitoring.coreos.com/v1",
        "ServiceMonitor",
        "servicemonitors",
        Scope::Namespaced,
    ),
    Definition(
        "karpenter.k8s.aws/v1",
        "EC2NodeClass",
        "ec2nodeclasses",
        Scope::Cluster,
    ),
];

pub(crate) async fn what_others_operate_passes_untouched_also_while_nobody_answers(
    _: &Cluster,
) -> Result<()> {
    Cluster::own(1, async |cluster, tollgate| {
        for definition in &CONFIGURATION {
            definition.install(cluster).await?;
        }
        let ordinary = cluster.namespace("ordinary").await?;
        let said = cluster
            .objects()
            .said_of(ordinary.name(), &plugin("a"))
            .await?;
        let is_ours = !said.is_admitted && said.contains("gpu-isolation/");
        ensure!(
            is_ours,
            "the same is refused elsewhere, else this shows nothing: {said:?}"
        );
        let operators =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "gpu-operator"}});
        cluster.objects().create("", &operators).await?;
        let site = json!({
            "apiVersion": "tollgate.dev/v1alpha1", "kind": "Site", "metadata": {"name": "default"},
            "spec": {"exempt": ["gpu-operator"]},
        });
        cluster.objects().apply("", &site).await?;
        until("the operator's namespace is let off", async || {
            let said = cluster
                .objects()
                .said_of("gpu-operator", &plugin("a"))
                .await?;
            ensure!(said.is_admitted, "{said:?}");
            Ok(())
        })
        .await?;
        until("nobody is asked about it any more", async || {
            let calls = tollgate.calls().await?;
            let said = cluster
                .objects()
                .said_of("gpu-operator", &plugin("a"))
                .await?;
            ensure!(said.is_admitted, "{said:?}");
            ensure!(tollgate.calls().await? == calls, "Tollgate was asked");
            Ok(())
        })
        .await?;
        pass(cluster, tollgate, "up").await?;
        tollgate.kill_all()?;
        pass(cluster, tollgate, "down").await
    })
    .await
}

/// Creates what the API server never asks about.
async fn pass(cluster: &Cluster, tollgate: &Installation, name: &str) -> Result<()> {
    let calls = tollgate.calls().await?;
    let excluded = cluster.namespace_without_tollgate().await?;
    for namespace in ["kube-system", "gpu-operator", excluded.name()] {
        plugin_passes(cluster, namespace, name).await?;
    }
    for object in configuration(name) {
        let mut stored = cluster.objects().create("gpu-operator", &object).await?;
        stored["metadata"] = object["metadata"].clone();
        ensure!(stored == object, "stored is {stored}\ninstead of {object}");
    }
    ensure!(tollgate.calls().await? == calls, "somebody was asked");
    Ok(())
}

/// Creates a device plugin, sees it run, and compares it with what is stored where Tollgate never looks.
async fn plugin_passes(cluster: &Cluster, namespace: &str, name: &str) -> Result<()> {
    let (alone, objects) = (
        cluster.namespace_without_tollgate().await?,
        cluster.objects(),
    );
    let expected = comparable(&objects.dry_run(alone.name(), &plugin(name)).await?)?;
    let stored = comparable(&objects.create(namespace, &plugin(name)).await?)?;
    ensure!(
        stored == expected,
        "stored is {stored}\ninstead of {expected}"
    );
    until("its pods are made and run", async || {
        let pods = objects
            .list(("v1", "Pod"), namespace, &format!("app={name}"))
            .await?;
        let runs = pods.iter().any(|pod| pod["status"]["phase"] == "Running");
        ensure!(runs, "there are {} pods", pods.len());
        Ok(())
    })
    .await
}

/// A device plugin as its vendor installs it: it has the rights and sees the devices that nobody else may.
fn plugin(name: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": {"app": name}}, "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {
                "volumes": [{"name": "plugins", "hostPath": {"path": "/var/lib/kubelet/device-plugins"}}],
                "containers": [{
                    "name": "plugin", "image": "device-plugin:1", "securityContext": {"privileged": true},
                    "env": [{"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"}],
                    "volumeMounts": [{"name": "plugins", "mountPath": "/var/lib/kubelet/device-plugins"}],
                }],
            },
        }},
    })
}

/// Objects of which `review` has something to say, and the webhook is never asked.
fn configuration(name: &str) -> [Value; 3] {
    let object = |version: &str, kind: &str, spec: Value| json!({"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec});
    [
        object(
            "nvidia.com/v1",
            "ClusterPolicy",
            json!({"devicePlugin": {"config": {"name": "plugin-config"}}, "mig": {"strategy": "single"}}),
        ),
        object(
            "monitoring.coreos.com/v1",
            "ServiceMonitor",
            json!({"selector": {"matchLabels": {"app": "dcgm-exporter-of-nobody"}}, "endpoints": [{"port": "metrics"}]}),
        ),
        object(
            "karpenter.k8s.aws/v1",
            "EC2NodeClass",
            json!({"amiFamily": "AL2", "role": "nodes"}),
        ),
    ]
}
