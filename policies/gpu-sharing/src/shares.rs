//! What shares the cluster offers a pod, and whether it asks for them so.
//!
//! Sources: NVIDIA/k8s-device-plugin, README, on `renameByDefault` and `failRequestsGreaterThanOne`; the tests of GKE's
//! plugin (GoogleCloudPlatform/container-engine-accelerators), which refuses more than one on time-shared nodes.

use tollgate_sdk::gpu::{self, Sharing};
use tollgate_sdk::prelude::*;
use tollgate_sdk::selected;

use crate::asked::{Asked, Kind, Wanted};

pub(crate) const SEVERAL: Rule = Rule::deny(
    "several-shares",
    "A container asks for one share of an NVIDIA GPU: a second gives no more of it and may be of the same GPU, and many plugins fail the pod with `UnexpectedAdmissionError`.",
);
pub(crate) const NOT_OFFERED: Rule = Rule::warn(
    "share-not-offered",
    "NVIDIA GPUs are asked for by the name that this cluster gives them, `nvidia.com/gpu` or `nvidia.com/gpu.shared`: by the other the pod stays Pending.",
);

/// How the GPUs are shared that a pod can get, as far as anybody says.
pub(crate) struct Offer {
    sharing: Option<Sharing>,
    by: Source,
    renamed: Option<bool>,
}

/// Who says so.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Source {
    /// The pod selects such nodes.
    Selector,
    /// The pod selects nodes on which GKE gives out shares.
    Gke,
    /// All nodes and pools that the pod may run on.
    Cluster,
    /// The `Site` document, or nobody.
    Site,
}

/// How `nvidia.com/gpu` is shared on all nodes that the pod may run on; `None` where they differ, where there are
/// whole ones, and where nothing is known.
fn of_cluster(pod: &Pod) -> Option<Sharing> {
    let units = cluster::pod_gpu_units(pod);
    let (one, more) = units.split_first()?;
    let sharing = Sharing::parse(&one.sharing).filter(|sharing| *sharing != Sharing::None)?;
    more.iter()
        .all(|other| other.sharing == one.sharing)
        .then_some(sharing)
}

/// Whether the configurations of the device plugin that are known offer shares by the plain name alone.
fn are_plain() -> bool {
    cluster::share_names().is_some_and(|known| known.values == ["nvidia.com/gpu"])
}

impl Offer {
    /// What a pod can get: by its own selectors, else by the nodes that are left to it, else by the site.
    pub(crate) fn to(pod: &Pod, renamed: Option<bool>) -> Self {
        let selected = selected(pod, |key, value| {
            let by = match gpu::is_gke_sharing(key) {
                true => Source::Gke,
                false => Source::Selector,
            };
            gpu::sharing_of(key, value).map(|sharing| vec![(sharing, by)])
        });
        let (sharing, by) = match selected.as_deref() {
            Some([(sharing, by)]) => (Some(*sharing), *by),
            // Several ways are open.
            Some(_) => (None, Source::Selector),
            None => match of_cluster(pod) {
                Some(sharing) => (Some(sharing), Source::Cluster),
                None => (
                    site::sharing().and_then(|word| Sharing::parse(&word)),
                    Source::Site,
                ),
            },
        };
        Self {
            sharing,
            by,
            renamed,
        }
    }

    /// Whether MPS shares them.
    pub(crate) fn is_mps(&self) -> bool {
        self.sharing == Some(Sharing::Mps)
    }

    /// Whether one `nvidia.com/gpu` is a share, and several in a container are refused or useless.
    fn has_plain_shares(&self) -> bool {
        match self.sharing {
            Some(Sharing::TimeSlicing) => self.renamed != Some(true),
            // GKE allows several on nodes with one GPU, and nothing here tells how many a node has.
            Some(Sharing::Mps) => self.renamed != Some(true) && self.by != Source::Gke,
            Some(Sharing::None) | None => false,
        }
    }

    /// Reports what a container asks for otherwise than it is offered.
    pub(crate) fn report(&self, asked: &Asked) {
        for wanted in &asked.devices {
            let is_share = match wanted.kind {
                Kind::Shared | Kind::SharedMig => true,
                Kind::Plain => self.has_plain_shares() && !asked.is_under_hami,
            };
            if is_share && wanted.count > 1 {
                self.report_several(asked, wanted);
            }
            self.report_name(asked, wanted);
        }
    }

    fn report_several(&self, asked: &Asked, wanted: &Wanted) {
        let Wanted { name, count, .. } = wanted;
        let why = match (wanted.kind, self.by) {
            (Kind::Plain, Source::Site) => {
                "one of which is a share of a GPU here, as the site says"
            }
            (Kind::Plain, Source::Cluster) => {
                "one of which is a share on every node that the pod may run on"
            }
            (Kind::Plain, _) => "one of which is a share on the nodes that the pod selects",
            _ => "each of them a share of a GPU",
        };
        SEVERAL
            .finding(
                asked.place(wanted),
                format!(
                    "container `{}` asks for {count} {name}, {why}: that is no more of a GPU than 1, and may be the same one",
                    asked.container.name()
                ),
            )
            .actual(count.to_string())
            .allowed("1")
            .fix(format!("ask for `{name}: 1`, or for whole GPUs or MIG devices on nodes that do not share"))
            .report();
    }

    fn report_name(&self, asked: &Asked, wanted: &Wanted) {
        let is_shared = matches!(self.sharing, Some(Sharing::TimeSlicing | Sharing::Mps));
        let (why, right) = match (wanted.kind, self.renamed) {
            (Kind::Shared, _) if self.sharing == Some(Sharing::None) => {
                ("shares no whole GPUs", "nvidia.com/gpu")
            }
            (Kind::Shared, None) if are_plain() => {
                ("offers shares as `nvidia.com/gpu`", "nvidia.com/gpu")
            }
            (Kind::Shared, Some(false)) if is_shared => {
                ("offers shares as `nvidia.com/gpu`", "nvidia.com/gpu")
            }
            (Kind::Plain, Some(true)) if is_shared && !asked.is_under_hami => (
                "offers shares as `nvidia.com/gpu.shared`",
                "nvidia.com/gpu.shared",
            ),
            _ => return,
        };
        let (who, name) = (self.who(), &wanted.name);
        NOT_OFFERED
            .finding(
                asked.place(wanted),
                format!(
                    "`{}` asks for `{name}`: {who} {why}",
                    asked.container.name()
                ),
            )
            .actual(name.as_str())
            .allowed(right)
            .fix(format!(
                "ask for `{right}`, or select nodes that offer `{name}`"
            ))
            .report();
    }

    fn who(&self) -> &'static str {
        match self.by {
            Source::Site | Source::Cluster => "this cluster",
            Source::Selector | Source::Gke => "what the pod selects",
        }
    }
}
