//! Charges that wait for one budget at the same time go into one write.

use std::{collections::VecDeque, sync::Arc};

use crate::{
    Account, LedgerError, Reserve, Store, StoreError, Uid, Verdict, Versioned,
    queue::{Baton, Entered, Queue, Turn, Waiter},
    sync::{Mutex, lock},
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
pub struct Committer<S> {
    budget: Arc<str>,
    store: Arc<S>,
    queue: Queue<Wish, Answer>,
    /// What was last written here: right unless somebody else wrote, which the store tells.
    last: Mutex<Option<Versioned>>,
}

/// What is asked of an account.
#[derive(Clone)]
enum Wish {
    Reserve { wish: Arc<Reserve>, now: i64 },
    Release(Uid),
}

type Answer = Result<Done, ChargeError>;

/// The verdict, and the account that it was made on.
type Done = (Verdict, Arc<Account>);

impl<S: Store> Committer<S> {
    /// For a budget, in a store that other processes may write too.
    #[must_use]
    pub fn new(budget: Arc<str>, store: Arc<S>) -> Self {
        Self {
            budget,
            store,
            queue: Queue::default(),
            last: Mutex::new(None),
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

    /// Gives back what was reserved for a pod.
    ///
    /// # Errors
    ///
    /// As of [`Committer::reserve`].
    pub async fn release(&self, uid: Uid) -> Result<(), ChargeError> {
        self.ask(Wish::Release(uid)).await.map(drop)
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
        let waiters = baton.take();
        let wishes: Vec<_> = waiters.iter().map(|waiter| &waiter.asked).collect();
        match self.commit(&own, &wishes).await {
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

    /// Applies wishes to one account and writes it if it changed, again until nobody else was faster.
    async fn commit(
        &self,
        own: &Wish,
        others: &[&Wish],
    ) -> Result<(Answer, Vec<Answer>), StoreError> {
        loop {
            let kept = lock(&self.last).take();
            // Where there is nothing to write, no version is checked: a refusal by an old account would be wrong.
            let is_fresh = kept.is_none();
            let Versioned { version, account } = match kept {
                Some(kept) => kept,
                None => self.store.load(&self.budget).await?,
            };
            let mut changed = account.clone();
            let mut apply = |wish: &Wish| wish.apply(&mut changed);
            let first = apply(own);
            let verdicts: Vec<_> = others.iter().map(|wish| apply(wish)).collect();
            let version = match changed == account {
                true if is_fresh => version,
                true => continue,
                false => match self.store.store(&self.budget, &version, &changed).await {
                    Ok(version) => version,
                    Err(StoreError::Conflict { .. }) => continue,
                    Err(err) => return Err(err),
                },
            };
            let account = Arc::new(changed);
            let answer = |verdict: Result<_, LedgerError>| Ok((verdict?, account.clone()));
            let answers = (answer(first), verdicts.into_iter().map(answer).collect());
            *lock(&self.last) = Some(Versioned {
                version,
                account: account.as_ref().clone(),
            });
            return Ok(answers);
        }
    }
}

impl Wish {
    fn apply(&self, account: &mut Account) -> Result<Verdict, LedgerError> {
        match self {
            Self::Reserve { wish, now } => account.reserve(wish, *now),
            Self::Release(uid) => {
                account.release(uid);
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
