//! The book of one budget: the live pods that its account counts, and what is still to be written.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tollgate_budget::{
    Account, Change, Event, LedgerError, Limit, Live, Notice, Roll, StoreError, Uid,
};

use crate::accounts::{Known, StatusStore};

/// How long a sign that a pod never comes must last before it is proof: the watches that show it may be late.
const PROOF: Duration = Duration::from_secs(3);

/// The book of one budget.
pub(super) struct Book {
    budget: Arc<str>,
    limits: Arc<[Limit]>,
    /// The object, and its roll once its pods were counted.
    counted: Option<(Arc<str>, Roll)>,
    pending: Vec<Event>,
    /// Since when something says that a pod never comes, and of which try.
    doubted: BTreeMap<Uid, (Arc<str>, Duration)>,
}

/// What a write did.
pub(super) struct Written {
    pub(super) before: Arc<Account>,
    pub(super) after: Arc<Account>,
    pub(super) notices: Vec<Notice>,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// Another leader counts, or the object is another one: what is known of the pods is worth nothing.
    #[error("the pods have to be counted anew")]
    Outdated,
    /// The budget is gone.
    #[error("the budget is gone")]
    Gone,
    /// The API server does not answer, or the account cannot be read.
    #[error(transparent)]
    Store(StoreError),
    /// A sum does not fit.
    #[error(transparent)]
    Ledger(LedgerError),
}

impl From<StoreError> for Trouble {
    fn from(err: StoreError) -> Self {
        match err {
            StoreError::Gone { .. } => Self::Gone,
            err => Self::Store(err),
        }
    }
}

impl From<LedgerError> for Trouble {
    fn from(err: LedgerError) -> Self {
        match err {
            LedgerError::Followed => Self::Outdated,
            err => Self::Ledger(err),
        }
    }
}

type Step<'s> = &'s (dyn Fn(&Account) -> Result<Change, LedgerError> + Sync);

impl Book {
    pub(super) fn new(budget: Arc<str>, limits: Arc<[Limit]>) -> Self {
        Self {
            budget,
            limits,
            counted: None,
            pending: Vec::new(),
            doubted: BTreeMap::new(),
        }
    }

    pub(super) fn budget(&self) -> &Arc<str> {
        &self.budget
    }

    pub(super) fn limits(&self) -> &Arc<[Limit]> {
        &self.limits
    }

    /// Counts by these limits from now on.
    pub(super) fn limit(&mut self, limits: Arc<[Limit]>) {
        self.limits = limits;
    }

    /// Takes note of what was seen.
    pub(super) fn note(&mut self, event: Event) {
        self.pending.push(event);
    }

    /// Whether the pods of this object were counted.
    pub(super) fn is_counted(&self, store: &StatusStore) -> bool {
        let known = store.accounts().get(&self.budget);
        match (known, &self.counted) {
            (Some(known), Some((uid, _))) => known.uid == *uid,
            (None, counted) => counted.is_some(),
            (Some(_), None) => false,
        }
    }

    /// Replaces what the account says of live pods by these.
    pub(super) async fn recount(
        &mut self,
        store: &StatusStore,
        live: BTreeMap<Uid, Live>,
        now: i64,
    ) -> Result<Written, Trouble> {
        let known = store.read(&self.budget).await?;
        let (uid, limits) = (known.uid.clone(), self.limits.clone());
        let roll = self.counted.take().filter(|(counted, _)| *counted == uid);
        let step = |account: &Account| {
            let roll = match &roll {
                Some((_, roll)) => roll.clone(),
                None => Roll::following(account),
            };
            roll.recount(account, &limits, &live, now)
        };
        let written = self.write(store, known, &step).await?;
        // What was seen before the pods were listed is in the list.
        self.pending.clear();
        Ok(written)
    }

