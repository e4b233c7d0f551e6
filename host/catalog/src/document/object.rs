//! One document: what kind it is, whose it is, and what it says.

use std::sync::LazyLock;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    Budget, BudgetSpec, Exemption, ExemptionSpec, PolicySpec, PriceBook, PriceBookSpec, Site,
    WorkloadKind, WorkloadKindSpec,
    configuration::{Labels, NamespaceDocument, PolicyDocument, SiteDocument},
    nearest::{did_you_mean, listed},
    schema::{Problem, check},
    written::{Name, Written},
};
use crate::{diagnostic::Diagnostic, yaml::Origin};

/// A document of configuration.
#[derive(Clone, Debug)]
pub enum Object {
    /// A use of a policy.
    Policy(Box<PolicyDocument>),
    /// Who is let off which rules.
    Exemption(Box<Exemption>),
    /// How much some pods may use together.
    Budget(Box<Budget>),
    /// What an hour of a GPU costs.
    PriceBook(Box<PriceBook>),
    /// A further kind that makes pods.
    WorkloadKind(Box<WorkloadKind>),
    /// What is true of the cluster.
    Site(SiteDocument),
    /// A namespace's labels.
    Namespace(NamespaceDocument),
}

/// A kind of document that a cluster can hold as objects.
#[derive(Clone, Copy, Debug)]
pub struct DocumentKind {
    /// The kind.
    pub kind: &'static str,
    /// The JSON Schema of its spec, as derived from the types.
    pub schema: fn() -> &'static Value,
}

/// The kinds of the group `tollgate.dev` that this version knows.
pub const DOCUMENT_KINDS: [DocumentKind; 6] = [
    DocumentKind {
        kind: "Policy",
        schema: PolicySpec::schema,
    },
    DocumentKind {
        kind: "Exemption",
        schema: ExemptionSpec::schema,
    },
    DocumentKind {
        kind: "Budget",
        schema: BudgetSpec::schema,
    },
    DocumentKind {
        kind: "PriceBook",
        schema: PriceBookSpec::schema,
    },
    DocumentKind {
        kind: "WorkloadKind",
        schema: WorkloadKindSpec::schema,
    },
    DocumentKind {
        kind: "Site",
        schema: Site::schema,
    },
];

/// What stands under `spec` in a kind of document.
pub(super) trait Spec: DeserializeOwned {
    /// Its schema, with everything in place.
    fn schema() -> &'static Value;

    /// Writes what has several spellings in the one that the schema knows.
    fn normalise(_spec: &mut Value) {}

    /// What the schema cannot tell is wrong, with pointers from the spec.
    fn problems(&self) -> Vec<Problem> {
        Vec::new()
    }
}

/// The group and version of the documents.
pub const VERSION: &str = "tollgate.dev/v1alpha1";

/// Reads a document, or the items of a `List`, onto what was found. Of several documents, those
/// that are right are read also where others are wrong.
pub(super) fn read(
    value: Value,
    origin: Origin,
    found: &mut Vec<Object>,
    wrong: &mut Vec<Diagnostic>,
) {
    let word = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
    if (word("apiVersion"), word("kind")) == ("v1", "List") {
        return read_items(value, &origin, found, wrong);
    }
    match read_object(value, origin) {
        Ok(object) => found.push(object),
        Err(diagnostics) => wrong.extend(diagnostics),
    }
}

/// Reads one document.
///
/// # Errors
///
/// All that is wrong with it.
pub fn read_object(value: Value, origin: Origin) -> Result<Object, Vec<Diagnostic>> {
    let word = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
    match (word("apiVersion"), word("kind")) {
        (VERSION, "Policy") => policy(value, origin),
        (VERSION, "Exemption") => exemption(value, origin),
        (VERSION, "Budget") => budget(value, origin),
        (VERSION, "PriceBook") => price_book(value, origin),
        (VERSION, "WorkloadKind") => workload_kind(value, origin),
        (VERSION, "Site") => site(value, origin),
        ("v1", "Namespace") => namespace(value, origin),
        (version, kind) => Err(vec![unknown(&origin, &value, version, kind)]),
    }
}

