//! Selectors over labels, as Kubernetes has them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{configuration::Labels, schema::Problem};

/// A selector over labels. All that it asks for must hold; one that asks for nothing selects
/// everything.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LabelSelector {
    /// Labels with the values that they must have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,
    /// Further things that must hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub match_expressions: Vec<Requirement>,
}

/// Something that must hold of a label.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Requirement {
    /// The label.
    pub key: String,
    /// How it relates to the values.
    pub operator: Operator,
    /// The values, where the operator takes some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// How a label relates to values.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum Operator {
    /// The label is there and has one of the values.
    In,
    /// The label is not there, or has none of the values.
    NotIn,
    /// The label is there.
    Exists,
    /// The label is not there.
    DoesNotExist,
}

impl LabelSelector {
    /// Whether an object with these labels is selected.
    pub fn matches(&self, labels: &Labels) -> bool {
        let Self {
            match_labels,
            match_expressions,
        } = self;
        match_labels
            .iter()
            .all(|(key, value)| labels.get(key) == Some(value))
            && match_expressions
                .iter()
                .all(|requirement| requirement.holds(labels))
    }

    /// What the schema cannot tell is wrong, with pointers that begin with `pointer`.
    pub(super) fn problems(&self, pointer: &str) -> impl Iterator<Item = Problem> {
        self.match_expressions
            .iter()
            .enumerate()
            .filter_map(move |(index, requirement)| {
                let message = requirement.problem()?;
                Some(Problem::at(
                    format!("{pointer}/matchExpressions/{index}/operator"),
                    message,
                ))
            })
    }
}

impl Requirement {
    fn holds(&self, labels: &Labels) -> bool {
        let Self {
            key,
            operator,
            values,
        } = self;
        let value = labels.get(key);
        match operator {
            Operator::In => value.is_some_and(|value| values.contains(value)),
            Operator::NotIn => value.is_none_or(|value| !values.contains(value)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    }

    fn problem(&self) -> Option<&'static str> {
        match (self.operator, self.values.is_empty()) {
            (Operator::In | Operator::NotIn, true) => Some("`In` and `NotIn` need `values`"),
            (Operator::Exists | Operator::DoesNotExist, false) => {
                Some("`Exists` and `DoesNotExist` take no `values`")
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::LabelSelector;
    use crate::document::Labels;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn matches(selector: serde_json::Value, pairs: &[(&str, &str)]) -> bool {
        serde_json::from_value::<LabelSelector>(selector)
            .unwrap()
            .matches(&labels(pairs))
    }

    #[test]
    fn an_empty_selector_selects_everything() {
        assert!(matches(json!({}), &[]));
        assert!(matches(json!({}), &[("a", "b")]));
    }

    #[test]
    fn all_that_is_asked_for_must_hold() {
        let selector = json!({
            "matchLabels": {"team": "ml", "tier": "gold"},
            "matchExpressions": [{"key": "env", "operator": "In", "values": ["dev", "test"]}],
        });
        assert!(matches(
            selector.clone(),
            &[("team", "ml"), ("tier", "gold"), ("env", "dev"), ("x", "y")]
        ));
        assert!(!matches(
            selector.clone(),
            &[("team", "ml"), ("env", "dev")]
        ));
        assert!(!matches(
            selector,
            &[("team", "ml"), ("tier", "gold"), ("env", "prod")]
        ));
    }

    #[test]
    fn each_operator_treats_an_absent_label_as_kubernetes_does() {
        let expression = |operator: &str, values: &[&str]| json!({"matchExpressions": [{"key": "env", "operator": operator, "values": values}]});
        for (operator, values, absent, dev, prod) in [
            ("In", &["dev"][..], false, true, false),
            ("NotIn", &["dev"], true, false, true),
            ("Exists", &[], false, true, true),
            ("DoesNotExist", &[], true, false, false),
        ] {
            assert_eq!(
                matches(expression(operator, values), &[]),
                absent,
                "{operator}"
            );
            assert_eq!(
                matches(expression(operator, values), &[("env", "dev")]),
                dev,
                "{operator}"
            );
            assert_eq!(
                matches(expression(operator, values), &[("env", "prod")]),
                prod,
                "{operator}"
            );
        }
    }
}
