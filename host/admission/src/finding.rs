//! What policies have to say.

use std::borrow::Cow;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// The object is refused.
    Deny,
    /// The author is told.
    Warn,
}

impl Severity {
    /// The word in the contract, in configuration and in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Warn => "warn",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Deny, Self::Warn]
            .into_iter()
            .find(|severity| severity.as_str() == word)
    }
}

/// One rule's reason to deny or to warn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The policy, by the name of its document.
    pub policy: String,
    /// The rule within the policy.
    pub rule: String,
    /// Whether it denies.
    pub severity: Severity,
    /// The JSON pointer of what is wrong, from the object's root.
    pub path: String,
    /// What is wrong and why it matters.
    pub message: String,
    /// The value found.
    pub actual: Option<String>,
    /// The values that would be accepted.
    pub allowed: Option<String>,
    /// What to do about it.
    pub fix: Option<String>,
}

impl Finding {
    /// The finding in one line: `policy/rule: message (at path; fix: …)`.
    pub fn line(&self) -> String {
        let fix = self
            .fix
            .as_deref()
            .map_or(Cow::Borrowed(""), |fix| format!("; fix: {fix}").into());
        format!(
            "{}/{}: {} (at {}{fix})",
            self.policy, self.rule, self.message, self.path
        )
    }
}
