//! The custom resource definitions: whether they are there, and of this version.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{Api, Client};
use serde_json::Value;

use super::{Check, listed};
use crate::crd::crds;

const NAME: &str = "definitions";

/// Compares the definitions with those of this binary.
pub(super) async fn check(client: &Client) -> Check {
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    let (mut missing, mut others, mut unserved) = (Vec::new(), Vec::new(), Vec::new());
    for wanted in crds() {
        let name = wanted.pointer("/metadata/name").and_then(Value::as_str);
        let name = name.unwrap_or_default().to_owned();
        match api.get_opt(&name).await {
            Err(err) => return Check::untold(NAME, &err),
            Ok(None) => missing.push(name),
            Ok(Some(found)) => {
                let found = serde_json::to_value(found).unwrap_or_default();
                if !is_established(&found) {
                    unserved.push(name);
                } else if !is_alike(&found, &wanted) {
                    others.push(name);
                }
            }
        }
    }
    const APPLY: &str = "tollgate crds | kubectl apply --server-side --force-conflicts -f -";
    match (missing.as_slice(), unserved.as_slice(), others.as_slice()) {
        ([], [], []) => Check::ok(NAME, "all are there and of this version"),
        ([], [], others) => Check::warn(
            NAME,
            format!("of another version than this binary: {}", listed(others)),
        )
        .fix(format!(
            "use the binary of the release that is installed, or upgrade: `{APPLY}`"
        )),
        ([], unserved, _) => Check::fail(NAME, format!("not served: {}", listed(unserved)))
            .fix("read their conditions: `kubectl describe crd NAME`"),
        (missing, _, _) => {
            Check::fail(NAME, format!("missing: {}", listed(missing))).fix(format!("`{APPLY}`"))
        }
    }
}

fn is_established(definition: &Value) -> bool {
    let conditions = definition.pointer("/status/conditions");
    let conditions = conditions.and_then(Value::as_array);
    conditions
        .into_iter()
        .flatten()
        .any(|condition| condition["type"] == "Established" && condition["status"] == "True")
}

fn is_alike(found: &Value, wanted: &Value) -> bool {
    let specs = found.get("spec").zip(wanted.get("spec"));
    specs.is_some_and(|(found, wanted)| has(found, wanted))
}

/// Whether a value has all that another one has. The API server adds defaults, and leaves out what is nothing.
fn has(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Object(found), Value::Object(wanted)) => {
            wanted.iter().all(|(key, wanted)| match found.get(key) {
                Some(found) => has(found, wanted),
                None => is_nothing(wanted),
            })
        }
        (Value::Array(found), Value::Array(wanted)) => {
            found.len() == wanted.len() && found.iter().zip(wanted).all(|(a, b)| has(a, b))
        }
        (Value::Number(found), Value::Number(wanted)) => found.as_f64() == wanted.as_f64(),
        (found, wanted) => found == wanted,
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(holds) => !holds,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::has;

    #[test]
    fn what_the_api_server_adds_or_leaves_out_is_no_difference() {
        let wanted = json!({"scope": "Cluster", "columns": [{"name": "a", "priority": 0}]});
        let found = json!({"scope": "Cluster", "conversion": {"strategy": "None"}, "columns": [{"name": "a"}]});
        assert!(has(&found, &wanted));
        let older = json!({"scope": "Cluster", "columns": []});
        assert!(!has(&older, &wanted));
        assert!(!has(&json!({"columns": [{"name": "a"}]}), &wanted));
    }
}
