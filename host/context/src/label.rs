//! What a node, or a node that a pool could bring, has for a label; and what a pod asks of it.

use tollgate_admission::NodeTerm;

/// What there is for a label.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Gives {
    /// The label is not there.
    Nothing,
    /// One of these values: a node has one, a pool may have the choice.
    OneOf(Vec<String>),
    /// Any value but these; whether the label comes at all is not known.
    AnyBut(Vec<String>),
}

/// What a pod asks of a label.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) key: String,
    /// `In`, `NotIn`, `Exists`, `DoesNotExist`, `Gt` or `Lt`.
    pub(crate) operator: String,
    pub(crate) values: Vec<String>,
}

impl Gives {
    /// One value.
    pub(crate) fn one(value: &str) -> Self {
        Self::OneOf(vec![value.to_owned()])
    }

    /// What a requirement of a pool leaves.
    pub(crate) fn of_requirement(operator: &str, values: Vec<String>) -> Self {
        match operator {
            "In" => Self::OneOf(values),
            "NotIn" => Self::AnyBut(values),
            "DoesNotExist" => Self::Nothing,
            // `Exists`, and the comparisons `Gt`, `Lt`, `Gte` and `Lte`: which numbers there are is not known.
            _ => Self::AnyBut(Vec::new()),
        }
    }

    /// What both leave.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, _) | (_, Self::Nothing) => Self::Nothing,
            (Self::OneOf(mut values), Self::OneOf(others)) => {
                values.retain(|value| others.contains(value));
                Self::OneOf(values)
            }
            (Self::OneOf(mut values), Self::AnyBut(not))
            | (Self::AnyBut(not), Self::OneOf(mut values)) => {
                values.retain(|value| !not.contains(value));
                Self::OneOf(values)
            }
            (Self::AnyBut(mut not), Self::AnyBut(others)) => {
                not.extend(others);
                Self::AnyBut(not)
            }
        }
    }

    /// The values, where they are known.
    pub fn values(&self) -> &[String] {
        match self {
            Self::OneOf(values) => values,
            Self::Nothing | Self::AnyBut(_) => &[],
        }
    }
}

impl Wanted {
    pub(crate) fn label(key: &str, value: &str) -> Self {
        Self {
            key: key.to_owned(),
            operator: "In".to_owned(),
            values: vec![value.to_owned()],
        }
    }

    /// Whether this may be had, by the rules of the scheduler (`NodeSelectorRequirement`).
    pub(crate) fn is_met_by(&self, gives: &Gives) -> bool {
        match (self.operator.as_str(), gives) {
            ("In", Gives::OneOf(values)) => values.iter().any(|value| self.values.contains(value)),
            ("In", Gives::AnyBut(not)) => self.values.iter().any(|value| !not.contains(value)),
            ("NotIn", Gives::OneOf(values)) => {
                values.iter().any(|value| !self.values.contains(value))
            }
            ("NotIn" | "DoesNotExist", Gives::Nothing | Gives::AnyBut(_)) => true,
            ("Exists", gives) => *gives != Gives::Nothing,
            ("Gt", Gives::OneOf(values)) => self.compares(values, |has, asked| has > asked),
            ("Lt", Gives::OneOf(values)) => self.compares(values, |has, asked| has < asked),
            ("Gt" | "Lt", Gives::AnyBut(_)) => true,
            ("In" | "Gt" | "Lt", Gives::Nothing) | ("DoesNotExist", Gives::OneOf(_)) => false,
            // An operator that is newer than this code forbids nothing here.
            _ => true,
        }
    }

    fn compares(&self, values: &[String], holds: impl Fn(i64, i64) -> bool) -> bool {
        let asked = self.values.first().and_then(|value| value.parse().ok());
        let mut numbers = values.iter().filter_map(|value| value.parse().ok());
        asked.is_some_and(|asked| numbers.any(|has| holds(has, asked)))
    }
}

impl From<NodeTerm> for Wanted {
    fn from(term: NodeTerm) -> Self {
        let NodeTerm {
            key,
            operator,
            values,
            term: _,
            required: _,
        } = term;
        Self {
            key,
            operator,
            values,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Gives, Wanted};

    fn wanted(operator: &str, values: &[&str]) -> Wanted {
        Wanted {
            key: "k".to_owned(),
            operator: operator.to_owned(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        }
    }

    fn one_of(values: &[&str]) -> Gives {
        Gives::OneOf(values.iter().map(|value| (*value).to_owned()).collect())
    }

    fn any_but(values: &[&str]) -> Gives {
        Gives::AnyBut(values.iter().map(|value| (*value).to_owned()).collect())
    }

    #[test]
    fn operators_mean_what_they_mean_to_the_scheduler() {
        for (operator, values, gives, met) in [
            ("In", &["a", "b"][..], one_of(&["b"]), true),
            ("In", &["a"], one_of(&["b"]), false),
            ("In", &["a"], Gives::Nothing, false),
            ("NotIn", &["a"], Gives::Nothing, true),
            ("NotIn", &["a"], one_of(&["a"]), false),
            ("Exists", &[], one_of(&["a"]), true),
            ("Exists", &[], Gives::Nothing, false),
            ("DoesNotExist", &[], Gives::Nothing, true),
            ("DoesNotExist", &[], one_of(&["a"]), false),
            ("Gt", &["3"], one_of(&["4"]), true),
            ("Gt", &["4"], one_of(&["4"]), false),
            ("Lt", &["4"], one_of(&["3"]), true),
            ("Lt", &["4"], Gives::Nothing, false),
        ] {
            let is_met = wanted(operator, values).is_met_by(&gives);
            assert_eq!(is_met, met, "{operator} {values:?} of {gives:?}");
        }
    }

    #[test]
    fn a_pool_fits_where_one_of_its_choices_does() {
        assert!(wanted("In", &["a"]).is_met_by(&one_of(&["b", "a"])));
        assert!(wanted("NotIn", &["a"]).is_met_by(&one_of(&["b", "a"])));
        assert!(wanted("In", &["a"]).is_met_by(&any_but(&["b"])));
        assert!(!wanted("In", &["a"]).is_met_by(&any_but(&["a"])));
        assert!(wanted("DoesNotExist", &[]).is_met_by(&any_but(&[])));
    }

    #[test]
    fn requirements_of_one_label_all_hold() {
        let both = one_of(&["a", "b"]).and(any_but(&["b"]));
        assert_eq!(both, one_of(&["a"]));
        assert_eq!(any_but(&["a"]).and(any_but(&["b"])), any_but(&["a", "b"]));
        assert_eq!(one_of(&["a"]).and(Gives::Nothing), Gives::Nothing);
    }
}
