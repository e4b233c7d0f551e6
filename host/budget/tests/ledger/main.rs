//! Properties of the ledger over any interleaving of what replicas, the leader and the API server do.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test program"
)]

mod windows;

use std::{collections::BTreeMap, time::Duration};

use proptest::prelude::*;
use tollgate_budget::{
    Account, Charge, Draw, Event, Limit, Live, Notice, Reservation, Reserve, Roll, Uid, Verdict,
};
use tollgate_gpu::{Amount, Unit};

const LIMIT: u128 = 10;
const TIMEOUT: u64 = 5;
const PODS: usize = 8;

/// What may happen next. Pods are told by their number.
#[derive(Clone, Debug)]
enum Step {
    /// A replica reviews the creation of a pod.
    Charge(usize, u128),
    /// The API server stores a pod that was let in, whenever that is.
    Stored(usize),
    /// The leader's watch tells it of the pod.
    Seen(usize),
    Ended(usize),
    /// The API server refuses a pod that was let in, and the leader learns it.
    NeverComes(usize),
    /// Time passes, and the leader looks for what is over.
    Expire(u64),
    /// The leader dies; its successor counts.
    Crash,
    Recount,
}

/// What is true, beside what the ledger says.
#[derive(Default)]
struct World {
    account: Account,
    roll: Roll,
    clock: u64,
    /// Pods that were let in and may still be stored.
    admitted: BTreeMap<usize, u128>,
    /// Pods in the API server.
    stored: BTreeMap<usize, u128>,
    /// How far late pods have gone above the limit.
    late: BTreeMap<usize, u128>,
}

fn limit() -> Limit {
    Limit {
        unit: Unit::Gpu,
        model: None,
        window: None,
        amount: Amount::from_atoms(LIMIT),
        soft: None,
        share: None,
    }
}

fn uid(pod: usize) -> Uid {
    pod.to_string().into()
}

fn charge(cost: u128) -> Charge {
    [(limit().key(), Draw::Held(Amount::from_atoms(cost)))].into()
}

fn live(cost: u128) -> Live {
    Live {
        charge: charge(cost),
        began: 0,
    }
}

impl World {
    fn used(&self) -> u128 {
        self.account.used(&limit(), 0).unwrap().atoms()
    }

