//! Values against the JSON Schema of what they should be.
//!
//! All that is wrong is told at once, and with the nearest name that would be right: this is why
//! documents are checked here before serde reads them, which stops at the first error. It knows the
//! keywords that schemars writes for Tollgate's types, and passes over the others, so that what it
//! lets through may still be refused by whoever reads the value.

use std::mem;

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Value};

use super::{
    nearest::{did_you_mean, listed},
    written::misread,
};

/// Something wrong in a document.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    /// The JSON pointer of the value that it is about.
    pub pointer: String,
    /// Whether the key of that value is meant, not the value.
    pub on_key: bool,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Problem {
    pub(super) fn at(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            on_key: false,
            message: message.into(),
            hint: None,
        }
    }

    fn on_key(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            on_key: true,
            ..Self::at(pointer, message)
        }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }
}

/// Returns the schema of a type, with everything in place.
pub(super) fn of<T: JsonSchema>() -> Value {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}

/// Returns all that is wrong with a value by a schema, in the order of the value.
pub fn check(schema: &Value, value: &Value) -> Vec<Problem> {
    let mut checker = Checker {
        root: schema,
        problems: Vec::new(),
        depth: 0,
        steps: 0,
    };
    checker.value(schema, value, "");
    checker.problems
}

/// How deep references and nested values are followed.
const DEPTH: usize = 256;

/// How many values are held against how many schemas, with which a schema can multiply.
const STEPS: usize = 100_000;

struct Checker<'s> {
    root: &'s Value,
    problems: Vec<Problem>,
    depth: usize,
    steps: usize,
}

impl<'s> Checker<'s> {
    fn value(&mut self, schema: &'s Value, value: &Value, pointer: &str) {
        let Some(schema) = schema.as_object() else {
            return;
        };
        if self.depth < DEPTH && self.steps < STEPS {
            self.depth += 1;
            self.steps += 1;
            self.within(schema, value, pointer);
            self.depth -= 1;
        }
    }

    fn within(&mut self, schema: &'s Map<String, Value>, value: &Value, pointer: &str) {
        if let Some(target) = self.target(schema) {
            return self.value(target, value, pointer);
        }
        if let Some(words) = words(schema) {
            return self.word(&words, value, pointer);
        }
        for part in list(schema, "allOf") {
            self.value(part, value, pointer);
        }
        for alternatives in [list(schema, "anyOf"), list(schema, "oneOf")] {
            self.alternatives(alternatives, value, pointer);
        }
        if !self.fits_type(schema, value, pointer) {
            return;
        }
        match value {
            Value::Object(entries) => self.object(schema, entries, pointer),
            Value::Array(items) => self.array(schema, items, pointer),
            Value::String(text) => self.text(schema, text, pointer),
            Value::Number(number) => self.number(schema, number.as_f64(), pointer),
            Value::Bool(_) | Value::Null => {}
        }
    }

