//! A rule, by its policy and its id.

use std::fmt;

use super::written::{Misread, Name, Written, as_text};

/// A rule of a policy: `POLICY/RULE`.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct RuleName {
    /// The policy, by the name of its document.
    pub policy: String,
    /// The rule's id.
    pub rule: String,
}

as_text!(RuleName);

impl Written for RuleName {
    const FORMAT: &'static str = "tollgate-rule";

    fn read(text: &str) -> Result<Self, Misread> {
        text.split_once('/')
            .filter(|(policy, rule)| Name::read(policy).is_ok() && Name::read(rule).is_ok())
            .map(|(policy, rule)| Self {
                policy: policy.to_owned(),
                rule: rule.to_owned(),
            })
            .ok_or_else(|| {
                Misread::new(format!("`{text}` is no rule"))
                    .hint("write `POLICY/RULE`; `policies` takes whole policies")
            })
    }
}

impl fmt::Display for RuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.policy, self.rule)
    }
}
