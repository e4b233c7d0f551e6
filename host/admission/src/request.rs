//! What somebody asks the API server to do.

use std::collections::BTreeMap;

use serde_json::Value;

/// What the request does to the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// The object is new.
    Create,
    /// The object exists and changes.
    Update,
    /// The object goes.
    Delete,
    /// A connection to a subresource, such as `exec`.
    Connect,
}

impl Operation {
    /// The word that the API uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
        }
    }

    /// Reads the word that the API uses.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Create, Self::Update, Self::Delete, Self::Connect]
            .into_iter()
            .find(|operation| operation.as_str() == word)
    }
}

/// The type of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct GroupVersionKind {
    /// The API group; empty for the core group.
    pub group: String,
    /// The version within the group.
    pub version: String,
    /// The kind.
    pub kind: String,
}

impl GroupVersionKind {
    /// Splits an `apiVersion` into group and version.
    pub fn new(api_version: &str, kind: &str) -> Self {
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
        }
    }

    /// The `apiVersion` that a manifest holds.
    pub fn api_version(&self) -> String {
        match self.group.as_str() {
            "" => self.version.clone(),
            group => format!("{group}/{}", self.version),
        }
    }

    /// Whether it is the Pod itself.
    pub fn is_pod(&self) -> bool {
        self.kind == "Pod" && self.group.is_empty()
    }

    /// `Kind.group`, or the bare kind for the core group.
    pub fn kind_dot_group(&self) -> String {
        match self.group.as_str() {
            "" => self.kind.clone(),
            group => format!("{}.{group}", self.kind),
        }
    }
}

/// A request to create or change an object, as an AdmissionReview or the command line states it.
#[derive(Clone, Debug)]
pub struct Request {
    /// The request's id, to be echoed.
    pub uid: String,
    /// What is done.
    pub operation: Operation,
    /// The type of the object.
    pub gvk: GroupVersionKind,
    /// The subresource that is written.
    pub subresource: Option<String>,
    /// What the API calls the objects that the request is about, by group and plural: of a subresource of another type,
    /// such as `scale`, those that have it.
    pub resource: Option<(String, String)>,
    /// The namespace that the object is in.
    pub namespace: Option<String>,
    /// The object's name, or what its generated name will begin with.
    pub name: Option<String>,
    /// The user that asks.
    pub user: String,
    /// The groups of that user.
    pub groups: Vec<String>,
    /// Whether nothing will be stored.
    pub dry_run: bool,
    /// The labels of the namespace, where the host knows the namespace.
    pub namespace_labels: Option<BTreeMap<String, String>>,
    /// The object as it would become.
    pub object: Value,
    /// The object as it is.
    pub old_object: Option<Value>,
}
