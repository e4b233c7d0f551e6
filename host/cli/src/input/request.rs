//! From an object to the request that would store it.

use std::collections::HashMap;

use serde_json::Value;
use tollgate_admission::{GroupVersionKind, Operation, Request};
use tollgate_catalog::Diagnostic;
use tollgate_pipeline::{Received, receive_value};

use super::objects::Found;
use super::paths::Source;
use super::{Content, Item, documents, objects, scope};
use crate::args::{InputArgs, Verb};
use crate::failure::Failure;

/// Who asks for what, as far as objects do not say so themselves.
#[derive(Debug)]
pub(super) struct Asker<'a> {
    args: &'a InputArgs,
    old: HashMap<Identity, Value>,
}

/// What makes two objects the same one.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Identity {
    kind: String,
    namespace: Option<String>,
    name: Option<String>,
}

/// An object's type, and where it is.
#[derive(Debug)]
struct Header {
    gvk: GroupVersionKind,
    namespace: Option<String>,
    name: Option<String>,
}

impl<'a> Asker<'a> {
    /// Reads `--old`.
    pub(super) fn new(args: &'a InputArgs) -> Result<Self, Failure> {
        let mut asker = Self {
            args,
            old: HashMap::new(),
        };
        let Some(path) = &args.old else {
            return Ok(asker);
        };
        if args.operation == Some(Verb::Create) {
            return Err(anyhow::anyhow!(
                "`--old` is for objects that exist, and `--operation` is `create`"
            )
            .into());
        }
        asker.old = asker.read_old(&Source::File(path.clone()))?;
        Ok(asker)
    }

    fn read_old(&self, source: &Source) -> Result<HashMap<Identity, Value>, Vec<Diagnostic>> {
        let (bytes, documents) = documents(source);
        let mut old = HashMap::new();
        let mut unreadable = Vec::new();
        for found in documents
            .into_iter()
            .flat_map(|document| objects::of(document, &bytes))
        {
            match found.content {
                Ok(object) => {
                    if let Ok(header) = self.header(&object) {
                        old.insert(header.identity(), object);
                    }
                }
                Err(diagnostic) => unreadable.push(diagnostic),
            }
        }
        if unreadable.is_empty() {
            Ok(old)
        } else {
            Err(unreadable)
        }
    }

    /// Makes of an object what is to be reviewed.
    pub(super) fn ask(&self, found: Found) -> Item {
        let Found {
            source,
            origin,
            pointer,
            content,
        } = found;
        let object = match content {
            Ok(object) => object,
            Err(diagnostic) => {
                return Item {
                    source,
                    content: Content::Unreadable(Box::new(diagnostic)),
                };
            }
        };
        let content = match self.header(&object) {
            Err(why) => Content::Foreign(why),
            Ok(header) if is_admission_review(&header.gvk) => {
                let diagnose =
                    |message| Content::Unreadable(Box::new(origin.diagnostic(&pointer, message)));
                match receive_value(&object) {
                    Ok(Received::Request(request)) => Content::Request(request),
                    Ok(Received::Malformed { reason, .. }) => {
                        diagnose(format!("the AdmissionReview makes no sense: {reason}"))
                    }
                    Err(err) => diagnose(err.to_string()),
                }
            }
            Ok(header) => Content::Request(Box::new(self.request(header, object))),
        };
        Item { source, content }
    }

    /// Reads what every object has, or tells what this is instead.
    fn header(&self, object: &Value) -> Result<Header, String> {
        let (api_version, kind) =
            type_of(object).map_err(|why| format!("not a Kubernetes object: it {why}"))?;
        let gvk = GroupVersionKind::new(api_version, kind);
        let metadata = |key: &str| {
            let text = object.get("metadata")?.get(key)?.as_str()?;
            Some(text.to_owned()).filter(|text| !text.is_empty())
        };
        let namespace = (!scope::is_cluster_wide(&gvk))
            .then(|| metadata("namespace").unwrap_or(self.args.namespace.clone()));
        Ok(Header {
            namespace,
            name: metadata("name").or_else(|| metadata("generateName")),
            gvk,
        })
    }

    fn request(&self, header: Header, object: Value) -> Request {
        let old = self.old.get(&header.identity()).cloned();
        let operation = match self.args.operation {
            Some(Verb::Create) => Operation::Create,
            Some(Verb::Update) => Operation::Update,
            Some(Verb::Delete) => Operation::Delete,
            None if old.is_some() => Operation::Update,
            None => Operation::Create,
        };
        // The API server has no new object where one goes, and no old one where one comes.
        let (object, old_object) = match operation {
            Operation::Delete => (Value::Null, Some(old.unwrap_or(object))),
            _ => (object, old),
        };
        let Header {
            gvk,
            namespace,
            name,
        } = header;
        Request {
            uid: String::new(),
            operation,
            gvk,
            subresource: None,
            resource: None,
            namespace,
            name,
            user: self.args.user.clone().unwrap_or_default(),
            groups: self.args.groups.clone(),
            dry_run: true,
            namespace_labels: None,
            object,
            old_object,
        }
    }
}

impl Header {
    fn identity(&self) -> Identity {
        Identity {
            kind: self.gvk.kind_dot_group(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        }
    }
}

fn is_admission_review(gvk: &GroupVersionKind) -> bool {
    gvk.kind == "AdmissionReview" && gvk.group == "admission.k8s.io"
}

/// The `apiVersion` and `kind` of an object, or why there are none.
fn type_of(value: &Value) -> Result<(&str, &str), &'static str> {
    let text = |key: &str| {
        value
            .get(key)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    match value {
        Value::Object(_) => match (text("apiVersion"), text("kind")) {
            (Some(api_version), Some(kind)) => Ok((api_version, kind)),
            (Some(_), None) => Err("has no kind"),
            (None, Some(_)) => Err("has no apiVersion"),
            (None, None) => Err("has no apiVersion and kind"),
        },
        Value::Array(_) => Err("is a list"),
        Value::String(_) => Err("is a text"),
        Value::Number(_) => Err("is a number"),
        Value::Bool(_) => Err("is a boolean"),
        Value::Null => Err("is null"),
    }
}
