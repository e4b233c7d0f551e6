//! What is in a cluster, read once: existing objects to audit, the configuration that stands there, its budgets and their
//! accounts, and what is known besides. The one place where a cluster's lists are read for those who operate it.

use std::collections::BTreeMap;
use std::sync::Arc;

use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::{Api, Client, ResourceExt as _};
use serde_json::{Value, json};
use tollgate_admission::Kind;
use tollgate_budget::{Account, StoreError};
use tollgate_catalog::document::{DOCUMENT_KINDS, VERSION};
use tollgate_context::{Builder, Snapshot};

use crate::accounts::{KIND as BUDGET, Known};
use crate::pages::{self, Which};
use crate::reporter;
use crate::state::{self, Extent, Watched};
use crate::watch::is_unserved;

/// The kinds of documents that say what budgets are.
const OF_BUDGETS: [&str; 2] = [BUDGET, "PriceBook"];

/// A kind that the API server serves.
#[derive(Clone, Debug)]
pub struct Served {
    resource: ApiResource,
}

/// The objects of a kind, page by page.
pub struct Pages {
    pages: pages::Pages<DynamicObject>,
    resource: ApiResource,
}

/// The budgets of a cluster.
#[derive(Debug, Default)]
pub struct Budgets {
    /// The documents of budgets and price books.
    pub documents: Vec<Value>,
    /// The account of each budget, by name; an empty one where no pods have been counted yet.
    pub accounts: BTreeMap<String, Arc<Account>>,
}

/// Why something of a cluster cannot be told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InventoryError {
    /// The API server refuses or is away.
    #[error("cannot list the objects of kind `{kind}`")]
    List {
        /// The kind.
        kind: String,
        /// What it says.
        #[source]
        source: kube::Error,
    },
    /// An account cannot be read.
    #[error(transparent)]
    Account(#[from] StoreError),
}

impl Served {
    /// The kind and the group, as `kubectl get` takes them.
    pub fn name(&self) -> String {
        match self.resource.group.as_str() {
            "" => self.resource.plural.clone(),
            group => format!("{}.{group}", self.resource.plural),
        }
    }

    /// Whether there is an object of the kind. Where it cannot be asked, none is known.
    pub async fn has_any(&self, client: &Client) -> bool {
        let api: Api<DynamicObject> = Api::all_with(client.clone(), &self.resource);
        let first = api.list_metadata(&ListParams::default().limit(1)).await;
        first.is_ok_and(|first| !first.items.is_empty())
    }

    /// All objects of the kind, of all namespaces.
    pub fn pages(&self, client: &Client) -> Pages {
        Pages::of(client, self.resource.clone(), &Which::All)
    }
}

impl Pages {
    fn of(client: &Client, resource: ApiResource, which: &Which) -> Self {
        let api = Api::all_with(client.clone(), &resource);
        Self {
            pages: pages::Pages::new(api, which),
            resource,
        }
    }

    /// The next page; nothing when all have been given.
    ///
    /// # Errors
    ///
    /// When the API server refuses or is away, or has forgotten where the last page ended.
    pub async fn next(&mut self) -> kube::Result<Option<Vec<Value>>> {
        let page = self.pages.next().await?;
        let typed = |object| typed(&self.resource, object);
        Ok(page.map(|page| page.items.into_iter().map(typed).collect()))
    }

    async fn all(mut self) -> kube::Result<Vec<Value>> {
        let mut all = Vec::new();
        while let Some(page) = self.next().await? {
            all.extend(page);
        }
        Ok(all)
    }
}

/// The object as JSON, with its type, which lists leave out.
pub(crate) fn typed(resource: &ApiResource, object: DynamicObject) -> Value {
    let mut object = serde_json::to_value(object).unwrap_or_default();
    if let Some(fields) = object.as_object_mut() {
        fields.insert(
            "apiVersion".to_owned(),
            resource.api_version.as_str().into(),
        );
        fields.insert("kind".to_owned(), resource.kind.as_str().into());
    }
    object
}

/// Those of the kinds that the API server serves, in the version that it prefers.
///
/// # Errors
///
/// When the API server refuses or is away.
pub async fn served<'k>(
    client: &Client,
    kinds: impl Iterator<Item = &'k Kind>,
) -> kube::Result<Vec<Served>> {
    let groups = client.list_api_groups().await?.groups;
    let mut served = Vec::new();
    for kind in kinds {
        let preferred = groups
            .iter()
            .find(|group| group.name == kind.group)
            .and_then(|group| group.preferred_version.as_ref());
        let version = match kind.group.as_str() {
            "" => "v1",
            _ => match preferred {
                Some(preferred) => preferred.version.as_str(),
                None => continue,
            },
        };
        let resource = resource((&kind.group, version), &kind.kind, &kind.plural);
        // One object is asked for: a group that is served need not have the kind.
        let one: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
        match one.list_metadata(&ListParams::default().limit(1)).await {
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            // Whatever else is wrong is told when all are listed.
            Ok(_) | Err(_) => served.push(Served { resource }),
        }
    }
    Ok(served)
}

fn resource((group, version): (&str, &str), kind: &str, plural: &str) -> ApiResource {
    let api_version = match group {
        "" => version.to_owned(),
        group => format!("{group}/{version}"),
    };
    ApiResource {
        group: group.to_owned(),
        version: version.to_owned(),
        api_version,
        kind: kind.to_owned(),
        plural: plural.to_owned(),
    }
}

