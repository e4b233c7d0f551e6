//! A golden case, and what its pod needs of a cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Map, Value, json};
use tollgate_e2e::{Cluster, Namespace, TAINT, documents, until};

use crate::pods::covers;

/// A golden case that is a pod.
pub(super) struct Case {
    pub(super) name: String,
    pod: Value,
    policies: Option<String>,
    response: Value,
}

/// Those with the default profile's settings first: what a case sets may still be in force after it.
pub(super) fn cases() -> Result<Vec<Case>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cases");
    let mut cases = Vec::new();
    for group in folders(&root)? {
        for folder in folders(&group)? {
            cases.extend(Case::read(&folder)?);
        }
    }
    cases.sort_by_key(|case| (case.policies.is_some(), case.name.clone()));
    Ok(cases)
}

fn folders(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root)? {
        found.push(entry?.path());
    }
    found.retain(|path| path.is_dir());
    Ok(found)
}

impl Case {
    /// The case of a folder, where that is about a pod.
    fn read(folder: &Path) -> Result<Option<Self>> {
        let Ok(review) = std::fs::read_to_string(folder.join("review.yaml")) else {
            return Ok(None);
        };
        let one = |yaml: &str| -> Result<Value> { documents(yaml)?.pop().context("no document") };
        let pod = one(&review)?;
        // What a snapshot of another cluster knows, this one does not.
        if pod["kind"] != "Pod" || folder.join("state.yaml").exists() {
            return Ok(None);
        }
        Ok(Some(Self {
            name: folder.display().to_string(),
            pod,
            policies: std::fs::read_to_string(folder.join("policies.yaml")).ok(),
            response: one(&std::fs::read_to_string(folder.join("response.yaml"))?)?,
        }))
    }

    fn edits(&self) -> impl Iterator<Item = &Value> {
        let allowed = self.response["allowed"] == true;
        self.response["patch"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(move |_| allowed)
    }

    pub(super) fn repaired(&self) -> BTreeSet<String> {
        self.edits().filter_map(rule_of).collect()
    }

    /// The rules that refuse it.
    pub(super) fn denied(&self) -> impl Iterator<Item = String> {
        let findings = self.response["findings"].as_array().into_iter().flatten();
        let denials = findings.filter(|finding| finding["severity"] == "deny");
        denials.filter_map(rule_of)
    }

    /// Those are about what is charged in a ledger, or about components that no replica has mounted.
    pub(super) fn needs_more_than_a_cluster(&self) -> bool {
        self.policies
            .as_ref()
            .is_some_and(|yaml| yaml.contains("kind: Budget") || yaml.contains(".wasm"))
    }

    /// Makes what the pod needs, creates it, and sees it run on a tainted node with every edit in it.
    pub(super) async fn runs(&self, cluster: &Cluster) -> Result<()> {
        let namespace = cluster.namespace("repaired").await?;
        let settings = self.configure(cluster).await?;
        self.furnish(&namespace).await?;
        let stored = namespace.create(self.bare()).await?;
        for edit in self.edits() {
            ensure!(is_made(&stored, edit), "the edit {edit} is not in {stored}");
        }
        cluster
            .objects()
            .create("", &self.node(&namespace, &stored))
            .await?;
        let running = namespace.until_running("", 1).await?;
        let name = running[0]["spec"]["nodeName"].as_str().unwrap_or_default();
        let node = cluster.objects().get(("v1", "Node"), "", name).await?;
        ensure!(node["spec"]["taints"].is_array(), "{name} has no taint");
        unconfigure(cluster, &settings).await
    }

    /// Puts the settings of the case in force on every replica.
    pub(super) async fn configure(&self, cluster: &Cluster) -> Result<Vec<Value>> {
        let settings = documents(self.policies.as_deref().unwrap_or_default())?;
        for object in &settings {
            cluster.objects().apply("", object).await?;
        }
        for object in &settings {
            in_force(cluster, object).await?;
        }
        Ok(settings)
    }

    /// The pod without its namespace, and owned by nobody who could be looked for and missed: what is owned by a kind
    /// that this cluster does not serve is let be.
    pub(super) fn bare(&self) -> Value {
        let mut pod = self.pod.clone();
        if let Some(metadata) = pod["metadata"].as_object_mut() {
            metadata.remove("namespace");
        }
        if let Some(owner) = pod.pointer_mut("/metadata/ownerReferences/0") {
            owner["apiVersion"] = json!("kubeflow.org/v1");
            owner["kind"] = json!("PyTorchJob");
        }
        pod
    }

    /// Makes the volumes and the classes that the pod names, or will name.
    pub(super) async fn furnish(&self, namespace: &Namespace<'_>) -> Result<()> {
        let objects = namespace.cluster().objects();
        self.furnish_runtime(namespace).await?;
        for volume in self.pod["spec"]["volumes"].as_array().into_iter().flatten() {
            if let Some(claim) = volume["persistentVolumeClaim"]["claimName"].as_str() {
                for object in claimed(namespace.name(), claim) {
                    objects.create(namespace.name(), &object).await?;
                }
            }
        }
        for edit in self
            .edits()
            .filter(|edit| edit["path"] == "/spec/priorityClassName")
        {
            let class = json!({
                "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass",
                "metadata": {"name": edit["value"]}, "value": 1000,
            });
            objects.apply("", &class).await?;
        }
        Ok(())
    }

    /// Makes the runtime class that the pod names; an API server that does not know it speaks first.
    async fn furnish_runtime(&self, namespace: &Namespace<'_>) -> Result<()> {
        let Some(name) = self.pod["spec"]["runtimeClassName"].as_str() else {
            return Ok(());
        };
        let objects = namespace.cluster().objects();
        let class = json!({
            "apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass",
            "metadata": {"name": name}, "handler": name,
        });
        objects.apply("", &class).await?;
        until("the API server knows the runtime class", async || {
            let said = objects.dry_run(namespace.name(), &self.bare()).await.err();
            let said = said.map(|said| said.to_string()).unwrap_or_default();
            ensure!(!said.contains("not found"), "{said}");
            Ok(())
        })
        .await
    }

    /// A node that has all that the stored pod asks for, and the taints that the case's repairs are about.
    fn node(&self, namespace: &Namespace<'_>, stored: &Value) -> Value {
        let mut capacity =
            json!({"cpu": "512", "memory": "4Ti", "ephemeral-storage": "4Ti", "pods": "100"});
        for container in stored["spec"]["containers"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let asked = container["resources"]["limits"].as_object();
            for (resource, _) in asked
                .into_iter()
                .flatten()
                .filter(|(name, _)| name.contains('/'))
            {
                capacity[resource] = json!("16");
            }
        }
        json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": namespace.name(), "labels": labels(&stored["spec"]), "annotations": {"kwok.x-k8s.io/node": "fake"}},
            "spec": {"taints": self.taints()},
            "status": {"capacity": capacity.clone(), "allocatable": capacity},
        })
    }

    fn taints(&self) -> Value {
        let added = self.edits().flat_map(|edit| elements(&edit["value"]));
        let mut taints: BTreeMap<&str, &str> = added
            .filter_map(|value| {
                Some((
                    value["key"].as_str()?,
                    value["value"].as_str().unwrap_or("present"),
                ))
            })
            .collect();
        taints.insert(TAINT.0, TAINT.1);
        let taint = |(key, value)| json!({"key": key, "value": value, "effect": "NoSchedule"});
        taints.into_iter().map(taint).collect()
    }
}

