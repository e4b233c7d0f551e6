//! What an object asks of one limit, and the verdict on it.

use tollgate_sdk::budget::{Account, Limit, Standing};
use tollgate_sdk::gpu::{Amount, CostItem};

use crate::words::{amount, left_in_words};
use crate::{NEVER, NOT_NOW, OVER, SOFT, fix};

/// What all pods of an object together ask of one limit of a budget.
pub(crate) struct Demand {
    pub(crate) budget: String,
    pub(crate) warns: bool,
    pub(crate) contact: Option<String>,
    pub(crate) limit: Limit,
    pub(crate) currency: String,
    pub(crate) used: Amount,
    pub(crate) reserved: Amount,
    pub(crate) requested: Amount,
    pub(crate) resets: Option<String>,
    /// The pods of each role.
    pub(crate) devices: Vec<Devices>,
    is_exceeded: bool,
    path: String,
}

/// The pods of one role, and what each takes.
pub(crate) struct Devices {
    /// How many pods there are.
    pub(crate) pods: u32,
    /// What each takes of the limit, or takes of it each second.
    pub(crate) each: Amount,
    /// How long they run at most.
    pub(crate) seconds: Option<u32>,
    /// The devices, where they are of one name.
    pub(crate) only: Option<(String, CostItem<'static>)>,
}

impl Demand {
    /// Adds what the pods of one role ask for to what those of others do.
    pub(crate) fn add(
        demands: &mut Vec<Self>,
        account: &Account,
        limit: &Limit,
        standing: Standing,
        devices: Devices,
        path: &str,
    ) {
        let is_same =
            |demand: &&mut Self| demand.budget == account.name && demand.limit.key == limit.key;
        if let Some(known) = demands.iter_mut().find(is_same) {
            // A sum that does not fit is more than any limit.
            let sum = known.requested.plus(standing.requested);
            known.requested = sum.unwrap_or(Amount::from_atoms(u128::MAX));
            known.is_exceeded |= standing.is_exceeded;
            known.devices.push(devices);
            return;
        }
        demands.push(Self {
            budget: account.name.clone(),
            warns: account.warns,
            contact: account.contact.clone(),
            limit: limit.clone(),
            currency: account.currency.clone().unwrap_or_default(),
            used: standing.used,
            reserved: standing.reserved,
            requested: standing.requested,
            resets: standing.resets,
            devices: vec![devices],
            is_exceeded: standing.is_exceeded,
            path: path.to_owned(),
        });
    }

    /// Refuses a pod that does not fit, or warns of it.
    pub(crate) fn judge_pod(&self) {
        if !self.is_exceeded {
            self.report_soft();
            return;
        }
        let left = left_in_words(self);
        let message = match self.accrues() {
            true => format!("budget `{}` is used up: {left}", self.budget),
            false => format!(
                "the pod needs {}, which budget `{}` does not have: {left}",
                amount(self, self.requested),
                self.budget
            ),
        };
        let finding = OVER
            .finding(&self.path, message)
            .actual(match self.accrues() {
                true => "a pod that runs until somebody ends it".to_owned(),
                false => amount(self, self.requested),
            })
            .allowed(format!("at most {}", amount(self, self.left())))
            .fix(fix::of_pod(self));
        match self.warns {
            true => finding.warn().report(),
            false => finding.report(),
        }
    }

    /// Refuses a new workload that can never fit, and warns of one that does not now.
    pub(crate) fn judge_workload(&self, operation: &str) {
        let (total, budget) = (amount(self, self.requested), &self.budget);
        if self.requested > self.limit.ceiling {
            let ceiling = amount(self, self.limit.ceiling);
            let finding = NEVER
                .finding(
                    &self.path,
                    format!("its pods need {total} together, more than budget `{budget}` has when it is empty: {ceiling}"),
                )
                .actual(total)
                .allowed(format!("at most {ceiling}"))
                .fix(fix::of_workload(self, self.limit.ceiling));
            // Who makes a workload smaller that is too large must not be refused.
            return match self.warns || operation != "CREATE" {
                true => finding.warn().report(),
                false => finding.report(),
            };
        }
        if !self.is_exceeded && self.fits_together() {
            return;
        }
        NOT_NOW
            .finding(
                &self.path,
                format!(
                    "its pods need {total} together, which budget `{budget}` does not have now: {}",
                    left_in_words(self)
                ),
            )
            .actual(total)
            .allowed(format!("at most {}", amount(self, self.left())))
            .fix(fix::of_workload(self, self.left()))
            .report();
    }

    fn fits_together(&self) -> bool {
        let taken = self.used.plus(self.reserved);
        let all = taken.and_then(|taken| taken.plus(self.requested));
        all.is_ok_and(|all| all <= self.limit.ceiling)
    }

    /// Warns where a budget is used beyond its soft limit with the pod.
    fn report_soft(&self) {
        let taken = self.used.plus(self.reserved);
        let all = taken.and_then(|taken| taken.plus(self.requested));
        let (Some(soft), Ok(all)) = (self.limit.soft, all) else {
            return;
        };
        if all <= soft {
            return;
        }
        let (all, soft) = (amount(self, all), amount(self, soft));
        let whole = self.limit.amount.text(self.limit.unit);
        SOFT.finding(
            &self.path,
            format!(
                "with the pod, {all} of budget `{}` are taken: that is beyond its soft limit, {soft} (of {whole})",
                self.budget
            ),
        )
        .actual(all)
        .allowed(format!("{soft} without a warning"))
        .fix(fix::ask(self, "see whether all pods of the budget are needed"))
        .report();
    }

    /// What is left of it.
    pub(crate) fn left(&self) -> Amount {
        let taken = self.used.plus(self.reserved);
        taken.map_or(Amount::ZERO, |taken| self.limit.ceiling.less(taken))
    }

    /// Whether it is charged as time passes.
    pub(crate) fn accrues(&self) -> bool {
        self.limit.unit.adds_up() && self.requested.is_zero()
    }
}
