//! Where a pod fits, in words.

use std::fmt;

use super::{Fit, Near, Obstacle};
use crate::label::{Gives, Wanted};
use crate::offer::{Source, Taint};

impl fmt::Display for Fit {
    /// One line: where the pod fits, or what comes nearest.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(near) = &self.nearest {
            return write!(f, "no node or pool fits: {near}");
        }
        let words = [("node", &self.nodes), ("pool", &self.pools)];
        let some = words.into_iter().filter(|(_, names)| !names.is_empty());
        let parts: Vec<_> = some.map(|(word, names)| list(word, names)).collect();
        f.write_str(&parts.join("; "))
    }
}

/// How many names of nodes or pools are listed.
const LISTED: usize = 3;

fn list(word: &str, names: &[String]) -> String {
    let first: Vec<_> = names
        .iter()
        .take(LISTED)
        .map(|name| format!("`{name}`"))
        .collect();
    let plural = if names.len() == 1 { "" } else { "s" };
    let more = match names.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{word}{plural} {}{more}", first.join(", "))
}

impl fmt::Display for Near {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reasons().collect::<Vec<_>>().join("; "))
    }
}

impl Near {
    /// What keeps the pod from it, each in words.
    pub fn reasons(&self) -> impl Iterator<Item = String> {
        let word = match self.source {
            Source::Node => "node",
            Source::Pool => "pool",
        };
        let place = format!("{word} `{}`", self.name);
        let in_words = move |obstacle: &Obstacle| obstacle.in_words(&place);
        self.obstacles.iter().map(in_words)
    }
}

impl Obstacle {
    /// The obstacle in words, with the place where it is met.
    fn in_words(&self, place: &str) -> String {
        match self {
            Self::Name { wanted } => format!("the pod names the node `{wanted}`"),
            Self::Label {
                wanted,
                gives,
                is_nowhere: true,
            } => format!("none gives `{wanted}`; {place} gives {gives}"),
            Self::Label { wanted, gives, .. } => {
                format!("the pod wants `{wanted}`; {place} gives {gives}")
            }
            Self::Taint(taint) => {
                format!("{place} has the taint `{taint}`, which the pod does not tolerate")
            }
            Self::Resource { name, wanted, most } => format!(
                "the pod asks for `{name}: {}`; {place} has {}",
                wanted.to_binary_string(),
                match most.is_zero() {
                    true => "none".to_owned(),
                    false => most.to_binary_string(),
                }
            ),
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            key,
            operator,
            values,
        } = self;
        match (operator.as_str(), values.as_slice()) {
            ("In", [value]) => write!(f, "{key}: {value}"),
            (_, []) => write!(f, "{key} {operator}"),
            (_, values) => write!(f, "{key} {operator} {}", values.join(", ")),
        }
    }
}

impl fmt::Display for Gives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("no such label"),
            Self::OneOf(values) => {
                let values: Vec<_> = values.iter().map(|value| format!("`{value}`")).collect();
                f.write_str(&values.join(" or "))
            }
            Self::AnyBut(values) => write!(f, "others than `{}`", values.join("`, `")),
        }
    }
}

impl fmt::Display for Taint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, value, effect } = self;
        match value.as_str() {
            "" => write!(f, "{key}:{effect}"),
            value => write!(f, "{key}={value}:{effect}"),
        }
    }
}
