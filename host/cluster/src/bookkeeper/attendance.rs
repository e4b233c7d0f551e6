//! Which pods are there, and what each that changes takes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kube::ResourceExt as _;
use serde_json::Value;
use tollgate_budget::{Event, Live, Uid};

use super::{Unweighable, Weighing, Weight};
use crate::watched_pod::WatchedPod;

/// The pods that are charged to budgets.
#[derive(Default)]
pub(super) struct Attendance {
    present: BTreeMap<Uid, Present>,
    /// Those that could not be weighed, to be tried again.
    unweighed: BTreeMap<Uid, WatchedPod>,
}

/// A pod that is charged.
struct Present {
    namespace: String,
    name: String,
    substance: u64,
    budgets: BTreeSet<Arc<str>>,
}

/// What weighs a pod.
pub(super) type Weigh<'s> = &'s dyn Fn(Value) -> Weighing<'s>;

/// What was seen, by budget.
pub(super) type Seen = Vec<(Arc<str>, Event)>;

/// What live pods take, by budget.
pub(super) type Takings = BTreeMap<Arc<str>, BTreeMap<Uid, Live>>;

impl Attendance {
    /// All pods, weighed.
    pub(super) async fn list(pods: Vec<WatchedPod>, weigh: Weigh<'_>) -> (Self, Takings) {
        let (mut all, mut takings) = (Self::default(), Takings::new());
        for pod in pods {
            for (budget, event) in all.apply(pod, weigh, 0).await {
                if let Event::Seen(uid, live) = event {
                    takings.entry(budget).or_default().insert(uid, live);
                }
            }
        }
        (all, takings)
    }

    /// Takes in a pod as it is now.
    pub(super) async fn apply(&mut self, pod: WatchedPod, weigh: Weigh<'_>, now: i64) -> Seen {
        let uid: Uid = pod.uid().unwrap_or_default().into();
        let substance = pod.substance();
        let before = self.present.get(&uid);
        if before.is_some_and(|before| before.substance == substance) {
            return Seen::new();
        }
        let Some(json) = pod.json() else {
            return Seen::new();
        };
        match weigh(json).await {
            Ok(weight) => {
                self.unweighed.remove(&uid);
                self.weighed(uid, &pod, weight, now)
            }
            Err(Unweighable(why)) => {
                tracing::warn!(why, "a pod cannot be charged yet");
                self.unweighed.insert(uid, pod);
                Seen::new()
            }
        }
    }

    fn weighed(&mut self, uid: Uid, pod: &WatchedPod, weight: Weight, now: i64) -> Seen {
        let Weight { began, charges } = weight;
        let budgets: BTreeSet<_> = charges.iter().map(|(budget, _)| budget.clone()).collect();
        let before = match budgets.is_empty() {
            true => self.present.remove(&uid),
            false => {
                let present = Present {
                    namespace: pod.namespace().unwrap_or_default(),
                    name: pod.name_any(),
                    substance: pod.substance(),
                    budgets: budgets.clone(),
                };
                self.present.insert(uid.clone(), present)
            }
        };
        let left = before.into_iter().flat_map(|before| before.budgets);
        let left = left.filter(|budget| !budgets.contains(budget));
        let mut seen: Seen = left
            .map(|budget| (budget, Event::Ended(uid.clone(), now)))
            .collect();
        seen.extend(charges.into_iter().map(|(budget, charge)| {
            let live = Live { charge, began };
            (budget, Event::Seen(uid.clone(), live))
        }));
        seen
    }

    /// Takes in that a pod is gone.
    pub(super) fn remove(&mut self, pod: &WatchedPod, now: i64) -> Seen {
        let uid: Uid = pod.uid().unwrap_or_default().into();
        self.unweighed.remove(&uid);
        let before = self.present.remove(&uid);
        let budgets = before.into_iter().flat_map(|before| before.budgets);
        budgets
            .map(|budget| (budget, Event::Ended(uid.clone(), now)))
            .collect()
    }

    /// Tries again what could not be weighed.
    pub(super) async fn retry(&mut self, weigh: Weigh<'_>, now: i64) -> Seen {
        let mut seen = Seen::new();
        for (_, pod) in std::mem::take(&mut self.unweighed) {
            seen.extend(self.apply(pod, weigh, now).await);
        }
        seen
    }

    /// The name and namespace of a pod.
    pub(super) fn name_of(&self, uid: &str) -> Option<String> {
        let Present {
            namespace, name, ..
        } = self.present.get(uid)?;
        Some(format!("{namespace}/{name}"))
    }

    /// Which of some pods have their name taken by another one.
    pub(super) fn displaced(&self, waiting: &BTreeMap<(&str, &str), Vec<&Uid>>) -> BTreeSet<Uid> {
        let displaced = self.present.iter().flat_map(|(uid, present)| {
            let name = (present.namespace.as_str(), present.name.as_str());
            let waiting = waiting.get(&name).into_iter().flatten();
            waiting.filter(move |waits| **waits != uid)
        });
        displaced.map(|uid| Uid::clone(uid)).collect()
    }
}

#[cfg(test)]
mod tests;
