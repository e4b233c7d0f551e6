//! Which budgets the pods of a review are charged to, and the charge itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;
use tollgate_admission::{Finding, Operation, PodView, Review, Severity, json};
use tollgate_budget::{
    Account, Entrant, PodReading, Reading, Readings, Share, StoreError, Verdict as Settled, Weighed,
};
use tollgate_catalog::{Catalog, Charged, Labels};
use tollgate_context::Snapshot;
use tollgate_engine::Proposed;

use crate::outcome::{Charge, Outcome};
use crate::review::{Phase, Unavailable};

/// How closely accounts are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// As far as they are known without asking anybody: enough to let a pod in, since the charge tells if it was wrong.
    Glance,
    /// As they are now: nobody is refused by less.
    Read,
    /// Not at all: it matters only what pods take.
    Away,
}

/// Budgets as they were read.
pub(crate) struct Read {
    pub(crate) readings: Arc<Readings>,
    /// Whether somebody may be refused by them.
    pub(crate) is_current: bool,
}

/// What a budget wants to know of a request besides its pods.
struct Asked<'a> {
    catalog: &'a Catalog,
    look: Look,
    namespace: &'a str,
    labels: Option<Arc<Labels>>,
    /// The pod's, where one is reviewed.
    uid: Option<String>,
}

/// Reads the budgets that the pods of a review are charged to, or compared with.
///
/// Nothing is read where nobody judges, nor for a pod that is there and counted already.
pub(crate) async fn read(
    catalog: &Catalog,
    (review, old): (&Review, Option<&Review>),
    phase: Phase,
    now: i64,
    look: Look,
) -> Result<Read, Unavailable> {
    let is_judged = phase != Phase::Mutate && !catalog.budgets.is_empty() && catalog.charges();
    if !is_judged || is_counted(catalog, review) {
        return Ok(Read {
            readings: Arc::default(),
            is_current: true,
        });
    }
    let snapshot = catalog.context.load();
    let request = review.request();
    let namespace = request.namespace.as_deref().unwrap_or_default();
    let given = request.namespace_labels.clone().map(Arc::new);
    let asked = Asked {
        catalog,
        look,
        namespace,
        labels: given
            .or_else(|| catalog.labels_of(namespace))
            .or_else(|| labels_in(&snapshot, namespace)),
        uid: uid(&request.object, namespace).filter(|_| review.request().gvk.is_pod()),
    };
    let is_pod = review.request().gvk.is_pod();
    let mut pods = Vec::new();
    for pod in review.pods() {
        let mut applying = match is_pod && is_gated(pod) {
            true => Vec::new(),
            false => asked.budgets_of(pod)?,
        };
        // What the pod was charged to before, it is not charged to again.
        if let Some(before) = old.filter(|_| is_pod).and_then(|old| old.pods().next())
            && !is_gated(before)
        {
            let before = asked.budgets_of(before)?;
            applying.retain(|index| !before.contains(index));
        }
        pods.push((priority(pod, &snapshot), applying));
    }
    let mut read = BTreeMap::new();
    let mut is_current = true;
    for index in pods.iter().flat_map(|(_, applying)| applying) {
        if let Some(charged) = catalog.budgets.get(*index)
            && !read.contains_key(index)
            && let Some((reading, is_vouched)) = asked.read(charged).await?
        {
            is_current &= is_vouched;
            read.insert(*index, reading);
        }
    }
    let pods = pods.into_iter().map(|(priority, applying)| PodReading {
        priority,
        budgets: applying
            .iter()
            .filter_map(|index| read.get(index).cloned())
            .collect(),
    });
    Ok(Read {
        readings: Arc::new(Readings {
            now,
            pods: pods.collect(),
        }),
        is_current,
    })
}

