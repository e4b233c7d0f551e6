//! Cuts off a policy that faults often.
//!
//! A policy that traps or runs out of time with every call costs its full limit each time, and fills the log. After
//! 5 faults among its last 20 calls, all within a minute and in 3 namespaces or more, it is not run for half a minute:
//! each call is answered with [`Fault::CutOff`] at once, so that `onFault` decides as before. Then one call is let
//! through; if that one does not fault the policy is back, else the pause begins anew.
//!
//! An object may be made so that a policy faults on it. Who may create objects in one namespace only cannot cut a
//! policy off for all others by that, which with `onFault: refuse` would stop every pod.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::Fault;

/// How many faults cut a policy off.
const FAULTS: usize = 5;
/// In how many namespaces.
const NAMESPACES: usize = 3;
/// How many are remembered.
const MOST: usize = 100;
/// Among how many of its last calls; at most 31, since they are kept as bits.
const CALLS: u32 = 20;
/// Within what time.
const WINDOW: Duration = Duration::from_secs(60);
/// How long it is cut off before it is tried again.
const PAUSE: Duration = Duration::from_secs(30);
/// How long to wait for the call that tries it, which may have been given up, before another one tries.
const TRIAL: Duration = Duration::from_secs(10);

/// The bit that says that the policy is cut off. The others are its last calls, the newest lowest: set for a fault.
const CUT_OFF: u32 = 1 << 31;
const LAST_CALLS: u32 = (1 << CALLS) - 1;

/// What is known of the faults of one policy, and whether it may run.
///
/// Of a policy that does not fault it costs two loads of one number a call.
#[derive(Debug, Default)]
pub struct Breaker {
    calls: AtomicU32,
    record: Mutex<Record>,
}

/// What only faults touch.
#[derive(Debug, Default)]
struct Record {
    /// When and in which namespace the newest faults were, the oldest first; at most [`FAULTS`] of each
    /// namespace.
    recent: VecDeque<(Instant, String)>,
    /// When the next call may try a policy that is cut off.
    next_trial: Option<Instant>,
    last: Option<LastFault>,
    total: u64,
}

/// The newest fault of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastFault {
    /// When it was.
    pub time: SystemTime,
    /// The fault's word in metrics.
    pub cause: &'static str,
    /// What happened.
    pub message: String,
}

/// What a breaker knows at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BreakerReport {
    /// Whether the policy is cut off.
    pub cut_off: bool,
    /// The newest fault.
    pub last: Option<LastFault>,
    /// How many faults there were.
    pub faults: u64,
}

impl Breaker {
    /// Whether the policy may run now. `now` is asked for only where it is cut off.
    pub fn lets_pass(&self, now: impl FnOnce() -> Instant) -> bool {
        if self.calls.load(Ordering::Relaxed) & CUT_OFF == 0 {
            return true;
        }
        let now = now();
        let mut record = self.record();
        match record.next_trial {
            Some(at) if now < at => false,
            _ => {
                record.next_trial = Some(now + TRIAL);
                true
            }
        }
    }

    /// Takes note of a call that gave a valid answer.
    pub fn succeeded(&self) {
        if self.calls.load(Ordering::Relaxed) == 0 || self.shift(0).is_ok() {
            return;
        }
        let mut record = self.record();
        record.recent.clear();
        record.next_trial = None;
        self.calls.store(0, Ordering::Relaxed);
    }

    /// Takes note of a call that faulted on an object of a namespace; objects that are in none count as in one of
    /// their own. Whether the policy may run from now on shows in [`Self::lets_pass`].
    ///
    /// That the host had no room, or that another policy wrote first, is not the policy's fault.
    pub fn faulted(&self, fault: &Fault, namespace: Option<&str>, now: Instant, time: SystemTime) {
        if matches!(
            fault,
            Fault::Busy | Fault::Conflict { .. } | Fault::CutOff { .. }
        ) {
            return;
        }
        let mut record = self.record();
        record.note(fault, namespace.unwrap_or_default(), now, time);
        let Ok(calls) = self.shift(1) else {
            record.next_trial = Some(now + PAUSE);
            return;
        };
        if calls.count_ones() as usize >= FAULTS && record.are_many() {
            record.next_trial = Some(now + PAUSE);
            self.calls.store(CUT_OFF, Ordering::Relaxed);
        }
    }

    /// What a call that may not run is answered with.
    pub fn refusal(&self) -> Fault {
        let last = self.record().last.clone();
        Fault::CutOff {
            last: last.map(|last| last.message).unwrap_or_default(),
        }
    }

    /// What is known now.
    pub fn report(&self) -> BreakerReport {
        let record = self.record();
        BreakerReport {
            cut_off: self.calls.load(Ordering::Relaxed) & CUT_OFF != 0,
            last: record.last.clone(),
            faults: record.total,
        }
    }

    /// Adds a call to those kept and returns them, unless the policy is cut off.
    fn shift(&self, outcome: u32) -> Result<u32, u32> {
        let with = |calls: u32| (calls << 1 | outcome) & LAST_CALLS;
        self.calls
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |calls| {
                (calls & CUT_OFF == 0).then(|| with(calls))
            })
            .map(with)
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    fn note(&mut self, fault: &Fault, namespace: &str, now: Instant, time: SystemTime) {
        self.recent
            .retain(|(then, _)| now.saturating_duration_since(*then) <= WINDOW);
        // Who faults much in one namespace must not push the faults of others out.
        let of_same = |(_, other): &(Instant, String)| other == namespace;
        if self.recent.iter().filter(|fault| of_same(fault)).count() == FAULTS
            && let Some(oldest) = self.recent.iter().position(of_same)
        {
            self.recent.remove(oldest);
        }
        if self.recent.len() == MOST {
            self.recent.pop_front();
        }
        self.recent.push_back((now, namespace.to_owned()));
        self.total += 1;
        self.last = Some(LastFault {
            time,
            cause: fault.as_label(),
            message: fault.to_string(),
        });
    }

