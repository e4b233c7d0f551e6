//! What is counted for each policy. The series of a policy go with it, so that their number is bounded by what is
//! configured, however often that changes.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::{family, whole};
use crate::reviewer::{Admission, Effect, Phase, PolicyRun, PolicyStanding, RuleUse, Standing};

/// Upper bounds of a policy's durations, in seconds.
const BUCKETS: [f64; 12] = [
    0.00001, 0.00002, 0.00003, 0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.003, 0.01, 0.03, 0.1,
];

pub(super) struct PolicyMetrics {
    durations: Family<PolicyLabels, Histogram, fn() -> Histogram>,
    faults: Family<FaultLabels, Counter>,
    rules: Family<RuleLabels, Counter>,
    memory: Family<NameLabels, Gauge>,
    cut_off: Family<NameLabels, Gauge>,
    instances: Gauge,
    /// The policies that had series when metrics were last read, and their rules.
    known: Mutex<BTreeMap<Arc<str>, Vec<String>>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PolicyLabels {
    policy: Arc<str>,
    phase: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NameLabels {
    policy: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FaultLabels {
    policy: Arc<str>,
    cause: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RuleLabels {
    phase: &'static str,
    policy: String,
    rule: String,
    effect: &'static str,
}

impl PolicyMetrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let durations =
            Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> Histogram);
        let help = "How long policies ran";
        registry.register_with_unit("policy_duration", help, Unit::Seconds, durations.clone());
        let memory = Family::default();
        let help = "The most memory that an instance of the policy had";
        registry.register_with_unit("policy_memory_peak", help, Unit::Bytes, memory.clone());
        let cut_off = Family::default();
        let help = "Whether the policy is not run, since it faults often";
        registry.register("policy_cut_off", help, cut_off.clone());
        let instances = Gauge::default();
        let help = "Instances of policies that live";
        registry.register("instances", help, instances.clone());
        let help = "Policies that gave no valid answer";
        let faults = family(registry, "policy_faults", help);
        let help = "What rules did: findings and edits, and in which phase";
        let rules = family(registry, "rule_uses", help);
        Self {
            durations,
            faults,
            rules,
            memory,
            cut_off,
            instances,
            known: Mutex::default(),
        }
    }

    /// Counts what policies did in a call.
    pub(super) fn reviewed(&self, phase: Phase, admission: &Admission) {
        for run in &admission.policies {
            self.ran(run);
        }
        for used in &admission.rules {
            self.rules.get_or_create(&used.labels(phase)).inc();
        }
    }

    fn ran(&self, run: &PolicyRun) {
        let PolicyRun {
            name,
            phase,
            duration,
            memory_peak,
            fault,
        } = run;
        self.durations
            .get_or_create(&labels(name, *phase))
            .observe(duration.as_secs_f64());
        let policy = Arc::clone(name);
        self.memory
            .get_or_create(&NameLabels { policy })
            .inner()
            .fetch_max(whole(*memory_peak), Ordering::Relaxed);
        if let Some(cause) = *fault {
            let policy = Arc::clone(name);
            self.faults
                .get_or_create(&FaultLabels { policy, cause })
                .inc();
        }
    }

    /// How often a rule did something, in both phases.
    pub(super) fn used(&self, used: &RuleUse) -> u64 {
        let of = |phase| self.rules.get(&used.labels(phase));
        let counted = Phase::ALL.into_iter().filter_map(of);
        counted.map(|counter| counter.get()).sum()
    }

    /// Shows how policies stand. Those that are new begin with no faults; the series of those that are gone end.
    pub(super) fn stand(&self, standing: &Standing) {
        let Standing {
            policies,
            causes,
            instances,
        } = standing;
        self.instances.set(whole(*instances));
        for policy in policies {
            self.show(policy, causes);
        }
        let now = policies.iter();
        let now: BTreeMap<_, _> = now
            .map(|policy| (Arc::clone(&policy.name), policy.rules.clone()))
            .collect();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, rules) in &*known {
            match now.get(name) {
                None => self.forget(name, rules, causes),
                Some(left) => self.forget_rules(name, rules.iter().filter(|it| !left.contains(it))),
            }
        }
        *known = now;
    }

