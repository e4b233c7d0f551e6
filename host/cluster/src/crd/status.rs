//! What is reported back on each object.

use serde_json::{Value, json};

/// The structural schema of `status`.
///
/// Conditions, rules and the last fault are written by whichever replica sees first that they have changed; the entry
/// of `replicas` by the replica itself.
pub(super) fn schema(kind: &str) -> Value {
    let mut schema = common();
    if let ("Budget", Some(Value::Object(properties))) = (kind, schema.get_mut("properties")) {
        properties.insert("account".to_owned(), account());
    }
    schema
}

/// The account of a budget, which is written as a whole by whoever charges a pod or sees what became of one.
fn account() -> Value {
    let by_slot = |description: &str| json!({"type": "object", "description": description, "additionalProperties": {"type": "string"}});
    json!({
        "type": "object",
        "description": "What pods take of the budget, in atoms of its units. Written by Tollgate alone.",
        "x-kubernetes-map-type": "atomic",
        "properties": {
            "term": {"type": "integer", "format": "int64", "description": "The term of the leader that counts the live pods; missing until they are counted."},
            "usage": {
                "type": "object",
                "description": "What live and ended pods take of each limit.",
                "additionalProperties": {
                    "type": "object",
                    "properties": {
                        "held": by_slot("By live pods, by the beginning of the part of the window."),
                        "spent": by_slot("By time that has passed, by the beginning of the part of the window."),
                        "rate": {"type": "string", "description": "By live pods for each further second."},
                        "since": {"type": "integer", "format": "int64", "description": "The second up to which the rate is in `spent`."},
                    },
                },
            },
            // One value, since what a write costs the API server grows with their number.
            "reservations": {
                "type": "string",
                "description": "What is kept for pods that were let in and have not been seen yet, a line for each, at most 4,096: uid, namespace, name, when it was let in, in seconds since 1970, the replica and its review that let it in, and what it takes of each limit.",
            },
        },
    })
}

fn common() -> Value {
    json!({
        "type": "object",
        "description": "What became of the object. Written by Tollgate.",
        "properties": {
            "observedGeneration": {"type": "integer", "format": "int64", "description": "The newest generation that was read."},
            "conditions": conditions(),
            "replicas": replicas(),
            "rules": rules(),
            "lastFault": fault("The newest fault on any replica."),
        },
    })
}

fn conditions() -> Value {
    json!({
        "type": "array",
        "description": "`Ready`: the newest version is in force on every replica. `Healthy`: no replica has cut the policy off for faulting often.",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "required": ["type", "status", "lastTransitionTime", "reason", "message"],
            "properties": {
                "type": {"type": "string"},
                "status": {"type": "string", "enum": ["True", "False", "Unknown"]},
                "observedGeneration": {"type": "integer", "format": "int64"},
                "lastTransitionTime": {"type": "string", "format": "date-time"},
                "reason": {"type": "string"},
                "message": {"type": "string"},
            },
        },
    })
}

fn replicas() -> Value {
    json!({
        "type": "array",
        "description": "What each replica has in force.",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
        "items": {
            "type": "object",
            "required": ["name", "generation"],
            "properties": {
                "name": {"type": "string", "description": "The replica."},
                "generation": {"type": "integer", "format": "int64", "description": "The newest generation that it read."},
                "inForce": {"type": "integer", "format": "int64", "description": "The generation that is in force there; missing where none is."},
                "digest": {"type": "string", "description": "The digest of the component that is loaded."},
                "loadedAt": {"type": "string", "format": "date-time", "description": "When the generation in force was loaded."},
                "refused": {"type": "string", "description": "Why the newest generation is not in force."},
                "cutOff": {"type": "boolean", "description": "Whether the policy is cut off for faulting often."},
                "lastFault": fault("The newest fault on this replica."),
            },
        },
    })
}

fn rules() -> Value {
    json!({
        "type": "array",
        "description": "The policy's rules, with what each does now.",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
        "items": {
            "type": "object",
            "required": ["name", "action"],
            "properties": {"name": {"type": "string"}, "action": {"type": "string"}},
        },
    })
}

fn fault(description: &str) -> Value {
    json!({
        "type": "object",
        "description": description,
        "required": ["time", "cause", "message"],
        "properties": {
            "time": {"type": "string", "format": "date-time"},
            "cause": {"type": "string"},
            "message": {"type": "string"},
        },
    })
}
