//! The life of a review, top to bottom.

use std::sync::Arc;
use std::time::SystemTime;

use tollgate_admission::Request;
use tollgate_catalog::Catalog;

use crate::chain::{self, Before, Chain};
use crate::charging::{self, Charges, Look, Read};
use crate::outcome::{Course, Outcome};
use crate::{ratchet, relevance};

/// What a review is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// `/mutate`: edits are wanted.
    Mutate,
    /// `/validate`: a verdict on what would be stored.
    Validate,
    /// The command line: both.
    DryRun,
}

impl Phase {
    /// The phase's word in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mutate => "mutate",
            Self::Validate => "validate",
            Self::DryRun => "review",
        }
    }
}

/// Why no verdict can be given now. Whoever asked must decide without one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unavailable {
    /// Every instance is in use.
    #[error("all policy instances are in use")]
    Busy,
    /// A policy or a budget selects namespaces by labels, and the namespace's labels are not known.
    #[error(
        "{who} selects namespaces by their labels, and the labels of namespace `{namespace}` are not known; \
         add the Namespace's document to the configuration"
    )]
    UnknownNamespace {
        /// The policy or the budget that needs to know.
        who: String,
        /// The namespace.
        namespace: String,
    },
    /// The accounts of budgets cannot be read or written.
    #[error("pods cannot be charged: {0}")]
    Budgets(String),
}

/// How often a review is begun anew because others were faster to charge a budget.
const TRIES: usize = 64;

/// Judges a request at a time, on which only the end of exemptions and the windows of budgets depend, and charges its pod.
/// The same arguments and accounts always give the same outcome.
///
/// # Errors
///
/// When no verdict can be given: the host is out of instances, a namespace that a selector needs is unknown, or budgets
/// cannot be read or written.
pub async fn review(
    catalog: &Catalog,
    request: Request,
    phase: Phase,
    now: SystemTime,
) -> Result<Outcome, Unavailable> {
    if let Some(uid) = charging::ends(&request, phase) {
        charging::end(catalog, uid, seconds(now)).await?;
    }
    let relevant = match relevance::check(catalog, request, phase) {
        Ok(relevant) => relevant,
        Err(skipped) => return Ok(*skipped),
    };
    let (mut review, old) = relevant.split();
    let before = match &old {
        Some(old) => chain::before(catalog, old.clone(), phase, now).await?,
        None => Before::default(),
    };
    let mut look = Look::Glance;
    for tries in 1..=TRIES {
        let both = (&*review, old.as_deref());
        let Read {
            readings,
            is_current,
        } = charging::read(catalog, both, phase, seconds(now), look).await?;
        let again = (!readings.is_empty()).then(|| review.clone());
        let chain = Chain::of(catalog, &review, phase, now, Arc::clone(&readings))?;
        let mutated = chain.mutate(review).await?;
        let validated = chain.validate(mutated).await?;
        let outcome = ratchet::only_new_denials(validated.conclude(), &before.findings);
        let charges = match is_current || !charging::refuses(catalog, &outcome) {
            true => charging::charge(catalog, &outcome, phase, &readings).await?,
            false => Charges::Stale,
        };
        match (charges, again) {
            (Charges::Stale, Some(again)) => review = again,
            (charges, _) => {
                let course = Course {
                    tries,
                    before: before.runs,
                    charge: charges.made(),
                };
                return Ok(Outcome { course, ..outcome });
            }
        }
        look = Look::Read;
    }
    Err(Unavailable::Budgets(
        "others were faster each time".to_owned(),
    ))
}

/// A time in seconds since 1970.
pub fn seconds(time: SystemTime) -> i64 {
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
