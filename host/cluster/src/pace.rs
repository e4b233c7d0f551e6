//! How soon a process writes an account again that others write too.
//!
//! Whoever has written one knows its newest version before all others, and would win again and again, while each of the others
//! writes in vain. So it lets them go first, for longer the more writes meet; what is charged meanwhile goes into the next
//! one.

use std::time::Duration;

use tokio::time::Instant;

/// How much longer the pause is for each conflict. A quarter of it goes with each write that is made.
const STEP: Duration = Duration::from_millis(10);

/// The longest pause.
const LONGEST: Duration = Duration::from_millis(50);

/// The pace of one process at one account.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    pause: Duration,
    /// Whether somebody was faster since the last write.
    is_outrun: bool,
    written: Option<Instant>,
}

impl Pace {
    /// Learns that a write was made.
    pub(crate) fn written(&mut self, now: Instant) {
        self.pause -= self.pause / 4;
        self.is_outrun = false;
        self.written = Some(now);
    }

    /// Learns that somebody else was faster. Once is no pattern: a leader that counts pods writes now and then.
    pub(crate) fn outrun(&mut self) {
        if self.is_outrun || self.pause >= STEP {
            self.pause = (self.pause + STEP).min(LONGEST);
        }
        self.is_outrun = true;
    }

    /// When to begin the next write.
    pub(crate) fn next(&self) -> Option<Instant> {
        Some(self.written? + self.pause)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{LONGEST, Pace};

    #[test]
    fn who_meets_nobody_never_waits() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        assert_eq!(pace.next(), None);
        pace.written(now);
        assert_eq!(pace.next(), Some(now));
    }

    #[test]
    fn the_pause_grows_with_conflicts_up_to_a_bound_and_goes_with_writes() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        let mut pause = |conflicts: usize| {
            (0..conflicts).for_each(|_| pace.outrun());
            pace.written(now);
            pace.next().map(|next| next - now)
        };
        assert_eq!(pause(1), Some(Duration::ZERO), "once is no pattern");
        assert_eq!(pause(3), Some(Duration::from_millis(15)));
        assert_eq!(pause(1), Some(Duration::from_millis(25) * 3 / 4));
        assert_eq!(pause(100), Some(LONGEST * 3 / 4));
        let rare = (0..40).map(|_| pause(0)).last().flatten();
        assert!(rare < Some(Duration::from_millis(1)), "{rare:?}");
    }
}
