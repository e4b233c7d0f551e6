//! What is on the page.

use std::sync::Arc;

use jiff::Timestamp;

use crate::{Denial, Uses};

/// All that the page shows, as of one moment.
#[derive(Clone, Debug)]
pub struct View {
    /// The moment.
    pub at: Timestamp,
    /// The version of Tollgate.
    pub version: &'static str,
    /// Who tells it.
    pub source: Source,
    /// Which configuration is in force.
    pub configuration: Configuration,
    /// When the certificate of the webhook expires, where there is one.
    pub certificate: Option<Timestamp>,
    /// What was decided lately, where anything is decided.
    pub activity: Option<Activity>,
    /// The policies that are on, in the order in which they run.
    pub policies: Vec<Policy>,
    /// The names of those that are off.
    pub off: Vec<String>,
    /// The budgets, or why they cannot be told.
    pub budgets: Result<Vec<Budget>, String>,
    /// The latest denials, the newest first.
    pub denials: Vec<Arc<Denial>>,
}

/// Who tells what is on the page.
#[derive(Clone, Debug)]
pub enum Source {
    /// A server.
    Server {
        /// The name of the replica, where it has one.
        replica: Option<String>,
        /// When it started.
        since: Timestamp,
        /// Whether policies are loaded.
        is_ready: bool,
    },
    /// Files: nothing is served.
    Files,
}

/// Which configuration is in force.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// What tells it apart from others, where one is in force.
    pub version: Option<String>,
    /// Where it is from, in words.
    pub origin: String,
    /// How many newer ones were refused.
    pub refused: u64,
    /// What whoever wrote it should know.
    pub notices: Vec<String>,
}

/// What was decided in the last hour, and before.
#[derive(Clone, Debug, Default)]
pub struct Activity {
    /// Objects that were let in.
    pub allowed: Series,
    /// Objects that policies refused.
    pub denied: Series,
    /// Objects that were refused since a policy faulted.
    pub faulted: Series,
}

/// Something that was counted.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// How often it was in each minute of the last hour, the oldest first.
    pub minutes: Vec<u64>,
    /// How often it was since the start.
    pub total: u64,
}

impl Series {
    /// How often it was in the last hour.
    pub fn hour(&self) -> u64 {
        self.minutes.iter().sum()
    }
}

/// A policy that is on.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub doc: String,
    /// Whether it repairs, judges, or both, in words.
    pub does: String,
    /// What its edits and findings do.
    pub mode: Mode,
    /// Where its component is from.
    pub module: String,
    /// The digest of its component.
    pub digest: String,
    /// Its rules.
    pub rules: Vec<Rule>,
    /// What it did in the last hour, where that is known.
    pub uses: Option<PolicyUses>,
    /// How many times it gave no valid answer.
    pub faults: u64,
    /// When it did so last, and why.
    pub last_fault: Option<(Timestamp, String)>,
    /// Whether it faulted so often that it is not run for now.
    pub is_cut_off: bool,
}

/// What the edits and findings of a policy do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// They hold.
    Enforce,
    /// They are told to users.
    Warn,
    /// They are told to operators.
    Observe,
}

/// What a policy did in the last hour.
#[derive(Clone, Debug, Default)]
pub struct PolicyUses {
    /// How often one of its rules did something, in each minute, the oldest first.
    pub minutes: Vec<u64>,
    /// What it did in the hour.
    pub hour: Uses,
}

/// A rule of a policy.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its id.
    pub id: String,
    /// What it is about.
    pub doc: String,
    /// What it does: `deny`, `warn`, `repair` or `off`.
    pub action: &'static str,
    /// Whether configuration says so, and not the policy.
    pub is_configured: bool,
    /// What it did since the start, where that is known.
    pub uses: Option<Uses>,
}

/// How much some pods may use together.
#[derive(Clone, Debug)]
pub struct Budget {
    /// Its name.
    pub name: String,
    /// What happens to a pod that does not fit: `deny` or `warn`.
    pub on_exceed: &'static str,
    /// Whom to ask.
    pub contact: Option<String>,
    /// How many live pods are charged to it, where they are counted.
    pub pods: Option<usize>,
    /// Its limits.
    pub limits: Vec<Limit>,
    /// Of when it is who holds what, where that is not now, or why it is not known.
    pub counted: Option<Result<Timestamp, String>>,
    /// How busy its devices are, where that was asked for, or why it is not known.
    pub in_use: Option<Result<InUse, String>>,
}

impl Budget {
    /// Takes who holds what from budgets as they were counted before; a limit that is newer has nothing of it.
    pub fn hold_as(&mut self, counted: &[Self]) {
        let Some(before) = counted.iter().find(|before| before.name == self.name) else {
            return;
        };
        self.pods = before.pods;
        for limit in &mut self.limits {
            if let Some(before) = before.limits.iter().find(|it| it.name == limit.name) {
                limit.namespaces = before.namespaces.clone();
                limit.models = before.models.clone();
                limit.owners = before.owners.clone();
            }
        }
    }
}

/// How busy the devices of a budget were in the last hour. Amounts are texts: `8 at 20 %`.
#[derive(Clone, Debug)]
pub struct InUse {
    /// All that is held.
    pub held: String,
    /// The same by namespace.
    pub namespaces: Shares,
    /// The same by who made the pods, the idlest first.
    pub owners: Shares,
}

/// How one limit of a budget stands. Amounts are texts with as many digits as they need.
#[derive(Clone, Debug)]
pub struct Limit {
    /// What it counts, of which model, over what time: `gpu/H100-80GB`, `money@month`.
    pub name: String,
    /// The most.
    pub amount: String,
    /// What is used.
    pub used: String,
    /// What is reserved for pods that are still to come, unless nothing is.
    pub reserved: Option<String>,
    /// What is left.
    pub free: String,
    /// The currency, where it counts money.
    pub currency: Option<String>,
    /// From where on there is a warning.
    pub soft: Option<String>,
    /// When it begins anew.
    pub resets: Option<Timestamp>,
    /// How many thousandths of the most are used.
    pub used_permille: u32,
    /// How many thousandths of the most are reserved.
    pub reserved_permille: u32,
    /// How many thousandths of the most the warning is at.
    pub soft_permille: Option<u32>,
    /// Whether shares are those of an hour.
    pub is_hourly: bool,
    /// What live pods take, by namespace.
    pub namespaces: Shares,
    /// What live pods take, by model.
    pub models: Shares,
    /// What live pods take, by who made them.
    pub owners: Shares,
}

/// What pods take of a limit, by what some of them have in common.
#[derive(Clone, Debug, Default)]
pub struct Shares {
    /// Those that are named, in order.
    pub named: Vec<Share>,
    /// The others, where there are any.
    pub others: Option<Others>,
}

/// What some pods take of a limit.
#[derive(Clone, Debug)]
pub struct Share {
    /// What they have in common.
    pub name: String,
    /// How much they take.
    pub amount: String,
    /// How many thousandths that is of what all take, where it is shown as a bar.
    pub permille: Option<u32>,
}

/// Shares that are not named.
#[derive(Clone, Debug)]
pub struct Others {
    /// How many there are.
    pub count: usize,
    /// How much they take together, where that is told.
    pub amount: Option<String>,
}

/// Whether the page asks for itself again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// Only when whoever reads it asks: what moves by itself is in the way of screen readers.
    Never,
    /// From time to time, as its reader wants.
    Often,
}