/// The configuration that stands in a cluster, as documents: all objects of ours, and the names and labels of the
/// namespaces. Kinds that are not defined have no objects.
///
/// # Errors
///
/// When the API server refuses or is away.
pub async fn documents(client: &Client) -> Result<Vec<Value>, InventoryError> {
    let mut all = Vec::new();
    for document in &DOCUMENT_KINDS {
        match ours(client, document.kind).await {
            Ok(objects) => all.extend(
                objects
                    .iter()
                    .map(|object| self::document(document.kind, object)),
            ),
            Err(InventoryError::List {
                source: kube::Error::Api(status),
                ..
            }) if status.code == 404 => {}
            Err(err) => return Err(err),
        }
    }
    let namespaces = resource(("", "v1"), "Namespace", "namespaces");
    let listed = Pages::of(client, namespaces, &Which::All).all().await;
    let namespaces = listed.map_err(|source| InventoryError::List {
        kind: "Namespace".to_owned(),
        source,
    })?;
    all.extend(namespaces.iter().map(|object| {
        let (name, labels) = ("/metadata/name", "/metadata/labels");
        json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": object.pointer(name), "labels": object.pointer(labels)},
        })
    }));
    Ok(all)
}

/// The budgets of a cluster, with their accounts.
///
/// # Errors
///
/// When the objects cannot be listed, or an account cannot be read.
pub async fn budgets(client: &Client) -> Result<Budgets, InventoryError> {
    let mut budgets = Budgets::default();
    for kind in OF_BUDGETS {
        for object in ours(client, kind).await? {
            if kind == BUDGET {
                let name = object.name_any();
                let account = Known::of(object.clone()).account(&name)?;
                budgets.accounts.insert(name, account);
            }
            budgets.documents.push(document(kind, &object));
        }
    }
    Ok(budgets)
}

/// All objects of a kind of ours.
async fn ours(client: &Client, kind: &str) -> Result<Vec<DynamicObject>, InventoryError> {
    let Some(api) = reporter::api(client, kind) else {
        return Ok(Vec::new());
    };
    let listed = pages::Pages::new(api, &Which::All).all().await;
    listed.map_err(|source| InventoryError::List {
        kind: kind.to_owned(),
        source,
    })
}

/// An object of ours as the document that it would be in a file.
fn document(kind: &str, object: &DynamicObject) -> Value {
    json!({
        "apiVersion": VERSION, "kind": kind,
        "metadata": {"name": object.metadata.name}, "spec": object.data.get("spec"),
    })
}

/// What is known of the cluster: what the watches of a replica would know.
///
/// # Errors
///
/// When the API server is away. What is not served, or may not be read, is left out.
pub async fn snapshot(client: &Client) -> kube::Result<Snapshot> {
    let served = state::served(client).await?;
    let mut objects = Builder::sparing();
    read_all(client, &served, state::KINDS.iter(), &mut objects).await?;
    read_config(client, &mut objects).await
}

/// The same, with the pods that there are, and the Services and InferencePools that select them.
///
/// # Errors
///
/// When the API server is away. What is not served, or may not be read, is left out; without the pods also what selects
/// them.
pub async fn snapshot_with_backends(client: &Client) -> kube::Result<Snapshot> {
    let served = state::served(client).await?;
    let mut objects = Builder::selectable();
    let kinds = state::KINDS.iter();
    let kinds = kinds.filter(|watched| watched.extent != Extent::Placed);
    read_all(client, &served, kinds, &mut objects).await?;
    if read_pods(client, &mut objects).await? {
        read_all(client, &served, state::BACKENDS.iter(), &mut objects).await?;
    }
    read_config(client, &mut objects).await
}

/// Reads what there is of the kinds that are served.
async fn read_all(
    client: &Client,
    served: &state::Served,
    kinds: impl Iterator<Item = &'static Watched>,
    objects: &mut Builder,
) -> kube::Result<()> {
    for watched in kinds {
        if let Some(version) = watched.version(served) {
            read(client, watched, (version, ""), objects).await?;
        }
    }
    Ok(())
}

/// Reads the config map of the device plugin, where an object names one.
async fn read_config(client: &Client, objects: &mut Builder) -> kube::Result<Snapshot> {
    let snapshot = objects.build();
    let Some(config) = snapshot.plugin_config() else {
        return Ok(snapshot);
    };
    read(client, &state::CONFIG_MAP, ("v1", config), objects).await?;
    Ok(objects.build())
}

/// Reads what is watched of a kind, where the role may.
async fn read(
    client: &Client,
    watched: &Watched,
    (version, named): (&str, &str),
    objects: &mut Builder,
) -> kube::Result<()> {
    let pages = Pages::of(client, watched.resource(version), &watched.which(named));
    match pages.all().await {
        Ok(all) => state::take_in_all(objects, watched, all),
        Err(err) if is_unserved(&err) => {}
        Err(err) => return Err(err),
    }
    Ok(())
}

/// Takes in all pods, a page at a time, and says whether they may be read.
async fn read_pods(client: &Client, objects: &mut Builder) -> kube::Result<bool> {
    let mut pages = Pages::of(client, resource(("", "v1"), "Pod", "pods"), &Which::All);
    loop {
        match pages.next().await {
            Ok(Some(page)) => page.into_iter().for_each(|pod| objects.insert(pod)),
            Ok(None) => break,
            Err(err) if is_unserved(&err) => return Ok(false),
            Err(err) => return Err(err),
        }
    }
    objects.show_schedulers();
    Ok(true)
}