    fn reserved(&self) -> u128 {
        self.account.reserved(&limit(), 0).unwrap().atoms()
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Charge(pod, cost) => self.charge(pod, cost),
            Step::Stored(pod) => {
                if let Some(cost) = self.admitted.remove(&pod) {
                    self.stored.insert(pod, cost);
                }
            }
            Step::Seen(pod) => {
                if let Some(cost) = self.stored.get(&pod) {
                    self.tell(Event::Seen(uid(pod), live(*cost)));
                }
            }
            Step::Ended(pod) => {
                if self.stored.remove(&pod).is_some() {
                    self.late.remove(&pod);
                    self.tell(Event::Ended(uid(pod), 0));
                }
            }
            Step::NeverComes(pod) => {
                if self.admitted.remove(&pod).is_some() {
                    self.tell(Event::NeverComes(uid(pod)));
                }
            }
            Step::Expire(passed) => {
                self.clock += passed;
                let [clock, timeout] = [self.clock, TIMEOUT].map(Duration::from_secs);
                let change = self.roll.expire(&self.account, clock, timeout).unwrap();
                (self.roll, self.account) = (change.roll, change.account);
            }
            Step::Crash => {
                self.roll = Roll::following(&self.account);
                self.recount();
            }
            Step::Recount => self.recount(),
        }
    }

    fn charge(&mut self, pod: usize, cost: u128) {
        if self.stored.contains_key(&pod) || self.roll.has(&uid(pod)) {
            return;
        }
        let cost = *self.admitted.get(&pod).unwrap_or(&cost);
        let before = (self.used(), self.reserved());
        let wish = Reserve {
            uid: uid(pod),
            priority: 0,
            reservation: Reservation {
                charge: charge(cost),
                at: 0,
                pod: ("ml".into(), pod.to_string().into()),
                attempt: "review".into(),
            },
            limits: [limit()].into(),
            beyond: false,
        };
        match self.account.reserve(&wish, 0).unwrap() {
            Verdict::Reserved => {
                assert!(
                    before.0 + before.1 + cost <= LIMIT,
                    "let in above the limit"
                );
                self.admitted.insert(pod, cost);
            }
            Verdict::Already => assert_eq!(before, (self.used(), self.reserved())),
            Verdict::Exceeded(excesses) => {
                assert!(before.0 + before.1 + cost > LIMIT, "refused what fits");
                assert_eq!(excesses[0].requested.atoms(), cost);
                assert_eq!(before, (self.used(), self.reserved()));
            }
            Verdict::Full => panic!("there are only {PODS} pods"),
        }
    }

    fn tell(&mut self, event: Event) {
        // The write of another replica comes first once: the leader applies the same event anew.
        let again = [event];
        let first = self
            .roll
            .apply(&self.account, &[limit()], &again, 0)
            .unwrap();
        let change = self
            .roll
            .apply(&self.account, &[limit()], &again, 0)
            .unwrap();
        assert_eq!(first.account, change.account);
        (self.roll, self.account) = (change.roll, change.account);
        for notice in change.notices {
            if let Notice::Late(late, _) = notice {
                let pod: usize = late.parse().unwrap();
                self.late.insert(pod, self.stored[&pod]);
            }
        }
    }

    fn recount(&mut self) {
        let known: Vec<_> = self.account.reservations.keys().cloned().collect();
        let pods = self.stored.iter();
        let live: BTreeMap<_, _> = pods.map(|(pod, cost)| (uid(*pod), live(*cost))).collect();
        for (pod, cost) in &self.stored {
            if !known.contains(&uid(*pod)) && !self.roll.has(&uid(*pod)) {
                // It came after its reservation was given back: late, found by the count.
                self.late.entry(*pod).or_insert(*cost);
            }
        }
        let change = self
            .roll
            .recount(&self.account, &[limit()], &live, 0)
            .unwrap();
        (self.roll, self.account) = (change.roll, change.account);
        assert_eq!(
            self.used(),
            self.stored.values().sum::<u128>(),
            "a recount is the sum over live pods"
        );
    }

    fn check(&self) {
        let all = self.stored.iter();
        let counted = all.filter(|(pod, _)| self.roll.has(&uid(**pod)));
        assert_eq!(
            self.used(),
            counted.map(|(_, cost)| cost).sum::<u128>(),
            "what is used is what the pods take that the leader knows, no more and no less"
        );
        let late: u128 = self.late.values().sum();
        let total = self.used() + self.reserved();
        assert!(
            total <= LIMIT + late,
            "above the limit by more than the late pods: {total}"
        );
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let pod = 0..PODS;
    let step = prop_oneof![
        4 => (pod.clone(), 1..=6_u128).prop_map(|(pod, cost)| Step::Charge(pod, cost)),
        3 => pod.clone().prop_map(Step::Stored),
        3 => pod.clone().prop_map(Step::Seen),
        2 => pod.clone().prop_map(Step::Ended),
        1 => pod.prop_map(Step::NeverComes),
        2 => (1..=2 * TIMEOUT).prop_map(Step::Expire),
        1 => Just(Step::Crash),
        1 => Just(Step::Recount),
    ];
    prop::collection::vec(step, 1..80)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn only_late_pods_go_above_the_limit_and_only_by_their_cost(steps in steps()) {
        let mut world = World::default();
        for step in steps {
            world.step(step);
            world.check();
        }
        // In the end the leader sees all, and what is used is what is there.
        world.recount();
        let ends: Vec<_> = world.stored.keys().copied().collect();
        for pod in ends {
            world.step(Step::Ended(pod));
        }
        prop_assert_eq!(world.used(), 0);
    }

    #[test]
    fn what_comes_in_time_never_goes_above_the_limit(steps in steps()) {
        let mut world = World::default();
        let in_time = steps.into_iter().filter(|step| !matches!(step, Step::Expire(_)));
        for step in in_time {
            world.step(step);
            prop_assert!(world.used() + world.reserved() <= LIMIT);
        }
    }
}
