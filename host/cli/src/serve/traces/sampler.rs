//! Which reviews are traced.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use tollgate_webhook::TraceParent;

/// Where a span belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Context {
    /// The trace.
    pub(super) trace: [u8; 16],
    /// The caller's span.
    pub(super) parent: Option<[u8; 8]>,
}

/// Traces what the caller traces, and of calls whose caller does not say, a fraction.
pub(super) struct Sampler {
    /// Of 2⁶³.
    fraction: u64,
    numbers: Numbers,
}

impl Sampler {
    pub(super) fn new(ratio: f64) -> Self {
        Self {
            // Both ends are exact.
            fraction: (ratio * (1_u64 << 63) as f64) as u64,
            numbers: Numbers::default(),
        }
    }

    /// Where the span of a call belongs, if it is to have one.
    pub(super) fn context(&self, caller: Option<TraceParent>) -> Option<Context> {
        if let Some(caller) = caller {
            return caller.is_sampled.then_some(Context {
                trace: caller.trace,
                parent: Some(caller.span),
            });
        }
        let low = self.numbers.next();
        // As other programs decide by the same trace, so that they come to the same.
        (low >> 1 < self.fraction).then(|| Context {
            trace: ((u128::from(self.numbers.next()) << 64) | u128::from(low)).to_be_bytes(),
            parent: None,
        })
    }
}

/// Numbers that nobody foresees: a keyed hash of a count, with a key that the process drew when it began.
#[derive(Default)]
pub(super) struct Numbers {
    key: RandomState,
    count: AtomicU64,
}

impl Numbers {
    pub(super) fn next(&self) -> u64 {
        self.key
            .hash_one(self.count.fetch_add(1, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(is_sampled: bool) -> TraceParent {
        TraceParent {
            trace: [1; 16],
            span: [2; 8],
            is_sampled,
        }
    }

    #[test]
    fn the_caller_decides_where_he_says_whether_he_traces() {
        let expected = Context {
            trace: [1; 16],
            parent: Some([2; 8]),
        };
        for ratio in [0.0, 1.0] {
            let sampler = Sampler::new(ratio);
            assert_eq!(sampler.context(Some(caller(true))), Some(expected));
            assert_eq!(sampler.context(Some(caller(false))), None);
        }
    }

    #[test]
    fn a_fraction_of_the_others_is_traced() {
        let traced = |ratio: f64| {
            let sampler = Sampler::new(ratio);
            (0..10_000).filter_map(|_| sampler.context(None)).count()
        };
        assert_eq!((traced(0.0), traced(1.0)), (0, 10_000));
        let tenth = traced(0.1);
        assert!((800..1_200).contains(&tenth), "{tenth}");
    }

    #[test]
    fn each_trace_has_its_own_id() {
        let sampler = Sampler::new(1.0);
        let ids: std::collections::BTreeSet<_> = (0..1_000)
            .map(|_| sampler.context(None).unwrap().trace)
            .collect();
        assert_eq!(ids.len(), 1_000);
    }
}
