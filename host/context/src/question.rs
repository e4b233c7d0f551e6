//! What policies may ask of a snapshot, and what it answers.

use std::fmt;

use tollgate_admission::{PodId, PodView, Review};
use tollgate_gpu::Quantity;

use crate::backend;
use crate::claim;
use crate::fit;
use crate::label::Gives;
use crate::offer::{Offer, Unit};
use crate::plugin;
use crate::queue;
use crate::scaler::{self, Scaler};
use crate::snapshot::{Known, Snapshot};
use crate::workload;

const GPU: &str = "nvidia.com/gpu";

/// What a policy may ask. See `wit/cluster.wit` for what each means.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Question {
    /// The names of the objects of a kind.
    Names {
        /// `Kind.group`
        kind: String,
        /// The namespace; `None` for kinds that are in none.
        namespace: Option<String>,
    },
    /// The device classes that a claim or a template of claims asks for.
    ClaimClasses {
        /// The namespace.
        namespace: String,
        /// The name of the ResourceClaim or ResourceClaimTemplate.
        name: String,
        /// Whether it is a template.
        is_template: bool,
    },
    /// How many devices a claim or a template of claims asks for.
    ClaimDevices {
        /// The namespace.
        namespace: String,
        /// The name of the ResourceClaim or ResourceClaimTemplate.
        name: String,
        /// Whether it is a template.
        is_template: bool,
    },
    /// The access modes of a PersistentVolumeClaim.
    ClaimModes {
        /// The namespace.
        namespace: String,
        /// The name.
        name: String,
    },
    /// The accelerators that one replica of a workload takes.
    WorkloadDevices(Workload),
    /// What scales a workload.
    Scalers(Workload),
    /// How many pods an object selects by its labels.
    Selected(Workload),
    /// By what names shares of whole GPUs are offered.
    ShareNames,
    /// The MIG strategies that a config map gives to the device plugin.
    MigStrategies {
        /// The name of the config map.
        config_map: String,
    },
    /// The resources for which there is a quota behind a LocalQueue.
    QueueResources {
        /// The namespace.
        namespace: String,
        /// The name.
        name: String,
    },
    /// How many of a resource there are on the nodes that a pod's selectors leave.
    Total {
        /// The resource.
        resource: String,
        /// The pod.
        pod: PodId,
    },
    /// The schedulers.
    Schedulers,
    /// The values of a label, on the nodes that a pod's selectors leave or on all.
    NodeLabel {
        /// The label.
        key: String,
        /// The pod.
        pod: Option<PodId>,
    },
    /// How many of a resource nodes have.
    Amounts {
        /// The resource.
        resource: String,
    },
    /// The GPU models, on the nodes that a pod's selectors leave or on all.
    GpuModels {
        /// The pod.
        pod: Option<PodId>,
    },
    /// What one `nvidia.com/gpu` is on the nodes that a pod's selectors leave.
    GpuUnits {
        /// The pod.
        pod: PodId,
    },
}

/// A workload, or another object, by its place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Workload {
    /// `Kind.group`
    pub kind: String,
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
}

/// What a snapshot answers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer {
    /// Nothing is known.
    Unknown,
    /// Names or values.
    Known(Known),
    /// What one `nvidia.com/gpu` may be, each once; never empty.
    Units(Vec<Unit>),
    /// Accelerators by resource name, and how many.
    Devices(Vec<(String, u64)>),
    /// What scales a workload; never empty.
    Scalers(Vec<Scaler>),
    /// A number.
    Number(u64),
}

/// A question that a policy asked, and its answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Asked {
    /// The question.
    pub question: Question,
    /// The answer.
    pub answer: Answer,
}

impl Snapshot {
    /// Answers a question about the cluster in the light of a review.
    pub fn answer(&self, question: &Question, review: &Review) -> Answer {
        let left = |pod: Option<PodId>| match pod.and_then(|pod| review.pod(pod)) {
            Some(pod) => fit::left(pod, self),
            None => self.offers().iter().collect(),
        };
        match question {
            Question::Names { kind, namespace } => self.names(kind, namespace.as_deref()).into(),
            Question::ClaimClasses {
                namespace,
                name,
                is_template,
            } => claim::classes(self, namespace, name, *is_template).into(),
            Question::ClaimDevices {
                namespace,
                name,
                is_template,
            } => claim::devices(self, namespace, name, *is_template).into(),
            Question::ClaimModes { namespace, name } => claim::modes(self, namespace, name).into(),
            Question::WorkloadDevices(workload) => {
                workload::devices(self, workload).map_or(Answer::Unknown, Answer::Devices)
            }
            Question::Scalers(workload) => match scaler::of(self, workload, review.request()) {
                scalers if scalers.is_empty() => Answer::Unknown,
                scalers => Answer::Scalers(scalers),
            },
            Question::Selected(object) => backend::selected(self, object).into(),
            Question::ShareNames => plugin::share_names(self).into(),
            Question::MigStrategies { config_map } => {
                plugin::mig_strategies(self, config_map).into()
            }
            Question::QueueResources { namespace, name } => {
                queue::resources(self, namespace, name).into()
            }
            Question::Total { resource, pod } => {
                let pod = review.pod(*pod);
                pod.and_then(|pod| fit::total(pod, self, resource)).into()
            }
            Question::Schedulers => self.schedulers().cloned().into(),
            Question::NodeLabel { key, pod } => self.label(&left(*pod), key).into(),
            Question::Amounts { resource } => self.amounts(resource).into(),
            Question::GpuModels { pod } => self.models(&left(*pod)).into(),
            Question::GpuUnits { pod } => units(review.pod(*pod), self),
        }
    }

