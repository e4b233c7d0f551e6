//! Rules, and the findings that they report.

use crate::contract::findings;

/// What a rule does about what it finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Refuses the object.
    Deny,
    /// Tells the author.
    Warn,
    /// Changes the pod.
    Repair,
    /// Nothing.
    Off,
}

impl Action {
    /// The word in the contract and in configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Warn => "warn",
            Self::Repair => "repair",
            Self::Off => "off",
        }
    }
}

/// A named check or repair of a policy. Configuration may change what it does; the host sees to that.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The id, kebab-case, unique within the policy.
    pub id: &'static str,
    /// What it does and why.
    pub doc: &'static str,
    /// What it does unless configured otherwise.
    pub default: Action,
    /// What must be known of the cluster for it to say anything: `nodes`, `schedulers`, or objects of a kind,
    /// `Kind.group`.
    pub needs: Option<&'static str>,
}

impl Rule {
    /// A rule that refuses.
    pub const fn deny(id: &'static str, doc: &'static str) -> Self {
        Self {
            id,
            doc,
            default: Action::Deny,
            needs: None,
        }
    }

    /// A rule that warns.
    pub const fn warn(id: &'static str, doc: &'static str) -> Self {
        Self {
            id,
            doc,
            default: Action::Warn,
            needs: None,
        }
    }

    /// A rule that changes pods.
    pub const fn repair(id: &'static str, doc: &'static str) -> Self {
        Self {
            id,
            doc,
            default: Action::Repair,
            needs: None,
        }
    }

    /// The same rule, switched off unless configured.
    pub const fn off(self) -> Self {
        Self {
            default: Action::Off,
            ..self
        }
    }

    /// The same rule, which says nothing where this is not known of the cluster: people are told so.
    pub const fn needs(self, what: &'static str) -> Self {
        Self {
            needs: Some(what),
            ..self
        }
    }

    /// Begins a finding of this rule about what stands at `path`, a JSON pointer from the object's root.
    pub fn finding(&self, path: impl Into<String>, message: impl Into<String>) -> Finding {
        let severity = if self.default == Action::Warn {
            "warn"
        } else {
            "deny"
        };
        Finding(findings::Finding {
            rule: self.id.to_owned(),
            severity: severity.to_owned(),
            path: path.into(),
            message: message.into(),
            actual: None,
            allowed: None,
            fix: None,
            extra: Vec::new(),
        })
    }
}

/// A finding that is being written; [`Finding::report`] reports it.
#[must_use = "a finding does nothing until it is reported"]
pub struct Finding(findings::Finding);

impl Finding {
    /// Makes it a warning, whatever the rule's default: where what is known does not suffice to refuse.
    pub fn warn(mut self) -> Self {
        "warn".clone_into(&mut self.0.severity);
        self
    }

    /// States the value that was found.
    pub fn actual(mut self, actual: impl Into<String>) -> Self {
        self.0.actual = Some(actual.into());
        self
    }

    /// States the values that would be accepted.
    pub fn allowed(mut self, allowed: impl Into<String>) -> Self {
        self.0.allowed = Some(allowed.into());
        self
    }

    /// States what the author of the object should do.
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.0.fix = Some(fix.into());
        self
    }

    /// Reports it, with texts cut to what the host takes: an object may have so much of what is wrong that a
    /// message grows without bound, and a policy must not fault on it.
    pub fn report(mut self) {
        let findings::Finding {
            message,
            actual,
            allowed,
            fix,
            ..
        } = &mut self.0;
        let more = [actual, allowed, fix].into_iter().flatten();
        [message].into_iter().chain(more).for_each(cut);
        findings::report(&self.0);
    }
}

/// The longest text of a finding, in bytes, unless the host is configured otherwise.
const LONGEST: usize = 1024;

/// Cuts a text that is too long, and shows that it did.
fn cut(text: &mut String) {
    const MORE: char = '…';
    if text.len() > LONGEST {
        text.truncate(text.floor_char_boundary(LONGEST - MORE.len_utf8()));
        text.push(MORE);
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, cut};

    #[test]
    fn texts_are_cut_between_characters() {
        for (text, expected) in [
            ("a".repeat(LONGEST), "a".repeat(LONGEST)),
            ("a".repeat(LONGEST + 1), "a".repeat(LONGEST - 3) + "…"),
            ("ä".repeat(LONGEST), "ä".repeat(LONGEST / 2 - 2) + "…"),
        ] {
            let mut found = text;
            cut(&mut found);
            assert_eq!(found, expected);
        }
    }
}