    fn show(&self, standing: &PolicyStanding, causes: &[&'static str]) {
        let policy = || Arc::clone(&standing.name);
        self.cut_off
            .get_or_create(&NameLabels { policy: policy() })
            .set(i64::from(standing.cut_off));
        for cause in causes {
            let policy = policy();
            let _there_from_the_start = self.faults.get_or_create(&FaultLabels { policy, cause });
        }
    }

    fn forget(&self, name: &Arc<str>, rules: &[String], causes: &[&'static str]) {
        for phase in Phase::ALL {
            self.durations.remove(&labels(name, phase));
        }
        for cause in causes {
            let policy = Arc::clone(name);
            self.faults.remove(&FaultLabels { policy, cause });
        }
        for gauge in [&self.memory, &self.cut_off] {
            let policy = Arc::clone(name);
            gauge.remove(&NameLabels { policy });
        }
        self.forget_rules(name, rules.iter());
    }

    fn forget_rules<'a>(&self, name: &Arc<str>, rules: impl Iterator<Item = &'a String>) {
        for rule in rules {
            for effect in Effect::ALL {
                let used = RuleUse {
                    policy: name.to_string(),
                    rule: rule.clone(),
                    effect,
                };
                for phase in Phase::ALL {
                    self.rules.remove(&used.labels(phase));
                }
            }
        }
    }
}

fn labels(name: &Arc<str>, phase: Phase) -> PolicyLabels {
    PolicyLabels {
        policy: Arc::clone(name),
        phase: phase.as_label(),
    }
}

impl RuleUse {
    fn labels(&self, phase: Phase) -> RuleLabels {
        RuleLabels {
            phase: phase.as_label(),
            policy: self.policy.clone(),
            rule: self.rule.clone(),
            effect: self.effect.as_label(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use prometheus_client::encoding::text;

    use super::*;
    use crate::reviewer::Decision;

    fn standing(names: &[&str]) -> Standing {
        let policy = |name: &&str| PolicyStanding {
            name: Arc::from(*name),
            rules: vec!["too-much".to_owned()],
            cut_off: *name == "starved",
        };
        Standing {
            policies: names.iter().map(policy).collect(),
            causes: &["trap", "cut-off"],
            instances: 3,
        }
    }

    fn admission(name: &str) -> Admission {
        Admission {
            body: Vec::new(),
            decision: Decision::Allowed,
            policies: vec![PolicyRun {
                name: Arc::from(name),
                phase: Phase::Validate,
                duration: Duration::from_micros(40),
                memory_peak: 1 << 20,
                fault: None,
            }],
            rules: vec![RuleUse {
                policy: name.to_owned(),
                rule: "too-much".to_owned(),
                effect: Effect::Denied,
            }],
        }
    }

    #[test]
    fn series_of_a_policy_begin_and_end_with_it() {
        let mut registry = Registry::default();
        let metrics = PolicyMetrics::new(&mut registry);
        let encoded = || {
            let mut out = String::new();
            text::encode(&mut out, &registry).unwrap();
            out
        };
        metrics.stand(&standing(&["starved", "other"]));
        metrics.reviewed(Phase::Validate, &admission("starved"));
        metrics.reviewed(Phase::Validate, &admission("other"));
        let all = encoded();
        for series in [
            "policy_faults_total{policy=\"starved\",cause=\"trap\"} 0",
            "policy_cut_off{policy=\"starved\"} 1",
            "policy_cut_off{policy=\"other\"} 0",
            "policy_memory_peak_bytes{policy=\"starved\"} 1048576",
            "instances 3",
        ] {
            assert!(all.contains(series), "{series} is not in:\n{all}");
        }
        metrics.stand(&standing(&["other"]));
        let left = encoded();
        assert!(!left.contains("starved"), "{left}");
        assert!(left.contains("rule_uses_total{phase=\"validate\",policy=\"other\""));
    }
}
