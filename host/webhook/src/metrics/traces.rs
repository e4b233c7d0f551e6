//! What becomes of traces. Where reviews are not traced, there are no series.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::family;

/// What became of the trace of a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceFate {
    /// The collector has it.
    Sent,
    /// There were too many at once.
    Dropped,
    /// The collector refused it, or was away.
    Failed,
}

impl TraceFate {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sent, Self::Dropped, Self::Failed];

    /// The word in metrics.
    pub fn as_label(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Dropped => "dropped",
            Self::Failed => "failed",
        }
    }
}

/// The metric.
pub(super) struct Traces(Family<Labels, Counter>);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    result: &'static str,
}

impl Traces {
    pub(super) fn new(registry: &mut Registry) -> Self {
        Self(family(
            registry,
            "traces",
            "Traces of reviews, by whether the collector has them",
        ))
    }

    pub(super) fn ended(&self, fate: TraceFate, count: u64) {
        let result = fate.as_label();
        self.0.get_or_create(&Labels { result }).inc_by(count);
    }
}