impl Asked<'_> {
    /// The budgets that apply to a pod, by their index.
    fn budgets_of(&self, pod: PodView<'_>) -> Result<Vec<usize>, Unavailable> {
        let labels: Labels = pod.labels().into_iter().collect();
        let mut applying = Vec::new();
        for (index, charged) in self.catalog.budgets.iter().enumerate() {
            let budget = &charged.budget;
            let applies = budget.applies_to(self.namespace, self.labels.as_deref(), &labels);
            match applies {
                Some(true) => applying.push(index),
                Some(false) => {}
                None => {
                    return Err(Unavailable::UnknownNamespace {
                        who: format!("budget `{}`", budget.name),
                        namespace: self.namespace.to_owned(),
                    });
                }
            }
        }
        Ok(applying)
    }

    /// A budget as it stands, but for what an earlier try of the same review reserved, and whether that is vouched for.
    /// One that is gone holds nobody back.
    async fn read(&self, charged: &Charged) -> Result<Option<(Arc<Reading>, bool)>, Unavailable> {
        let Some((mut account, is_vouched)) = self.account(&charged.budget.name).await? else {
            return Ok(None);
        };
        if let Some(uid) = self.uid.as_deref()
            && account.reservations.contains_key(uid)
        {
            Arc::make_mut(&mut account).reservations.remove(uid);
        }
        Ok(Some((Arc::new(charged.reading(account)), is_vouched)))
    }

    async fn account(&self, budget: &str) -> Result<Option<(Arc<Account>, bool)>, Unavailable> {
        let ledger = &self.catalog.ledger;
        let recent = match self.look {
            Look::Away => Some(Arc::default()),
            Look::Glance => ledger.recent(budget),
            Look::Read => None,
        };
        if let Some(account) = recent {
            return Ok(Some((account, false)));
        }
        match ledger.account(budget).await {
            Ok(account) => Ok(Some((account, true))),
            Err(StoreError::Gone { .. }) => Ok(None),
            Err(err) => Err(unavailable(err)),
        }
    }
}

/// Whether what is said of budgets is why an object is refused.
pub(crate) fn refuses(catalog: &Catalog, outcome: &Outcome) -> bool {
    refusal(catalog, outcome).is_some()
}

/// What is said of budgets where that is why an object is refused.
pub fn refusal<'o>(catalog: &Catalog, outcome: &'o Outcome) -> Option<&'o Finding> {
    let charges = |policy: &str| {
        let mut entries = catalog.entries.iter();
        entries.any(|entry| *entry.name == *policy && entry.charges())
    };
    let mut findings = outcome.findings.iter();
    findings.find(|finding| finding.severity == Severity::Deny && charges(&finding.policy))
}

/// What became of the charges of a review.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Charges {
    /// They are made, or none are to be.
    Settled(Option<Charge>),
    /// A budget has changed since it was read, and no longer has room.
    Stale,
}

impl Charges {
    /// The charge that was made, if there was one.
    pub(crate) fn made(self) -> Option<Charge> {
        match self {
            Self::Settled(charge) => charge,
            Self::Stale => None,
        }
    }
}

/// Makes the charges of a review that was allowed: for pods alone, and not where the API server only tries.
pub(crate) async fn charge(
    catalog: &Catalog,
    outcome: &Outcome,
    phase: Phase,
    readings: &Readings,
) -> Result<Charges, Unavailable> {
    let is_real = phase == Phase::DryRun || phase == Phase::Validate && !outcome.dry_run;
    let charged = outcome.charged().filter(|_| is_real);
    let shares: Vec<_> = charged.map(share).collect();
    if shares.is_empty() {
        return Ok(Charges::Settled(None));
    }
    let begun = Instant::now();
    let priority = readings.pods.first().map_or(0, |pod| pod.priority);
    let entrant = entrant(outcome, priority);
    let charged = catalog.ledger.charge(&entrant, shares, readings.now).await;
    let Some(refused) = charged.map_err(unavailable)? else {
        return Ok(Charges::Settled(Some(Charge {
            begun,
            duration: begun.elapsed(),
        })));
    };
    match refused.verdict {
        Settled::Full => Err(Unavailable::Budgets(format!(
            "budget `{}` has as many reservations as it can keep: {} pods were let in and have not been seen yet",
            refused.budget,
            refused.account.reservations.len()
        ))),
        Settled::Exceeded(_) | Settled::Reserved | Settled::Already => Ok(Charges::Stale),
    }
}

/// What did not fit when it was proposed, and is allowed all the same, was let in by somebody: the budget that only warns,
/// a mode, an exemption.
fn share(Proposed { weighed, .. }: &Proposed) -> Share {
    let Weighed {
        budget,
        charge,
        standings,
    } = weighed;
    Share {
        budget: budget.name.clone(),
        limits: budget.limits.clone(),
        charge: charge.clone(),
        beyond: budget.warns || standings.iter().any(|standing| standing.is_exceeded),
    }
}

