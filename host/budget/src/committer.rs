//! Charges that wait for one budget at the same time go into one write.

use std::{collections::VecDeque, sync::Arc};

use crate::{
    Account, LedgerError, Limit, Reserve, Store, StoreError, Uid, Verdict, Version, Versioned,
    draft::Draft,
    queue::{Baton, Entered, Queue, Turn, Waiter},
};

/// Why a charge was neither made nor refused.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChargeError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The ledger could not be changed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Changes the account of one budget for all who ask in this process.
///
/// It knows no deadline: whoever does drops the future, at any point. A charge whose future was dropped may have been
/// made; asking again tells, and else it is given back as that of any pod that never comes.
pub struct Committer {
    budget: Arc<str>,
    store: Arc<dyn Store>,
    queue: Queue<Wish, Answer>,
}

/// What is asked of an account.
#[derive(Clone)]
enum Wish {
    Reserve {
        wish: Arc<Reserve>,
        now: i64,
    },
    Release {
        uid: Uid,
        attempt: Arc<str>,
    },
    End {
        uid: Uid,
        limits: Arc<[Limit]>,
        now: i64,
    },
}

type Answer = Result<Done, ChargeError>;

/// The verdict, and the account that it was made on.
type Done = (Verdict, Arc<Account>);

impl Committer {
    /// For a budget, in a store that other processes may write too.
    #[must_use]
    pub fn new(budget: Arc<str>, store: Arc<dyn Store>) -> Self {
        Self {
            budget,
            store,
            queue: Queue::default(),
        }
    }

    /// The name of the budget.
    #[must_use]
    pub fn budget(&self) -> &Arc<str> {
        &self.budget
    }

    /// Reserves what a pod takes, on fresh data, and gives the account that the verdict was made on.
    ///
    /// # Errors
    ///
    /// When the store fails otherwise than by a conflict, or a sum does not fit.
    pub async fn reserve(&self, wish: Arc<Reserve>, now: i64) -> Result<Done, ChargeError> {
        self.ask(Wish::Reserve { wish, now }).await
    }

    /// Gives back what a review reserved for a pod.
    ///
    /// # Errors
    ///
    /// As of [`Committer::reserve`].
    pub async fn release(&self, uid: Uid, attempt: Arc<str>) -> Result<(), ChargeError> {
        self.ask(Wish::Release { uid, attempt }).await.map(drop)
    }

    /// Ends a pod that nobody watches: see [`Account::end`].
    ///
    /// # Errors
    ///
    /// As of [`Committer::reserve`].
    pub async fn end(&self, uid: Uid, limits: Arc<[Limit]>, now: i64) -> Result<(), ChargeError> {
        self.ask(Wish::End { uid, limits, now }).await.map(drop)
    }

    async fn ask(&self, wish: Wish) -> Answer {
        loop {
            let turn = match self.queue.enter(&wish) {
                Entered::Lead(baton) => Ok(Turn::Lead(baton)),
                Entered::Wait(receiver) => receiver.await,
            };
            match turn {
                Ok(Turn::Answered(answer)) => return answer,
                Ok(Turn::Lead(baton)) => return self.lead(&baton, wish).await,
                // The leader gave up in the middle.
                Err(_) => {}
            }
        }
    }

    /// Answers all that wait, in one write, and gives the answer to one's own wish.
    async fn lead(&self, baton: &Baton<Wish, Answer>, own: Wish) -> Answer {
        let mut waiters = VecDeque::new();
        match self.commit(baton, &own, &mut waiters).await {
            Ok((first, others)) => {
                send(waiters, others);
                first
            }
            Err(err) => {
                let to_all = std::iter::repeat_with(|| Err(err.clone().into()));
                send(waiters, to_all);
                Err(err.into())
            }
        }
    }

    /// Applies wishes to one account and writes it if it changed, again until nobody else was faster. Whoever comes
    /// while somebody else is takes part in the next try.
    async fn commit(
        &self,
        baton: &Baton<Wish, Answer>,
        own: &Wish,
        waiters: &mut VecDeque<Waiter<Wish, Answer>>,
    ) -> Result<(Answer, Vec<Answer>), StoreError> {
        self.store.pause(&self.budget).await;
        // Right unless somebody else wrote since, which the store tells at the write.
        let mut recent = self.store.recent(&self.budget);
        loop {
            // Where there is nothing to write, no version is checked: a refusal by an old account would be wrong.
            let is_fresh = recent.is_none();
            let Versioned { version, account } = match recent.take() {
                Some(recent) => recent,
                None => self.store.load(&self.budget).await?,
            };
            baton.take(waiters);
            let mut draft = Draft::of(Account::clone(&account));
            let first = own.apply(&mut draft);
            let others = waiters.iter().map(|waiter| waiter.asked.apply(&mut draft));
            let others: Vec<_> = others.collect();
            let changed = Arc::new(draft.into_account());
            match changed == account {
                true if is_fresh => {}
                true => continue,
                false => match self.write(&version, &changed).await {
                    Ok(_) => {}
                    Err(StoreError::Conflict { .. }) => {
                        // Who was faster may be known already.
                        let known = self.store.recent(&self.budget);
                        recent = known.filter(|known| known.version != version);
                        continue;
                    }
                    Err(err) => return Err(err),
                },
            }
            let answer = |verdict: Result<_, LedgerError>| Ok((verdict?, changed.clone()));
            return Ok((answer(first), others.into_iter().map(answer).collect()));
        }
    }

    async fn write(
        &self,
        replaced: &Version,
        account: &Arc<Account>,
    ) -> Result<Version, StoreError> {
        let account = account.clone();
        self.store.store(&self.budget, replaced, account).await
    }
}

impl Wish {
    fn apply(&self, draft: &mut Draft) -> Result<Verdict, LedgerError> {
        match self {
            Self::Reserve { wish, now } => draft.reserve(wish, *now),
            Self::Release { uid, attempt } => {
                draft.release(uid, attempt);
                Ok(Verdict::Already)
            }
            Self::End { uid, limits, now } => {
                draft.end(uid, limits, *now)?;
                Ok(Verdict::Already)
            }
        }
    }
}

/// Whoever no longer listens gets nothing.
fn send(waiters: VecDeque<Waiter<Wish, Answer>>, answers: impl IntoIterator<Item = Answer>) {
    for (waiter, answer) in waiters.into_iter().zip(answers) {
        drop(waiter.answer.send(Turn::Answered(answer)));
    }
}

#[cfg(test)]
mod tests;
