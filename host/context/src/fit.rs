//! Where a pod fits: the scheduler's own tests, on nodes that are there and on those that pools could bring.
//!
//! What is asked is whether the pod can ever run, so what other pods use now does not count. Node selector, required
//! node affinity, taints and resources are tested; spread and affinity among pods, volumes and claims on devices are
//! not.

mod words;

use std::collections::BTreeMap;

use tollgate_admission::{ContainerView, PodView};
use tollgate_gpu::{ContainerClass, Quantity, Toleration, effective, tolerates};

use crate::label::{Gives, Wanted};
use crate::offer::{Offer, Source, Taint};
use crate::snapshot::Snapshot;

/// Where a pod fits, or what keeps it from running.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fit {
    /// The nodes that fit.
    pub nodes: Vec<String>,
    /// The pools that could bring a node that fits.
    pub pools: Vec<String>,
    /// Where nothing fits: what comes nearest.
    pub nearest: Option<Near>,
}

/// What comes nearest to a node for a pod, and what keeps the pod from it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Near {
    /// Whether it is there or could come.
    pub source: Source,
    /// The name of the node or pool.
    pub name: String,
    /// What keeps the pod from it; never empty.
    pub obstacles: Vec<Obstacle>,
}

/// Something that keeps a pod from a node.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Obstacle {
    /// The node has another name than the pod asks for.
    Name {
        /// The name that the pod asks for.
        wanted: String,
    },
    /// A label is not as the pod asks.
    Label {
        /// What the pod asks, as `key: value` or with the operator in between.
        wanted: String,
        /// What there is.
        gives: Gives,
        /// Whether no node and no pool has what the pod asks.
        is_nowhere: bool,
    },
    /// A taint that the pod does not tolerate, as `key=value:effect`.
    Taint(String),
    /// Too little of a resource.
    Resource {
        /// The resource.
        name: String,
        /// What the pod asks for.
        wanted: Quantity,
        /// The most that one such node has.
        most: Quantity,
    },
}

/// What a pod asks of a node.
struct Ask {
    node_name: Option<String>,
    /// Hold in any case.
    selector: Vec<Wanted>,
    /// Alternatives, of which one must hold; none where there is no required affinity.
    terms: Vec<Vec<Wanted>>,
    tolerations: Vec<tollgate_admission::Toleration>,
    resources: BTreeMap<String, Quantity>,
}

