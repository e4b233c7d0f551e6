//! What is in a cluster, read once and page by page: existing objects to audit, and the configuration that stands there.

use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use tollgate_admission::Kind;
use tollgate_catalog::document::{DOCUMENT_KINDS, VERSION};
use tollgate_context::{Builder, Snapshot};

use crate::{reporter, state};

/// How many objects are asked for at once: what is held of a cluster at a time.
const PAGE: u32 = 500;

/// A kind that the API server serves.
#[derive(Clone, Debug)]
pub struct Served {
    resource: ApiResource,
}

/// The objects of a kind, page by page.
pub struct Pages {
    api: Api<DynamicObject>,
    params: ListParams,
    resource: ApiResource,
    is_over: bool,
}

impl Served {
    /// The kind and the group, as `kubectl get` takes them.
    pub fn name(&self) -> String {
        match self.resource.group.as_str() {
            "" => self.resource.plural.clone(),
            group => format!("{}.{group}", self.resource.plural),
        }
    }

    /// All objects of the kind, of all namespaces.
    pub fn pages(&self, client: &Client) -> Pages {
        Pages {
            api: Api::all_with(client.clone(), &self.resource),
            params: ListParams::default().limit(PAGE),
            resource: self.resource.clone(),
            is_over: false,
        }
    }
}

impl Pages {
    /// The next page; nothing when all have been given.
    ///
    /// # Errors
    ///
    /// When the API server refuses or is away, or has forgotten where the last page ended.
    pub async fn next(&mut self) -> kube::Result<Option<Vec<Value>>> {
        if self.is_over {
            return Ok(None);
        }
        let page = self.api.list(&self.params).await?;
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => self.params = self.params.clone().continue_token(&token),
            None => self.is_over = true,
        }
        let objects = page.items.into_iter();
        Ok(Some(
            objects
                .map(|object| typed(&self.resource, object))
                .collect(),
        ))
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
fn typed(resource: &ApiResource, object: DynamicObject) -> Value {
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
pub async fn documents(client: &Client) -> kube::Result<Vec<Value>> {
    let mut all = Vec::new();
    for document in &DOCUMENT_KINDS {
        let Some(api) = reporter::api(client, document.kind) else {
            continue;
        };
        match api.list(&ListParams::default()).await {
            Ok(list) => all.extend(list.items.into_iter().map(|object| {
                json!({
                    "apiVersion": VERSION, "kind": document.kind,
                    "metadata": {"name": object.metadata.name}, "spec": object.data.get("spec"),
                })
            })),
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(err) => return Err(err),
        }
    }
    let namespaces = Served {
        resource: resource(("", "v1"), "Namespace", "namespaces"),
    };
    let namespaces = namespaces.pages(client).all().await?.into_iter();
    all.extend(namespaces.map(|object| {
        let (name, labels) = ("/metadata/name", "/metadata/labels");
        json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": object.pointer(name), "labels": object.pointer(labels)},
        })
    }));
    Ok(all)
}

/// What is known of the nodes, and of the pools that could bring more.
///
/// # Errors
///
/// When the API server is away. What is not served, or may not be read, is left out.
pub async fn snapshot(client: &Client) -> kube::Result<Snapshot> {
    let mut objects = Builder::default();
    for (group, version, kind, plural) in state::KINDS {
        let resource = resource((group, version), kind, plural);
        match (Served { resource }).pages(client).all().await {
            Ok(all) => {
                all.into_iter().for_each(|object| objects.insert(object));
                objects.complete(&match group {
                    "" => kind.to_owned(),
                    group => format!("{kind}.{group}"),
                });
            }
            Err(kube::Error::Api(status)) if matches!(status.code, 403 | 404) => {}
            Err(err) => return Err(err),
        }
    }
    Ok(objects.build())
}
