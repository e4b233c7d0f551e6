//! What the server counts, in Prometheus' text format.

mod cluster;
mod policies;
mod traces;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use self::cluster::ClusterMetrics;
pub use self::cluster::{OwnerTold, Registered};
use self::policies::PolicyMetrics;
pub use self::traces::TraceFate;
use self::traces::Traces;
use crate::gate::Occupancy;
use crate::rejection::Reason;
use crate::reviewer::{Admission, Decision, Effect, Phase, RuleUse, Standing};

/// Upper bounds of a review's durations, in seconds.
const REVIEW_BUCKETS: [f64; 15] = [
    0.00005, 0.0001, 0.0002, 0.0003, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.03, 0.1, 0.3, 1.0,
    3.0,
];

/// All metrics of a server.
pub struct Metrics {
    registry: Registry,
    mutate: PhaseMetrics,
    validate: PhaseMetrics,
    rejections: Family<ReasonLabels, Counter>,
    policies: PolicyMetrics,
    cluster: ClusterMetrics,
    configuration_reloads: Family<ReloadLabels, Counter>,
    certificate_reloads: Family<ReloadLabels, Counter>,
    accounts: Family<AccountLabels, Counter>,
    budgets: Budgets,
    traces: Traces,
    gauges: Gauges,
}

/// How one limit of a budget stands, in its unit.
#[derive(Clone, Debug, PartialEq)]
pub struct LimitFigures {
    /// The budget.
    pub budget: String,
    /// What tells the limit apart from the other limits of the budget.
    pub limit: String,
    /// The most.
    pub amount: f64,
    /// What live and ended pods use of it.
    pub used: f64,
    /// What is reserved for pods that are still to come.
    pub reserved: f64,
}

/// What happens to the account of a budget besides charges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountTiding {
    /// A pod came for which nothing was reserved any more.
    LatePod,
    /// A reservation was given back because its pod did not come.
    ExpiredReservation,
    /// A count of the live pods differed from what the account said.
    Drift,
}

/// How a reload ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// The new state is in force.
    Succeeded,
    /// The old state stays.
    Failed,
}

/// What is looked up when metrics are read, instead of being counted.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) occupancy: Occupancy,
    pub(crate) seconds_to_expiry: f64,
    pub(crate) standing: Option<Standing>,
}

/// An open connection.
pub(crate) struct Connected(Gauge);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("tollgate");
        let (mutate, validate) = reviews(&mut registry);
        register_build(&mut registry);
        Self {
            mutate,
            validate,
            rejections: rejections(&mut registry),
            policies: PolicyMetrics::new(&mut registry),
            cluster: ClusterMetrics::new(&mut registry),
            configuration_reloads: reloads(
                &mut registry,
                "configuration_reloads",
                "Reloads of the configuration",
            ),
            certificate_reloads: reloads(
                &mut registry,
                "certificate_reloads",
                "Reloads of the TLS certificate",
            ),
            accounts: family(
                &mut registry,
                "budget_tidings",
                "What the leader found about accounts of budgets: late pods, expired reservations, drift",
            ),
            budgets: Budgets::new(&mut registry),
            traces: Traces::new(&mut registry),
            gauges: Gauges::new(&mut registry),
            registry,
        }
    }

    /// Counts a reload of the configuration.
    pub fn configuration_reloaded(&self, reload: Reload) {
        self.configuration_reloads
            .get_or_create(&reload.into())
            .inc();
    }

    /// Counts a reload of the certificate.
    pub fn certificate_reloaded(&self, reload: Reload) {
        self.certificate_reloads.get_or_create(&reload.into()).inc();
    }

    /// Counts what the leader found about the account of a budget.
    pub fn account_told(&self, budget: String, tiding: AccountTiding) {
        let labels = AccountLabels {
            budget,
            tiding: tiding.as_label(),
        };
        self.accounts.get_or_create(&labels).inc();
    }

    /// Shows how all limits of all budgets stand, and no others.
    pub fn budgets_stand(&self, limits: Vec<LimitFigures>) {
        self.budgets.set(limits);
    }

    /// How many calls were decided so, in both phases.
    pub fn decided(&self, decision: Decision) -> u64 {
        let phases = [&self.mutate, &self.validate].into_iter();
        phases.map(|phase| phase.decided(decision).get()).sum()
    }

    /// How often a rule did something, in both phases.
    pub fn used(&self, policy: &str, rule: &str, effect: Effect) -> u64 {
        let (policy, rule) = (policy.to_owned(), rule.to_owned());
        self.policies.used(&RuleUse {
            policy,
            rule,
            effect,
        })
    }

    /// How many reloads of the configuration ended so.
    pub fn reloads(&self, reload: Reload) -> u64 {
        let counter = self.configuration_reloads.get(&reload.into());
        counter.map_or(0, |counter| counter.get())
    }

    /// Counts a call that was judged.
    pub(crate) fn reviewed(&self, phase: Phase, admission: &Admission, duration: Duration) {
        let review = match phase {
            Phase::Mutate => &self.mutate,
            Phase::Validate => &self.validate,
        };
        review.decided(admission.decision).inc();
        review.duration.observe(duration.as_secs_f64());
        self.policies.reviewed(phase, admission);
    }

    /// Tells whether this replica leads.
    pub fn leads(&self, leads: bool) {
        self.cluster.leads(leads);
    }

    /// Tells what the API server knows of this installation.
    pub fn registered(&self, registered: Registered) {
        self.cluster.registered(registered);
    }

    /// Tells of how many objects the newest version is refused, by kind.
    pub fn objects_refused(&self, by_kind: &BTreeMap<&'static str, usize>) {
        self.cluster.objects_refused(by_kind);
    }

    /// Counts refusals that the owners of pods were to be told of.
    pub fn owners_told(&self, told: OwnerTold, count: u64) {
        self.cluster.owners_told(told, count);
    }

    /// Counts traces of reviews, of none as well: from then on the series is there.
    pub fn traced(&self, fate: TraceFate, count: u64) {
        self.traces.ended(fate, count);
    }

    /// Counts a call that was not judged.
    pub(crate) fn rejected(&self, reason: Reason) {
        self.rejections.get_or_create(&reason.into()).inc();
    }

    /// Counts a connection as open until the guard is dropped.
    pub(crate) fn connected(&self) -> Connected {
        self.gauges.connections.inc();
        Connected(self.gauges.connections.clone())
    }

    /// All metrics as text.
    pub(crate) fn encode(&self, snapshot: &Snapshot) -> String {
        self.gauges.set(snapshot);
        if let Some(standing) = &snapshot.standing {
            self.policies.stand(standing);
        }
        let mut out = String::new();
        // Writing to a `String` does not fail.
        let _ = text::encode(&mut out, &self.registry);
        out
    }
}

