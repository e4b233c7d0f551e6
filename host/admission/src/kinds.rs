//! The table of kinds that make pods.

/// How the webhook treats a kind when it cannot answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// Registered so that failure refuses: pods, and templates of pods.
    Fail,
    /// Registered so that failure admits.
    Ignore,
    /// Not registered; `review` and `audit` only.
    ReviewOnly,
}

/// A number in the object.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Where it stands, as a JSON pointer from the object's root.
    pub pointer: &'static str,
    /// What the API assumes when it is absent.
    pub default: u32,
}

/// How many pods a template makes.
#[derive(Clone, Copy, Debug)]
pub enum Count {
    /// This many.
    Is(u32),
    /// As a field says.
    Field(Field),
    /// As the smaller of two fields says; a second that is absent does not count.
    AtMost(Field, &'static str),
    /// It depends on the cluster.
    Unknown,
}

/// Where pods stand in an object.
#[derive(Clone, Copy, Debug)]
pub struct PodPath {
    /// The JSON pointer of the pod or its template (what holds `metadata` and `spec`); `*` stands for every
    /// key of an object and every item of a list.
    pub path: &'static str,
    /// What the pods are for, where the path has no `*` to take it from.
    pub role: &'static str,
    /// How many pods.
    pub count: Count,
}

/// A kind that makes pods.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// The API group; empty for the core group.
    pub group: &'static str,
    /// The kind.
    pub kind: &'static str,
    /// How the webhook treats it.
    pub treatment: Treatment,
    /// Where its pods stand.
    pub pods: &'static [PodPath],
}

impl Kind {
    /// The row of a kind, whatever its version.
    pub fn find(group: &str, kind: &str) -> Option<&'static Self> {
        KINDS
            .iter()
            .find(|row| row.kind == kind && row.group == group)
    }

    /// The name of the resource in the API, which is the plural of the kind as English has it.
    pub fn plural(&self) -> String {
        let name = self.kind.to_ascii_lowercase();
        let hissing = ["s", "x", "ch", "sh"].iter().any(|end| name.ends_with(end));
        match name.strip_suffix('y') {
            Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
            _ if hissing => format!("{name}es"),
            _ => format!("{name}s"),
        }
    }
}

const TEMPLATE: &str = "/spec/template";

const fn one(path: &'static str, count: Count) -> PodPath {
    PodPath {
        path,
        role: "",
        count,
    }
}

const fn replicas(path: &'static str) -> PodPath {
    one(
        path,
        Count::Field(Field {
            pointer: "/spec/replicas",
            default: 1,
        }),
    )
}

const fn row(group: &'static str, kind: &'static str, pods: &'static [PodPath]) -> Kind {
    Kind {
        group,
        kind,
        treatment: Treatment::Fail,
        pods,
    }
}

/// Every kind that makes pods, from the API reference of Kubernetes 1.36.
pub const KINDS: &[Kind] = &[
    row("", "Pod", &[one("", Count::Is(1))]),
    row("", "ReplicationController", &[replicas(TEMPLATE)]),
    row("apps", "Deployment", &[replicas(TEMPLATE)]),
    row("apps", "StatefulSet", &[replicas(TEMPLATE)]),
    row("apps", "ReplicaSet", &[replicas(TEMPLATE)]),
    row("apps", "DaemonSet", &[one(TEMPLATE, Count::Unknown)]),
    row(
        "batch",
        "Job",
        &[one(
            TEMPLATE,
            Count::AtMost(
                Field {
                    pointer: "/spec/parallelism",
                    default: 1,
                },
                "/spec/completions",
            ),
        )],
    ),
    row(
        "batch",
        "CronJob",
        &[one(
            "/spec/jobTemplate/spec/template",
            Count::AtMost(
                Field {
                    pointer: "/spec/jobTemplate/spec/parallelism",
                    default: 1,
                },
                "/spec/jobTemplate/spec/completions",
            ),
        )],
    ),
    row("", "PodTemplate", &[one("/template", Count::Is(0))]),
];
