//! Pods that the tests create.

use serde_json::{Value, json};

/// A pod that wants devices of one resource, and has what every warning asks for.
pub(crate) fn wants(name: &str, resource: &str, count: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": spec(resource, count),
    })
}

/// The spec of such a pod.
pub(crate) fn spec(resource: &str, count: &str) -> Value {
    let amounts = json!({resource: count, "cpu": "1", "memory": "8Gi"});
    json!({"containers": [{"name": "main", "image": "train:1", "resources": {"limits": amounts}}]})
}

/// A pod that has nothing to do with accelerators.
pub(crate) fn plain(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {"containers": [{"name": "main", "image": "web:1", "resources": {"limits": {"cpu": "1m"}}}]},
    })
}

/// A Deployment of pods.
pub(crate) fn deployment(name: &str, replicas: u32, spec: &Value) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": spec},
        },
    })
}

/// A scaler that has no metrics, and raises a Deployment to what it must have at least.
pub(crate) fn scaler(target: &str, least: u32) -> Value {
    json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": target},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target},
            "minReplicas": least, "maxReplicas": least + 5,
        },
    })
}

/// Whether a value has all that another one says: what else objects hold, and where in a list something stands, does
/// not matter. A number that is zero may be missing, as the API server leaves it out.
pub(crate) fn covers(value: &Value, wanted: &Value) -> bool {
    match (value, wanted) {
        (Value::Object(value), Value::Object(wanted)) => {
            (wanted.iter()).all(|(key, wanted)| match value.get(key) {
                Some(value) => covers(value, wanted),
                None => *wanted == 0,
            })
        }
        (Value::Array(value), Value::Array(wanted)) => {
            (wanted.iter()).all(|wanted| value.iter().any(|value| covers(value, wanted)))
        }
        (value, wanted) => value == wanted,
    }
}

/// Devices of a driver on the one node without a taint, their class, and a template `gpu` that claims one of them.
pub(crate) fn claimable(driver: &str, devices: &str) -> String {
    format!(
        "
apiVersion: resource.k8s.io/v1
kind: DeviceClass
metadata: {{name: {driver}}}
spec:
  selectors: [{{cel: {{expression: device.driver == '{driver}'}}}}]
---
apiVersion: resource.k8s.io/v1
kind: ResourceSlice
metadata: {{name: {driver}}}
spec:
  driver: {driver}
  nodeName: dra-0
  pool: {{name: {driver}, generation: 1, resourceSliceCount: 1}}
  devices: [{devices}]
---
apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata: {{name: gpu}}
spec:
  spec:
    devices:
      requests: [{{name: gpu, exactly: {{deviceClassName: {driver}}}}}]
"
    )
}

/// A pod that claims such a device.
pub(crate) fn claiming(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {
            "resourceClaims": [{"name": "gpu", "resourceClaimTemplateName": "gpu"}],
            "containers": [{"name": "main", "image": "train:1", "resources": {"claims": [{"name": "gpu"}]}}],
        },
    })
}