/// The metrics of one phase, resolved once, since every review counts in them.
struct PhaseMetrics {
    allowed: Counter,
    denied: Counter,
    faulted: Counter,
    duration: Histogram,
}

impl PhaseMetrics {
    fn decided(&self, decision: Decision) -> &Counter {
        match decision {
            Decision::Allowed => &self.allowed,
            Decision::Denied => &self.denied,
            Decision::Faulted => &self.faulted,
        }
    }
}

fn reviews(registry: &mut Registry) -> (PhaseMetrics, PhaseMetrics) {
    let decisions = Family::<DecisionLabels, Counter>::default();
    let durations =
        Family::<PhaseLabels, Histogram, fn() -> Histogram>::new_with_constructor(|| {
            Histogram::new(REVIEW_BUCKETS)
        });
    registry.register("reviews", "Calls that were judged", decisions.clone());
    registry.register_with_unit(
        "review_duration",
        "How long calls took that were judged, from head to answer",
        Unit::Seconds,
        durations.clone(),
    );
    let of = |phase: Phase| PhaseMetrics {
        allowed: decisions.get_or_create_owned(&(phase, Decision::Allowed).into()),
        denied: decisions.get_or_create_owned(&(phase, Decision::Denied).into()),
        faulted: decisions.get_or_create_owned(&(phase, Decision::Faulted).into()),
        duration: durations.get_or_create_owned(&phase.into()),
    };
    (of(Phase::Mutate), of(Phase::Validate))
}

fn rejections(registry: &mut Registry) -> Family<ReasonLabels, Counter> {
    let rejections = family(
        registry,
        "rejections",
        "Calls that got no review, by reason",
    );
    for reason in Reason::ALL {
        let _there_from_the_start = rejections.get_or_create(&ReasonLabels::from(reason));
    }
    rejections
}

fn reloads(registry: &mut Registry, name: &str, help: &str) -> Family<ReloadLabels, Counter> {
    let reloads = family(registry, name, help);
    for reload in [Reload::Succeeded, Reload::Failed] {
        let _there_from_the_start = reloads.get_or_create(&ReloadLabels::from(reload));
    }
    reloads
}

fn family<L>(registry: &mut Registry, name: &str, help: &str) -> Family<L, Counter>
where
    L: Clone + std::fmt::Debug + Eq + std::hash::Hash + EncodeLabelSet + Send + Sync + 'static,
{
    let family = Family::<L, Counter>::default();
    registry.register(name, help, family.clone());
    family
}

fn register_build(registry: &mut Registry) {
    let build = Family::<BuildLabels, Gauge>::default();
    let version = env!("CARGO_PKG_VERSION");
    build.get_or_create(&BuildLabels { version }).set(1);
    registry.register("build_info", "The version that is running", build);
}