    /// Whether as many faults as cut a policy off are within the window.
    fn are_many(&self) -> bool {
        let namespaces: BTreeSet<_> = self.recent.iter().map(|(_, namespace)| namespace).collect();
        self.recent.len() >= FAULTS && namespaces.len() >= NAMESPACES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trap() -> Fault {
        Fault::Trapped {
            cause: "unreachable".to_owned(),
            said: None,
        }
    }

    /// A breaker with a clock that stands still until it is moved.
    struct Bench {
        breaker: Breaker,
        now: Instant,
    }

    impl Bench {
        fn new() -> Self {
            Self {
                breaker: Breaker::default(),
                now: Instant::now(),
            }
        }

        fn passes(&self) -> bool {
            self.breaker.lets_pass(|| self.now)
        }

        /// Faults in one namespace after the other.
        fn fault(&self, times: usize) {
            for number in 0..times {
                self.fault_in(["a", "b", "c"][number % NAMESPACES], 1);
            }
        }

        fn fault_in(&self, namespace: &str, times: usize) {
            for _ in 0..times {
                self.breaker
                    .faulted(&trap(), Some(namespace), self.now, SystemTime::UNIX_EPOCH);
            }
        }

        fn succeed(&self, times: usize) {
            (0..times).for_each(|_| self.breaker.succeeded());
        }

        fn wait(&mut self, time: Duration) {
            self.now += time;
        }
    }

    #[test]
    fn five_faults_in_a_row_cut_a_policy_off() {
        let bench = Bench::new();
        bench.fault(FAULTS - 1);
        assert!(bench.passes());
        bench.fault(1);
        assert!(!bench.passes());
        assert_eq!(
            bench.breaker.refusal().to_string(),
            "is cut off after faulting often; the last time it trapped: unreachable"
        );
    }

    #[test]
    fn faults_in_two_namespaces_do_not() {
        let bench = Bench::new();
        bench.fault_in("a", 500);
        bench.fault_in("b", 500);
        assert!(bench.passes());
        bench.fault_in("c", 1);
        assert!(!bench.passes());
    }

    #[test]
    fn faults_among_many_good_calls_do_not() {
        let bench = Bench::new();
        for number in 0..50 {
            bench.fault_in(&format!("n{number}"), 1);
            bench.succeed(5);
        }
        assert!(bench.passes(), "4 of 20 calls faulted");
        bench.succeed(20);
        bench.fault(FAULTS - 1);
        assert!(bench.passes());
        bench.succeed(CALLS as usize - FAULTS);
        bench.fault(1);
        assert!(!bench.passes(), "5 of 20 calls faulted");
    }

    #[test]
    fn faults_far_apart_do_not() {
        let mut bench = Bench::new();
        for number in 0..20 {
            bench.fault_in(&format!("n{number}"), 1);
            bench.wait(WINDOW / 4 + Duration::from_millis(1));
        }
        assert!(bench.passes(), "4 faults in a minute");
    }

    #[test]
    fn after_the_pause_one_call_tries() {
        let mut bench = Bench::new();
        bench.fault(FAULTS);
        bench.wait(PAUSE - Duration::from_millis(1));
        assert!(!bench.passes());
        bench.wait(Duration::from_millis(1));
        assert!(bench.passes(), "the trial");
        assert!(!bench.passes(), "the others wait for it");
        assert!(bench.breaker.report().cut_off);
        bench.succeed(1);
        assert!(bench.passes() && bench.passes());
        assert!(!bench.breaker.report().cut_off);
        bench.fault(FAULTS - 1);
        assert!(bench.passes(), "what was before is forgotten");
    }

    #[test]
    fn a_trial_that_faults_begins_the_pause_anew() {
        let mut bench = Bench::new();
        bench.fault(FAULTS);
        bench.wait(PAUSE);
        assert!(bench.passes());
        bench.fault(1);
        bench.wait(PAUSE - Duration::from_millis(1));
        assert!(!bench.passes());
        bench.wait(Duration::from_millis(1));
        assert!(bench.passes());
    }

    #[test]
    fn a_trial_that_was_given_up_does_not_cut_off_for_ever() {
        let mut bench = Bench::new();
        bench.fault(FAULTS);
        bench.wait(PAUSE);
        assert!(bench.passes());
        bench.wait(TRIAL);
        assert!(bench.passes());
    }

    #[test]
    fn what_is_not_the_policys_fault_does_not_count() {
        let bench = Bench::new();
        let conflict = Fault::Conflict {
            path: "/spec".to_owned(),
            policy: "a".to_owned(),
            rule: "b".to_owned(),
        };
        for fault in [Fault::Busy, conflict, bench.breaker.refusal()] {
            for _ in 0..FAULTS {
                bench
                    .breaker
                    .faulted(&fault, None, bench.now, SystemTime::UNIX_EPOCH);
            }
        }
        assert!(bench.passes());
        assert_eq!(bench.breaker.report(), BreakerReport::default());
    }

    #[test]
    fn the_last_fault_is_reported() {
        let bench = Bench::new();
        bench.fault(2);
        let report = bench.breaker.report();
        assert_eq!((report.cut_off, report.faults), (false, 2));
        let last = report.last.unwrap();
        assert_eq!(
            (last.cause, &last.message[..]),
            ("trap", "trapped: unreachable")
        );
    }
}
