//! Findings about a program that is told of more or fewer devices than there are.

use tollgate_sdk::gpu::Reach;
use tollgate_sdk::prelude::*;
use tollgate_sdk::{Parallelism, Program, below};

use crate::group::Group;
use crate::standing::Standing;
use crate::supply::Supply;
use crate::{ABOVE, ABOVE_GROUP, ABOVE_POD, BELOW, BELOW_GROUP, PROCESSES_ABOVE, PROCESSES_BELOW};

/// A program, and the devices that it is told to use, which are not those that it has.
pub(crate) struct Mismatch<'a> {
    pub(crate) container: &'a Container,
    pub(crate) program: Program,
    pub(crate) degrees: Parallelism,
    pub(crate) supply: Supply,
    pub(crate) wanted: u64,
}

/// `the 2 pods of its group`.
fn pods_of(group: &Group) -> String {
    match group.size() {
        1 => "the only pod of its group".to_owned(),
        several => format!("the {several} pods of its group"),
    }
}

impl Mismatch<'_> {
    /// Reports more than there are. How the pod stands to others is asked for last, since it takes the longest.
    pub(crate) fn report_above(&self, standing: impl FnOnce(&Program) -> Standing) {
        let rule = match (self.degrees.spread.reach, standing(&self.program)) {
            (Reach::Group, Standing::Alone) => ABOVE,
            (Reach::Group, Standing::Grouped) => return,
            (Reach::Pod, Standing::Alone) => PROCESSES_ABOVE,
            (Reach::Group, Standing::Unclear) | (Reach::Pod, _) => ABOVE_POD,
        };
        let there = self.supply.count;
        self.finding(&rule, &format!("more than its {}", self.devices()))
            .allowed(format!("at most {there}"))
            .fix(format!(
                "ask for `{}: {}` in the limits, or set {} to {there}",
                self.supply.resource,
                self.wanted,
                self.flag()
            ))
            .report();
    }

    /// Reports more or fewer than the pods of a group have together. Processes of one pod have no more than the pod has.
    pub(crate) fn report_in_group(&self, group: &Group) {
        if self.degrees.spread.reach == Reach::Pod {
            return self.report_above(|_| Standing::Grouped);
        }
        let resource = &self.supply.resource;
        let Some(there) = group.devices(resource).filter(|there| self.wanted > *there) else {
            return self.report_below_group(group);
        };
        self.finding(
            &ABOVE_GROUP,
            &format!("more than the {there} {resource} of {}", pods_of(group)),
        )
        .allowed(format!("at most {there}"))
        .fix(format!(
            "make the group larger, ask for more `{resource}` in its pods, or set {} so that the product is {there}",
            self.flag()
        ))
        .report();
    }

    /// Reports fewer than the pods of a group have together, where all of them are there for this server.
    pub(crate) fn report_below_group(&self, group: &Group) {
        let resource = &self.supply.resource;
        let is_told = group.serves_one && !self.degrees.told.is_empty();
        let there = group.devices(resource).filter(|_| is_told);
        let Some(there) = there.filter(|there| self.wanted < *there) else {
            return;
        };
        let container = self.container.name();
        BELOW_GROUP
            .finding(
                self.place(),
                format!(
                    "container `{container}` spreads over {} of the {there} {resource} of its group",
                    self.wanted
                ),
            )
            .actual(self.wanted.to_string())
        .allowed(there.to_string())
        .fix(format!(
            "set {} so that the product is {there}, or make the group smaller",
            self.flag()
        ))
        .report();
    }

    /// Reports fewer than there are, unless several programs may share them.
    pub(crate) fn report_below(&self, pod: &Pod) {
        let is_told = !self.degrees.told.is_empty();
        if self.shares_devices() || !is_told && (self.may_be_told_elsewhere() || !pod.is_whole()) {
            return;
        }
        let rule = match self.degrees.spread.reach {
            Reach::Group => BELOW,
            Reach::Pod => PROCESSES_BELOW,
        };
        let there = self.supply.count;
        let idle = there.saturating_sub(self.wanted);
        self.finding(&rule, &format!("{idle} of {} idle", self.devices()))
            .allowed(there.to_string())
            .fix(format!(
                "set {} to {there}, or ask for `{}: {}` in the limits",
                self.flag(),
                self.supply.resource,
                self.wanted
            ))
            .report();
    }

    fn finding(&self, rule: &Rule, consequence: &str) -> tollgate_sdk::Finding {
        let message = format!(
            "container `{}`: {} with {}, {consequence}",
            self.container.name(),
            self.program.known.name,
            self.in_words()
        );
        rule.finding(self.place(), message)
            .actual(self.wanted.to_string())
    }

    /// The limit of the devices.
    fn place(&self) -> String {
        let keys = ["resources", "limits", self.supply.resource.as_str()];
        below(&self.container.path(), &keys)
    }

    fn devices(&self) -> String {
        format!("{} {}", self.supply.count, self.supply.resource)
    }

    /// `tensor parallel size 8 and pipeline parallel size 2, 16 devices in all`.
    fn in_words(&self) -> String {
        let told = self.degrees.told.iter();
        let each: Vec<_> = told
            .map(|(factor, number)| format!("{} {number}", factor.name))
            .collect();
        match each.as_slice() {
            [] => format!("no parallel size (it uses {})", self.wanted),
            [one] => one.clone(),
            several => format!("{}, {} devices in all", several.join(" and "), self.wanted),
        }
    }

    /// The flag that sets the first factor that is told.
    fn flag(&self) -> String {
        let told = self.degrees.told.first().map(|(factor, _)| *factor);
        let factor = told.or_else(|| self.degrees.spread.factors.first().copied());
        let flag = factor.and_then(|factor| {
            let is_used = |flag: &&&str| self.program.words.values(&[**flag]).next().is_some();
            factor.flags.iter().find(is_used).or(factor.flags.first())
        });
        format!("`{}`", flag.copied().unwrap_or_default())
    }

    /// Whether other programs of the container may use what this one leaves.
    fn shares_devices(&self) -> bool {
        const VISIBLE: &str = "CUDA_VISIBLE_DEVICES";
        let mut words = self.program.words.iter();
        words.any(|word| word.contains(VISIBLE)) || self.container.env(VISIBLE).is_some()
    }

    /// Whether a variable or a script may bring the flags that are missing.
    fn may_be_told_elsewhere(&self) -> bool {
        let mut words = self.program.words.iter();
        words.any(|word| {
            word.contains('$') || word.starts_with("--tensor") || word.starts_with("--tp")
        })
    }
}
