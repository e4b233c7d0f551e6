//! What scales workloads: how many replicas there are, and what each asks for.

use serde_json::Value;
use tollgate_admission::{GroupVersionKind, Request, json};

use crate::question::Workload;
use crate::snapshot::Snapshot;

/// What scales a workload.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Scaler {
    /// Its kind, `Kind.group`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The resources by which it scales, or which it sets, each once.
    pub resources: Vec<String>,
}

/// A kind of scaler.
struct Row {
    kind: &'static str,
    /// The field of `spec` that names what is scaled.
    target: &'static str,
    resources: fn(&Value) -> Vec<String>,
    /// Where it says how many replicas there may be, and how many where it does not; none where it sets no number.
    maximum: Option<(&'static str, u32)>,
}

static SCALERS: [Row; 3] = [
    Row {
        kind: "HorizontalPodAutoscaler.autoscaling",
        target: "scaleTargetRef",
        resources: of_horizontal,
        maximum: Some(("/spec/maxReplicas", 1)),
    },
    Row {
        kind: "ScaledObject.keda.sh",
        target: "scaleTargetRef",
        resources: of_keda,
        maximum: Some(("/spec/maxReplicaCount", 100)),
    },
    Row {
        kind: "VerticalPodAutoscaler.autoscaling.k8s.io",
        target: "targetRef",
        resources: of_vertical,
        maximum: None,
    },
];

/// What a scaler scales, and how many replicas there may be.
pub(crate) struct Maximum {
    pub(crate) target: Workload,
    /// Where it is said.
    pub(crate) path: &'static str,
    pub(crate) replicas: u32,
}

/// How many replicas a scaler lets its target have; nothing of what is none.
pub(crate) fn maximum(request: &Request) -> Option<Maximum> {
    let kind = request.gvk.kind_dot_group();
    let row = SCALERS.iter().find(|row| row.kind == kind)?;
    let (path, default) = row.maximum?;
    let (kind, name) = target(row, request.object.get("spec")?)?;
    Some(Maximum {
        target: Workload {
            kind,
            namespace: request.namespace.clone()?,
            name: name.to_owned(),
        },
        path,
        replicas: json::count_at(&request.object, path).unwrap_or(default),
    })
}

/// What scales a workload, but for the object under review.
pub(crate) fn of(snapshot: &Snapshot, workload: &Workload, reviewed: &Request) -> Vec<Scaler> {
    let of_kind = |row: &'static Row| {
        let objects = snapshot.objects(row.kind, Some(&workload.namespace));
        let others =
            objects.filter(|object| !is(reviewed, row.kind, object) && !is_of_keda(object));
        others.filter_map(|object| read(row, object, workload))
    };
    SCALERS.iter().flat_map(of_kind).collect()
}

fn is(reviewed: &Request, kind: &str, object: &Value) -> bool {
    reviewed.gvk.kind_dot_group() == kind && reviewed.name.as_deref() == name(object)
}

/// Whether KEDA made it for a ScaledObject, which is what scales then.
fn is_of_keda(object: &Value) -> bool {
    let owners = object.pointer("/metadata/ownerReferences");
    let mut owners = owners.and_then(Value::as_array).into_iter().flatten();
    owners.any(|owner| json::text(owner, "kind") == Some("ScaledObject"))
}

fn read(row: &Row, object: &Value, workload: &Workload) -> Option<Scaler> {
    let spec = object.get("spec")?;
    let (kind, of) = target(row, spec)?;
    let is_target = kind == workload.kind && of == workload.name;
    let mut resources = is_target.then(|| (row.resources)(spec))?;
    resources.sort();
    resources.dedup();
    Some(Scaler {
        kind: row.kind,
        name: name(object)?.to_owned(),
        resources,
    })
}

/// The kind of what is scaled, `Kind.group`, and its name.
fn target<'s>(row: &Row, spec: &'s Value) -> Option<(String, &'s str)> {
    let target = spec.get(row.target)?;
    let text = |field| json::text(target, field);
    // KEDA scales a Deployment unless told otherwise.
    let kind = text("kind").unwrap_or("Deployment");
    let gvk = GroupVersionKind::new(text("apiVersion").unwrap_or("apps/v1"), kind);
    Some((gvk.kind_dot_group(), text("name")?))
}

fn name(object: &Value) -> Option<&str> {
    json::text(object.get("metadata")?, "name")
}

fn owned(name: &str) -> String {
    name.to_owned()
}

fn of_horizontal(spec: &Value) -> Vec<String> {
    if json::integer::<u32>(spec, "targetCPUUtilizationPercentage").is_some() {
        return vec![owned("cpu")];
    }
    let metrics = json::list(spec, "metrics").iter();
    let resources = metrics.filter_map(|metric| {
        let of = metric
            .get("resource")
            .or_else(|| metric.get("containerResource"))?;
        json::text(of, "name")
    });
    resources.map(owned).collect()
}

fn of_keda(spec: &Value) -> Vec<String> {
    let triggers = json::list(spec, "triggers").iter();
    let kinds = triggers.filter_map(|trigger| json::text(trigger, "type"));
    let resources = kinds.filter(|kind| ["cpu", "memory"].contains(kind));
    resources.map(owned).collect()
}

/// Both resources, unless its policies name fewer; none where it only gives advice.
fn of_vertical(spec: &Value) -> Vec<String> {
    let mode = spec
        .pointer("/updatePolicy/updateMode")
        .and_then(Value::as_str);
    if mode == Some("Off") {
        return Vec::new();
    }
    let policies = spec.pointer("/resourcePolicy/containerPolicies");
    let policies = policies.and_then(Value::as_array).into_iter().flatten();
    let told: Vec<_> = policies
        .filter(|policy| policy.get("controlledResources").is_some())
        .flat_map(|policy| json::texts(policy, "controlledResources"))
        .collect();
    match told.is_empty() {
        true => vec![owned("cpu"), owned("memory")],
        false => told,
    }
}
