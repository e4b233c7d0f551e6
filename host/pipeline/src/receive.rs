//! From the bytes of an AdmissionReview to a request.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use tollgate_admission::{GroupVersionKind, Operation, Request};

/// The one version of AdmissionReview that is spoken.
pub(crate) const API_VERSION: &str = "admission.k8s.io/v1";

/// A body that is not an AdmissionReview that can be answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiveError {
    /// It is not JSON, or not the JSON of an AdmissionReview.
    #[error("the body is not the JSON of an AdmissionReview: {0}")]
    Json(#[from] serde_json::Error),
    /// It is of another type.
    #[error(
        "the body is a `{kind}` of `{api_version}`; expected an `AdmissionReview` of `{API_VERSION}`"
    )]
    Type {
        /// Its `apiVersion`.
        api_version: String,
        /// Its `kind`.
        kind: String,
    },
    /// It has no request, or the request has no uid to answer with.
    #[error("the AdmissionReview has no request with a `uid`")]
    NoRequest,
}

/// What came in.
#[derive(Clone, Debug)]
pub enum Received {
    /// A request to judge.
    Request(Box<Request>),
    /// A request whose uid can be read but whose rest makes no sense: it is refused, with the reason.
    Malformed {
        /// The uid to echo.
        uid: String,
        /// What makes no sense.
        reason: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    #[serde(borrow)]
    api_version: Cow<'a, str>,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    request: Option<Wire<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    uid: String,
    kind: WireKind,
    resource: Option<WireResource>,
    sub_resource: Option<String>,
    namespace: Option<String>,
    name: Option<String>,
    #[serde(borrow)]
    operation: Cow<'a, str>,
    #[serde(default)]
    user_info: WireUser,
    #[serde(default)]
    object: Value,
    old_object: Option<Value>,
    dry_run: Option<bool>,
}

#[derive(Deserialize)]
struct WireKind {
    #[serde(default)]
    group: String,
    version: String,
    kind: String,
}

#[derive(Deserialize)]
struct WireResource {
    #[serde(default)]
    group: String,
    resource: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireUser {
    username: String,
    groups: Vec<String>,
}

/// Reads the body of a call. The object is parsed here, once.
///
/// # Errors
///
/// When the body is not an AdmissionReview v1 with a uid.
pub fn receive(body: &[u8]) -> Result<Received, ReceiveError> {
    match serde_json::from_slice(body) {
        Ok(envelope) => open(envelope),
        Err(err) => malformed(serde_json::from_slice(body).ok(), err),
    }
}

/// Reads an AdmissionReview that was parsed already, such as a document of a file.
///
/// # Errors
///
/// When it is not an AdmissionReview v1 with a uid.
pub fn receive_value(review: &Value) -> Result<Received, ReceiveError> {
    match Envelope::deserialize(review) {
        Ok(envelope) => open(envelope),
        Err(err) => malformed(OnlyUid::deserialize(review).ok(), err),
    }
}

fn open(envelope: Envelope<'_>) -> Result<Received, ReceiveError> {
    if envelope.kind != "AdmissionReview" || envelope.api_version != API_VERSION {
        return Err(ReceiveError::Type {
            api_version: envelope.api_version.into_owned(),
            kind: envelope.kind.into_owned(),
        });
    }
    let wire = envelope
        .request
        .filter(|wire| !wire.uid.is_empty())
        .ok_or(ReceiveError::NoRequest)?;
    Ok(match Operation::parse(&wire.operation) {
        Some(operation) => Received::Request(Box::new(wire.into_request(operation))),
        None => Received::Malformed {
            reason: format!("`{}` is not an operation", wire.operation),
            uid: wire.uid,
        },
    })
}

#[derive(Deserialize)]
struct OnlyUid {
    request: Uid,
}

#[derive(Deserialize)]
struct Uid {
    uid: String,
}

/// A body whose uid can be read still gets an answer of its own.
fn malformed(readable: Option<OnlyUid>, err: serde_json::Error) -> Result<Received, ReceiveError> {
    match readable {
        Some(OnlyUid {
            request: Uid { uid },
        }) if !uid.is_empty() => Ok(Received::Malformed {
            uid,
            reason: err.to_string(),
        }),
        _ => Err(err.into()),
    }
}

impl Wire<'_> {
    fn into_request(self, operation: Operation) -> Request {
        let text = |text: Option<String>| text.filter(|text| !text.is_empty());
        let WireKind {
            group,
            version,
            kind,
        } = self.kind;
        Request {
            uid: self.uid,
            operation,
            gvk: GroupVersionKind {
                group,
                version,
                kind,
            },
            subresource: text(self.sub_resource),
            resource: self.resource.map(|of| (of.group, of.resource)),
            namespace: text(self.namespace),
            name: text(self.name),
            user: self.user_info.username,
            groups: self.user_info.groups,
            dry_run: self.dry_run.unwrap_or_default(),
            namespace_labels: None,
            object: self.object,
            old_object: self.old_object.filter(|old| !old.is_null()),
        }
    }
}
