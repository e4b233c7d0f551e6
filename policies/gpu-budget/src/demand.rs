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
    /// What of it is not there already.
    growth: Amount,
    pub(crate) resets: Option<String>,
    /// The pods of each role.
    pub(crate) devices: Vec<Devices>,
    is_exceeded: bool,
    path: String,
}

/// A sum; one that does not fit is more than any limit.
fn sum(one: Amount, other: Amount) -> Amount {
    one.plus(other).unwrap_or(Amount::from_atoms(u128::MAX))
}

/// The pods of one role, and what each takes.
pub(crate) struct Devices {
    /// How many pods there are.
    pub(crate) pods: u32,
    /// How many of them are there already.
    pub(crate) existing: u32,
    /// What each takes of the limit, or takes of it each second.
    pub(crate) each: Amount,
    /// How long they run at most.
    pub(crate) seconds: Option<u32>,
    /// The devices, where they are of one name.
    pub(crate) only: Option<(String, CostItem<'static>)>,
}

impl Devices {
    /// What of all that the pods take those take that are not there already.
    fn growth(&self, requested: Amount) -> Amount {
        let new = self.pods.saturating_sub(self.existing);
        match self.existing {
            0 => requested,
            _ => {
                let each = requested.atoms().div_ceil(self.pods.max(1).into());
                let all = Amount::from_atoms(each).times(new.into());
                all.unwrap_or(Amount::from_atoms(u128::MAX))
            }
        }
    }
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
        let growth = devices.growth(standing.requested);
        let is_same =
            |demand: &&mut Self| demand.budget == account.name && demand.limit.key == limit.key;
        if let Some(known) = demands.iter_mut().find(is_same) {
            known.requested = sum(known.requested, standing.requested);
            known.growth = sum(known.growth, growth);
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
            growth,
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

    /// Refuses pods of a workload that can never fit, and warns of those that do not now.
    pub(crate) fn judge_workload(&self, pods: &str) {
        let (total, budget) = (amount(self, self.requested), &self.budget);
        if self.requested > self.limit.ceiling {
            let ceiling = amount(self, self.limit.ceiling);
            let finding = NEVER
                .finding(
                    &self.path,
                    format!("{pods} need {total} together, more than budget `{budget}` has when it is empty: {ceiling}"),
                )
                .actual(total)
                .allowed(format!("at most {ceiling}"))
                .fix(fix::of_workload(self, self.limit.ceiling));
            // Who makes a workload smaller that is too large must not be refused.
            return match self.warns || self.growth.is_zero() {
                true => finding.warn().report(),
                false => finding.report(),
            };
        }
        if self.fits_now() {
            return;
        }
        let room = match self.growth == self.requested {
            true => self.left(),
            // What is there already is used.
            false => sum(self.left(), self.requested.less(self.growth)),
        };
        NOT_NOW
            .finding(
                &self.path,
                format!(
                    "{pods} need {total} together, which budget `{budget}` does not have now: {}",
                    left_in_words(self)
                ),
            )
            .actual(total)
            .allowed(format!("at most {}", amount(self, room)))
            .fix(fix::of_workload(self, room))
            .report();
    }

    /// Whether there is room for what is not there already.
    fn fits_now(&self) -> bool {
        if self.growth.is_zero() && !self.requested.is_zero() {
            return true;
        }
        // With pods of several windows only whoever keeps them knows.
        let is_told = self.is_exceeded && self.growth == self.requested;
        !is_told && sum(sum(self.used, self.reserved), self.growth) <= self.limit.ceiling
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
