//! The table of kinds: where in an object the pods stand that it makes, and how many they are. Kinds that make none
//! are there for what scales and supplies pods.

mod part;
mod row;
mod table;

use std::sync::LazyLock;

pub(crate) use part::{Part, Take};
use row::Row;
use table::TABLE;

use crate::{Count, CountError};

/// How the webhook treats a kind when it cannot answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// Registered so that failure refuses: pods, and templates of pods.
    Fail,
    /// Registered so that failure admits: the API server cannot look for accelerators in the object and would ask
    /// about every one, and its pods are judged later in any case.
    Ignore,
    /// Not registered; `review` and `audit` only.
    ReviewOnly,
}

/// The kinds that are known: those that are built in, and those of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kinds {
    rows: Vec<Kind>,
}

/// A kind that is reviewed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The API group; empty for the core group.
    pub group: String,
    /// The kind.
    pub kind: String,
    /// The name of the resource in the API.
    pub plural: String,
    /// How the webhook treats it.
    pub treatment: Treatment,
    /// Where its pods stand; empty where it makes none.
    pub pods: Vec<PodPath>,
}

/// Where pods stand in an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodPath {
    /// The JSON pointer of the place; `*` stands for every key of an object and every item of a list.
    pub path: String,
    /// What stands there.
    pub holds: Holds,
    /// What the pods are for. What each `*` met comes before it.
    pub role: String,
    /// How many pods.
    pub count: Count,
    /// Whether what stands there is all of the pod: other objects and controllers add to one that is not.
    pub is_whole: bool,
}

/// What stands at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holds {
    /// A pod or a template: `metadata` and `spec`.
    Template,
    /// A bare spec of a pod.
    Spec {
        /// The pointer of what holds the pods' labels and annotations, where the object has them; its `*` stand for
        /// what those of the path met.
        metadata: Option<String>,
    },
    /// A whole object of another kind.
    Object,
    /// Fields that a controller makes pods of.
    Parts(Parts),
}

/// The fields that pods are made of. Only built-in kinds have them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts(pub(crate) Vec<Part>);

impl Default for Kinds {
    fn default() -> Self {
        Self::builtin().clone()
    }
}

impl Kinds {
    /// The kinds that are built in.
    pub fn builtin() -> &'static Self {
        static BUILTIN: LazyLock<Kinds> = LazyLock::new(|| {
            // A test reads each row, so none is missing.
            let rows = TABLE.iter().filter_map(|row| read(row).ok());
            Kinds {
                rows: rows.collect(),
            }
        });
        &BUILTIN
    }

    /// These kinds and more. A row for a kind that is there stands in the place of the old one.
    #[must_use]
    pub fn with(&self, more: Vec<Kind>) -> Self {
        let mut rows = self.rows.clone();
        rows.retain(|old| !more.iter().any(|new| new.is(&old.group, &old.kind)));
        rows.extend(more);
        Self { rows }
    }

    /// The row of a kind, whatever its version.
    pub fn find(&self, group: &str, kind: &str) -> Option<&Kind> {
        self.rows.iter().find(|row| row.is(group, kind))
    }

    /// All rows.
    pub fn rows(&self) -> &[Kind] {
        &self.rows
    }
}

impl Kind {
    fn is(&self, group: &str, kind: &str) -> bool {
        self.kind == kind && self.group == group
    }

    /// Whether it is the Pod itself.
    pub fn is_pod(&self) -> bool {
        self.is("", "Pod")
    }

    /// Whether it makes pods.
    pub fn makes_pods(&self) -> bool {
        !self.pods.is_empty()
    }

    /// Whether the API server asks about its objects.
    pub fn is_registered(&self) -> bool {
        self.treatment != Treatment::ReviewOnly
    }

    /// `Kind.group`, or the bare kind for the core group.
    pub fn kind_dot_group(&self) -> String {
        match self.group.as_str() {
            "" => self.kind.clone(),
            group => format!("{}.{group}", self.kind),
        }
    }

    /// The pointers of its pods, where it makes any and the API server can find all of them by itself: where they are
    /// templates, and no pointer has more than one `*`.
    pub fn plain_places(&self) -> Option<Vec<&str>> {
        let is_plain = |pods: &PodPath| pods.holds == Holds::Template && pods.stars() < 2;
        let places = || self.pods.iter().map(|pods| pods.path.as_str()).collect();
        (self.makes_pods() && self.pods.iter().all(is_plain)).then(places)
    }
}

impl PodPath {
    /// How many `*` the path has.
    pub fn stars(&self) -> usize {
        self.path.split('/').filter(|token| *token == "*").count()
    }
}

/// The name of a kind's resource in the API, which is the plural of the kind as English has it.
pub fn plural(kind: &str) -> String {
    let name = kind.to_ascii_lowercase();
    let hissing = ["s", "x", "ch", "sh"].iter().any(|end| name.ends_with(end));
    match name.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ if hissing => format!("{name}es"),
        _ => format!("{name}s"),
    }
}

fn read(row: &Row) -> Result<Kind, CountError> {
    let mut pods = Vec::new();
    for (base, paths) in row.pods {
        for one in *paths {
            let count = Count::parse_below(base, one.count)?;
            pods.push(PodPath {
                path: format!("{base}{}", one.path),
                holds: one.holds.below(base),
                is_whole: one.is_whole,
                role: one.role.to_owned(),
                count: match row.times {
                    "" => count,
                    times => count.times(Count::parse(times)?),
                },
            });
        }
    }
    Ok(Kind {
        group: row.group.to_owned(),
        kind: row.kind.to_owned(),
        plural: plural(row.kind),
        treatment: row.treatment,
        pods,
    })
}

#[cfg(test)]
mod tests;
