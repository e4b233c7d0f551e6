//! A pod that several budgets apply to: charged in all of them or in none.

use std::sync::Arc;

use crate::{Account, ChargeError, Committer, Reserve, StoreError, Verdict};

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
/// What an earlier try of the same review made is not given back, neither by this one nor, since this one relies on it now,
/// by that one. Where both are refused in the end it expires.
///
/// A budget that is gone holds nobody back.
///
/// # Errors
///
/// When a store fails or a sum does not fit; what was reserved before is given back as far as the stores let it, and
/// else as that of any pod that never comes.
pub(crate) async fn reserve_in_all(
    mut wishes: Vec<(Arc<Committer>, Arc<Reserve>)>,
    now: i64,
) -> Result<Option<Refused>, ChargeError> {
    wishes.sort_by(|(one, _), (other, _)| one.budget().cmp(other.budget()));
    let mut reserved = Vec::with_capacity(wishes.len());
    for (committer, wish) in &wishes {
        let answer = committer.reserve(wish.clone(), now).await;
        let outcome = match answer {
            Ok((Verdict::Reserved, _)) => {
                reserved.push((committer, wish));
                continue;
            }
            // An earlier try of the same review made it, and may rely on it.
            Ok((Verdict::Already, _)) => continue,
            Err(ChargeError::Store(StoreError::Gone { .. })) => continue,
            Ok((verdict, account)) => Ok(Some(Refused {
                budget: committer.budget().clone(),
                verdict,
                account,
            })),
            Err(err) => Err(err),
        };
        for (committer, wish) in reserved.iter().rev() {
            // What cannot be given back now expires: the pod is refused and never comes.
            let (uid, attempt) = (wish.uid.clone(), wish.reservation.attempt.clone());
            drop(committer.release(uid, attempt).await);
        }
        return outcome;
    }
    Ok(None)
}
