//! Findings, with what their rule is configured to do.

use tollgate_admission::{Finding, Severity};

use super::{Result, within};
use crate::bindings::tollgate::policy::findings;
use crate::state::State;
use crate::{Action, Fault, Waived};

impl findings::Host for State {
    fn report(&mut self, finding: findings::Finding) -> Result<()> {
        let findings::Finding {
            rule,
            severity,
            path,
            message,
            actual,
            allowed,
            fix,
            extra: _,
        } = finding;
        let action = self.action(&rule)?;
        let stated = Severity::parse(&severity).ok_or_else(|| {
            Fault::bad_answer(format!(
                "it reported the severity `{severity}`, neither `deny` nor `warn`"
            ))
        })?;
        let severity = match action.effective {
            Action::Off => return Ok(()),
            Action::Deny if action.configured => Severity::Deny,
            Action::Warn if action.configured => Severity::Warn,
            _ => stated,
        };
        let limit = self.limits.message;
        let texts = [
            Some(&path),
            Some(&message),
            actual.as_ref(),
            allowed.as_ref(),
            fix.as_ref(),
        ];
        if let Some(long) = texts.into_iter().flatten().find(|text| text.len() > limit) {
            return Err(Fault::bad_answer(format!(
                "a text of a finding has {} bytes, more than {limit}",
                long.len()
            ))
            .into());
        }
        let policy = self.policy().to_owned();
        let finding = Finding {
            policy,
            rule,
            severity,
            path,
            message,
            actual,
            allowed,
            fix,
        };
        self.found_unless_waived(finding)
    }
}

impl State {
    pub(super) fn waive(&mut self, waived: Waived) -> Result<()> {
        within(self.limits.findings, "findings", self.waived.len() + 1)?;
        self.waived.push(waived);
        Ok(())
    }

    pub(super) fn action(&self, rule: &str) -> Result<crate::state::RuleAction> {
        let action = self
            .entry
            .as_ref()
            .and_then(|entry| entry.actions.get(rule));
        action.copied().ok_or_else(|| {
            Fault::bad_answer(format!("it used the rule `{rule}`, which it does not list")).into()
        })
    }

    pub(super) fn found_unless_waived(&mut self, finding: Finding) -> Result<()> {
        let pod = match self.waivers.as_slice() {
            [] => None,
            _ => self.pod_at(&finding.path),
        };
        match self.waiver(&finding.rule, pod) {
            None => self.found(finding),
            Some(id) => self.waive(Waived {
                id,
                rule: finding.rule.clone(),
                path: finding.path.clone(),
                finding: Some(finding),
                pod,
            }),
        }
    }

    pub(super) fn found(&mut self, finding: Finding) -> Result<()> {
        within(self.limits.findings, "findings", self.findings.len() + 1)?;
        self.findings.push(finding);
        Ok(())
    }
}
