//! From an outcome to the denial that is remembered of it.

use std::time::SystemTime;

use tollgate_admission::{Finding, Severity};
use tollgate_dashboard::{Denial, Denials, Reason};
use tollgate_pipeline::{FaultReport, Outcome};

use super::moment;

/// Remembers a review that refused its object. Any other costs one comparison.
pub(crate) fn note(denials: &Denials, outcome: &Outcome, now: SystemTime) {
    if !outcome.verdict.is_allowed() {
        denials.note(denial(outcome, now));
    }
}

fn denial(outcome: &Outcome, now: SystemTime) -> Denial {
    let denial = Denial {
        at: moment(now),
        count: 1,
        kind: outcome.gvk.kind.clone(),
        namespace: outcome.namespace.clone(),
        name: outcome.name.clone().filter(|name| !name.is_empty()),
        operation: outcome.operation.as_str(),
        is_dry_run: outcome.dry_run,
        reasons: Vec::new(),
        more: 0,
    };
    denial.for_reasons(reasons(outcome))
}

/// Why an object is refused.
pub(crate) fn reasons(outcome: &Outcome) -> impl Iterator<Item = Reason> {
    let found = outcome.findings_of(Severity::Deny).map(finding);
    found.chain(outcome.refusing_faults().map(fault))
}

fn finding(finding: &Finding) -> Reason {
    Reason {
        by: format!("{}/{}", finding.policy, finding.rule),
        is_fault: false,
        message: finding.message.clone(),
        fix: finding.fix.clone(),
    }
}

fn fault(report: &FaultReport) -> Reason {
    Reason {
        by: report.policy.to_string(),
        is_fault: true,
        message: report.fault.to_string(),
        fix: None,
    }
}
