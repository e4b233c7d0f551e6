//! Where accounts are kept.

use std::{
    collections::BTreeMap,
    future::{Future, ready},
    pin::Pin,
    sync::Arc,
};

use crate::{
    Account,
    sync::{Mutex, lock},
};

/// What tells one state of an account from another; only its store can read it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Version(pub Arc<str>);

impl Version {
    /// The version of a number, for stores that count.
    pub(crate) fn of(number: u64) -> Self {
        Self(number.to_string().into())
    }
}

/// An account as it was at a version.
#[derive(Clone, Debug)]
pub struct Versioned {
    /// The version.
    pub version: Version,
    /// The account.
    pub account: Arc<Account>,
}

/// What a store says, when it has.
pub type Stored<'s, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 's>>;

/// What ends when others have gone first.
pub type Pause<'s> = Pin<Box<dyn Future<Output = ()> + Send + 's>>;

/// Why an account was not read or written.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Somebody else wrote since it was read.
    #[error("the budget `{budget}` was changed by somebody else")]
    Conflict {
        /// The budget.
        budget: Arc<str>,
    },
    /// There is no such budget any more, so that it holds nobody back.
    #[error("there is no budget `{budget}` any more")]
    Gone {
        /// The budget.
        budget: Arc<str>,
    },
    /// The store cannot be reached, or failed.
    #[error("the store of the budget `{budget}` failed")]
    Failed {
        /// The budget.
        budget: Arc<str>,
        /// What it says.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
}

/// A place that keeps accounts and takes a new one only for the version that it replaces.
pub trait Store: Send + Sync + 'static {
    /// Reads the account of a budget; a new one is empty.
    fn load<'s>(&'s self, budget: &'s str) -> Stored<'s, Versioned>;

    /// What is known of the account of a budget without asking anybody: nobody may be refused by it, since it can be
    /// out of date. Nothing where it takes no time to read it.
    fn recent(&self, _budget: &str) -> Option<Versioned> {
        None
    }

    /// Lets others go first who write the account of a budget too. What is charged meanwhile goes into one write.
    fn pause<'s>(&'s self, _budget: &'s str) -> Pause<'s> {
        Box::pin(ready(()))
    }

    /// Writes the account of a budget, if its version is still the one given, and gives its new version.
    fn store<'s>(
        &'s self,
        budget: &'s str,
        replaced: &'s Version,
        account: Arc<Account>,
    ) -> Stored<'s, Version>;
}

/// Accounts with the number of their last write, which is their version.
#[derive(Debug, Default)]
pub(crate) struct Numbered(BTreeMap<Arc<str>, (u64, Arc<Account>)>);

impl Numbered {
    pub(crate) fn insert(&mut self, budget: Arc<str>, account: Account) {
        self.0.insert(budget, (0, Arc::new(account)));
    }

    pub(crate) fn load(&self, budget: &str) -> Versioned {
        let (number, account) = self.0.get(budget).cloned().unwrap_or_default();
        Versioned {
            version: Version::of(number),
            account,
        }
    }

    /// Replaces an account.
    pub(crate) fn store(
        &mut self,
        budget: &str,
        replaced: &Version,
        account: Arc<Account>,
    ) -> Result<Version, StoreError> {
        let budget: Arc<str> = budget.into();
        let number = self.0.get(&budget).map_or(0, |(number, _)| *number);
        if Version::of(number) != *replaced {
            return Err(StoreError::Conflict { budget });
        }
        let next = number.wrapping_add(1);
        self.0.insert(budget, (next, account));
        Ok(Version::of(next))
    }
}

/// A store in the memory of one process.
#[derive(Debug, Default)]
pub struct MemoryStore {
    accounts: Mutex<Numbered>,
}

impl Store for MemoryStore {
    fn load<'s>(&'s self, budget: &'s str) -> Stored<'s, Versioned> {
        Box::pin(async { Ok(lock(&self.accounts).load(budget)) })
    }

    fn store<'s>(
        &'s self,
        budget: &'s str,
        replaced: &'s Version,
        account: Arc<Account>,
    ) -> Stored<'s, Version> {
        Box::pin(async move { lock(&self.accounts).store(budget, replaced, account) })
    }
}