type Figure = Family<LimitLabels, Gauge<f64, AtomicU64>>;

#[derive(Default)]
struct Budgets {
    amount: Figure,
    used: Figure,
    reserved: Figure,
}

impl Budgets {
    fn new(registry: &mut Registry) -> Self {
        let budgets = Self::default();
        let rows = [
            (
                "budget_limit",
                "The most that pods may take of a budget",
                &budgets.amount,
            ),
            (
                "budget_used",
                "What live and ended pods use of a budget",
                &budgets.used,
            ),
            (
                "budget_reserved",
                "What of a budget is reserved for pods that are still to come",
                &budgets.reserved,
            ),
        ];
        for (name, help, figure) in rows {
            registry.register(name, help, figure.clone());
        }
        budgets
    }

    fn set(&self, limits: Vec<LimitFigures>) {
        for figure in [&self.amount, &self.used, &self.reserved] {
            figure.clear();
        }
        for LimitFigures {
            budget,
            limit,
            amount,
            used,
            reserved,
        } in limits
        {
            let labels = LimitLabels { budget, limit };
            self.amount.get_or_create(&labels).set(amount);
            self.used.get_or_create(&labels).set(used);
            self.reserved.get_or_create(&labels).set(reserved);
        }
    }
}

#[derive(Default)]
struct Gauges {
    in_flight: Gauge,
    in_flight_at_most: Gauge,
    waiting: Gauge,
    waiting_at_most: Gauge,
    connections: Gauge,
    expiry: Gauge<f64, AtomicU64>,
}

impl Gauges {
    fn new(registry: &mut Registry) -> Self {
        let gauges = Self::default();
        registry.register(
            "reviews_in_flight",
            "Calls that are being judged",
            gauges.in_flight.clone(),
        );
        registry.register(
            "reviews_waiting",
            "Calls that are read or wait for their turn",
            gauges.waiting.clone(),
        );
        registry.register(
            "reviews_in_flight_limit",
            "How many calls may be judged at once",
            gauges.in_flight_at_most.clone(),
        );
        registry.register(
            "reviews_waiting_limit",
            "How many calls may wait before others are turned away",
            gauges.waiting_at_most.clone(),
        );
        registry.register(
            "connections",
            "Open TLS connections",
            gauges.connections.clone(),
        );
        let expiry = gauges.expiry.clone();
        registry.register_with_unit(
            "certificate_expiry",
            "Until the TLS certificate expires",
            Unit::Seconds,
            expiry,
        );
        gauges
    }

    fn set(&self, snapshot: &Snapshot) {
        let Snapshot {
            occupancy:
                Occupancy {
                    judged,
                    judged_at_most,
                    waiting,
                    waiting_at_most,
                },
            seconds_to_expiry,
            standing: _,
        } = snapshot;
        self.in_flight.set(whole(*judged));
        self.in_flight_at_most.set(whole(*judged_at_most));
        self.waiting.set(whole(*waiting));
        self.waiting_at_most.set(whole(*waiting_at_most));
        self.expiry.set(*seconds_to_expiry);
    }
}

/// A count as gauges have it.
fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DecisionLabels {
    phase: &'static str,
    decision: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PhaseLabels {
    phase: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

/// Names and limits of budgets are bounded by the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LimitLabels {
    budget: String,
    limit: String,
}

/// A budget's name is bounded by the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AccountLabels {
    budget: String,
    tiding: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReloadLabels {
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BuildLabels {
    version: &'static str,
}

impl From<(Phase, Decision)> for DecisionLabels {
    fn from((phase, decision): (Phase, Decision)) -> Self {
        Self {
            phase: phase.as_label(),
            decision: decision.as_label(),
        }
    }
}

impl From<Phase> for PhaseLabels {
    fn from(phase: Phase) -> Self {
        Self {
            phase: phase.as_label(),
        }
    }
}

impl From<Reason> for ReasonLabels {
    fn from(reason: Reason) -> Self {
        Self {
            reason: reason.as_label(),
        }
    }
}

impl From<Reload> for ReloadLabels {
    fn from(reload: Reload) -> Self {
        Self {
            result: reload.as_label(),
        }
    }
}

impl AccountTiding {
    /// The tiding's word in metrics.
    pub fn as_label(self) -> &'static str {
        match self {
            Self::LatePod => "late-pod",
            Self::ExpiredReservation => "expired-reservation",
            Self::Drift => "drift",
        }
    }
}

impl Reload {
    /// The result's word in metrics.
    pub fn as_label(self) -> &'static str {
        match self {
            Self::Succeeded => "ok",
            Self::Failed => "failed",
        }
    }
}
