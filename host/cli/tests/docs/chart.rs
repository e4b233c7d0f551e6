//! The chart: its definitions are those of the binary, and its values are described.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::Command;

use serde_json::Value;

use crate::{assert_current, read};

const README: &str = "deploy/chart/README.md";

/// Where the part of the README begins that is made.
const TABLE: &str = "\n## Values\n\n";

/// What Helm passes to every chart that is part of another.
const GLOBAL: &str = "global";

#[test]
fn the_chart_has_the_definitions_of_the_binary() {
    let printed = Command::new(env!("CARGO_BIN_EXE_tollgate"))
        .arg("crds")
        .output()
        .unwrap();
    assert_current(
        "deploy/chart/files/crds.yaml",
        &String::from_utf8(printed.stdout).unwrap(),
    );
}

#[test]
fn the_readme_has_every_value_of_the_chart() {
    let readme = read(README);
    let (head, _) = readme.split_once(TABLE).unwrap();
    let mut text = format!("{head}{TABLE}| value | default | meaning |\n|---|---|---|\n");
    for (name, default, meaning) in values("", &schema(), &defaults()) {
        writeln!(text, "| `{name}` | `{default}` | {meaning} |").unwrap();
    }
    assert_current(README, &text);
}

#[test]
fn what_the_chart_does_not_know_is_refused_wherever_it_stands() {
    let mut open = Vec::new();
    find_open("", &schema(), &mut open);
    assert!(open.is_empty(), "unknown values are taken in {open:?}");
}

fn schema() -> Value {
    serde_json::from_str(&read("deploy/chart/values.schema.json")).unwrap()
}

fn defaults() -> Value {
    serde_saphyr::from_str(&read("deploy/chart/values.yaml")).unwrap()
}

/// Each value with its default and what it means. Those that have a default are those that are described.
fn values(above: &str, schema: &Value, defaults: &Value) -> Vec<(String, Value, String)> {
    let described = schema["properties"].as_object().unwrap();
    let given = defaults.as_object().unwrap();
    let names = |map: &serde_json::Map<String, Value>| -> BTreeSet<String> {
        map.keys().filter(|key| *key != GLOBAL).cloned().collect()
    };
    assert_eq!(names(described), names(given), "below `{above}`");
    let one = |name: &String| {
        let (path, schema, default) = (format!("{above}{name}"), &described[name], &given[name]);
        let meaning = schema["description"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert!(meaning.ends_with('.'), "`{path}` is not described");
        match schema.get("properties") {
            Some(_) => values(&format!("{path}."), schema, default),
            None => vec![(path, default.clone(), meaning)],
        }
    };
    names(given).iter().flat_map(one).collect()
}

/// Objects of which the schema names values, and takes others too.
fn find_open(path: &str, schema: &Value, open: &mut Vec<String>) {
    let Some(described) = schema["properties"].as_object() else {
        return;
    };
    if schema["additionalProperties"] != false {
        open.push(format!("`{path}`"));
    }
    for (name, schema) in described {
        find_open(&format!("{path}.{name}"), schema, open);
    }
}
