//! Letting a policy off in one call.

use tollgate_admission::{Finding, PodId};

/// Lets a policy off rules in one call: what they find is kept apart, and what they would change stays as it is.
#[derive(Clone, Debug)]
pub struct Waiver {
    /// What the caller knows it by.
    pub id: usize,
    /// The rule; every one unless given.
    pub rule: Option<String>,
    /// The pods that it holds for; the whole object unless given.
    pub pods: Option<Vec<PodId>>,
}

/// What a policy would have done but for a [`Waiver`].
#[derive(Clone, Debug)]
pub struct Waived {
    /// The waiver.
    pub id: usize,
    /// The rule.
    pub rule: String,
    /// The JSON pointer, from the object's root, of what is wrong or would have been changed.
    pub path: String,
    /// The finding; none where the rule would have made an edit.
    pub finding: Option<Finding>,
    /// The pod that it is about, if it is about one.
    pub(crate) pod: Option<PodId>,
}

impl Waiver {
    /// Whether it lets a rule off a pod of an object of so many, or off the object itself.
    pub(crate) fn covers(&self, rule: &str, pod: Option<PodId>, of: usize) -> bool {
        self.rule.as_deref().is_none_or(|own| own == rule)
            && self.pods.as_ref().is_none_or(|pods| match pod {
                Some(pod) => pods.contains(&pod),
                None => pods.len() == of,
            })
    }
}
