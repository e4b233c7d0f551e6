//! An hour of counts, a minute each, made of totals that are looked at from time to time: what is counted anyway need not
//! be counted a second time.

use std::collections::{BTreeMap, VecDeque};

/// How many minutes are remembered.
pub const MINUTES: usize = 60;

/// What was counted since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// How reviews ended.
    pub decisions: Decisions,
    /// What each policy did.
    pub policies: BTreeMap<String, Uses>,
}

/// How reviews ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decisions {
    /// The object was let in.
    pub allowed: u64,
    /// A finding refused it.
    pub denied: u64,
    /// A fault refused it.
    pub faulted: u64,
}

/// What a policy or a rule did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// It refused.
    pub denied: u64,
    /// It warned users.
    pub warned: u64,
    /// It told operators alone.
    pub observed: u64,
    /// It changed the object.
    pub edited: u64,
}

impl Uses {
    /// How often it did anything.
    pub fn all(self) -> u64 {
        let Self {
            denied,
            warned,
            observed,
            edited,
        } = self;
        denied + warned + observed + edited
    }
}

impl std::ops::AddAssign for Uses {
    fn add_assign(&mut self, other: Self) {
        self.denied += other.denied;
        self.warned += other.warned;
        self.observed += other.observed;
        self.edited += other.edited;
    }
}

/// The totals at the end of each of the last minutes, the oldest first.
#[derive(Debug)]
pub struct History(VecDeque<Totals>);

impl Default for History {
    fn default() -> Self {
        Self(VecDeque::from([Totals::default()]))
    }
}

impl History {
    /// Takes note of the totals; to be called once a minute.
    pub fn note(&mut self, totals: Totals) {
        if self.0.len() == MINUTES {
            self.0.pop_front();
        }
        self.0.push_back(totals);
    }

    /// What some number grew by in each minute of the last hour, the oldest first and the running one last.
    pub fn minutes(&self, now: &Totals, number: impl Fn(&Totals) -> u64) -> Vec<u64> {
        let known: Vec<_> = self.0.iter().chain([now]).map(number).collect();
        // What was removed and came back has been counted from nothing again.
        let grown = known.iter().zip(known.iter().skip(1));
        let grown = grown.map(|(before, after)| after.saturating_sub(*before));
        let before_the_start = std::iter::repeat_n(0, MINUTES - self.0.len());
        before_the_start.chain(grown).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(denied: u64) -> Totals {
        let decisions = Decisions {
            denied,
            ..Decisions::default()
        };
        Totals {
            decisions,
            ..Totals::default()
        }
    }

    fn minutes(history: &History, now: u64) -> Vec<u64> {
        history.minutes(&denied(now), |totals| totals.decisions.denied)
    }

    #[test]
    fn minutes_are_what_totals_grew_by() {
        let mut history = History::default();
        assert_eq!(minutes(&history, 2)[58..], [0, 2]);
        history.note(denied(3));
        history.note(denied(3));
        assert_eq!(minutes(&history, 7)[57..], [3, 0, 4]);
        history.note(denied(1));
        assert_eq!(minutes(&history, 1)[56..], [3, 0, 0, 0], "counted anew");
    }

    #[test]
    fn an_hour_is_remembered_and_no_more() {
        let mut history = History::default();
        for minute in 1..=200 {
            history.note(denied(minute * minute));
        }
        let minutes = minutes(&history, 201 * 201);
        assert_eq!(minutes.len(), MINUTES);
        assert_eq!(minutes.first(), Some(&(142 * 142 - 141 * 141)));
        assert_eq!(minutes.iter().sum::<u64>(), 201 * 201 - 141 * 141);
    }
}
