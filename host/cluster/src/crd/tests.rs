use std::path::Path;

use serde_json::{Value, json};
use tollgate_catalog::document::{DOCUMENT_KINDS, read_object};
use tollgate_catalog::yaml::{self, Origin};

use super::crds;

fn spec_schema(kind: &str) -> Value {
    let crds = crds();
    let crd = crds.iter().find(|crd| crd["spec"]["names"]["kind"] == kind);
    crd.unwrap()
        .pointer("/spec/versions/0/schema/openAPIV3Schema")
        .unwrap()
        .clone()
}

/// What the API server refuses by a structural schema, its CEL rules aside: where, and by which keyword.
fn refused(schema: &Value, value: &Value, place: &str, found: &mut Vec<String>) {
    let keyword = |key: &str| schema.get(key);
    let mut refuse = |key: &str| found.push(format!("{place}: {key}"));
    if value.is_null() && keyword("nullable") == Some(&json!(true)) {
        return;
    }
    if let Some(words) = keyword("enum").and_then(Value::as_array)
        && !words.contains(value)
    {
        refuse("enum");
    }
    let fits = match keyword("type").and_then(Value::as_str) {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64(),
        Some("boolean") => value.is_boolean(),
        Some(other) => panic!("the test knows no type `{other}`"),
        None => true,
    };
    if !fits {
        return refuse("type");
    }
    let length = |key: &str| {
        keyword(key)
            .and_then(Value::as_u64)
            .map(|length| length as usize)
    };
    match value {
        Value::Object(entries) => {
            for key in keyword("required")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                if !entries.contains_key(key.as_str().unwrap()) {
                    refuse("required");
                }
            }
            for (key, value) in entries {
                let place = format!("{place}/{key}");
                let known = schema.pointer(&format!("/properties/{key}"));
                match known.or(keyword("additionalProperties")) {
                    Some(schema) => refused(schema, value, &place, found),
                    None if keyword("x-kubernetes-preserve-unknown-fields").is_some() => {}
                    None => found.push(format!("{place}: unknown")),
                }
            }
        }
        Value::Array(items) => {
            if length("minItems").is_some_and(|least| items.len() < least) {
                refuse("minItems");
            }
            for (index, item) in items.iter().enumerate() {
                refused(&schema["items"], item, &format!("{place}/{index}"), found);
            }
        }
        Value::String(text) if length("maxLength").is_some_and(|most| text.len() > most) => {
            refuse("maxLength");
        }
        _ => {}
    }
}

/// Whether reader and schema take a document, and what the schema says.
fn judged(document: &Value) -> (bool, Vec<String>) {
    let kind = document["kind"].as_str().unwrap();
    let read = read_object(document.clone(), Origin::of_file("test"));
    let mut found = Vec::new();
    let body = json!({"spec": document["spec"]});
    refused(&spec_schema(kind), &body, "", &mut found);
    (read.is_ok(), found)
}

fn policy(spec: Value) -> Value {
    json!({"apiVersion": "tollgate.dev/v1alpha1", "kind": "Policy", "metadata": {"name": "a"}, "spec": spec})
}

/// The configuration documents of a fixture that can be read as YAML.
fn fixture(path: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../catalog/tests/fixtures")
        .join(path);
    let bytes = std::fs::read(&path).unwrap();
    yaml::documents(path.to_str().unwrap(), &bytes)
        .into_iter()
        .filter_map(|document| document.content.ok())
        .filter(|document| document["kind"] != "Namespace")
        .collect()
}

#[test]
fn what_the_reader_takes_the_api_server_takes() {
    let documents = ["house/policies.yaml", "house/site.yaml"]
        .map(fixture)
        .concat();
    assert_eq!(documents.len(), 4);
    for document in documents {
        assert_eq!(judged(&document), (true, vec![]), "{document}");
    }
}

#[test]
fn what_the_reader_refuses_for_its_shape_the_api_server_refuses() {
    let wrong: Vec<_> = fixture("wrong/policies.yaml").iter().map(judged).collect();
    let expected = [
        // That `Team Label` is no name and the texts of limits and kinds: names are the API server's own matter, and
        // texts are checked by CEL rules.
        vec![
            "/spec/modul: unknown",
            "/spec/order: type",
            "/spec/mode: enum",
            "/spec/match/namespaces: minItems",
            "/spec/setings: unknown",
        ],
        vec!["/spec/exempt/0: enum"],
    ];
    let expected = expected.map(|places| (false, places.into_iter().map(str::to_owned).collect()));
    assert_eq!(wrong, expected);
}

#[test]
fn off_without_quotes_is_a_word() {
    for word in [json!("off"), json!(false)] {
        let document = policy(json!({"mode": word, "rules": {"a": word}}));
        assert_eq!(judged(&document), (true, vec![]));
    }
    let document = policy(json!({"mode": true, "rules": {"a": true}}));
    let places = ["/spec/mode: enum", "/spec/rules/a: enum"].map(str::to_owned);
    assert_eq!(judged(&document), (false, places.to_vec()));
}

#[test]
fn what_is_left_open_may_be_null() {
    // Words may not: the API server refuses null for them.
    for key in [
        "module", "order", "match", "grants", "limits", "settings", "rules",
    ] {
        let document = policy(json!({key: null}));
        assert_eq!(judged(&document), (true, vec![]), "{key}");
    }
}

#[test]
fn every_kind_of_document_has_a_definition() {
    let crds = crds();
    let kinds: Vec<_> = crds
        .iter()
        .map(|crd| &crd["spec"]["names"]["kind"])
        .collect();
    // The controller waits until it has listed each.
    let documents: Vec<_> = DOCUMENT_KINDS
        .iter()
        .map(|document| document.kind)
        .collect();
    assert_eq!(kinds, documents);
    for crd in &crds {
        assert_eq!(crd["spec"]["scope"], "Cluster");
    }
}

/// What a structural schema may not say.
#[test]
fn schemas_are_structural() {
    fn check(schema: &Value, place: &str) {
        for key in [
            "$ref",
            "oneOf",
            "anyOf",
            "allOf",
            "const",
            "uniqueItems",
            "$schema",
            "title",
        ] {
            assert!(schema.get(key).is_none(), "{place}: {key}");
        }
        let open = schema.get("x-kubernetes-preserve-unknown-fields").is_some();
        assert!(schema["type"].is_string() || open, "{place}: one type");
        assert!(
            schema.get("properties").is_none() || schema.get("additionalProperties").is_none(),
            "{place}: properties or additionalProperties"
        );
        for (key, schema) in schema["properties"].as_object().into_iter().flatten() {
            check(schema, &format!("{place}/{key}"));
        }
        for key in ["items", "additionalProperties"] {
            if let Some(schema) = schema.get(key) {
                check(schema, &format!("{place}/{key}"));
            }
        }
    }
    for kind in ["Policy", "Exemption", "Site"] {
        check(&spec_schema(kind), kind);
    }
}
