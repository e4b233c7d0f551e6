//! Kinds of device and capacity that a pod may not use.

use tollgate_sdk::capacities;
use tollgate_sdk::prelude::*;

use crate::Placement;
use crate::class;
use crate::terms::{CapacityType, GpuClass};

pub(crate) const GPU_CLASS: Rule = Rule::deny(
    "gpu-class-not-allowed",
    "A pod uses the kinds of device (whole, MIG, shared) that the settings give to its work, such as shared ones for development alone.",
);
pub(crate) const CAPACITY: Rule = Rule::deny(
    "capacity-not-allowed",
    "A pod selects and tolerates the capacity (spot, on-demand) that the settings give to its work: serving on spot nodes loses requests, training without checkpoints loses its work.",
);

impl Placement {
    /// Refuses devices of a class that is not allowed.
    pub(crate) fn report_class(&self, pod: &Pod) {
        if !self.has(|terms| terms.gpus.is_some()) {
            return;
        }
        let Some(allowed) = self.term(pod, |terms| terms.gpus.as_ref()) else {
            return;
        };
        let names = listed(allowed.value.iter().map(|class| class.as_str()));
        for asked in class::outside(pod, allowed.value) {
            let found: Vec<_> = asked.classes.iter().map(|class| class.in_words()).collect();
            let found = found.join(" or ");
            let what = asked.words;
            GPU_CLASS
                .finding(
                    asked.path,
                    format!(
                        "{what}, {found}, which the setting `{}.gpus` does not allow here",
                        allowed.name
                    ),
                )
                .actual(listed(asked.classes.iter().map(|class| class.as_str())))
                .allowed(names.clone())
                .fix(fix(allowed.value))
                .report();
        }
    }

    /// Refuses capacity that is not allowed.
    pub(crate) fn report_capacity(&self, pod: &Pod) {
        if !self.has(|terms| terms.capacity.is_some()) {
            return;
        }
        let chosen = capacities(pod);
        if chosen.is_empty() {
            return;
        }
        let Some(allowed) = self.term(pod, |terms| terms.capacity.as_ref()) else {
            return;
        };
        let names = listed(allowed.value.iter().map(|capacity| capacity.as_str()));
        let wrong = chosen
            .into_iter()
            .filter(|choice| !allowed.value.contains(&choice.capacity.into()));
        for choice in wrong {
            let found = CapacityType::from(choice.capacity).as_str();
            CAPACITY
                .finding(
                    choice.path,
                    format!("the pod may run on {found} capacity ({}), which the setting `{}.capacity` does not allow here", choice.words, allowed.name),
                )
                .actual(found)
                .allowed(names.clone())
                .fix(format!("remove it, or select nodes with {names} capacity"))
                .report();
        }
    }
}

fn listed<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.collect::<Vec<_>>().join(" or ")
}

fn fix(allowed: &[GpuClass]) -> String {
    let ways = allowed.iter().map(|class| match class {
        GpuClass::Whole => "a whole one such as `nvidia.com/gpu`",
        GpuClass::Mig => "a partition such as `nvidia.com/mig-1g.10gb`",
        GpuClass::Shared => "a share such as `nvidia.com/gpu.shared`",
    });
    format!("ask for {}", listed(ways))
}
