//! `placement`: on which devices and nodes pods with accelerators may run, and where they can run at all.
//!
//! Which kind of GPU and which capacity training and serving may use is the site's choice, made by settings; a second
//! Policy document with its own match makes it a namespace's.

use tollgate_sdk::prelude::*;
use tollgate_sdk::takes_accelerators;

mod terms;
use terms::{By, Terms};

mod class;

mod allowed;

mod defaults;
use defaults::ModelDefault;

mod selectors;

mod architecture;

mod driver;

mod scheduler;

mod mixed;

mod daemon;

mod queue;

mod claim;

/// Settings of `placement`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Placement {
    /// What every pod with accelerators may use, those that neither train nor serve included.
    all: Terms,
    /// What training may use; what it leaves out is as for `all`. Pods train that a batch kind owns or that run a
    /// launcher such as torchrun.
    training: Terms,
    /// What serving may use; what it leaves out is as for `all`. Pods serve that run a known inference server.
    serving: Terms,
    /// The GPU model of pods that select none.
    gpu_model: Option<ModelDefault>,
    /// The driver branch of the GPU nodes, such as `570`, where their labels do not say it.
    driver_branch: Option<u32>,
}

impl Policy for Placement {
    const INFO: Info = Info::new(
        "placement",
        "Holds training and serving to the kinds of GPU and capacity that the site gives them, fills in model and priority class, and finds pods that no node can run, or that nobody places together.",
        &[
            allowed::GPU_CLASS,
            allowed::CAPACITY,
            defaults::MODEL,
            defaults::PRIORITY,
            selectors::CONTRADICTORY,
            architecture::WRONG,
            driver::NEWER,
            driver::UNCHECKED,
            scheduler::UNKNOWN,
            mixed::ABSENT,
            mixed::OPEN,
            daemon::ON_EVERY_NODE,
            queue::NO_QUEUE,
            queue::NO_GANG,
            queue::UNKNOWN,
            queue::UNCOVERED,
            claim::SHARED,
        ],
    )
    .wants(&["cluster"])
    .mutates()
    .validates();

    fn check(&self) -> Result<(), String> {
        let parts = [
            ("all", &self.all),
            ("training", &self.training),
            ("serving", &self.serving),
        ];
        for (name, terms) in parts {
            terms.check(name)?;
        }
        self.gpu_model.as_ref().map_or(Ok(()), ModelDefault::check)
    }

    fn mutate(&self, review: &Review) -> Outcome {
        if self.gpu_model.is_none() && !self.has(|terms| terms.priority_class.is_some()) {
            return Ok(());
        }
        for pod in review.pods().iter().filter(|pod| is_concerned(pod)) {
            if let Some(default) = &self.gpu_model {
                default.repair(pod)?;
            }
            self.repair_priority(pod)?;
        }
        Ok(())
    }

    fn validate(&self, review: &Review) -> Outcome {
        let pods = review.pods();
        pods.iter().for_each(daemon::report);
        for pod in pods.iter().filter(|pod| is_concerned(pod)) {
            self.report_class(pod);
            self.report_capacity(pod);
            selectors::report(pod);
            architecture::report(pod);
            driver::report(self.driver_branch, pod);
            scheduler::report(pod);
            mixed::report(pod);
        }
        if pods.iter().any(takes_accelerators) {
            queue::report(review);
            queue::report_unknown(review);
            queue::report_uncovered(review, &pods);
            claim::report(review, &pods);
        }
        Ok(())
    }
}

impl Placement {
    fn has(&self, such: impl Fn(&Terms) -> bool) -> bool {
        such(&self.all) || such(&self.training) || such(&self.serving)
    }

    /// What holds for a pod, as the terms of its role say or else those of all.
    fn term<'a, T>(
        &'a self,
        pod: &Pod,
        read: impl Fn(&'a Terms) -> Option<&'a T>,
    ) -> Option<By<'a, T>> {
        let (name, own) = match tollgate_sdk::role(pod) {
            Some(gpu::Role::Training) => ("training", read(&self.training)),
            Some(gpu::Role::Serving) => ("serving", read(&self.serving)),
            None => ("all", None),
        };
        let (name, value) = match own {
            Some(value) => (name, value),
            None => ("all", read(&self.all)?),
        };
        Some(By { name, value })
    }
}

/// Agents of every node take what every node has.
fn is_concerned(pod: &Pod) -> bool {
    takes_accelerators(pod) && pod.owner().as_deref() != Some("DaemonSet.apps")
}

#[cfg(test)]
mod tests;
