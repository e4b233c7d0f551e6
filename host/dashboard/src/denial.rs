//! The latest denials.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

/// How many are remembered.
const MOST: usize = 50;
/// How many reasons of one are kept.
const MOST_REASONS: usize = 5;

/// An object that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// When it was, the last time.
    pub at: Timestamp,
    /// How many there were of the same kind, in the same namespace, for the same reasons.
    pub count: u64,
    /// The object's kind.
    pub kind: String,
    /// Its namespace, where it is in one.
    pub namespace: Option<String>,
    /// Its name, where it has one.
    pub name: Option<String>,
    /// What was to be done with it.
    pub operation: &'static str,
    /// Whether that was only tried.
    pub is_dry_run: bool,
    /// Why; never more than a few.
    pub reasons: Vec<Reason>,
    /// How many more reasons there were.
    pub more: usize,
}

/// Why an object was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// `policy/rule`, or the policy that faulted.
    pub by: String,
    /// Whether the policy faulted.
    pub is_fault: bool,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub fix: Option<String>,
}

impl Denial {
    /// Takes the first reasons, and counts the others: who makes an object may make it wrong in very many ways.
    #[must_use]
    pub fn for_reasons(mut self, reasons: impl IntoIterator<Item = Reason>) -> Self {
        let mut reasons = reasons.into_iter();
        self.reasons = reasons.by_ref().take(MOST_REASONS).collect();
        self.more = reasons.count();
        self
    }

    /// Whether somebody who reads both learns nothing of the second: what a controller tries again and again.
    fn is_like(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.namespace == other.namespace
            && self.reasons == other.reasons
    }
}

/// The latest denials. Who adds one holds the lock for the time of some comparisons, and who reads them for that of some
/// copied pointers, so that reviews do not wait for the page. A review that denies nothing does not come here.
#[derive(Debug, Default)]
pub struct Denials(Mutex<VecDeque<Arc<Denial>>>);

impl Denials {
    /// Remembers a denial.
    pub fn note(&self, mut denial: Denial) {
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = latest.iter().position(|known| known.is_like(&denial));
        let known = known.and_then(|index| latest.remove(index));
        denial.count = known.as_ref().map_or(1, |known| known.count + 1);
        latest.push_front(Arc::new(denial));
        let forgotten = (latest.len() > MOST).then(|| latest.pop_back());
        // Memory is given back when nobody waits any more.
        drop(latest);
        drop((known, forgotten));
    }

    /// The latest ones, the newest first.
    pub fn latest(&self) -> Vec<Arc<Denial>> {
        let latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        latest.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denial(namespace: &str, name: &str, second: i64) -> Denial {
        let denial = Denial {
            at: Timestamp::from_second(second).unwrap(),
            count: 1,
            kind: "Pod".to_owned(),
            namespace: Some(namespace.to_owned()),
            name: Some(name.to_owned()),
            operation: "CREATE",
            is_dry_run: false,
            reasons: Vec::new(),
            more: 0,
        };
        denial.for_reasons([reason("too much")])
    }

    fn reason(message: &str) -> Reason {
        Reason {
            by: "gpu-limits/fractional-gpu".to_owned(),
            is_fault: false,
            message: message.to_owned(),
            fix: None,
        }
    }

    #[test]
    fn what_is_tried_again_is_counted_and_is_the_newest() {
        let denials = Denials::default();
        for (namespace, name) in [("ml", "a"), ("vision", "b"), ("ml", "c")] {
            denials.note(denial(namespace, name, 7));
        }
        let latest = denials.latest();
        let told = latest.iter().map(|one| (one.name.as_deref(), one.count));
        assert_eq!(told.collect::<Vec<_>>(), [(Some("c"), 2), (Some("b"), 1)]);
    }

    #[test]
    fn a_flood_is_bounded() {
        let denials = Denials::default();
        for number in 0..1_000 {
            denials.note(denial(&format!("ml-{number}"), "a", number));
        }
        let latest = denials.latest();
        assert_eq!(latest.len(), MOST);
        assert_eq!(latest.first().unwrap().namespace.as_deref(), Some("ml-999"));
        let many = (0..100).map(|number| reason(&number.to_string()));
        let many = denial("ml", "a", 0).for_reasons(many);
        assert_eq!((many.reasons.len(), many.more), (MOST_REASONS, 95));
    }
}
