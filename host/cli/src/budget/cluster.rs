//! The budgets of a cluster, with the accounts in the status of their objects.

use std::path::Path;
use std::time::SystemTime;

use anyhow::Context as _;
use tollgate_admission::Kinds;
use tollgate_catalog::document::{Object, read_object};
use tollgate_catalog::yaml::Origin;
use tollgate_catalog::{Catalog, Configuration};
use tollgate_cluster::{Client, inventory};
use tollgate_webhook as webhook;

use super::live::LivePods;
use crate::args::ConfigArgs;
use crate::failure::Failure;
use crate::setup::{INSTANCES, Setup};
use crate::{audit, diagnostic, terminal};

/// The budgets of a cluster.
pub(super) struct Budgets {
    client: Client,
    setup: Setup,
    configuration: Configuration,
    /// A catalog whose ledger has their accounts.
    pub(super) catalog: Catalog,
}

impl Budgets {
    pub(super) async fn read(kubeconfig: Option<&Path>) -> Result<Self, Failure> {
        webhook::install_crypto();
        let client = tollgate_cluster::connect(kubeconfig).await;
        let client = client.context("cannot ask the cluster for its budgets")?;
        let inventory::Budgets {
            documents,
            accounts,
        } = inventory::budgets(&client)
            .await
            .context("cannot read the budgets of the cluster")?;
        let setup = Setup::new(ConfigArgs::default(), INSTANCES)?;
        let configuration = configuration(documents);
        let catalog = setup.catalog_of(configuration.clone()).await?;
        for (budget, account) in accounts {
            let kept = catalog.ledger.put(&budget, (*account).clone()).await;
            kept.context("the accounts of budgets cannot be kept")?;
        }
        Ok(Self {
            client,
            setup,
            configuration,
            catalog,
        })
    }

    /// What live pods take, and who made them. The catalog knows the nodes from then on.
    pub(super) async fn live(&self, now: SystemTime) -> Result<LivePods, Failure> {
        let catalog = self.with_namespaces().await?;
        live_pods(&catalog, &self.client, now).await
    }

    /// A catalog that knows the labels of namespaces, and which are exempt; the nodes are for the models of pods.
    async fn with_namespaces(&self) -> Result<Catalog, Failure> {
        let documents = inventory::documents(&self.client).await;
        let mut documents = documents.context("the configuration of the cluster cannot be read")?;
        documents
            .retain(|document| matches!(document["kind"].as_str(), Some("Namespace" | "Site")));
        let standing = audit::standing(&documents)?;
        let Configuration {
            budgets,
            price_books,
            ..
        } = self.configuration.clone();
        let configuration = Configuration {
            budgets,
            price_books,
            ..standing
        };
        let catalog = self.setup.catalog_of(configuration).await?;
        let snapshot = inventory::snapshot(&self.client).await;
        let snapshot = snapshot.context("the nodes of the cluster cannot be read")?;
        catalog.context.store(snapshot);
        Ok(catalog)
    }
}

/// What live pods take, and who made them: read page by page, and weighed by the policy that charges new ones.
pub(crate) async fn live_pods(
    catalog: &Catalog,
    client: &Client,
    now: SystemTime,
) -> Result<LivePods, Failure> {
    const LISTED: &str = "the pods of the cluster cannot be listed";
    let mut live = LivePods::default();
    let pods = Kinds::builtin().find("", "Pod").into_iter();
    for kind in inventory::served(client, pods).await.context(LISTED)? {
        let mut pages = kind.pages(client);
        while let Some(page) = pages.next().await.context(LISTED)? {
            let weighed = tollgate_pipeline::count(catalog, &page, now).await;
            let weighed = weighed.context("the pods of the cluster cannot be counted")?;
            live.add(&page, weighed);
        }
    }
    Ok(live)
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