    /// What `$ref` refers to, within the same schema.
    fn target(&self, schema: &Map<String, Value>) -> Option<&'s Value> {
        self.root
            .pointer(schema.get("$ref")?.as_str()?.strip_prefix('#')?)
    }

    fn word(&mut self, words: &[&str], value: &Value, pointer: &str) {
        if value.as_str().is_some_and(|word| words.contains(&word)) {
            return;
        }
        let message = match value {
            Value::String(word) => format!(
                "unknown word `{word}`{}",
                did_you_mean(word, words.iter().copied())
            ),
            other => format!("expected a word, found {}", found(other)),
        };
        let hint = format!("accepted are {}", listed(words.iter().copied()));
        self.problems.push(Problem::at(pointer, message).hint(hint));
    }

    /// One of several forms. That of the right type with the fewest problems was meant.
    fn alternatives(&mut self, forms: &'s [Value], value: &Value, pointer: &str) {
        let before = mem::take(&mut self.problems);
        let mut nearest: Option<Vec<Problem>> = None;
        let off = |problems: &Vec<Problem>| {
            let of_type = problems
                .iter()
                .any(|problem| !problem.on_key && problem.pointer == pointer);
            (of_type, problems.len())
        };
        for form in forms
            .iter()
            .filter(|form| !is_null(form) || value.is_null())
        {
            self.value(form, value, pointer);
            let problems = mem::take(&mut self.problems);
            if nearest
                .as_ref()
                .is_none_or(|nearest| off(&problems) < off(nearest))
            {
                nearest = Some(problems);
            }
        }
        self.problems = before;
        self.problems.extend(nearest.into_iter().flatten());
    }

    fn fits_type(&mut self, schema: &Map<String, Value>, value: &Value, pointer: &str) -> bool {
        let accepted: Vec<&str> = match schema.get("type") {
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => return true,
        };
        if accepted.iter().any(|name| is_of(name, value)) {
            return true;
        }
        let expected: Vec<_> = accepted
            .iter()
            .copied()
            .filter(|name| *name != "null")
            .map(in_words)
            .collect();
        let message = format!("expected {}, found {}", expected.join(" or "), found(value));
        let problem = Problem::at(pointer, message);
        let quote = accepted.contains(&"string") && (value.is_boolean() || value.is_number());
        self.problems.push(if quote {
            problem.hint("quote it to make it text")
        } else {
            problem
        });
        false
    }

    fn object(
        &mut self,
        schema: &'s Map<String, Value>,
        entries: &Map<String, Value>,
        pointer: &str,
    ) {
        let none = &Map::new();
        let known = schema.get("properties").and_then(Value::as_object);
        for key in list(schema, "required").iter().filter_map(Value::as_str) {
            if !entries.contains_key(key) {
                self.problems.push(Problem::on_key(
                    pointer,
                    format!("the key `{key}` is missing"),
                ));
            }
        }
        for (key, value) in entries {
            let pointer = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
            match (
                known.and_then(|known| known.get(key)),
                schema.get("additionalProperties"),
            ) {
                (Some(schema), _) => self.value(schema, value, &pointer),
                (None, Some(Value::Bool(false))) => {
                    self.problems
                        .push(unknown_key(key, known.unwrap_or(none), pointer));
                }
                (None, Some(schema)) => self.value(schema, value, &pointer),
                (None, None) => {}
            }
        }
    }

    fn array(&mut self, schema: &'s Map<String, Value>, items: &[Value], pointer: &str) {
        let least = schema
            .get("minItems")
            .and_then(Value::as_u64)
            .unwrap_or_default();
        if (items.len() as u64) < least {
            let problem = Problem::at(pointer, format!("a list of at least {least} is needed"));
            let empty = items.is_empty();
            self.problems.push(if empty {
                problem.hint("leave the key out instead")
            } else {
                problem
            });
        }
        if let Some(schema) = schema.get("items") {
            for (index, item) in items.iter().enumerate() {
                self.value(schema, item, &format!("{pointer}/{index}"));
            }
        }
    }

    fn text(&mut self, schema: &Map<String, Value>, text: &str, pointer: &str) {
        let format = schema.get("format").and_then(Value::as_str);
        if let Some(misread) = format.and_then(|format| misread(format, text)) {
            self.problems.push(Problem {
                hint: misread.hint,
                ..Problem::at(pointer, misread.message)
            });
        }
    }

    fn number(&mut self, schema: &Map<String, Value>, number: Option<f64>, pointer: &str) {
        let bound = |name: &str| schema.get(name).and_then(Value::as_f64).zip(number);
        let message = match (bound("minimum"), bound("maximum")) {
            (Some((least, number)), _) if number < least => format!("`{number}` is below {least}"),
            (_, Some((most, number))) if number > most => format!("`{number}` is above {most}"),
            _ => return,
        };
        self.problems.push(Problem::at(pointer, message));
    }
}

fn list<'s>(schema: &'s Map<String, Value>, key: &str) -> &'s [Value] {
    schema
        .get(key)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

/// The words that a schema accepts, where it accepts only words.
fn words(schema: &Map<String, Value>) -> Option<Vec<&str>> {
    if let Some(word) = schema.get("const").and_then(Value::as_str) {
        return Some(vec![word]);
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return values
            .iter()
            .filter(|value| !value.is_null())
            .map(Value::as_str)
            .collect();
    }
    let branches = schema
        .get("oneOf")
        .or_else(|| schema.get("anyOf"))?
        .as_array()?;
    let branches: Option<Vec<_>> = branches
        .iter()
        .map(|branch| words(branch.as_object()?))
        .collect();
    branches.map(|words| words.into_iter().flatten().collect())
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("null")
}

fn is_of(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => true,
    }
}

fn in_words(name: &str) -> &str {
    match name {
        "object" => "a mapping",
        "array" => "a list",
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "`true` or `false`",
        other => other,
    }
}

fn found(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(_) => format!("`{value}`"),
        Value::Number(number) => format!("the number `{number}`"),
        Value::String(text) => match text.char_indices().nth(40) {
            None => format!("the text `{text}`"),
            Some((end, _)) => format!("the text `{}…`", text.get(..end).unwrap_or_default()),
        },
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a mapping".to_owned(),
    }
}

