//! Limits over a day, while days pass.

use std::{collections::BTreeMap, time::Duration};

use proptest::prelude::*;
use tollgate_budget::{
    Account, Charge, Draw, Event, Limit, Live, Notice, Period, Reservation, Reserve, Roll, Uid,
    Verdict, Window,
};
use tollgate_gpu::{Amount, Unit};

const DAY: i64 = 86_400;
const LIMIT: u128 = 200_000;
const PODS: usize = 8;

/// For how long the leader waits for a pod.
const TIMEOUT: Duration = Duration::from_secs(20_000);

#[derive(Clone, Debug)]
enum Step {
    /// A pod is reviewed: what a second of it costs, and how long it may run, where that is said.
    Charge(usize, u128, Option<u32>),
    Seen(usize),
    Ended(usize),
    NeverComes(usize),
    Pass(i64),
    /// The leader looks for what has not come in time. It may come all the same.
    Expire,
    /// The leader counts, or its successor does.
    Recount {
        is_new: bool,
    },
}

/// A pod that was let in.
struct Pod {
    draw: Draw,
    at: i64,
    is_live: bool,
    /// Nothing is reserved for it any more.
    is_expired: bool,
}

#[derive(Default)]
struct World {
    account: Account,
    roll: Roll,
    now: i64,
    pods: BTreeMap<usize, Pod>,
    /// What pods that are gone have really cost, by day.
    spent: BTreeMap<i64, u128>,
}

fn limit() -> Limit {
    Limit {
        unit: Unit::GpuHours,
        model: None,
        window: Window::calendar(Period::Day, "UTC").ok(),
        amount: Amount::from_atoms(LIMIT),
        soft: None,
        share: None,
    }
}

fn uid(pod: usize) -> Uid {
    pod.to_string().into()
}

fn charge(draw: Draw) -> Charge {
    [(limit().key(), draw)].into()
}

/// What a pod costs on a day that runs from one second to another.
fn cost(draw: Draw, at: i64, end: i64, day: i64) -> u128 {
    let (rate, end) = match draw {
        Draw::Ahead {
            per_second,
            seconds,
        } => (per_second, end.min(at + i64::try_from(seconds).unwrap())),
        Draw::Accrued { per_second } => (per_second, end),
        Draw::Held(_) => panic!("nothing is held over a day"),
    };
    let seconds = end.min(day + DAY) - at.max(day);
    rate.atoms() * u128::try_from(seconds).unwrap_or(0)
}

