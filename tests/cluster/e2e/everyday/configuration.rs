//! Configuration as objects of the cluster: `tollgate serve --cluster`.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tollgate_e2e::{Cluster, Namespace, until};

const POLICY: (&str, &str) = ("tollgate.dev/v1alpha1", "Policy");
const SITE: (&str, &str) = ("tollgate.dev/v1alpha1", "Site");
const EVENT: (&str, &str) = ("events.k8s.io/v1", "Event");

/// How long a change may take to be in force on every replica, and to be reported by each.
const IN_FORCE: Duration = Duration::from_secs(1);
const REPORTED: Duration = Duration::from_secs(3);

fn object((version, kind): (&str, &str), name: &str, spec: &Value) -> Value {
    json!({"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec})
}

fn policy(name: &str, spec: &Value) -> Value {
    object(POLICY, name, spec)
}

/// A pod that takes a GPU.
fn one_gpu(name: &str) -> Value {
    let limits = json!({"nvidia.com/gpu": "1"});
    let requests = json!({"nvidia.com/gpu": "1"});
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {"containers": [{"name": "main", "image": "train:1", "resources": {"limits": limits, "requests": requests}}]},
    })
}

/// A condition of the newest generation of a policy.
async fn condition(cluster: &Cluster, name: &str, kind: &str) -> Result<Value> {
    let object = cluster.objects().get(POLICY, "", name).await?;
    let conditions = object["status"]["conditions"]
        .as_array()
        .context("no conditions")?;
    let condition = conditions
        .iter()
        .find(|condition| condition["type"] == kind)
        .with_context(|| format!("no condition `{kind}`"))?;
    ensure!(
        condition["observedGeneration"] == object["metadata"]["generation"],
        "of an older generation: {condition}"
    );
    Ok(condition.clone())
}

/// Whether a new pod of a namespace gets the toleration that the policy under test adds.
async fn tolerates(namespace: &Namespace<'_>, name: &str) -> Result<bool> {
    let pod = namespace.create(one_gpu(name)).await?;
    let tolerations = pod["spec"]["tolerations"].as_array();
    Ok(tolerations
        .into_iter()
        .flatten()
        .any(|toleration| toleration["key"] == "sku"))
}

pub async fn changes_are_in_force_within_a_second_and_reported(cluster: &Cluster) -> Result<()> {
    cluster.tollgate().await?;
    let namespace = cluster.namespace("configured").await?;
    let spec = |mode: &str| {
        json!({
            "module": "builtin:gpu-tolerations", "mode": mode, "match": {"namespaces": [namespace.name()]},
            "settings": {"extraKeys": [{"key": "sku", "value": "gpu"}]},
        })
    };
    for (round, mode) in ["enforce", "off", "enforce", "off"].into_iter().enumerate() {
        let expected = mode == "enforce";
        cluster
            .objects()
            .apply("", &policy("house-tolerations", &spec(mode)))
            .await?;
        let changed = Instant::now();
        let mut pods = 0;
        until("new pods are as the policy says", async || {
            pods += 1;
            let tolerates = tolerates(&namespace, &format!("p{round}-{pods}")).await?;
            ensure!(tolerates == expected, "tolerates: {tolerates}");
            Ok(())
        })
        .await?;
        let taken = changed.elapsed();
        ensure!(
            round == 0 || taken < IN_FORCE,
            "round {round} took {taken:?}"
        );
        until("every replica has reported", async || {
            let object = cluster
                .objects()
                .get(POLICY, "", "house-tolerations")
                .await?;
            let current = object["status"]["replicas"]
                .as_array()
                .context("none")?
                .iter();
            let current = current.filter(|one| one["inForce"] == object["metadata"]["generation"]);
            ensure!(current.count() >= 2, "{}", object["status"]);
            Ok(())
        })
        .await?;
        let taken = changed.elapsed();
        ensure!(
            round == 0 || taken < REPORTED,
            "round {round} was reported after {taken:?}"
        );
    }
    Ok(())
}

