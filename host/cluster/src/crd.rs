//! The custom resource definitions, made of the same types that configuration files are read with.

mod status;
mod structural;
mod written;

use serde_json::{Map, Value, json};
use tollgate_catalog::document::{DOCUMENT_KINDS, DocumentKind, VERSION};

/// A kind's resource in the API: what its types do not say.
struct Resource {
    kind: &'static str,
    plural: &'static str,
    columns: &'static [Column],
    /// What must hold of the whole object, as CEL, with what to say where it does not.
    rules: &'static [(&'static str, &'static str)],
}

/// A column of `kubectl get`.
struct Column {
    name: &'static str,
    kind: &'static str,
    path: &'static str,
    /// Columns above 0 are shown by `-o wide` only.
    priority: i32,
    description: &'static str,
}

/// One row a kind.
const RESOURCES: &[Resource] = &[
    Resource {
        kind: "Policy",
        plural: "policies",
        columns: &[
            column(
                "Mode",
                "string",
                ".spec.mode",
                "what its edits and findings do; enforce unless given",
            ),
            column("Module", "string", ".spec.module", "where its component is"),
            column("Order", "integer", ".spec.order", "when it runs"),
            READY,
            REASON,
            AGE,
        ],
        rules: &[],
    },
    Resource {
        kind: "Exemption",
        plural: "exemptions",
        columns: &[
            column(
                "Expires",
                "string",
                ".spec.expires",
                "until when it holds; for ever unless given",
            ),
            column("Why", "string", ".spec.reason", "why somebody is let off"),
            READY,
            REASON,
            AGE,
        ],
        rules: &[],
    },
    Resource {
        kind: "Budget",
        plural: "budgets",
        columns: &[
            column(
                "On-Exceed",
                "string",
                ".spec.onExceed",
                "what happens to a pod that does not fit; deny unless given",
            ),
            READY,
            REASON,
            AGE,
        ],
        rules: &[],
    },
    Resource {
        kind: "PriceBook",
        plural: "pricebooks",
        columns: &[
            column(
                "Currency",
                "string",
                ".spec.currency",
                "what its prices are in",
            ),
            READY,
            REASON,
            AGE,
        ],
        rules: &[],
    },
    Resource {
        kind: "WorkloadKind",
        plural: "workloadkinds",
        columns: &[
            column(
                "Group",
                "string",
                ".spec.group",
                "the API group of the kind",
            ),
            column("Kind", "string", ".spec.kind", "the kind that makes pods"),
            READY,
            REASON,
            AGE,
        ],
        rules: &[],
    },
    Resource {
        kind: "Site",
        plural: "sites",
        columns: &[READY, REASON, AGE],
        rules: &[(
            "self.metadata.name == 'default'",
            "the site is named `default`: there is only one",
        )],
    },
];

const READY: Column = column(
    "Ready",
    "string",
    ".status.conditions[?(@.type==\"Ready\")].status",
    "whether the newest version is in force on every replica",
);
const REASON: Column = Column {
    priority: 1,
    ..column(
        "Reason",
        "string",
        ".status.conditions[?(@.type==\"Ready\")].message",
        "why, or why not",
    )
};
const AGE: Column = column(
    "Age",
    "date",
    ".metadata.creationTimestamp",
    "since when it is there",
);

const fn column(
    name: &'static str,
    kind: &'static str,
    path: &'static str,
    description: &'static str,
) -> Column {
    Column {
        name,
        kind,
        path,
        priority: 0,
        description,
    }
}

/// Returns the definitions of all kinds of configuration, as objects for the API server.
pub fn crds() -> Vec<Value> {
    RESOURCES.iter().filter_map(definition).collect()
}

/// The name that the API has for the objects of a kind.
pub(crate) fn plural(kind: &str) -> Option<&'static str> {
    let resource = RESOURCES.iter().find(|resource| resource.kind == kind);
    resource.map(|resource| resource.plural)
}

fn definition(resource: &Resource) -> Option<Value> {
    let document = DOCUMENT_KINDS
        .iter()
        .find(|document| document.kind == resource.kind)?;
    let (group, version) = VERSION.split_once('/')?;
    let Resource { kind, plural, .. } = resource;
    Some(json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}")},
        "spec": {
            "group": group,
            "scope": "Cluster",
            "names": {"kind": kind, "listKind": format!("{kind}List"), "plural": plural, "singular": kind.to_lowercase(), "categories": ["tollgate"]},
            "versions": [{
                "name": version,
                "served": true,
                "storage": true,
                "subresources": {"status": {}},
                "additionalPrinterColumns": resource.columns.iter().map(Column::json).collect::<Value>(),
                "schema": {"openAPIV3Schema": schema(resource, document)},
            }],
        },
    }))
}

fn schema(resource: &Resource, document: &DocumentKind) -> Value {
    let spec = structural::of((document.schema)());
    let mut schema = Map::new();
    schema.insert("type".to_owned(), "object".into());
    let description = (document.schema)().get("description");
    schema.extend(description.map(|text| ("description".to_owned(), text.clone())));
    schema.insert("required".to_owned(), json!(["spec"]));
    let properties = json!({"spec": spec, "status": status::schema(resource.kind)});
    schema.insert("properties".to_owned(), properties);
    if !resource.rules.is_empty() {
        let rules = resource
            .rules
            .iter()
            .map(|(rule, message)| json!({"rule": rule, "message": message}));
        schema.insert("x-kubernetes-validations".to_owned(), rules.collect());
    }
    Value::Object(schema)
}

impl Column {
    fn json(&self) -> Value {
        let Self {
            name,
            kind,
            path,
            priority,
            description,
        } = self;
        json!({"name": name, "type": kind, "jsonPath": path, "priority": priority, "description": description})
    }
}

#[cfg(test)]
mod tests;