/// The pod by its uid, which the API server has set when it asks; a manifest has its name alone.
fn entrant(outcome: &Outcome, priority: i32) -> Entrant {
    let namespace = outcome.namespace.as_deref().unwrap_or_default();
    let metadata = outcome.object.get("metadata");
    let name = metadata.and_then(|metadata| json::text(metadata, "name"));
    let uid = uid(&outcome.object, namespace).unwrap_or_else(|| outcome.uid.clone());
    Entrant {
        uid: uid.into(),
        pod: (namespace.into(), name.unwrap_or_default().into()),
        priority,
    }
}

fn uid(object: &Value, namespace: &str) -> Option<String> {
    let metadata = object.get("metadata")?;
    let named = || Some(format!("{namespace}/{}", json::text(metadata, "name")?));
    json::text(metadata, "uid")
        .map(str::to_owned)
        .or_else(named)
}

/// Ends a pod that is deleted, where nobody watches pods.
pub(crate) async fn end(catalog: &Catalog, uid: &str, now: i64) -> Result<(), Unavailable> {
    for charged in &catalog.budgets {
        let (name, limits) = (&charged.budget.name, charged.limits.clone());
        let ended = catalog.ledger.end(name, limits, uid.into(), now).await;
        ended.map_err(unavailable)?;
    }
    Ok(())
}

/// The uid of a pod whose deletion is asked for.
pub(crate) fn ends(request: &tollgate_admission::Request, phase: Phase) -> Option<&str> {
    let is_pod = request.gvk.is_pod();
    let is_real = phase == Phase::Validate && !request.dry_run && request.subresource.is_none();
    let old = request.old_object.as_ref();
    let old = old.filter(|_| is_pod && is_real && request.operation == Operation::Delete)?;
    json::text(old.get("metadata")?, "uid")
}

fn unavailable(err: impl std::error::Error) -> Unavailable {
    let causes = std::iter::successors(err.source(), |err| err.source());
    let told = causes.fold(err.to_string(), |text, cause| format!("{text}: {cause}"));
    Unavailable::Budgets(told)
}

/// Whether a pod that is said to be new is there, and in the accounts.
fn is_counted(catalog: &Catalog, review: &Review) -> bool {
    let request = review.request();
    let uid = request
        .object
        .pointer("/metadata/uid")
        .and_then(Value::as_str);
    request.operation == Operation::Create
        && review.request().gvk.is_pod()
        && uid.is_some_and(|uid| catalog.ledger.counts(uid))
}

fn is_gated(pod: PodView<'_>) -> bool {
    !pod.scheduling_gates().is_empty()
}

fn labels_in(snapshot: &Snapshot, namespace: &str) -> Option<Arc<Labels>> {
    let object = snapshot.object("Namespace", None, namespace)?;
    let labels = json::pairs(object.get("metadata")?, "labels");
    Some(Arc::new(labels.into_iter().collect()))
}

const CLASS: &str = "PriorityClass.scheduling.k8s.io";

/// The classes that every cluster has.
const SYSTEM_CLASSES: [(&str, i32); 2] = [
    ("system-cluster-critical", 2_000_000_000),
    ("system-node-critical", 2_000_001_000),
];

/// A pod's priority: as the API server has set it, else that of its class, else the cluster's default.
fn priority(pod: PodView<'_>, snapshot: &Snapshot) -> i32 {
    let value = |class: &Value| i32::try_from(class.get("value")?.as_i64()?).ok();
    let of_class = |name: &str| {
        let system = SYSTEM_CLASSES.iter().find(|(class, _)| *class == name);
        let system = system.map(|(_, value)| *value);
        system.or_else(|| value(snapshot.object(CLASS, None, name)?))
    };
    let default = || {
        let mut classes = snapshot.objects(CLASS, None);
        value(classes.find(|class| json::flag(class, "globalDefault"))?)
    };
    let own = pod.priority().or_else(|| match pod.priority_class() {
        Some(name) => of_class(name),
        None => default(),
    });
    own.unwrap_or_default()
}
