//! What a row of the built-in table is made of: constants, and what they stand for.

use super::{Holds, Part, Parts, Take, Treatment};

/// A row of the table.
pub(super) struct Row {
    pub(super) group: &'static str,
    pub(super) kind: &'static str,
    pub(super) treatment: Treatment,
    /// What every count is multiplied by; empty for nothing. Its pointers begin at the object's root.
    pub(super) times: &'static str,
    /// Paths of pods, each list with the place where all its pointers begin.
    pub(super) pods: &'static [(&'static str, &'static [Pods])],
}

/// Where pods stand: [`PodPath`](super::PodPath) as a constant.
pub(super) struct Pods {
    pub(super) path: &'static str,
    pub(super) holds: Hold,
    pub(super) role: &'static str,
    pub(super) count: &'static str,
    pub(super) is_whole: bool,
}

/// [`Holds`] as a constant.
pub(super) enum Hold {
    Template,
    /// With the pointer of what holds the labels, unless it is the spec's own or nothing.
    Spec(Labels),
    Object,
    Parts(&'static [Piece]),
}

/// Where the labels and annotations of a bare pod spec stand.
pub(super) enum Labels {
    Nowhere,
    At(&'static str),
}

/// A [`Part`] as a constant.
pub(super) struct Piece(
    pub(super) &'static str,
    pub(super) &'static str,
    pub(super) Pick,
);

pub(super) enum Pick {
    Value,
    /// A number of devices whose name another field may tell.
    Named(&'static str, &'static str),
    /// The template of a list's item, which another field names.
    Template(&'static str),
    Instance,
    Profile,
}

impl Hold {
    pub(super) fn below(&self, base: &str) -> Holds {
        match self {
            Self::Template => Holds::Template,
            Self::Spec(Labels::Nowhere) => Holds::Spec { metadata: None },
            Self::Spec(Labels::At(place)) => Holds::Spec {
                metadata: Some(format!("{base}{place}")),
            },
            Self::Object => Holds::Object,
            Self::Parts(pieces) => Holds::Parts(Parts(
                pieces.iter().map(|piece| piece.below(base)).collect(),
            )),
        }
    }
}

impl Piece {
    fn below(&self, base: &str) -> Part {
        let Self(from, to, pick) = self;
        Part {
            from: format!("{base}{from}"),
            to,
            take: match pick {
                Pick::Value => Take::Value,
                Pick::Named(field, name) => Take::Devices {
                    named: format!("{base}{field}"),
                    name,
                },
                Pick::Template(field) => Take::Template {
                    named: format!("{base}{field}"),
                },
                Pick::Instance => Take::Instance,
                Pick::Profile => Take::Profile,
            },
        }
    }
}

pub(super) const fn template(path: &'static str, count: &'static str) -> Pods {
    Pods {
        path,
        holds: Hold::Template,
        role: "",
        count,
        is_whole: true,
    }
}

/// A bare spec that holds labels and annotations beside the fields of the pod. Its controller adds to it.
pub(super) const fn spec(path: &'static str, count: &'static str) -> Pods {
    labelled(path, path, count)
}

pub(super) const fn bare(path: &'static str, count: &'static str) -> Pods {
    Pods {
        holds: Hold::Spec(Labels::Nowhere),
        is_whole: false,
        ..template(path, count)
    }
}

pub(super) const fn labelled(
    path: &'static str,
    labels: &'static str,
    count: &'static str,
) -> Pods {
    Pods {
        holds: Hold::Spec(Labels::At(labels)),
        is_whole: false,
        ..template(path, count)
    }
}

pub(super) const fn object(path: &'static str, count: &'static str) -> Pods {
    Pods {
        holds: Hold::Object,
        ..template(path, count)
    }
}

pub(super) const fn parts(
    path: &'static str,
    pieces: &'static [Piece],
    count: &'static str,
) -> Pods {
    Pods {
        holds: Hold::Parts(pieces),
        is_whole: false,
        ..template(path, count)
    }
}

impl Pods {
    pub(super) const fn role(self, role: &'static str) -> Self {
        Self { role, ..self }
    }

    /// The controller adds nothing to what stands there.
    pub(super) const fn whole(self) -> Self {
        Self {
            is_whole: true,
            ..self
        }
    }
}

pub(super) const fn value(from: &'static str, to: &'static str) -> Piece {
    Piece(from, to, Pick::Value)
}

pub(super) type Paths = &'static [(&'static str, &'static [Pods])];

pub(super) const fn row(
    group: &'static str,
    kind: &'static str,
    treatment: Treatment,
    pods: Paths,
) -> Row {
    Row {
        group,
        kind,
        treatment,
        times: "",
        pods,
    }
}

/// A kind that makes no pods, and that rules read for what it scales or supplies.
pub(super) const fn other(group: &'static str, kind: &'static str, treatment: Treatment) -> Row {
    row(group, kind, treatment, &[])
}

impl Row {
    pub(super) const fn times(self, times: &'static str) -> Self {
        Self { times, ..self }
    }
}
