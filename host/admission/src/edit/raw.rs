//! Raw operations, and what they may not touch.

use serde_json::Value;

use super::{EditError, Editor, Outcome};
use crate::json::below;
use crate::patch::{Op, OpKind};
use crate::{PodView, Review};

impl Editor<'_> {
    pub(super) fn patch(&mut self, op: Op) -> Outcome {
        if let Some(what) = protected(self.review, &op.path) {
            return Err(EditError::Forbidden(format!(
                "`{}` is protected: a policy may not change {what}",
                op.path
            )));
        }
        match (op.kind, self.at(&op.path)) {
            (OpKind::Add | OpKind::Replace, Some(there)) if *there == op.value => return Ok(()),
            (OpKind::Remove, None) => return Ok(()),
            _ => {}
        }
        let list = op.path.rsplit_once('/').map_or("", |(list, _)| list);
        // Adding to a list moves items but overwrites none.
        if op.kind != OpKind::Add || !self.at(list).is_some_and(Value::is_array) {
            self.unless_written_by_another(&op.path)?;
            self.unless_loses_anothers(&op)?;
        }
        self.apply(op)
    }
}

/// What a raw operation may not touch, in a pod's terms: the first keys of the path below the pod, `*` for any.
const PROTECTED: &[(&[&str], &str)] = &[
    (&["metadata", "name"], "identity"),
    (&["metadata", "generateName"], "identity"),
    (&["metadata", "namespace"], "identity"),
    (&["metadata", "uid"], "identity"),
    (&["metadata", "ownerReferences"], "owners"),
    (&["metadata", "finalizers"], "finalizers"),
    (&["spec", "serviceAccountName"], "the service account"),
    (&["spec", "serviceAccount"], "the service account"),
    (
        &["spec", "automountServiceAccountToken"],
        "the service account",
    ),
    (&["spec", "securityContext"], "the security context"),
    (&["spec", "hostIPC"], "the security context"),
    (&["spec", "hostPID"], "the security context"),
    (&["spec", "hostNetwork"], "the security context"),
    (&["spec", "hostUsers"], "the security context"),
    (&["spec", "containers", "*", "image"], "images"),
    (&["spec", "initContainers", "*", "image"], "images"),
    (&["spec", "ephemeralContainers", "*", "image"], "images"),
    (
        &["spec", "containers", "*", "securityContext"],
        "the security context",
    ),
    (
        &["spec", "initContainers", "*", "securityContext"],
        "the security context",
    ),
    (
        &["spec", "ephemeralContainers", "*", "securityContext"],
        "the security context",
    ),
    (&["spec", "volumes", "*", "hostPath"], "host paths"),
];

/// What a raw operation at a path would change that is protected: a protected place itself, one above it (which
/// would replace it whole), or anything outside the review's pods.
fn protected(review: &Review, path: &str) -> Option<&'static str> {
    let within = |pod: &PodView<'_>| below(path, pod.path()).is_some_and(|rest| !rest.is_empty());
    let Some(pod) = review
        .pods()
        .filter(within)
        .max_by_key(|pod| pod.path().len())
    else {
        return Some("what is outside the object's pods");
    };
    if !pod.slot.is_template() {
        return Some("a pod that the object does not spell out as a template");
    }
    let tokens: Vec<_> = path
        .strip_prefix(pod.path())
        .unwrap_or_default()
        .split('/')
        .skip(1)
        .map(crate::json::unescape)
        .collect();
    if !matches!(
        tokens.first().map(String::as_str),
        Some("metadata" | "spec")
    ) {
        return Some("status or the type of the object");
    }
    let overlaps = |keys: &[&str]| {
        keys.iter()
            .zip(&tokens)
            .all(|(key, token)| *key == "*" || key == token)
    };
    // Appending to or removing from a list of containers or volumes passes over the `*` rows as well, and must.
    PROTECTED
        .iter()
        .find(|(keys, _)| overlaps(keys))
        .map(|(_, what)| *what)
}
