//! Images of one processor architecture on nodes of another.
//!
//! Only images whose names say an architecture are judged, against the nodes that the pod selects, else against the
//! nodes and pools of the cluster where all are of one architecture, else against the models that the `Site` document
//! lists.

use tollgate_sdk::gpu::{Architecture, model_of};
use tollgate_sdk::prelude::*;
use tollgate_sdk::{below, cluster_models, selected};

pub(crate) const WRONG: Rule = Rule::warn(
    "image-architecture",
    "An image that names its architecture is for the processors of the nodes that the pod may run on, which are Arm's beside GB200, GB300, GH200 and T4G: else it ends with `exec format error`.",
);

const LABEL: &str = "kubernetes.io/arch";

/// Warns about images that some node of the pod cannot run.
pub(crate) fn report(pod: &Pod) {
    let containers = pod.containers();
    let named = containers.iter().filter_map(|container| {
        let image = container.image()?;
        Some((container, Architecture::of_image(&image)?, image))
    });
    let named: Vec<_> = named.collect();
    if named.is_empty() {
        return;
    }
    let nodes = nodes(pod);
    for (container, own, image) in named {
        if let Some(other) = nodes.iter().find(|other| **other != own) {
            report_one(container, own, *other, &image);
        }
    }
}

/// The architectures of the nodes that the pod may run on; none where nobody says.
fn nodes(pod: &Pod) -> Vec<Architecture> {
    let read = |key: &str, value: &str| match key {
        LABEL => Architecture::parse(value).map(|one| vec![one]),
        _ => {
            let models = model_of(key, value)?;
            Some(
                models
                    .iter()
                    .map(|model| Architecture::of_model(model))
                    .collect(),
            )
        }
    };
    let chosen = selected(pod, read);
    chosen.or_else(|| of_cluster(pod)).unwrap_or_else(|| {
        let models = cluster_models();
        let known = models.iter().map(|model| Architecture::of_model(model));
        known.chain(tolerated(pod)).collect()
    })
}

/// The architectures of the nodes and pools that are left to the pod, where all are known.
fn of_cluster(pod: &Pod) -> Option<Vec<Architecture>> {
    let known = cluster::pod_node_label(pod, LABEL).filter(|known| known.complete)?;
    let each: Vec<_> = known
        .values
        .iter()
        .filter_map(|value| Architecture::parse(value))
        .collect();
    // Nodes of both are for both: the scheduler does not choose by the image, but the author may have a taint do so.
    (each.len() == 1).then_some(each)
}

/// The architecture whose taint the pod tolerates, as GKE sets it on Arm nodes.
fn tolerated(pod: &Pod) -> Option<Architecture> {
    let tolerations = pod.tolerations();
    let mut of_arch = tolerations
        .iter()
        .filter(|toleration| toleration.key.as_deref() == Some(LABEL));
    let toleration = of_arch.next()?;
    Architecture::parse(toleration.value.as_deref().unwrap_or("arm64"))
}

fn report_one(container: &Container, own: Architecture, other: Architecture, image: &str) {
    let (own, other) = (own.as_str(), other.as_str());
    WRONG
        .finding(
            below(&container.path(), &["image"]),
            format!(
                "container `{}` has an image for {own}, and its nodes may be of {other}",
                container.name()
            ),
        )
        .actual(image)
        .allowed(format!(
            "an image for {other} or for both, or nodes of {own} alone"
        ))
        .fix(format!(
            "use an image for {other}, or select `{LABEL}: {own}`"
        ))
        .report();
}
