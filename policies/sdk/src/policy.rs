//! What a policy is.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::{EditError, Review, Rule};

/// What a policy says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Info {
    /// The name, kebab-case, unique within the bundle.
    pub name: &'static str,
    /// What it is for.
    pub doc: &'static str,
    /// The rules.
    pub rules: &'static [Rule],
    /// Whether it implements [`Policy::mutate`].
    pub mutates: bool,
    /// Whether it implements [`Policy::validate`].
    pub validates: bool,
    /// The grants that it wants.
    pub grants: &'static [&'static str],
    /// The kinds that it judges, as `Kind.group`, or `pods` for everything that makes pods.
    pub interests: &'static [&'static str],
}

impl Info {
    /// A policy of a name, with what it is for and its rules.
    pub const fn new(name: &'static str, doc: &'static str, rules: &'static [Rule]) -> Self {
        Self {
            name,
            doc,
            rules,
            mutates: false,
            validates: false,
            grants: &[],
            interests: &["pods"],
        }
    }

    /// It changes pods.
    pub const fn mutates(self) -> Self {
        Self {
            mutates: true,
            ..self
        }
    }

    /// It judges objects.
    pub const fn validates(self) -> Self {
        Self {
            validates: true,
            ..self
        }
    }

    /// It judges these kinds, as `Kind.group`, or `pods` for everything that makes pods, and no others.
    pub const fn judges(self, interests: &'static [&'static str]) -> Self {
        Self { interests, ..self }
    }

    /// It wants grants, such as `patch`.
    pub const fn wants(self, grants: &'static [&'static str]) -> Self {
        Self { grants, ..self }
    }
}

/// Why a policy stops early: the host then drops its edits. A clash with another policy's edit is reported as
/// such; anything else is a fault of the policy.
#[derive(Debug)]
pub struct Stop(pub(crate) String);

impl Stop {
    /// Stops with a reason.
    pub fn because(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl From<EditError> for Stop {
    fn from(error: EditError) -> Self {
        Self(match error {
            EditError::Conflict(conflict) => {
                format!(
                    "`{}` was written by {}/{}",
                    conflict.path, conflict.policy, conflict.rule
                )
            }
            EditError::Invalid(reason)
            | EditError::Forbidden(reason)
            | EditError::Other(reason) => reason,
        })
    }
}

/// What `mutate` and `validate` return.
pub type Outcome = Result<(), Stop>;

/// A policy: settings, and functions from a review to edits and findings.
///
/// The struct is what the configuration's `settings` deserialize into; derive `Deserialize` with
/// `deny_unknown_fields` and `JsonSchema`, so that typing errors are found and `tollgate policy inspect` can show
/// the settings with their doc comments.
pub trait Policy: DeserializeOwned + JsonSchema + 'static {
    /// What the policy says of itself.
    const INFO: Info;

    /// Checks what the types cannot say.
    ///
    /// # Errors
    ///
    /// When a setting makes no sense: what, and what would.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    /// Repairs the pods of a review and reports what it cannot repair.
    ///
    /// # Errors
    ///
    /// When it cannot tell, or when an edit was refused.
    fn mutate(&self, _review: &Review) -> Outcome {
        Ok(())
    }

    /// Judges a review.
    ///
    /// # Errors
    ///
    /// When it cannot tell.
    fn validate(&self, _review: &Review) -> Outcome {
        Ok(())
    }
}