fn read_items(list: Value, origin: &Origin, found: &mut Vec<Object>, wrong: &mut Vec<Diagnostic>) {
    let items = match list {
        Value::Object(mut list) => list.remove("items"),
        _ => None,
    };
    let Some(Value::Array(items)) = items else {
        wrong.push(origin.diagnostic("/items", "a `List` needs `items`"));
        return;
    };
    for (index, item) in items.into_iter().enumerate() {
        read(item, origin.item(index), found, wrong);
    }
}

fn policy(value: Value, origin: Origin) -> Result<Object, Vec<Diagnostic>> {
    let (name, spec) = named::<PolicySpec>(value, &origin)?;
    Ok(Object::Policy(Box::new(PolicyDocument {
        name,
        spec,
        origin,
    })))
}

fn exemption(value: Value, origin: Origin) -> Result<Object, Vec<Diagnostic>> {
    let (name, spec) = named::<ExemptionSpec>(value, &origin)?;
    Ok(Object::Exemption(Box::new(Exemption {
        name: name.into(),
        spec,
        origin,
    })))
}

fn budget(value: Value, origin: Origin) -> Result<Object, Vec<Diagnostic>> {
    let (name, spec) = named::<BudgetSpec>(value, &origin)?;
    Ok(Object::Budget(Box::new(Budget {
        name: name.into(),
        spec,
        origin,
    })))
}

fn price_book(value: Value, origin: Origin) -> Result<Object, Vec<Diagnostic>> {
    let (name, spec) = named::<PriceBookSpec>(value, &origin)?;
    Ok(Object::PriceBook(Box::new(PriceBook {
        name: name.into(),
        spec,
        origin,
    })))
}

fn workload_kind(value: Value, origin: Origin) -> Result<Object, Vec<Diagnostic>> {
    let (name, spec) = named::<WorkloadKindSpec>(value, &origin)?;
    Ok(Object::WorkloadKind(Box::new(WorkloadKind {
        name,
        kind: spec.into(),
        origin,
    })))
}

fn site(value: Value, origin: Origin) -> Result<Object, Vec<Diagnostic>> {
    let (name, spec) = named::<Site>(value, &origin)?;
    match name.as_str() {
        "default" => Ok(Object::Site(SiteDocument { site: spec, origin })),
        _ => {
            let message = format!("the site is named `default`, not `{name}`: there is only one");
            Err(vec![origin.diagnostic("/metadata/name", message)])
        }
    }
}

/// Reads a namespace's name and labels, whatever else the document says.
fn namespace(value: Value, origin: Origin) -> Result<Object, Vec<Diagnostic>> {
    static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
        let metadata = json!({"type": "object", "required": ["name"], "properties": {"name": name(), "labels": labels()}});
        json!({"type": "object", "required": ["metadata"], "properties": {"metadata": metadata}})
    });
    #[derive(Deserialize)]
    struct Metadata {
        name: String,
        labels: Option<Labels>,
    }
    #[derive(Deserialize)]
    struct Namespace {
        metadata: Metadata,
    }
    told(&origin, check(&SCHEMA, &value))?;
    let Namespace {
        metadata: Metadata { name, labels },
    } = decoded(value, &origin, "")?;
    Ok(Object::Namespace(NamespaceDocument {
        name,
        labels: labels.unwrap_or_default(),
        origin,
    }))
}

/// Reads the name and the spec of a document, or tells all that is wrong with it.
fn named<S: Spec>(mut value: Value, origin: &Origin) -> Result<(String, S), Vec<Diagnostic>> {
    if let Some(spec) = value.get_mut("spec") {
        S::normalise(spec);
    }
    let mut problems = check(&ENVELOPE, &value);
    if let Some(spec) = value.get("spec") {
        problems.extend(check(S::schema(), spec).into_iter().map(within_spec));
    }
    told(origin, problems)?;
    let name = value
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let spec = value.get_mut("spec").map(Value::take).unwrap_or_default();
    let spec: S = decoded(spec, origin, "/spec")?;
    told(
        origin,
        spec.problems().into_iter().map(within_spec).collect(),
    )?;
    Ok((name, spec))
}

