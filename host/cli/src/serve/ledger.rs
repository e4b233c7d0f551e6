//! Where a server keeps the accounts of budgets.

use std::sync::Arc;
use std::time::SystemTime;

use anyhow::Context as _;
use tollgate_budget::{
    Account, FileStore, Ledger, MemoryStore, Store, StoreError, Stored, Version, Versioned,
};

use super::cluster::Cluster;
use crate::args::ServeArgs;
use crate::failure::Failure;

/// The ledger that the options name. In a cluster it needs a leader who counts the pods: without one it is closed.
pub(super) fn open(args: &ServeArgs, cluster: Option<&Cluster>) -> Result<Ledger, Failure> {
    if let Some(cluster) = cluster {
        let store = cluster.accounts().filter(|_| args.registration.register);
        return Ok(store.map_or_else(Ledger::default, |store| {
            Ledger::watched(Arc::new(store), process(cluster.replica()))
        }));
    }
    let store: Arc<dyn Store> = match &args.data {
        Some(folder) => {
            let store = FileStore::open(folder).context("cannot keep the accounts of budgets")?;
            Arc::new(OffThread(Arc::new(store)))
        }
        None => Arc::new(MemoryStore::default()),
    };
    // One process has the store for itself, and what it tried before a restart is over.
    let process = format!("{}", std::process::id());
    Ok(Ledger::open(store, process))
}

/// What no other process is called: a replica that was restarted is another one.
fn process(replica: &str) -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    format!("{replica}/{:x}", since.unwrap_or_default().as_nanos())
}

/// A store in a folder, written by threads that may wait for the disk.
struct OffThread(Arc<FileStore>);

impl Store for OffThread {
    fn load<'s>(&'s self, budget: &'s str) -> Stored<'s, Versioned> {
        self.0.load(budget)
    }

    fn store<'s>(
        &'s self,
        budget: &'s str,
        replaced: &'s Version,
        account: Arc<Account>,
    ) -> Stored<'s, Version> {
        let store = Arc::clone(&self.0);
        let (owned, replaced) = (budget.to_owned(), replaced.clone());
        Box::pin(async move {
            let write = move || store.put(&owned, &replaced, account);
            let written = tokio::task::spawn_blocking(write).await;
            written.unwrap_or_else(|err| {
                Err(StoreError::Failed {
                    budget: budget.into(),
                    source: Arc::new(err),
                })
            })
        })
    }
}
