//! The text of `docs/rules.md`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;
use tollgate_engine::{PolicyInfo, RuleInfo};

use crate::catalogue::{Answer, BEYOND, CATALOGUE, Row};
use crate::command::Case;

const HEAD: &str = "\
# Rules of the built-in policies

Written by `UPDATE_DOCS=1 cargo test --release --workspace --test docs` from what the policies say of themselves and from
the cases of `tests/cases`; a test fails when it is stale. How often each rule speaks on real manifests, and a verdict on
each denial there: [corpus.md](corpus.md).

What a rule does is its default unless a `Policy` document says otherwise (`rules: {RULE: deny}`, `warn`, `repair` where
it edits, or `off`). An `Exemption` document lets namespaces, pods or users off policies and rules.

## From the catalogue of misconfigurations to rules

| row | misconfiguration | rules, with what they do by default |
|---|---|---|
";

/// The whole document.
pub fn document(policies: &[PolicyInfo]) -> String {
    let mut text = HEAD.to_owned();
    for row in CATALOGUE {
        writeln!(
            text,
            "| {} | {} | {} |",
            row.id,
            cell(row.what),
            cell(&answer(row, policies))
        )
        .unwrap();
    }
    text += "\nRules that answer no row: ";
    let beyond = BEYOND
        .iter()
        .filter(|(rule, _)| find(rule, policies).is_some());
    let beyond: Vec<_> = beyond
        .map(|(rule, what)| format!("{} ({what})", link(rule)))
        .collect();
    text += &(beyond.join(", ") + ".\n");
    let cases = Case::all();
    for policy in policies {
        text += &section(policy, &cases);
    }
    text
}

fn answer(row: &Row, policies: &[PolicyInfo]) -> String {
    let rules = match row.answer {
        Answer::Rules(rules) => rules,
        Answer::None(why) => return format!("none: {why}"),
    };
    let one = |name: &&str| match find(name, policies) {
        Some(rule) => format!("{} ({})", link(name), rule.default.as_str()),
        None => format!("`{name}` (not built in yet)"),
    };
    rules.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The rule of a name `POLICY/RULE`.
pub fn find<'p>(name: &str, policies: &'p [PolicyInfo]) -> Option<&'p RuleInfo> {
    let (policy, rule) = name.split_once('/').unwrap();
    policies.iter().find(|info| info.name == policy)?.rule(rule)
}

fn link(rule: &str) -> String {
    let (policy, _) = rule.split_once('/').unwrap();
    format!("[`{rule}`](#{policy})")
}

fn section(policy: &PolicyInfo, cases: &[Case]) -> String {
    let PolicyInfo {
        name,
        doc,
        rules,
        settings_schema,
        ..
    } = policy;
    let does = match (policy.mutates, policy.validates) {
        (true, true) => "It repairs and judges.",
        (true, false) => "It repairs.",
        _ => "It judges.",
    };
    let mut text =
        format!("\n## {name}\n\n{doc} {does}\n\n| rule | default | meaning |\n|---|---|---|\n");
    for rule in rules {
        writeln!(
            text,
            "| `{}` | {} | {} |",
            rule.id,
            rule.default.as_str(),
            cell(&rule.doc)
        )
        .unwrap();
    }
    let schema: Value = serde_json::from_str(settings_schema).unwrap();
    text + &settings(&schema) + &examples(policy, cases)
}

/// The settings as a table, and the whole schema where they are more than plain values.
fn settings(schema: &Value) -> String {
    let Some(properties) = schema["properties"]
        .as_object()
        .filter(|all| !all.is_empty())
    else {
        return "\nIt has no settings.\n".to_owned();
    };
    let mut text = "\n| setting | type | meaning |\n|---|---|---|\n".to_owned();
    for (name, property) in properties {
        let doc = property["description"].as_str().unwrap_or_default();
        writeln!(
            text,
            "| `{name}` | {} | {} |",
            type_of(property, schema),
            cell(doc)
        )
        .unwrap();
    }
    text
}

fn type_of(property: &Value, root: &Value) -> String {
    if let Some(target) = property["$ref"].as_str() {
        return type_of(root.pointer(target.trim_start_matches('#')).unwrap(), root);
    }
    for forms in ["anyOf", "oneOf"] {
        if let Some(forms) = property[forms].as_array() {
            let words: BTreeSet<_> = forms.iter().map(|form| type_of(form, root)).collect();
            return words
                .into_iter()
                .filter(|word| word != "null")
                .collect::<Vec<_>>()
                .join(" or ");
        }
    }
    if let Some(word) = property["const"].as_str() {
        return format!("`{word}`");
    }
    if let Some(words) = property["enum"].as_array() {
        let words = words
            .iter()
            .filter_map(Value::as_str)
            .map(|word| format!("`{word}`"));
        return words.collect::<Vec<_>>().join(" or ");
    }
    let kind = match &property["type"] {
        Value::String(kind) => kind.as_str(),
        Value::Array(kinds) => kinds
            .iter()
            .filter_map(Value::as_str)
            .find(|kind| *kind != "null")
            .unwrap(),
        _ => "any",
    };
    match kind {
        "array" => format!("list of {}", type_of(&property["items"], root)),
        "object" => object_type(property, root),
        "string" => "text".to_owned(),
        other => other.to_owned(),
    }
}

fn object_type(property: &Value, root: &Value) -> String {
    if let Some(fields) = property["properties"].as_object() {
        let keys: Vec<_> = fields.keys().map(String::as_str).collect();
        return format!("{{{}}}", keys.join(", "));
    }
    match &property["additionalProperties"] {
        values @ Value::Object(_) => format!("mapping to {}", type_of(values, root)),
        _ => "mapping".to_owned(),
    }
}

/// The cases in which the policy acts: each that shows a further rule in full, the others by name.
fn examples(policy: &PolicyInfo, cases: &[Case]) -> String {
    let mut shown = BTreeSet::new();
    let mut text = String::new();
    let mut others = Vec::new();
    for case in cases {
        let Some(output) = case.review(&policy.name) else {
            continue;
        };
        let rules = policy.rules.iter().map(|rule| rule.id.as_str());
        let says = |rule: &&str| {
            let name = format!("{}/{rule}", policy.name);
            output.match_indices(&name).any(|(at, _)| {
                !output[at + name.len()..]
                    .starts_with(|next: char| next.is_alphanumeric() || next == '-')
            })
        };
        let fired: BTreeSet<_> = rules.filter(says).collect();
        if fired.is_empty() {
            continue;
        }
        if fired.is_subset(&shown) {
            others.push(format!("`{}`", case.name));
            continue;
        }
        shown.extend(fired);
        let around = [case.policies(), case.state()].into_iter().flatten();
        let around: Vec<_> = around.map(|text| block("yaml", &text)).collect();
        let with = match around.is_empty() {
            true => String::new(),
            false => format!(", under\n\n{}\nit says", around.join("\n")),
        };
        write!(
            text,
            "\nCase `{}`{with}:\n\n{}",
            case.name,
            block("diff", &aligned(&output))
        )
        .unwrap();
    }
    if !others.is_empty() {
        write!(text, "\nFurther cases: {}.\n", others.join(", ")).unwrap();
    }
    text
}

/// Markdown colours the lines of a diff that begin with `+` or `-`.
fn aligned(output: &str) -> String {
    let lines = output
        .lines()
        .map(|line| line.strip_prefix("    ").unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n")
}

fn block(language: &str, text: &str) -> String {
    format!("```{language}\n{}\n```\n", text.trim_end())
}

/// A text as the cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
