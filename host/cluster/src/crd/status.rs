//! What is reported back on each object.

use serde_json::{Value, json};

/// The structural schema of `status`.
///
/// Conditions, rules and the last fault are written by whichever replica sees first that they have changed; the entry
/// of `replicas` by the replica itself.
pub(super) fn schema() -> Value {
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
