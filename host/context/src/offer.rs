//! A node, or a kind of node that a pool could bring.

use std::collections::BTreeMap;
use std::fmt;

use tollgate_gpu::{MigName, Model, Quantity, Sharing, model_keys, model_of};

use crate::label::{Gives, Wanted};

/// Where pods may run: a node, or the nodes that a pool could bring.
#[derive(Clone, Debug)]
pub struct Offer {
    /// Whether it is there or could come.
    pub source: Source,
    /// The name of the node or pool.
    pub name: String,
    /// What is said of labels.
    pub(crate) labels: BTreeMap<String, Gives>,
    /// Whether a label of which nothing is said may have any value.
    pub(crate) is_open: fn(&str) -> bool,
    pub(crate) taints: Vec<Taint>,
    /// The most of each resource that one node has for pods.
    pub(crate) resources: BTreeMap<String, Quantity>,
    /// Whether a resource of which nothing is said may be there.
    pub(crate) may_have: fn(&Offer, &str) -> bool,
    /// What one `nvidia.com/gpu` is.
    pub(crate) unit: Unit,
    /// The models that its nodes may have; empty where no label tells, or where it leaves one open.
    pub(crate) models: Vec<&'static Model>,
}

/// Whether an offer is there or could come.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Source {
    /// A node that is there.
    Node,
    /// What an autoscaler can make nodes of.
    Pool,
}

/// What one `nvidia.com/gpu` of a node is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unit {
    /// A whole GPU, as far as is known.
    Whole,
    /// A MIG device: all GPUs of the node are cut alike.
    Mig(MigName),
    /// A share of a GPU.
    Shared {
        /// By turns, or under MPS.
        sharing: Sharing,
        /// Into how many shares a GPU is divided; `None` where that is not known.
        replicas: Option<u32>,
    },
}

/// A taint that keeps pods away.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Taint {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) effect: String,
}

impl Unit {
    /// How a GPU is shared.
    pub fn sharing(self) -> Sharing {
        match self {
            Self::Shared { sharing, .. } => sharing,
            Self::Whole | Self::Mig(_) => Sharing::None,
        }
    }

    /// Into how many shares a GPU is divided, where that is known.
    pub fn replicas(self) -> Option<u32> {
        match self {
            Self::Shared { replicas, .. } => replicas,
            Self::Whole | Self::Mig(_) => None,
        }
    }

    /// The MIG profile, where all GPUs of a node are cut alike.
    pub fn mig_profile(self) -> Option<String> {
        match self {
            Self::Mig(mig) => Some(mig.profile()),
            Self::Whole | Self::Shared { .. } => None,
        }
    }
}

impl Offer {
    /// What it has for a label.
    pub fn gives(&self, key: &str) -> &Gives {
        static ANYTHING: Gives = Gives::AnyBut(Vec::new());
        static NOTHING: Gives = Gives::Nothing;
        match self.labels.get(key) {
            Some(gives) => gives,
            None if (self.is_open)(key) => &ANYTHING,
            None => &NOTHING,
        }
    }

    /// Whether it has, or may have, what is asked of a label.
    pub(crate) fn meets(&self, wanted: &Wanted) -> bool {
        wanted.is_met_by(self.gives(&wanted.key)) && self.may_be_model(wanted)
    }

    /// Whether one of its models may go by a value that is asked. A pool of `p4d.24xlarge` gives no H100 under any
    /// label, though only the type is said.
    fn may_be_model(&self, wanted: &Wanted) -> bool {
        let Wanted {
            key,
            operator,
            values,
        } = wanted;
        let is_said = operator != "In" || self.labels.contains_key(key);
        let mut asked = values.iter().map(|value| model_of(key, value));
        let is_ours = |models: &[&Model]| models.iter().any(|model| self.models.contains(model));
        is_said || self.models.is_empty() || asked.any(|models| models.is_none_or(is_ours))
    }

    /// The most of a resource that one of its nodes has for pods; `None` where that is not known.
    pub fn most(&self, resource: &str) -> Option<Quantity> {
        match self.resources.get(resource) {
            Some(most) => Some(*most),
            None if (self.may_have)(self, resource) => None,
            None => Some(Quantity::ZERO),
        }
    }

    /// The models that its nodes may have; empty where no label tells, or where it leaves one open.
    pub fn models(&self) -> &[&'static Model] {
        &self.models
    }

    /// What one `nvidia.com/gpu` of its nodes is.
    pub fn unit(&self) -> Unit {
        self.unit
    }
}

/// The models that labels name: those of the first label that names any, unless it has a value that is not known.
pub(crate) fn models_of(labels: &BTreeMap<String, Gives>) -> Vec<&'static Model> {
    let named = model_keys().find_map(|key| {
        let values = labels.get(key).map_or(&[][..], Gives::values);
        let models: Option<Vec<_>> = values.iter().map(|value| model_of(key, value)).collect();
        models.filter(|models| !models.is_empty())
    });
    let named = named.into_iter().flatten().flatten();
    let mut models: Vec<&'static Model> = named.copied().collect();
    models.sort_by_key(|model| model.id);
    models.dedup_by_key(|model| model.id);
    models
}

impl fmt::Display for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.source {
            Source::Node => "node",
            Source::Pool => "pool",
        };
        write!(f, "{word} `{}`", self.name)
    }
}
