//! Where accounts are kept.

use std::{collections::BTreeMap, future::Future, sync::Arc};

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
    pub account: Account,
}

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
    fn load(&self, budget: &str) -> impl Future<Output = Result<Versioned, StoreError>> + Send;

    /// Writes the account of a budget, if its version is still the one given, and gives its new version.
    fn store(
        &self,
        budget: &str,
        replaced: &Version,
        account: &Account,
    ) -> impl Future<Output = Result<Version, StoreError>> + Send;
}

/// A store in the memory of one process.
#[derive(Debug, Default)]
pub struct MemoryStore {
    accounts: Mutex<BTreeMap<Arc<str>, (u64, Account)>>,
}

impl Store for MemoryStore {
    async fn load(&self, budget: &str) -> Result<Versioned, StoreError> {
        let accounts = lock(&self.accounts);
        let (number, account) = accounts.get(budget).cloned().unwrap_or_default();
        Ok(Versioned {
            version: Version::of(number),
            account,
        })
    }

    async fn store(
        &self,
        budget: &str,
        replaced: &Version,
        account: &Account,
    ) -> Result<Version, StoreError> {
        let budget: Arc<str> = budget.into();
        let mut accounts = lock(&self.accounts);
        let (number, held) = accounts.entry(budget.clone()).or_default();
        if Version::of(*number) != *replaced {
            return Err(StoreError::Conflict { budget });
        }
        *number = number.wrapping_add(1);
        *held = account.clone();
        Ok(Version::of(*number))
    }
}
