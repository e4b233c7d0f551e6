//! On an update only what is new may refuse.

use tollgate_admission::{Finding, Severity};

use crate::outcome::Outcome;

/// Turns denials that the old object deserved as well into warnings: a rule that was added since must not block
/// the finalizers, labels and scaling of what exists.
pub(crate) fn only_new_denials(mut outcome: Outcome, known: &[Finding]) -> Outcome {
    for finding in &mut outcome.findings {
        if finding.severity == Severity::Deny && known.iter().any(|known| same(known, finding)) {
            finding.severity = Severity::Warn;
        }
    }
    outcome.decide()
}

fn same(known: &Finding, new: &Finding) -> bool {
    (&known.policy, &known.rule, &known.path, &known.message)
        == (&new.policy, &new.rule, &new.path, &new.message)
}
