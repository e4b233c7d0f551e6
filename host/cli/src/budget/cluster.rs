//! The budgets of a cluster, with the accounts in the status of their objects.

use std::path::Path;

use anyhow::Context as _;
use tollgate_catalog::document::{Object, read_object};
use tollgate_catalog::yaml::Origin;
use tollgate_catalog::{Catalog, Configuration};
use tollgate_cluster::inventory::{self, Budgets};
use tollgate_webhook as webhook;

use crate::args::ConfigArgs;
use crate::failure::Failure;
use crate::setup::{INSTANCES, Setup};
use crate::{diagnostic, terminal};

/// A catalog with the budgets of a cluster, whose ledger has their accounts.
pub(super) async fn catalog(kubeconfig: Option<&Path>) -> Result<Catalog, Failure> {
    webhook::install_crypto();
    let client = tollgate_cluster::connect(kubeconfig).await;
    let client = client.context("cannot ask the cluster for its budgets")?;
    let Budgets {
        documents,
        accounts,
    } = inventory::budgets(&client)
        .await
        .context("cannot read the budgets of the cluster")?;
    let setup = Setup::new(ConfigArgs::default(), INSTANCES)?;
    let resolved = configuration(documents).over(setup.profile()).resolve();
    let resolved = resolved.map_err(Failure::Diagnostics)?;
    let loaded = setup.loader().load(resolved).await;
    let catalog = loaded.map_err(Failure::Diagnostics)?;
    for (budget, account) in accounts {
        let kept = catalog.ledger.put(&budget, (*account).clone()).await;
        kept.context("the accounts of budgets cannot be kept")?;
    }
    Ok(catalog)
}

/// What the documents say; of one that cannot be used it is told why.
fn configuration(documents: Vec<serde_json::Value>) -> Configuration {
    let mut configuration = Configuration::default();
    for document in documents {
        let word = |pointer: &str| document.pointer(pointer).and_then(|word| word.as_str());
        let name = word("/metadata/name").unwrap_or_default().to_owned();
        let source = format!("{}/{name}", word("/kind").unwrap_or_default());
        match read_object(document, Origin::of_file(&source)) {
            Ok(Object::Budget(budget)) => {
                configuration.budgets.insert(name, *budget);
            }
            Ok(Object::PriceBook(book)) => {
                configuration.price_books.insert(name, *book);
            }
            Ok(_) => {}
            Err(wrong) => terminal::complain(&diagnostic::render_warnings(&wrong)),
        }
    }
    configuration
}
