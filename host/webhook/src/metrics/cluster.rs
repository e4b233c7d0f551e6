//! What only a replica in a cluster can tell. Where there is none, or it takes no part, these have no series at all: a
//! zero would say that something is wrong.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use prometheus_client::encoding::{EncodeLabelSet, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::whole;

/// What the API server knows of an installation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Registered {
    /// Whether both webhook configurations are there.
    pub is_complete: bool,
    /// Whether somebody has made them let objects in when nobody answers.
    pub fails_open: bool,
}

/// What became of a refusal that the owner of a pod was to be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnerTold {
    /// He was told.
    Written,
    /// He had been told the same a moment ago.
    Repeated,
    /// There were too many at once, or there is no such owner.
    Dropped,
    /// The API server refused, or was away.
    Failed,
}

impl OwnerTold {
    /// The word in metrics.
    pub fn as_label(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Repeated => "repeated",
            Self::Dropped => "dropped",
            Self::Failed => "failed",
        }
    }
}

pub(super) struct ClusterMetrics {
    leader: Single,
    registered: Single,
    fail_open: Single,
    refused: Family<KindLabels, Gauge>,
    owners: Family<ToldLabels, Counter>,
}

/// Yes or no, or nothing until it is set.
#[derive(Clone, Debug)]
struct Single(Arc<AtomicI64>);

const UNSET: i64 = -1;

impl Single {
    fn set(&self, holds: bool) {
        self.0.store(i64::from(holds), Ordering::Relaxed);
    }
}

impl EncodeMetric for Single {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        encoder.encode_gauge(&self.0.load(Ordering::Relaxed))
    }

    fn is_empty(&self) -> bool {
        self.0.load(Ordering::Relaxed) == UNSET
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Gauge
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ToldLabels {
    result: &'static str,
}

impl ClusterMetrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let refused = Family::default();
        registry.register(
            "objects_refused",
            "Configuration objects whose newest version cannot be used",
            refused.clone(),
        );
        let owners = Family::default();
        registry.register(
            "owners_told",
            "Refused pods of controllers, by whether their owners were told with an event",
            owners.clone(),
        );
        Self {
            leader: single(registry, "leader", "Whether this replica leads"),
            registered: single(
                registry,
                "registered",
                "Whether both webhook configurations are there",
            ),
            fail_open: single(
                registry,
                "fail_open",
                "Whether somebody lets objects in when nobody answers",
            ),
            refused,
            owners,
        }
    }

    pub(super) fn leads(&self, leads: bool) {
        self.leader.set(leads);
    }

    pub(super) fn registered(&self, registered: Registered) {
        let Registered {
            is_complete,
            fails_open,
        } = registered;
        self.registered.set(is_complete);
        self.fail_open.set(fails_open);
    }

    pub(super) fn owners_told(&self, told: OwnerTold, count: u64) {
        let result = told.as_label();
        self.owners
            .get_or_create(&ToldLabels { result })
            .inc_by(count);
    }

    pub(super) fn objects_refused(&self, by_kind: &BTreeMap<&'static str, usize>) {
        for (kind, count) in by_kind {
            self.refused
                .get_or_create(&KindLabels { kind })
                .set(whole(*count));
        }
    }
}

fn single(registry: &mut Registry, name: &str, help: &str) -> Single {
    let gauge = Single(Arc::new(AtomicI64::new(UNSET)));
    registry.register(name, help, gauge.clone());
    gauge
}