    fn label(&self, offers: &[&Offer], key: &str) -> Option<Known> {
        let gives: Vec<_> = offers.iter().map(|offer| offer.gives(key)).collect();
        let is_open = gives.iter().any(|gives| matches!(gives, Gives::AnyBut(_)));
        let mut values: Vec<_> = gives
            .iter()
            .flat_map(|gives| gives.values())
            .cloned()
            .collect();
        values.sort();
        values.dedup();
        self.known(offers, values, is_open)
    }

    fn amounts(&self, resource: &str) -> Option<Known> {
        let offers: Vec<_> = self.offers().iter().collect();
        let most: Vec<_> = offers.iter().map(|offer| offer.most(resource)).collect();
        let mut values: Vec<Quantity> = most.iter().flatten().copied().collect();
        values.retain(|amount| !amount.is_zero());
        values.sort_by(|one, other| other.cmp(one));
        values.dedup();
        let values = values.into_iter().map(Quantity::to_binary_string).collect();
        self.known(&offers, values, most.contains(&None))
    }

    fn models(&self, offers: &[&Offer]) -> Option<Known> {
        let takers = offers.iter().filter(|offer| may_have_gpus(offer));
        let models: Vec<_> = takers.map(|offer| offer.models()).collect();
        let is_open = models.iter().any(|models| models.len() != 1);
        let ids = models
            .iter()
            .copied()
            .flatten()
            .map(|model| model.id.to_owned());
        let mut values: Vec<_> = ids.collect();
        values.sort();
        values.dedup();
        self.known(offers, values, is_open)
    }

    /// What these offers come to; nothing where there are none. They are all where every node is known and none of
    /// them leaves anything open.
    fn known(&self, offers: &[&Offer], values: Vec<String>, is_open: bool) -> Option<Known> {
        (!offers.is_empty()).then_some(Known {
            values,
            is_complete: self.knows_all_nodes() && !is_open,
        })
    }
}

/// Nothing is known where not all nodes are: what is a share on some may be a whole GPU on others, and rules refuse
/// several shares.
fn units(pod: Option<PodView<'_>>, snapshot: &Snapshot) -> Answer {
    let Some(pod) = pod.filter(|_| snapshot.knows_all_nodes()) else {
        return Answer::Unknown;
    };
    let left = fit::left(pod, snapshot);
    let mut units = Vec::new();
    for offer in left.into_iter().filter(|offer| may_have_gpus(offer)) {
        if !units.contains(&offer.unit()) {
            units.push(offer.unit());
        }
    }
    match units.is_empty() {
        true => Answer::Unknown,
        false => Answer::Units(units),
    }
}

/// Whether an offer has GPUs, or may have: a pool that leaves its machines open can bring any.
fn may_have_gpus(offer: &Offer) -> bool {
    offer.most(GPU).is_none_or(|most| !most.is_zero()) || !offer.models().is_empty()
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            namespace,
            name,
        } = self;
        write!(f, "{kind} {namespace}/{name}")
    }
}

impl From<Option<Known>> for Answer {
    fn from(known: Option<Known>) -> Self {
        known.map_or(Self::Unknown, Self::Known)
    }
}

impl From<Option<u64>> for Answer {
    fn from(number: Option<u64>) -> Self {
        number.map_or(Self::Unknown, Self::Number)
    }
}

impl fmt::Display for Question {
    /// The question in a few words. Pods are left out, since they are those of the review.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Names {
                kind,
                namespace: Some(namespace),
            } => write!(f, "names of {kind} in {namespace}"),
            Self::Names { kind, .. } => write!(f, "names of {kind}"),
            Self::ClaimClasses {
                namespace,
                name,
                is_template,
            } => {
                let what = claim::in_words(*is_template);
                write!(f, "device classes of {what} {namespace}/{name}")
            }
            Self::ClaimDevices {
                namespace,
                name,
                is_template,
            } => {
                let what = claim::in_words(*is_template);
                write!(f, "number of devices of {what} {namespace}/{name}")
            }
            Self::ClaimModes { namespace, name } => {
                write!(f, "access modes of claim {namespace}/{name}")
            }
            Self::WorkloadDevices(workload) => write!(f, "devices of {workload}"),
            Self::Scalers(workload) => write!(f, "scalers of {workload}"),
            Self::Selected(object) => write!(f, "pods that {object} selects"),
            Self::ShareNames => f.write_str("names of shared GPUs"),
            Self::MigStrategies { config_map } => {
                write!(f, "MIG strategies of config map {config_map}")
            }
            Self::QueueResources { namespace, name } => {
                write!(f, "resources of queue {namespace}/{name}")
            }
            Self::Total {
                resource,
                pod: PodId(pod),
            } => write!(f, "all {resource} for pod {pod}"),
            Self::Schedulers => f.write_str("schedulers"),
            Self::NodeLabel { key, pod: None } => write!(f, "label {key} of nodes"),
            Self::NodeLabel {
                key,
                pod: Some(PodId(pod)),
            } => write!(f, "label {key} of nodes for pod {pod}"),
            Self::Amounts { resource } => write!(f, "amounts of {resource} on nodes"),
            Self::GpuModels { pod: None } => f.write_str("GPU models"),
            Self::GpuModels {
                pod: Some(PodId(pod)),
            } => write!(f, "GPU models for pod {pod}"),
            Self::GpuUnits { pod: PodId(pod) } => write!(f, "GPU units for pod {pod}"),
        }
    }
}

#[cfg(test)]
mod tests;
