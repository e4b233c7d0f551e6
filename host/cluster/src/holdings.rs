//! What an operator asks of a cluster's budgets: their documents and their accounts, read once.

use std::collections::BTreeMap;
use std::sync::Arc;

use kube::{Client, ResourceExt as _};
use serde_json::{Value, json};
use tollgate_budget::{Account, StoreError};
use tollgate_catalog::document::VERSION;

use crate::accounts::{KIND as BUDGET, Known};
use crate::reporter::api;
use crate::watch::list_all;

/// The kinds of documents that say what budgets are.
const KINDS: [&str; 2] = [BUDGET, "PriceBook"];

/// The budgets of a cluster.
#[derive(Debug, Default)]
pub struct Inventory {
    /// The documents of budgets and price books.
    pub documents: Vec<Value>,
    /// The account of each budget, by name; an empty one where no pods have been counted yet.
    pub accounts: BTreeMap<String, Arc<Account>>,
}

/// Why the budgets cannot be told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InventoryError {
    /// The API server refuses or is away.
    #[error("cannot list the objects of kind `{kind}`")]
    List {
        /// The kind.
        kind: &'static str,
        /// What it says.
        #[source]
        source: kube::Error,
    },
    /// An account cannot be read.
    #[error(transparent)]
    Account(#[from] StoreError),
}

impl Inventory {
    /// Reads the budgets of a cluster.
    ///
    /// # Errors
    ///
    /// When the objects cannot be listed, or an account cannot be read.
    pub async fn read(client: &Client) -> Result<Self, InventoryError> {
        let mut inventory = Self::default();
        for kind in KINDS {
            let Some(api) = api(client, kind) else {
                continue;
            };
            let listed = list_all(&api).await;
            for object in listed.map_err(|source| InventoryError::List { kind, source })? {
                let name = object.name_any();
                let spec = object.data.get("spec").cloned().unwrap_or_default();
                if kind == BUDGET {
                    let account = Known::of(object.clone()).account(&name)?;
                    inventory.accounts.insert(name.clone(), account);
                }
                let document = json!({"apiVersion": VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec});
                inventory.documents.push(document);
            }
        }
        Ok(inventory)
    }
}