/// What holds of every kind of document besides its spec.
static ENVELOPE: LazyLock<Value> = LazyLock::new(|| {
    let metadata = json!({
        "type": "object",
        "required": ["name"],
        "additionalProperties": false,
        "properties": {
            "name": name(), "labels": labels(), "annotations": labels(),
            // What the API server adds, and `kubectl get -o yaml` shows.
            "creationTimestamp": true, "deletionGracePeriodSeconds": true, "deletionTimestamp": true,
            "finalizers": true, "generation": true, "managedFields": true, "ownerReferences": true,
            "resourceVersion": true, "selfLink": true, "uid": true,
        },
    });
    json!({
        "type": "object",
        "required": ["metadata", "spec"],
        "additionalProperties": false,
        "properties": {"apiVersion": true, "kind": true, "metadata": metadata, "spec": true, "status": true},
    })
});

fn name() -> Value {
    json!({"type": "string", "format": Name::FORMAT})
}

fn labels() -> Value {
    json!({"type": ["object", "null"], "additionalProperties": {"type": "string"}})
}

fn within_spec(problem: Problem) -> Problem {
    Problem {
        pointer: format!("/spec{}", problem.pointer),
        ..problem
    }
}

/// Tells the problems, if there are some, in the order of the text.
fn told(origin: &Origin, problems: Vec<Problem>) -> Result<(), Vec<Diagnostic>> {
    if problems.is_empty() {
        return Ok(());
    }
    let mut diagnostics: Vec<_> = problems
        .into_iter()
        .map(|problem| diagnose(origin, problem))
        .collect();
    diagnostics.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
    Err(diagnostics)
}

/// Points at what a problem is about.
pub(super) fn diagnose(origin: &Origin, problem: Problem) -> Diagnostic {
    let Problem {
        pointer,
        on_key,
        message,
        hint,
    } = problem;
    let diagnostic = match on_key {
        true => origin.key_diagnostic(&pointer, message),
        false => origin.diagnostic(&pointer, message),
    };
    Diagnostic { hint, ..diagnostic }
}

/// Decodes what was checked; what the check did not see is told as serde has it.
fn decoded<T: DeserializeOwned>(
    value: Value,
    origin: &Origin,
    pointer: &str,
) -> Result<T, Vec<Diagnostic>> {
    serde_json::from_value(value)
        .map_err(|err| vec![origin.key_diagnostic(pointer, err.to_string())])
}

fn unknown(origin: &Origin, value: &Value, version: &str, kind: &str) -> Diagnostic {
    let accepted = format!(
        "accepted are {} of `{VERSION}`, and `Namespace` of `v1`",
        listed(DOCUMENT_KINDS.iter().map(|known| known.kind))
    );
    let group = version.split('/').next().unwrap_or_default();
    let diagnostic = if !value.is_object() {
        origin.diagnostic("", "not a document: it has no `apiVersion` and `kind`")
    } else if version.is_empty() || kind.is_empty() {
        let missing = if version.is_empty() {
            "apiVersion"
        } else {
            "kind"
        };
        origin.diagnostic(
            "",
            format!("not a document: its `{missing}` is missing or no text"),
        )
    } else if group != "tollgate.dev" {
        origin.diagnostic(
            "/kind",
            format!("`{kind}` of `{version}` is no configuration of Tollgate"),
        )
    } else if version != VERSION {
        origin.diagnostic(
            "/apiVersion",
            format!("unknown version `{version}`; accepted is `{VERSION}`"),
        )
    } else {
        let meant = did_you_mean(kind, DOCUMENT_KINDS.iter().map(|known| known.kind));
        origin.diagnostic("/kind", format!("unknown kind `{kind}`{meant}"))
    };
    diagnostic.with_hint(accepted)
}
