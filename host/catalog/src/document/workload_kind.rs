//! The document `WorkloadKind`: a kind that makes pods, where in its objects they stand, and how many they are.

use std::{fmt, sync::LazyLock};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tollgate_admission::{self as admission, Count, Kind, Kinds, PodPath, Treatment};

use super::{
    object::Spec,
    schema::{self, Problem},
    written::{Misread, Written, as_text},
};
use crate::yaml::Origin;

/// What a `WorkloadKind` document may say.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkloadKindSpec {
    /// The API group, such as `batch.example.com`.
    pub group: String,
    /// The kind, such as `TrainingRun`.
    #[schemars(length(min = 1))]
    pub kind: String,
    /// The name of its resource in the API; the English plural of the kind in small letters unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plural: Option<String>,
    /// What the API server does with an object when the webhook does not answer. Admits it unless given: its pods
    /// are judged when they are made.
    #[serde(default)]
    pub webhook: Webhook,
    /// Where its pods stand.
    #[schemars(length(min = 1))]
    pub pods: Vec<PodsSpec>,
}

/// How the webhook treats a kind when it cannot answer.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Webhook {
    /// The object is refused.
    Fail,
    /// The object is admitted.
    #[default]
    Ignore,
    /// The webhook is never asked; `review` and `audit` look at it.
    ReviewOnly,
}

/// Where pods stand in an object.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PodsSpec {
    /// The JSON pointer of the place; `*` stands for every key and every item, such as `/spec/roles/*/template`.
    pub path: JsonPointer,
    /// What stands there.
    #[serde(default)]
    pub holds: Holds,
    /// The JSON pointer of what holds the `labels` and `annotations` of pods that stand there as a bare spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<JsonPointer>,
    /// What the pods are for. The keys and names that `*` meets come before it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub role: String,
    /// How many pods, such as `/spec/replicas or 1`. Not known unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<Replicas>,
}

/// What stands at a place.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Holds {
    /// A template: `metadata` and `spec`.
    #[default]
    Template,
    /// The spec of a pod by itself.
    Spec,
    /// A whole object of another kind.
    Object,
}

/// A kind that makes pods, with the name of its document.
#[derive(Clone, Debug)]
pub struct WorkloadKind {
    /// The name of its document.
    pub name: String,
    /// The row that it adds to the table of kinds.
    pub kind: Kind,
    /// Where its document stands.
    pub origin: Origin,
}

impl From<WorkloadKindSpec> for Kind {
    fn from(spec: WorkloadKindSpec) -> Self {
        let WorkloadKindSpec {
            group,
            kind,
            plural,
            webhook,
            pods,
        } = spec;
        Self {
            plural: plural.unwrap_or_else(|| admission::plural(&kind)),
            group,
            kind,
            treatment: match webhook {
                Webhook::Fail => Treatment::Fail,
                Webhook::Ignore => Treatment::Ignore,
                Webhook::ReviewOnly => Treatment::ReviewOnly,
            },
            pods: pods.into_iter().map(PodPath::from).collect(),
        }
    }
}

impl From<PodsSpec> for PodPath {
    fn from(spec: PodsSpec) -> Self {
        let PodsSpec {
            path,
            holds,
            metadata,
            role,
            replicas,
        } = spec;
        Self {
            path: path.0,
            holds: match holds {
                Holds::Template => admission::Holds::Template,
                Holds::Spec => admission::Holds::Spec {
                    metadata: metadata.map(|pointer| pointer.0),
                },
                Holds::Object => admission::Holds::Object,
            },
            is_whole: true,
            role,
            count: replicas.map_or(Count::UNKNOWN, |replicas| replicas.count),
        }
    }
}

impl Spec for WorkloadKindSpec {
    fn schema() -> &'static Value {
        static SCHEMA: LazyLock<Value> = LazyLock::new(schema::of::<WorkloadKindSpec>);
        &SCHEMA
    }

    fn problems(&self) -> Vec<Problem> {
        let of_kubernetes =
            !self.group.contains('.') && Kinds::builtin().find(&self.group, &self.kind).is_some();
        let own = of_kubernetes.then(|| {
            let message = format!(
                "`{}` is a kind of Kubernetes itself, which is known",
                self.kind
            );
            Problem::at("/kind", message)
        });
        let pods = self.pods.iter().enumerate();
        let pods = pods.flat_map(|(index, pods)| pods.problems(&format!("/pods/{index}")));
        let unreachable = (self.webhook == Webhook::Fail
            && Kind::from(self.clone()).plain_places().is_none())
        .then(|| {
            let message = "the API server cannot tell which of these objects have accelerators, and would refuse \
                           all of them when the webhook does not answer";
            Problem::at("/webhook", message).hint(
                "write `ignore`; `fail` needs pods that stand there as templates, with at most one `*` in a path",
            )
        });
        own.into_iter().chain(pods).chain(unreachable).collect()
    }
}

impl PodsSpec {
    fn problems(&self, at: &str) -> Vec<Problem> {
        let stars = stars(&self.path.0);
        let count = self
            .replicas
            .as_ref()
            .map(|replicas| replicas.count.stars());
        let replicas = count.filter(|count| *count > stars).map(|count| {
            let message = format!("it has a pointer with {count} `*`, and `path` has {stars}");
            let hint = "each `*` stands for what the `*` at the same place in `path` met";
            Problem::at(format!("{at}/replicas"), message).hint(hint)
        });
        let metadata = self.metadata.as_ref().and_then(|metadata| {
            let message = match self.holds {
                Holds::Spec if self::stars(&metadata.0) <= stars => return None,
                Holds::Spec => "it has more `*` than `path`",
                Holds::Template | Holds::Object => {
                    "only a bare `spec` has its labels and annotations elsewhere"
                }
            };
            Some(Problem::at(format!("{at}/metadata"), message))
        });
        replicas.into_iter().chain(metadata).collect()
    }
}

fn stars(pointer: &str) -> usize {
    pointer.split('/').filter(|token| *token == "*").count()
}

/// A JSON pointer (RFC 6901) in which `*` stands for every key and every item.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct JsonPointer(String);

as_text!(JsonPointer);

impl Written for JsonPointer {
    const FORMAT: &'static str = "tollgate-json-pointer";

    fn read(text: &str) -> Result<Self, Misread> {
        let mut after_tildes = text.split('~').skip(1);
        let escaped = after_tildes.all(|rest| rest.starts_with(['0', '1']));
        let begins = text.is_empty() || text.starts_with('/');
        match escaped && begins {
            true => Ok(Self(text.to_owned())),
            false => Err(Misread::new(format!("`{text}` is no JSON pointer")).hint(
                "write `/spec/template`; `~1` stands for a `/` in a key, and `~0` for a `~`",
            )),
        }
    }
}

impl fmt::Display for JsonPointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How many pods there are, as an expression over the fields of their object.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Replicas {
    text: String,
    count: Count,
}

as_text!(Replicas);

impl Written for Replicas {
    const FORMAT: &'static str = "tollgate-replicas";

    fn read(text: &str) -> Result<Self, Misread> {
        let misread = |err| {
            Misread::new(format!("`{text}` is no number of pods: {err}")).hint(
                "write a number, a JSON pointer, and `or`, `*`, `+`, `-`, `min(…)`, `div(…, …)`, `if(POINTER, …, …)`, `item(LIST, NAMES, NAME, FIELD)` of them",
            )
        };
        let count = Count::parse(text).map_err(misread)?;
        Ok(Self {
            text: text.to_owned(),
            count,
        })
    }
}

impl fmt::Display for Replicas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests;