pub async fn a_bad_policy_is_refused_and_its_last_good_version_stays(
    cluster: &Cluster,
) -> Result<()> {
    cluster.tollgate().await?;
    let namespace = cluster.namespace("refused").await?;
    let spec = |module: &str| {
        json!({
            "module": module, "match": {"namespaces": [namespace.name()]},
            "settings": {"extraKeys": [{"key": "sku", "value": "gpu"}]},
        })
    };
    let name = "house-refused";
    let apply = async |module: &str| {
        cluster
            .objects()
            .apply("", &policy(name, &spec(module)))
            .await
    };
    apply("builtin:gpu-tolerations").await?;
    until("the good version is in force", async || {
        let ready = condition(cluster, name, "Ready").await?;
        ensure!(ready["status"] == "True", "{ready}");
        Ok(())
    })
    .await?;
    apply("file:/nowhere.wasm#x").await?;
    let ready = until("the bad version is refused", async || {
        let ready = condition(cluster, name, "Ready").await?;
        ensure!(ready["status"] == "False", "{ready}");
        Ok(ready)
    })
    .await?;
    let message = ready["message"].as_str().unwrap_or_default();
    ensure!(message.contains("cannot read `/nowhere.wasm`"), "{message}");
    ensure!(
        tolerates(&namespace, "still").await?,
        "the good version is no longer in force"
    );
    until("one event tells of it", async || {
        let events = cluster.objects().list(EVENT, "default", "").await?;
        let own = events
            .iter()
            .filter(|event| event["regarding"]["name"] == name && event["reason"] == "Refused");
        ensure!(own.count() == 1, "{events:?}");
        Ok(())
    })
    .await?;
    apply("builtin:gpu-tolerations").await?;
    until("it is restored", async || {
        let ready = condition(cluster, name, "Ready").await?;
        ensure!(ready["status"] == "True", "{ready}");
        Ok(())
    })
    .await
}

/// Each spec, and a part of what the API server says where it refuses it.
fn specs() -> Vec<(Value, Option<&'static str>)> {
    let policy = |key: &str, value: Value| json!({key: value});
    let expressions = |operator: &str, values: Value| {
        let expression = json!({"key": "a", "operator": operator, "values": values});
        json!({"match": {"podSelector": {"matchExpressions": [expression]}}})
    };
    vec![
        (json!({}), None),
        (policy("mode", json!(false)), None),
        (policy("mode", json!("off")), None),
        (policy("order", json!(null)), None),
        (
            policy("mode", json!(true)),
            Some("spec.mode: Unsupported value"),
        ),
        (
            policy("mode", json!("enforced")),
            Some("spec.mode: Unsupported value"),
        ),
        (policy("rules", json!({"a": false, "b": "warn"})), None),
        (
            policy("rules", json!({"a": "no"})),
            Some("spec.rules.a: Unsupported value"),
        ),
        (policy("order", json!("first")), Some("spec.order")),
        (policy("module", json!("builtin:gpu-limits")), None),
        (policy("module", json!("file:/a#b.wasm#c")), None),
        (
            policy("module", json!("gpu-limits")),
            Some("write `builtin:NAME`"),
        ),
        (
            policy("module", json!("oci://r/p:v1#x")),
            Some("write `builtin:NAME`"),
        ),
        (
            policy("limits", json!({"time": "50ms", "memory": "64Mi"})),
            None,
        ),
        (
            policy("limits", json!({"time": "11s"})),
            Some("write a time from"),
        ),
        (
            policy("limits", json!({"time": "1m"})),
            Some("write a time from"),
        ),
        (
            policy("limits", json!({"memory": "65Mi"})),
            Some("write an amount of memory"),
        ),
        (
            policy(
                "match",
                json!({"kinds": ["Pod", "PyTorchJob.kubeflow.org"]}),
            ),
            None,
        ),
        (
            policy("match", json!({"kinds": ["pod"]})),
            Some("write `Kind`"),
        ),
        (
            policy("match", json!({"namespaces": []})),
            Some("spec.match.namespaces"),
        ),
        (
            policy("settings", json!({"anything": [1, {"a": null}]})),
            None,
        ),
        (expressions("In", json!(["x"])), None),
        (expressions("In", json!([])), Some("need `values`")),
        (expressions("Exists", json!(["x"])), Some("need `values`")),
    ]
}

pub async fn the_api_server_takes_what_files_may_say(cluster: &Cluster) -> Result<()> {
    cluster.tollgate().await?;
    for (number, (spec, refusal)) in specs().into_iter().enumerate() {
        let name = format!("said-{number}");
        let created = cluster.objects().create("", &policy(&name, &spec)).await;
        match (created, refusal) {
            (Ok(_), None) => cluster.objects().delete(POLICY, "", &name).await?,
            (Ok(_), Some(refusal)) => anyhow::bail!("{spec} was not refused ({refusal})"),
            (Err(err), None) => return Err(err.context(format!("{spec} was refused"))),
            (Err(err), Some(refusal)) => {
                let message = format!("{err:#}");
                ensure!(message.contains(refusal), "{spec}: {message}");
            }
        }
    }
    let site = object(SITE, "other", &json!({}));
    let refused = cluster.objects().create("", &site).await;
    let message = format!(
        "{:#}",
        refused.err().context("a second site was not refused")?
    );
    ensure!(message.contains("the site is named `default`"), "{message}");
    Ok(())
}
