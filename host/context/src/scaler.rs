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
}

static SCALERS: [Row; 3] = [
    Row {
        kind: "HorizontalPodAutoscaler.autoscaling",
        target: "scaleTargetRef",
        resources: of_horizontal,
    },
    Row {
        kind: "ScaledObject.keda.sh",
        target: "scaleTargetRef",
        resources: of_keda,
    },
    Row {
        kind: "VerticalPodAutoscaler.autoscaling.k8s.io",
        target: "targetRef",
        resources: of_vertical,
    },
];

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
    let target = spec.get(row.target)?;
    let text = |field| json::text(target, field);
    // KEDA scales a Deployment unless told otherwise.
    let kind = text("kind").unwrap_or("Deployment");
    let gvk = GroupVersionKind::new(text("apiVersion").unwrap_or("apps/v1"), kind);
    let is_target = gvk.kind_dot_group() == workload.kind && text("name") == Some(&workload.name);
    let mut resources = is_target.then(|| (row.resources)(spec))?;
    resources.sort();
    resources.dedup();
    Some(Scaler {
        kind: row.kind,
        name: name(object)?.to_owned(),
        resources,
    })
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