fn rule_of(said: &Value) -> Option<String> {
    Some(format!(
        "{}/{}",
        said["policy"].as_str()?,
        said["rule"].as_str()?
    ))
}

/// The labels by which a pod selects its node.
fn labels(spec: &Value) -> Value {
    let mut labels = spec["nodeSelector"]
        .as_object()
        .cloned()
        .unwrap_or_else(Map::new);
    let required =
        &spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    for wanted in elements(&required["nodeSelectorTerms"][0]["matchExpressions"]) {
        if let Some(key) = wanted["key"].as_str() {
            labels.insert(key.to_owned(), wanted["values"][0].clone());
        }
    }
    labels.into()
}

/// Whether the stored object has what an edit puts at its path: another index does not matter, since the API server
/// puts volumes of its own beside ours.
fn is_made(stored: &Value, edit: &Value) -> bool {
    let path = edit["path"].as_str().unwrap_or_default();
    let (holder, key) = path.rsplit_once('/').unwrap_or_default();
    let key = key.replace("~1", "/").replace("~0", "~");
    let Some(holder) = stored.pointer(holder) else {
        return false;
    };
    if edit["op"] == "remove" {
        return holder.is_array() || holder.get(&key).is_none();
    }
    match holder {
        Value::Array(elements) => elements
            .iter()
            .any(|element| covers(element, &edit["value"])),
        other => covers(&other[key.as_str()], &edit["value"]),
    }
}

fn elements(value: &Value) -> Vec<&Value> {
    value
        .as_array()
        .map_or_else(|| vec![value], |all| all.iter().collect())
}

/// A claim and the volume that it is bound to.
fn claimed(namespace: &str, claim: &str) -> [Value; 2] {
    let name = format!("{namespace}-{claim}");
    let size = json!({"storage": "1Gi"});
    let volume = json!({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
        "spec": {"capacity": size, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/volume"},
                 "claimRef": {"namespace": namespace, "name": claim}},
    });
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": claim},
        "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "", "volumeName": name,
                 "resources": {"requests": size}},
    });
    [volume, claim]
}

fn key(object: &Value) -> ((&str, &str), &str) {
    let text = |key: &str| object[key].as_str().unwrap_or_default();
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    ((text("apiVersion"), text("kind")), name)
}

/// Waits until every replica has the newest version of a document in force.
async fn in_force(cluster: &Cluster, object: &Value) -> Result<()> {
    let (kind, name) = key(object);
    until(&format!("{} {name} is in force", kind.1), async || {
        let object = cluster.objects().get(kind, "", name).await?;
        let conditions = object["status"]["conditions"]
            .as_array()
            .into_iter()
            .flatten();
        let mut ready = conditions.filter(|condition| condition["type"] == "Ready");
        let newest = ready.any(|ready| {
            ready["status"] == "True"
                && ready["observedGeneration"] == object["metadata"]["generation"]
        });
        ensure!(newest, "its status is {}", object["status"]);
        Ok(())
    })
    .await
}

pub(super) async fn unconfigure(cluster: &Cluster, settings: &[Value]) -> Result<()> {
    for object in settings {
        let (kind, name) = key(object);
        cluster.objects().delete(kind, "", name).await?;
    }
    Ok(())
}
