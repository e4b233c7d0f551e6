//! From what came of each object to the lines of reports.

use std::collections::BTreeMap;

use serde_json::Value;
use tollgate_admission::{Applied, Finding, Severity};
use tollgate_cluster::report::{self, Findings, Line, Subject};
use tollgate_pipeline::{Exempted, FaultReport, Outcome, Verdict};

use crate::answer::{Answer, Judgement, Summary};
use crate::{diagnostic, terminal};

/// What came of all objects: numbers and lines, never the objects.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) summary: Summary,
    pub(super) findings: Findings,
}

impl Tally {
    /// Takes note of what came of an object.
    pub(super) fn take(&mut self, answer: &Answer) {
        self.summary.take(answer);
        match &answer.judgement {
            Judgement::Reviewed { outcome, .. } => self.reviewed(outcome),
            Judgement::Foreign(_) => {}
            Judgement::Unreadable(wrong) => {
                terminal::complain(&diagnostic::render(std::slice::from_ref(wrong)));
            }
        }
    }

    fn reviewed(&mut self, outcome: &Outcome) {
        // What nobody looks at is no business of a report.
        if let Verdict::Skipped(_) = outcome.verdict {
            return;
        }
        let lines = lines(outcome);
        // Of what has nothing to do with accelerators it is no news that nothing is said.
        let concerns = outcome.pods.iter().any(|pod| pod.names_accelerator);
        if lines.is_empty() && concerns {
            self.findings.passed(outcome.namespace.as_deref());
        }
        lines.into_iter().for_each(|line| self.findings.said(line));
    }
}

fn lines(outcome: &Outcome) -> Vec<Line> {
    let subject = subject(outcome);
    let findings = outcome.findings.iter().map(|it| found(&subject, it));
    let observed = outcome.observed.iter().map(|it| observed(&subject, it));
    let faults = outcome.faults.iter().map(|it| faulted(&subject, it));
    let exempted = outcome.exemptions.iter().map(|it| let_off(&subject, it));
    let mut lines: Vec<_> = findings
        .chain(observed)
        .chain(faults)
        .chain(exempted)
        .collect();
    // The pods of a template are repaired when they are made. A pod that is there never will be.
    if outcome.gvk.is_pod() {
        lines.extend(unrepaired(&subject, &outcome.patch));
    }
    lines
}

fn subject(outcome: &Outcome) -> Subject {
    let uid = outcome.object.pointer("/metadata/uid");
    Subject {
        kind: outcome.gvk.kind.clone(),
        name: outcome.name.clone().unwrap_or_default(),
        api_version: outcome.gvk.api_version(),
        namespace: outcome.namespace.clone(),
        uid: uid.and_then(Value::as_str).map(str::to_owned),
    }
}

fn found(subject: &Subject, finding: &Finding) -> Line {
    let outcome = match finding.severity {
        Severity::Deny => report::Outcome::Fail,
        Severity::Warn => report::Outcome::Warn,
    };
    Line {
        subject: subject.clone(),
        policy: finding.policy.clone(),
        rule: finding.rule.clone(),
        path: finding.path.clone(),
        outcome,
        message: finding.message.clone(),
        fix: finding.fix.clone(),
    }
}

/// Who looks at a policy before it is enforced wants to see what it would do.
fn observed(subject: &Subject, finding: &Finding) -> Line {
    let line = found(subject, finding);
    Line {
        outcome: report::Outcome::Warn,
        message: format!("only observed: {}", line.message),
        ..line
    }
}

fn faulted(subject: &Subject, fault: &FaultReport) -> Line {
    Line {
        subject: subject.clone(),
        policy: fault.policy.to_string(),
        rule: fault.fault.as_label().to_owned(),
        path: String::new(),
        outcome: report::Outcome::Error,
        message: fault.fault.to_string(),
        fix: None,
    }
}

fn let_off(subject: &Subject, exempted: &Exempted) -> Line {
    Line {
        subject: subject.clone(),
        policy: exempted.policy.to_string(),
        rule: exempted.rule.clone(),
        path: exempted.path.clone(),
        outcome: report::Outcome::Skip,
        message: exempted.line(),
        fix: None,
    }
}

/// One line for each rule that would have repaired the pod.
fn unrepaired(subject: &Subject, patch: &[Applied]) -> Vec<Line> {
    let mut rules = BTreeMap::<_, Vec<_>>::new();
    for edit in patch {
        let paths = rules.entry((&edit.policy, &edit.rule)).or_default();
        paths.push(edit.op.path.clone());
    }
    let line = |((policy, rule), paths): ((&String, &String), Vec<String>)| Line {
        subject: subject.clone(),
        policy: policy.clone(),
        rule: rule.clone(),
        path: paths.first().cloned().unwrap_or_default(),
        outcome: report::Outcome::Warn,
        message: "it was made without this repair: before the rule, or past the webhook".to_owned(),
        fix: Some("make the pod anew".to_owned()),
    };
    rules.into_iter().map(line).collect()
}
