//! What is told of each review: one event in the log, and a count for each thing that a rule did.

use std::time::Duration;

use tollgate_admission::Severity;
use tollgate_pipeline::{Outcome, Phase, Verdict};
use tollgate_webhook::{Effect, RuleUse};

/// Logs a review. The object itself is not logged, nor what findings quote of it; of policies in mode `observe`, whose
/// findings nobody else is told of, the rules are.
pub(super) fn log(outcome: &Outcome, phase: Phase, duration: Duration) {
    // Objects that concern nobody are most, and say nothing.
    if let Verdict::Skipped(_) = outcome.verdict {
        return;
    }
    let observed: Vec<_> = outcome
        .observed
        .iter()
        .map(|finding| format!("{}/{}", finding.policy, finding.rule))
        .collect();
    tracing::info!(
        review.uid = outcome.uid,
        object.kind = outcome.gvk.kind,
        object.namespace = outcome.namespace,
        object.name = outcome.name,
        operation = outcome.operation.as_str(),
        phase = phase.as_str(),
        decision = outcome.verdict.as_label(),
        findings = outcome.findings.len(),
        observed = observed.join(" "),
        patch.ops = outcome.patch.len(),
        duration_ms = duration.as_secs_f64() * 1e3,
        "reviewed"
    );
}

/// What the rules did.
pub(super) fn rules(outcome: &Outcome) -> Vec<RuleUse> {
    let of = |policy: &str, rule: &str, effect| RuleUse {
        policy: policy.to_owned(),
        rule: rule.to_owned(),
        effect,
    };
    let findings = outcome.findings.iter().map(|finding| {
        let effect = match finding.severity {
            Severity::Deny => Effect::Denied,
            Severity::Warn => Effect::Warned,
        };
        of(&finding.policy, &finding.rule, effect)
    });
    let observed = outcome.observed.iter();
    let observed = observed.map(|finding| of(&finding.policy, &finding.rule, Effect::Observed));
    let edits = outcome.patch.iter();
    let edits = edits.map(|edit| of(&edit.policy, &edit.rule, Effect::Edited));
    findings.chain(observed).chain(edits).collect()
}
