//! A pod that several budgets apply to: charged in all of them or in none.

use std::sync::Arc;

use crate::{Account, ChargeError, Committer, Reserve, Store, Verdict};

/// A pod's wish to one budget.
pub struct Share<'c, S> {
    /// The budget.
    pub committer: &'c Committer<S>,
    /// What is asked of it.
    pub wish: Arc<Reserve>,
}

/// A budget that did not let the pod in, as it stood then.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The name of the budget.
    pub budget: Arc<str>,
    /// Why: never that it is reserved.
    pub verdict: Verdict,
    /// The account that the verdict was made on.
    pub account: Arc<Account>,
}

/// Reserves in every budget in the order of their names, or gives back what was reserved in the earlier ones. One order
/// for all means that of two pods that contend for two budgets, one gets through.
///
/// # Errors
///
/// When a store fails or a sum does not fit; what was reserved before is given back as far as the stores let it, and
/// else as that of any pod that never comes.
pub async fn reserve_in_all<S: Store>(
    mut shares: Vec<Share<'_, S>>,
    now: i64,
) -> Result<Option<Refused>, ChargeError> {
    shares.sort_by(|one, other| one.committer.budget().cmp(other.committer.budget()));
    let mut reserved = Vec::with_capacity(shares.len());
    for share in &shares {
        let answer = share.committer.reserve(share.wish.clone(), now).await;
        let outcome = match answer {
            Ok((Verdict::Reserved, _)) => {
                reserved.push(share);
                continue;
            }
            // An earlier try of the same review made it: it is not this one's to give back.
            Ok((Verdict::Already, _)) => continue,
            Ok((verdict, account)) => Ok(Some(Refused {
                budget: share.committer.budget().clone(),
                verdict,
                account,
            })),
            Err(err) => Err(err),
        };
        give_back(&reserved).await;
        return outcome;
    }
    Ok(None)
}

async fn give_back<S: Store>(reserved: &[&Share<'_, S>]) {
    for share in reserved.iter().rev() {
        // What cannot be given back now expires: the pod is refused and never comes.
        drop(share.committer.release(share.wish.uid.clone()).await);
    }
}