fn unknown_key(key: &str, known: &Map<String, Value>, pointer: String) -> Problem {
    let names = || known.keys().map(String::as_str);
    let message = format!("unknown key `{key}`{}", did_you_mean(key, names()));
    let problem = Problem::on_key(pointer, message);
    if known.is_empty() {
        problem
    } else {
        problem.hint(format!("known keys: {}", listed(names())))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::check;

    /// What is wrong with a value, as `pointer: message`; the pointer of a key ends with `#`.
    fn wrong(schema: &Value, value: &Value) -> Vec<String> {
        let told = |problem: super::Problem| {
            format!(
                "{}{}: {}",
                problem.pointer,
                if problem.on_key { "#" } else { "" },
                problem.message
            )
        };
        check(schema, value).into_iter().map(told).collect()
    }

    #[test]
    fn what_fits_is_not_told() {
        let schema = json!({
            "type": "object", "properties": {"a": {"type": ["integer", "null"], "minimum": 0}, "b": {"type": "array"}},
            "additionalProperties": {"type": "string"},
        });
        for value in [
            json!({}),
            json!({"a": 1}),
            json!({"a": null}),
            json!({"b": [1, "x"]}),
            json!({"c": "d"}),
        ] {
            assert!(wrong(&schema, &value).is_empty(), "{value}");
        }
        assert!(wrong(&json!(true), &json!(1)).is_empty());
        assert!(wrong(&json!({"pattern": "^a$", "format": "email"}), &json!("b")).is_empty());
    }

    #[test]
    fn all_that_is_wrong_is_told() {
        let schema = json!({
            "type": "object", "required": ["name"], "additionalProperties": false,
            "properties": {
                "name": {"type": "string"},
                "share": {"type": "number", "minimum": 0, "maximum": 1},
                "list": {"type": "array", "minItems": 2, "items": {"type": "integer"}},
            },
        });
        assert_eq!(
            wrong(
                &schema,
                &json!({"share": 1.5, "list": ["x"], "lst": 1, "a/b": 2})
            ),
            [
                "#: the key `name` is missing",
                "/share: `1.5` is above 1",
                "/list: a list of at least 2 is needed",
                "/list/0: expected a whole number, found the text `x`",
                "/lst#: unknown key `lst`; did you mean `list`?",
                "/a~1b#: unknown key `a/b`",
            ]
        );
        assert_eq!(
            wrong(&schema, &json!({"name": "x", "share": -1})),
            ["/share: `-1` is below 0"]
        );
        assert_eq!(
            wrong(&schema, &json!([])),
            [": expected a mapping, found a list"]
        );
    }

    #[test]
    fn follows_references_within_the_schema() {
        let schema = json!({
            "$defs": {"Node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}, "additionalProperties": false}},
            "$ref": "#/$defs/Node",
        });
        assert_eq!(
            wrong(&schema, &json!({"next": {"next": {"nxt": 1}}})),
            ["/next/next/nxt#: unknown key `nxt`; did you mean `next`?"]
        );
        assert!(wrong(&json!({"$ref": "#"}), &json!(1)).is_empty());
    }

    #[test]
    fn words_are_told_with_the_nearest() {
        let schema = json!({"oneOf": [{"const": "deny"}, {"enum": ["warn", "off"]}]});
        assert_eq!(
            wrong(&schema, &json!("wran")),
            [": unknown word `wran`; did you mean `warn`?"]
        );
        assert_eq!(
            wrong(&schema, &json!(3)),
            [": expected a word, found the number `3`"]
        );
        let optional = json!({"anyOf": [schema, {"type": "null"}]});
        assert_eq!(
            wrong(&optional, &json!("wran")),
            [": unknown word `wran`; did you mean `warn`?"]
        );
        assert!(wrong(&optional, &json!(null)).is_empty());
        assert!(wrong(&optional, &json!("off")).is_empty());
    }

    #[test]
    fn of_several_forms_the_nearest_was_meant() {
        let schema = json!({"anyOf": [
            {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}, "additionalProperties": false},
            {"type": "string"},
        ]});
        assert!(wrong(&schema, &json!("x")).is_empty());
        assert_eq!(
            wrong(&schema, &json!({"a": "x"})),
            ["/a: expected a whole number, found the text `x`"]
        );
        assert_eq!(
            wrong(&schema, &json!({"b": "x"})),
            ["#: the key `a` is missing", "/b#: unknown key `b`"]
        );
    }

    #[test]
    fn a_schema_that_multiplies_is_given_up() {
        let schema = json!({"anyOf": [{"$ref": "#"}, {"$ref": "#"}, {"allOf": [{"$ref": "#"}]}]});
        assert!(wrong(&schema, &json!(1)).is_empty());
    }
}
