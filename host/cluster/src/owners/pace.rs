//! How often owners are told: the same once in a period, and all together only so many in a while.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// How long it takes until the same is told again, in seconds. Periods begin at the same time for all replicas.
const PERIOD: u64 = 600;

/// How many may be told at once, and how long it takes until there is room for one more.
const AT_ONCE: u32 = 20;
const EACH: Duration = Duration::from_millis(500);

/// How many are remembered in a period. Who tells more than that has told enough.
const REMEMBERED: usize = 1_200;

/// The number of the period that a time is in.
pub(super) fn period(time: SystemTime) -> u64 {
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    since.as_secs() / PERIOD
}

/// When something may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Now,
    /// It was told in this period.
    Never,
    /// Too much was told just now.
    Later,
}

/// What was told in a period, and how much more may be.
pub(super) struct Pace {
    period: u64,
    told: BTreeSet<u64>,
    room: u32,
    since: Instant,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            period: 0,
            told: BTreeSet::new(),
            room: AT_ONCE,
            since: now,
        }
    }

    /// Whether something may be told now, which is then taken to be told.
    pub(super) fn turn(&mut self, key: u64, period: u64, now: Instant) -> Turn {
        if self.period != period {
            self.period = period;
            self.told.clear();
        }
        if self.told.contains(&key) {
            return Turn::Never;
        }
        self.refill(now);
        if self.room == 0 || self.told.len() >= REMEMBERED {
            return Turn::Later;
        }
        self.room -= 1;
        self.told.insert(key);
        Turn::Now
    }

    /// It could not be told after all.
    pub(super) fn forget(&mut self, key: u64) {
        self.told.remove(&key);
    }

    fn refill(&mut self, now: Instant) {
        while self.room < AT_ONCE && now.duration_since(self.since) >= EACH {
            self.room += 1;
            self.since += EACH;
        }
        if self.room == AT_ONCE {
            self.since = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_told_once_in_a_period() {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        assert_eq!(pace.turn(1, 7, now), Turn::Now);
        assert_eq!(pace.turn(1, 7, now), Turn::Never);
        assert_eq!(pace.turn(2, 7, now), Turn::Now);
        assert_eq!(pace.turn(1, 8, now), Turn::Now);
        pace.forget(1);
        assert_eq!(pace.turn(1, 8, now), Turn::Now);
    }

    #[test]
    fn a_flood_is_told_only_in_part_and_what_was_dropped_may_come_again() {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        let turns = |pace: &mut Pace, now| {
            let keys = 0..100;
            keys.filter(|key| pace.turn(*key, 7, now) == Turn::Now)
                .count()
        };
        assert_eq!(turns(&mut pace, now), 20);
        assert_eq!(turns(&mut pace, now), 0);
        assert_eq!(turns(&mut pace, now + EACH * 3), 3);
        assert_eq!(turns(&mut pace, now + EACH * 1_000), 20);
    }

    #[test]
    fn memory_is_bounded() {
        let mut now = Instant::now();
        let mut pace = Pace::new(now);
        for key in 0..10_000 {
            now += EACH;
            pace.turn(key, 7, now);
        }
        assert_eq!(pace.told.len(), REMEMBERED);
    }

    #[test]
    fn all_replicas_have_the_same_periods() {
        let at = |seconds| period(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!((at(1_199), at(1_200), at(1_799)), (1, 2, 2));
    }
}
