//! Node selectors and required affinities that contradict each other, so that no node fits.
//!
//! Certain by what Kubernetes says of one label, and by the table of models for labels that name a GPU. Instance
//! types are left out: that table is no ground to refuse a pod.

use tollgate_sdk::NodeTerm;
use tollgate_sdk::below;
use tollgate_sdk::gpu::{Model, model_keys, model_of};
use tollgate_sdk::prelude::*;

pub(crate) const CONTRADICTORY: Rule = Rule::deny(
    "contradictory-selectors",
    "The node selector and the required affinity of a pod can hold together, or it stays Pending for ever.",
);

/// What a node's label must be.
struct Requirement<'a> {
    key: &'a str,
    operator: &'a str,
    values: &'a [String],
    by_selector: bool,
}

/// Refuses a pod that no node fits, whatever labels it has.
pub(crate) fn report(pod: &Pod) {
    let labels = pod.node_selectors();
    let terms = pod.node_terms();
    let required: Vec<&NodeTerm> = terms.iter().filter(|term| term.required).collect();
    if required.is_empty() && labels.len() < 2 {
        return;
    }
    let base = || {
        labels
            .iter()
            .map(|(key, value)| Requirement::label(key, value))
    };
    let clash = match required.as_slice() {
        [] => first_clash(&base().collect::<Vec<_>>()),
        _ => {
            let mut alternatives =
                required
                    .chunk_by(|one, next| one.term == next.term)
                    .map(|term| {
                        let own = term.iter().map(|expression| Requirement::term(expression));
                        first_clash(&base().chain(own).collect::<Vec<_>>())
                    });
            // Terms are alternatives: one that can hold is enough.
            let first = alternatives.next().flatten();
            first.filter(|_| alternatives.all(|clash| clash.is_some()))
        }
    };
    if let Some((path, text)) = clash {
        report_one(pod, path, text);
    }
}

fn report_one(pod: &Pod, path: Vec<String>, text: String) {
    let keys: Vec<&str> = path.iter().map(String::as_str).collect();
    let containers = pod.containers();
    let names: Vec<_> = containers
        .iter()
        .map(|container| format!("`{}`", container.name()))
        .collect();
    CONTRADICTORY
        .finding(
            below(&pod.path(), &keys),
            format!("no node fits the pod of {}: {text}", names.join(", ")),
        )
        .actual(text)
        .allowed("selectors that one node can fulfil together")
        .fix("remove one of the two, or make them agree")
        .report();
}

/// The first two requirements that no node fulfils together: where the second stands, and what they are.
fn first_clash(all: &[Requirement<'_>]) -> Option<(Vec<String>, String)> {
    all.iter().enumerate().find_map(|(index, later)| {
        let mut earlier = all.iter().take(index);
        let other = earlier.find(|earlier| clashes(earlier, later) || clashes(later, earlier))?;
        Some((
            later.place(),
            format!("{} and {}", other.in_words(), later.in_words()),
        ))
    })
}

fn clashes(one: &Requirement<'_>, other: &Requirement<'_>) -> bool {
    if one.key != other.key {
        return one.operator == "In" && other.operator == "In" && models_differ(one, other);
    }
    match (one.operator, other.operator) {
        ("In", "In") => !one.values.iter().any(|value| other.values.contains(value)),
        ("In", "NotIn") => one.values.iter().all(|value| other.values.contains(value)),
        ("In" | "Exists", "DoesNotExist") => true,
        _ => false,
    }
}

/// Whether two labels name GPU models, and none in common.
fn models_differ(one: &Requirement<'_>, other: &Requirement<'_>) -> bool {
    let both = one.models().zip(other.models());
    both.is_some_and(|(left, right)| !left.iter().any(|model| right.contains(model)))
}

impl<'a> Requirement<'a> {
    fn label(key: &'a str, value: &'a String) -> Self {
        Self {
            key,
            operator: "In",
            values: std::slice::from_ref(value),
            by_selector: true,
        }
    }

    fn term(term: &'a NodeTerm) -> Self {
        Self {
            key: &term.key,
            operator: &term.operator,
            values: &term.values,
            by_selector: false,
        }
    }

    /// The models that the label may name; `None` where it names none, or a value is not known.
    fn models(&self) -> Option<Vec<&'static Model>> {
        let is_type = self.key.ends_with("/instance-type");
        if is_type || !model_keys().any(|key| key == self.key) {
            return None;
        }
        let each = self.values.iter().map(|value| model_of(self.key, value));
        let known: Vec<_> = each.collect::<Option<_>>()?;
        Some(known.into_iter().flatten().copied().collect())
    }

    fn place(&self) -> Vec<String> {
        let keys = match self.by_selector {
            true => vec!["spec", "nodeSelector", self.key],
            false => vec!["spec", "affinity", "nodeAffinity"],
        };
        keys.into_iter().map(str::to_owned).collect()
    }

    fn in_words(&self) -> String {
        let Self {
            key,
            operator,
            values,
            by_selector,
        } = self;
        let values = values.join("`, `");
        match (by_selector, values.is_empty()) {
            (true, _) => format!("the node selector `{key}: {values}`"),
            (false, true) => format!("the affinity `{key}` {operator}"),
            (false, false) => format!("the affinity `{key}` {operator} `{values}`"),
        }
    }
}