/// Something that a pod asks for and an offer does not have. Clusters have thousands of nodes, so it borrows.
enum Lack<'a> {
    Name(&'a str),
    Label(&'a Wanted),
    Taint(&'a Taint),
    Resource {
        name: &'a str,
        wanted: Quantity,
        most: Quantity,
    },
}

/// Tells where a pod fits; `None` where no node and no pool is known.
pub fn fit(pod: PodView<'_>, snapshot: &Snapshot) -> Option<Fit> {
    let offers = snapshot.offers();
    if offers.is_empty() {
        return None;
    }
    let ask = Ask::of(pod);
    let judged = offers.iter().map(|offer| (offer, ask.lacks(offer)));
    let (fitting, others): (Vec<_>, Vec<_>) = judged.partition(|(_, lacks)| lacks.is_empty());
    let names = |source| {
        let these = fitting.iter().filter(|(offer, _)| offer.source == source);
        these.map(|(offer, _)| offer.name.clone()).collect()
    };
    let nearest = others
        .iter()
        .min_by_key(|(offer, lacks)| distance(offer, lacks));
    let nearest = nearest.filter(|_| fitting.is_empty());
    Some(Fit {
        nodes: names(Source::Node),
        pools: names(Source::Pool),
        nearest: nearest.map(|(offer, lacks)| Near::of(offer, lacks, offers)),
    })
}

/// The nodes and pools that a pod's node selector and required affinity leave.
pub(crate) fn left<'s>(pod: PodView<'_>, snapshot: &'s Snapshot) -> Vec<&'s Offer> {
    if snapshot.offers().is_empty() {
        return Vec::new();
    }
    let ask = Ask::of(pod);
    let suits = |offer: &&Offer| {
        let holds = |term: &Vec<Wanted>| term.iter().all(|wanted| offer.meets(wanted));
        holds(&ask.selector) && (ask.terms.is_empty() || ask.terms.iter().any(holds))
    };
    snapshot.offers().iter().filter(suits).collect()
}

/// How many of a resource the nodes have for pods, all together, that a pod's node selector and required affinity leave;
/// `None` where not all nodes are known, and where a pool could bring more.
pub(crate) fn total(pod: PodView<'_>, snapshot: &Snapshot, resource: &str) -> Option<u64> {
    if !snapshot.knows_all_nodes() {
        return None;
    }
    let mut total = 0_u64;
    for offer in left(pod, snapshot) {
        let most = offer.most(resource)?;
        if offer.source == Source::Pool && !most.is_zero() {
            return None;
        }
        let most = most
            .ceil_integer()
            .and_then(|most| u64::try_from(most).ok());
        total = total.saturating_add(most.unwrap_or(0));
    }
    Some(total)
}

impl Fit {
    /// Whether neither a node nor a pool fits.
    pub fn is_nowhere(&self) -> bool {
        self.nodes.is_empty() && self.pools.is_empty()
    }
}

impl Ask {
    fn of(pod: PodView<'_>) -> Self {
        let selector = pod.node_selectors();
        let mut terms: BTreeMap<u32, Vec<Wanted>> = BTreeMap::new();
        for term in pod.node_terms().into_iter().filter(|term| term.required) {
            terms.entry(term.term).or_default().push(term.into());
        }
        Self {
            node_name: pod.node_name().map(str::to_owned),
            selector: selector
                .iter()
                .map(|(key, value)| Wanted::label(key, value))
                .collect(),
            terms: terms.into_values().collect(),
            tolerations: pod.tolerations(),
            resources: requests(pod),
        }
    }

    /// What an offer lacks for the pod.
    fn lacks<'a>(&'a self, offer: &'a Offer) -> Vec<Lack<'a>> {
        let is_other = |wanted: &&str| offer.source != Source::Node || *wanted != offer.name;
        let name = self.node_name.as_deref().filter(is_other).map(Lack::Name);
        let unmet = |wanted: &'a [Wanted]| -> Vec<_> {
            let unmet = wanted.iter().filter(|wanted| !offer.meets(wanted));
            unmet.map(Lack::Label).collect()
        };
        let terms = self.terms.iter().map(|term| unmet(term));
        let terms = terms.min_by_key(Vec::len).unwrap_or_default();
        let taints = offer.taints.iter().filter(|taint| self.is_kept_off(taint));
        let resources = self.resources.iter().filter_map(|(name, wanted)| {
            let most = offer.most(name).filter(|most| most < wanted)?;
            Some(Lack::Resource {
                name,
                wanted: *wanted,
                most,
            })
        });
        name.into_iter()
            .chain(unmet(&self.selector))
            .chain(terms)
            .chain(taints.map(Lack::Taint))
            .chain(resources)
            .collect()
    }

    fn is_kept_off(&self, taint: &Taint) -> bool {
        let Taint { key, value, effect } = taint;
        let taint = tollgate_gpu::Taint { key, value, effect };
        let tolerated = self.tolerations.iter().any(|toleration| {
            let toleration = Toleration {
                key: toleration.key.as_deref().unwrap_or_default(),
                operator: &toleration.operator,
                value: toleration.value.as_deref().unwrap_or_default(),
                effect: toleration.effect.as_deref().unwrap_or_default(),
            };
            tolerates(&toleration, &taint)
        });
        effect != "PreferNoSchedule" && !tolerated
    }
}

/// How far an offer is from what is asked: by the resources that it does not have at all, which no change of labels
/// and tolerations makes up for, then by all that it lacks, then by the labels that it does not have at all.
fn distance(offer: &Offer, lacks: &[Lack<'_>]) -> (usize, usize, usize) {
    let mut resources = 0;
    let mut labels = 0;
    for lack in lacks {
        match lack {
            Lack::Resource { most, .. } if most.is_zero() => resources += 1,
            Lack::Label(wanted) if *offer.gives(&wanted.key) == Gives::Nothing => labels += 1,
            _ => {}
        }
    }
    (resources, lacks.len(), labels)
}

impl Near {
    fn of(offer: &Offer, lacks: &[Lack<'_>], offers: &[Offer]) -> Self {
        let obstacle = |lack: &Lack<'_>| match *lack {
            Lack::Name(wanted) => Obstacle::Name {
                wanted: wanted.to_owned(),
            },
            Lack::Label(wanted) => Obstacle::Label {
                wanted: wanted.to_string(),
                gives: offer.gives(&wanted.key).clone(),
                is_nowhere: !offers.iter().any(|other| other.meets(wanted)),
            },
            Lack::Taint(taint) => Obstacle::Taint(taint.to_string()),
            Lack::Resource { name, wanted, most } => Obstacle::Resource {
                name: name.to_owned(),
                wanted,
                most,
            },
        };
        Self {
            source: offer.source,
            name: offer.name.clone(),
            obstacles: lacks.iter().map(obstacle).collect(),
        }
    }
}

/// The pod's effective requests: what the scheduler counts.
fn requests(pod: PodView<'_>) -> BTreeMap<String, Quantity> {
    let asked: Vec<_> = pod.containers().flat_map(requests_of).collect();
    let each = asked
        .iter()
        .map(|(class, name, amount)| (*class, name.as_str(), *amount));
    let mut total: BTreeMap<_, _> = effective(each)
        .into_iter()
        .map(|(name, amount)| (name.to_owned(), amount))
        .collect();
    // What is said for the whole pod stands above what its containers add up to.
    for name in ["cpu", "memory"] {
        let own = pod.request(name).or_else(|| pod.limit(name));
        if let Some(own) = own.and_then(|text| Quantity::parse(&text).ok()) {
            total.insert(name.to_owned(), own);
        }
    }
    total.retain(|_, amount| *amount > Quantity::ZERO);
    total
}

/// A container's requests; a limit alone is a request too.
fn requests_of(container: ContainerView<'_>) -> Vec<(ContainerClass, String, Quantity)> {
    let mut asked = container.requests();
    for (name, limit) in container.limits() {
        if !asked.iter().any(|(there, _)| *there == name) {
            asked.push((name, limit));
        }
    }
    let class = container.class();
    let parse = |(name, text): (String, String)| Some((class, name, Quantity::parse(&text).ok()?));
    asked.into_iter().filter_map(parse).collect()
}

#[cfg(test)]
mod tests;