    /// Writes what was seen.
    pub(super) async fn post(
        &mut self,
        store: &StatusStore,
        now: i64,
    ) -> Result<Option<Written>, Trouble> {
        if self.pending.is_empty() {
            return Ok(None);
        }
        let roll = self.roll()?;
        let (limits, events) = (self.limits.clone(), self.pending.clone());
        let step = |account: &Account| roll.apply(account, &limits, &events, now);
        let known = self.known(store).await?;
        let written = self.write(store, known, &step).await?;
        self.pending.clear();
        Ok(Some(written))
    }

    /// Gives back what is reserved for pods that have not come for longer than the API server may be at work on them.
    pub(super) async fn expire(
        &mut self,
        store: &StatusStore,
        clock: Duration,
        timeout: Duration,
    ) -> Result<Option<Written>, Trouble> {
        let roll = self.roll()?;
        let known = self.known(store).await?;
        let account = known.account(&self.budget)?;
        let step = |account: &Account| roll.expire(account, clock, timeout);
        if !account.reservations.is_empty() {
            let change = step(&account)?;
            if change.account != *account {
                return self.write(store, known, &step).await.map(Some);
            }
            self.keep(change.roll);
        }
        Ok(None)
    }

    /// Takes note which of the pods with reservations seem never to come; once that has lasted, it is proof.
    pub(super) fn doubt(
        &mut self,
        account: &Account,
        seems_lost: impl Fn(&Uid) -> bool,
        clock: Duration,
    ) {
        let before = std::mem::take(&mut self.doubted);
        for (uid, reservation) in &account.reservations {
            if !seems_lost(uid) {
                continue;
            }
            let attempt = &reservation.attempt;
            let since = match before.get(uid) {
                Some((doubted, since)) if doubted == attempt => *since,
                _ => clock,
            };
            if clock.saturating_sub(since) >= PROOF {
                self.pending.push(Event::NeverComes(uid.clone()));
            }
            self.doubted.insert(uid.clone(), (attempt.clone(), since));
        }
    }

    fn roll(&self) -> Result<Roll, Trouble> {
        let counted = self.counted.as_ref().ok_or(Trouble::Outdated)?;
        Ok(counted.1.clone())
    }

    fn keep(&mut self, roll: Roll) {
        if let Some((_, kept)) = &mut self.counted {
            *kept = roll;
        }
    }

    async fn known(&self, store: &StatusStore) -> Result<Known, Trouble> {
        let known = match store.accounts().get(&self.budget) {
            Some(known) => known,
            None => store.read(&self.budget).await?,
        };
        let is_same = self
            .counted
            .as_ref()
            .is_some_and(|(uid, _)| *uid == known.uid);
        is_same.then_some(known).ok_or(Trouble::Outdated)
    }

    /// Writes what a step makes of the account, again on a fresh one when somebody else was faster or there seems to be
    /// nothing to write.
    async fn write(
        &mut self,
        store: &StatusStore,
        mut known: Known,
        step: Step<'_>,
    ) -> Result<Written, Trouble> {
        let uid = known.uid.clone();
        let mut is_fresh = false;
        loop {
            let before = known.account(&self.budget)?;
            let Change {
                roll,
                account,
                notices,
            } = step(&before)?;
            let is_same = account == *before;
            if !is_same || is_fresh {
                let put = match is_same {
                    true => Ok(known),
                    false => store.put(&self.budget, &known, &account).await,
                };
                match put {
                    Ok(_) => {
                        self.counted = Some((uid, roll));
                        let after = Arc::new(account);
                        return Ok(Written {
                            before,
                            after,
                            notices,
                        });
                    }
                    Err(StoreError::Conflict { .. }) => {}
                    Err(err) => {
                        // Nobody knows whether it was written. What was seen must not be charged again on top of it.
                        self.counted = None;
                        return Err(err.into());
                    }
                }
            }
            known = store.read(&self.budget).await?;
            is_fresh = true;
            if known.uid != uid {
                return Err(Trouble::Outdated);
            }
        }
    }
}

#[cfg(test)]
mod tests;