impl World {
    fn taken(&self, at: i64) -> u128 {
        let used = self.account.used(&limit(), at).unwrap();
        let reserved = self.account.reserved(&limit(), at).unwrap();
        used.plus(reserved).unwrap().atoms()
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Charge(pod, rate, seconds) => self.charge(pod, rate, seconds),
            Step::Seen(pod) => self.see(pod),
            Step::Ended(pod) => {
                if self.pods.get(&pod).is_some_and(|pod| pod.is_live) {
                    let Pod { draw, at, .. } = self.pods.remove(&pod).unwrap();
                    for day in (0..=self.now).step_by(DAY.try_into().unwrap()) {
                        *self.spent.entry(day).or_default() += cost(draw, at, self.now, day);
                    }
                    self.tell(Event::Ended(uid(pod), self.now), &[]);
                }
            }
            Step::NeverComes(pod) => {
                if self.pods.get(&pod).is_some_and(|pod| !pod.is_live) {
                    self.pods.remove(&pod);
                    self.tell(Event::NeverComes(uid(pod)), &[]);
                }
            }
            Step::Pass(seconds) => self.now += seconds,
            Step::Expire => self.expire(),
            Step::Recount { is_new } => self.recount(is_new),
        }
    }

    fn see(&mut self, pod: usize) {
        let Some(known) = self.pods.get_mut(&pod) else {
            return;
        };
        let is_late = known.is_expired && !known.is_live;
        known.is_live = true;
        let live = Live {
            charge: charge(known.draw),
            began: known.at,
        };
        let late = is_late.then(|| uid(pod));
        self.tell(Event::Seen(uid(pod), live), late.as_slice());
    }

    fn expire(&mut self) {
        let clock = Duration::from_secs(self.now.try_into().unwrap());
        let change = self.roll.expire(&self.account, clock, TIMEOUT).unwrap();
        for notice in &change.notices {
            let Notice::Expired(uid) = notice else {
                panic!("{notice:?}");
            };
            let pod = self.pods.get_mut(&uid.parse::<usize>().unwrap());
            let pod = pod.expect("what is reserved is for a pod that was let in");
            assert!(!pod.is_live, "what a live pod takes is given back");
            pod.is_expired = true;
        }
        (self.roll, self.account) = (change.roll, change.account);
    }

    fn charge(&mut self, pod: usize, rate: u128, seconds: Option<u32>) {
        if self.pods.contains_key(&pod) {
            return;
        }
        let per_second = Amount::from_atoms(rate);
        let draw = match seconds {
            Some(seconds) => Draw::Ahead {
                per_second,
                seconds: seconds.into(),
            },
            None => Draw::Accrued { per_second },
        };
        let wish = Reserve {
            uid: uid(pod),
            priority: 0,
            reservation: Reservation {
                charge: charge(draw),
                at: self.now,
                pod: ("ml".into(), pod.to_string().into()),
                attempt: "review".into(),
            },
            limits: [limit()].into(),
            beyond: false,
        };
        if self.account.reserve(&wish, self.now).unwrap() == Verdict::Reserved {
            let at = self.now;
            self.pods.insert(
                pod,
                Pod {
                    draw,
                    at,
                    is_live: false,
                    is_expired: false,
                },
            );
        }
    }

    /// Tells the leader, who should find these pods late and tell nothing else.
    fn tell(&mut self, event: Event, late: &[Uid]) {
        let change = self
            .roll
            .apply(&self.account, &[limit()], &[event], self.now)
            .unwrap();
        let found = change.notices.iter().map(|notice| match notice {
            Notice::Late(uid, _) => uid,
            other => panic!("{other:?}"),
        });
        assert!(found.eq(late), "{:?}, not {late:?}", change.notices);
        (self.roll, self.account) = (change.roll, change.account);
    }

    fn recount(&mut self, is_new: bool) {
        let live = self.pods.iter().filter(|(_, pod)| pod.is_live);
        let live = live.map(|(number, pod)| {
            let live = Live {
                charge: charge(pod.draw),
                began: pod.at,
            };
            (uid(*number), live)
        });
        let before = self.taken(self.now);
        if is_new {
            self.roll = Roll::following(&self.account);
        }
        let change = self
            .roll
            .recount(&self.account, &[limit()], &live.collect(), self.now)
            .unwrap();
        assert_eq!(change.notices, [] as [Notice; 0]);
        (self.roll, self.account) = (change.roll, change.account);
        assert_eq!(self.taken(self.now), before, "a recount finds the same");
    }

    /// What pods have really cost today, and what those that may still run may cost.
    fn expected(&self) -> u128 {
        let day = self.now - self.now.rem_euclid(DAY);
        let counted = self.pods.values();
        let counted = counted.filter(|pod| pod.is_live || !pod.is_expired);
        let pods = counted.map(|pod| {
            let end = match pod.draw {
                Draw::Ahead { .. } => i64::MAX / 4,
                _ => self.now,
            };
            cost(pod.draw, pod.at, end, day)
        });
        self.spent.get(&day).copied().unwrap_or_default() + pods.sum::<u128>()
    }
}

fn steps(bounded: bool) -> impl Strategy<Value = Vec<Step>> {
    let pod = 0..PODS;
    let seconds = (1..200_000_u32).prop_map(Some);
    let seconds = match bounded {
        true => seconds.boxed(),
        false => prop_oneof![2 => seconds, 1 => Just(None)].boxed(),
    };
    let step = prop_oneof![
        4 => (pod.clone(), 1..=3_u128, seconds).prop_map(|(pod, rate, seconds)| Step::Charge(pod, rate, seconds)),
        4 => pod.clone().prop_map(Step::Seen),
        2 => pod.clone().prop_map(Step::Ended),
        1 => pod.prop_map(Step::NeverComes),
        3 => (1..50_000_i64).prop_map(Step::Pass),
        2 => Just(Step::Expire),
        1 => any::<bool>().prop_map(|is_new| Step::Recount { is_new }),
    ];
    prop::collection::vec(step, 1..80)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_is_charged_ahead_goes_above_the_limit_on_no_day(steps in steps(true)) {
        let mut world = World::default();
        let in_time = steps.iter().filter(|step| !matches!(step, Step::Expire));
        for step in in_time {
            world.step(step);
            for later in 0..4 {
                prop_assert!(world.taken(world.now + later * DAY) <= LIMIT, "{step:?}, {later}");
            }
        }
    }

    #[test]
    fn a_day_has_cost_what_pods_have_run_and_may_still_run_late_ones_too(steps in steps(false)) {
        let mut world = World::default();
        for step in &steps {
            world.step(step);
            prop_assert_eq!(world.taken(world.now), world.expected(), "{:?}", step);
        }
    }
}
