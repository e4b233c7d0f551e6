//! From the JSON Schema of a type to a structural schema, which is all that the API server takes.
//!
//! A structural schema knows no alternatives, names one type for each value, and leaves out unknown keys instead of
//! forbidding them (`kubectl` has them refused all the same).

use serde_json::{Map, Value, json};

use super::written;

/// How many items a list may have: rules over items cost by their number.
const MOST_ITEMS: u64 = 256;

/// What the schema says as it is said to the API server.
const KEPT: [&str; 7] = [
    "description",
    "minimum",
    "maximum",
    "minItems",
    "minLength",
    "maxLength",
    "required",
];

/// Returns the structural schema of a JSON Schema.
pub(super) fn of(schema: &Value) -> Value {
    let Some(schema) = schema.as_object() else {
        return json!({"x-kubernetes-preserve-unknown-fields": true});
    };
    if let Some(inner) = or_null(schema) {
        return nullable(with_description(of(inner), schema));
    }
    if let Some(words) = words(schema) {
        return word(schema, &words);
    }
    let mut result = Map::new();
    for key in KEPT {
        result.extend(schema.get(key).map(|value| (key.to_owned(), value.clone())));
    }
    let (name, may_be_null) = type_of(schema);
    match name {
        "object" => object(schema, &mut result),
        "array" => array(schema, &mut result),
        "string" => text(schema, &mut result),
        _ => {
            result.extend(
                schema
                    .get("format")
                    .map(|format| ("format".to_owned(), format.clone())),
            );
        }
    }
    result.insert("type".to_owned(), name.into());
    match may_be_null {
        true => nullable(Value::Object(result)),
        false => Value::Object(result),
    }
}

fn object(schema: &Map<String, Value>, result: &mut Map<String, Value>) {
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        let properties = properties
            .iter()
            .map(|(key, schema)| (key.clone(), of(schema)));
        result.insert("properties".to_owned(), Value::Object(properties.collect()));
        rules_of_requirement(schema, result);
        return;
    }
    match schema.get("additionalProperties") {
        Some(values @ Value::Object(_)) => {
            result.insert("additionalProperties".to_owned(), of(values));
        }
        _ => {
            result.insert(
                "x-kubernetes-preserve-unknown-fields".to_owned(),
                true.into(),
            );
        }
    }
}

/// A requirement of a label selector: whether it takes values depends on its operator, which no type says.
fn rules_of_requirement(schema: &Map<String, Value>, result: &mut Map<String, Value>) {
    let has = |key: &str| {
        schema
            .get("properties")
            .is_some_and(|properties| properties.get(key).is_some())
    };
    if has("key") && has("operator") && has("values") {
        let rule =
            "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)";
        let message = "`In` and `NotIn` need `values`; `Exists` and `DoesNotExist` take none";
        result.insert(
            "x-kubernetes-validations".to_owned(),
            json!([{"rule": rule, "message": message}]),
        );
    }
}

fn array(schema: &Map<String, Value>, result: &mut Map<String, Value>) {
    let items = schema
        .get("items")
        .map_or_else(|| of(&Value::Bool(true)), of);
    result.insert("items".to_owned(), items);
    result.insert("maxItems".to_owned(), MOST_ITEMS.into());
    result.insert("x-kubernetes-list-type".to_owned(), "atomic".into());
}

fn text(schema: &Map<String, Value>, result: &mut Map<String, Value>) {
    let format = schema.get("format").and_then(Value::as_str);
    result.extend(format.and_then(written::checks).into_iter().flatten());
}

/// A word of a few. YAML 1.1, which `kubectl` reads, takes `off` without quotes for `false`; so does the file reader.
fn word(schema: &Map<String, Value>, words: &[(&str, Option<&str>)]) -> Value {
    let mut accepted: Vec<Value> = words.iter().map(|(word, _)| (*word).into()).collect();
    let mut result = Map::new();
    let described = words
        .iter()
        .filter_map(|(word, description)| Some(format!("`{word}`: {}", (*description)?)));
    let own = schema
        .get("description")
        .and_then(Value::as_str)
        .map(str::to_owned);
    let description: Vec<_> = own.into_iter().chain(described).collect();
    if !description.is_empty() {
        result.insert("description".to_owned(), description.join("\n").into());
    }
    if words.iter().any(|(word, _)| *word == "off") {
        accepted.push(false.into());
        result.insert(
            "x-kubernetes-preserve-unknown-fields".to_owned(),
            true.into(),
        );
    } else {
        result.insert("type".to_owned(), "string".into());
    }
    result.insert("enum".to_owned(), accepted.into());
    Value::Object(result)
}

/// The words that a schema accepts, each with what it means, where it accepts only words.
fn words(schema: &Map<String, Value>) -> Option<Vec<(&str, Option<&str>)>> {
    let description = schema.get("description").and_then(Value::as_str);
    if let Some(word) = schema.get("const").and_then(Value::as_str) {
        return Some(vec![(word, description)]);
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        let word = |value: &'_ Value| value.as_str().map(str::len).is_some();
        return values.iter().all(word).then(|| {
            values
                .iter()
                .filter_map(Value::as_str)
                .map(|word| (word, None))
                .collect()
        });
    }
    let branches = schema.get("oneOf")?.as_array()?;
    let branches: Option<Vec<_>> = branches
        .iter()
        .map(|branch| words(branch.as_object()?))
        .collect();
    branches.map(|words| words.into_iter().flatten().collect())
}

/// What a schema describes besides null, where it describes nothing else.
fn or_null(schema: &Map<String, Value>) -> Option<&Value> {
    let forms = schema.get("anyOf")?.as_array()?;
    let is_null = |form: &&Value| form.get("type").and_then(Value::as_str) == Some("null");
    let mut others = forms.iter().filter(|form| !is_null(form));
    others.next().filter(|_| others.next().is_none())
}

fn type_of(schema: &Map<String, Value>) -> (&str, bool) {
    match schema.get("type") {
        Some(Value::String(name)) => (name, false),
        Some(Value::Array(names)) => {
            let mut names = names.iter().filter_map(Value::as_str);
            let may_be_null = names.clone().any(|name| name == "null");
            (
                names.find(|name| *name != "null").unwrap_or("object"),
                may_be_null,
            )
        }
        _ => ("object", false),
    }
}

/// Lets a value be null, unless it is a word: the API server (seen with 1.36) takes null for none of the words, even
/// where it is one of them.
fn nullable(mut schema: Value) -> Value {
    if schema.get("enum").is_some() {
        return schema;
    }
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("nullable".to_owned(), true.into());
    }
    schema
}

/// The description of a field says more than that of its type, but not what each word means.
fn with_description(mut schema: Value, outer: &Map<String, Value>) -> Value {
    let Some(outer) = outer.get("description").and_then(Value::as_str) else {
        return schema;
    };
    let words = schema
        .get("description")
        .and_then(Value::as_str)
        .and_then(|inner| {
            let start = inner.find("\n`")?;
            inner.get(start..)
        });
    let description = format!("{outer}{}", words.unwrap_or_default());
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("description".to_owned(), description.into());
    }
    schema
}
