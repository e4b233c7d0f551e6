//! The life of a review, top to bottom.

use std::time::SystemTime;

use tollgate_admission::Request;
use tollgate_catalog::Catalog;

use crate::chain::{self, Chain};
use crate::outcome::Outcome;
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
    /// A policy selects namespaces by labels, and the namespace's labels are not known.
    #[error(
        "policy `{policy}` selects namespaces by their labels, and the labels of namespace `{namespace}` are not known; \
         add the Namespace's document to the configuration"
    )]
    UnknownNamespace {
        /// The policy that needs to know.
        policy: String,
        /// The namespace.
        namespace: String,
    },
}

/// Judges a request at a time, on which only the end of exemptions depends. The same arguments always give the same
/// outcome.
///
/// # Errors
///
/// When no verdict can be given: the host is out of instances, or a namespace that a selector needs is unknown.
pub async fn review(
    catalog: &Catalog,
    request: Request,
    phase: Phase,
    now: SystemTime,
) -> Result<Outcome, Unavailable> {
    let relevant = match relevance::check(catalog, request, phase) {
        Ok(relevant) => relevant,
        Err(skipped) => return Ok(*skipped),
    };
    let (review, old) = relevant.split();
    let chain = Chain::of(catalog, &review, phase, now)?;
    let mutated = chain.mutate(review).await?;
    let validated = chain.validate(mutated).await?;
    let known = match old {
        Some(old) => chain::findings_of(catalog, old, phase, now).await?,
        None => Vec::new(),
    };
    Ok(ratchet::only_new_denials(validated.conclude(), &known))
}
