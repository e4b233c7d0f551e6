//! The MIG resource that gives a pod what it needs, on the GPU models that it may get.

use tollgate_sdk::gpu::{MigName, MigSuffix, Model, Profile, Vendor, model_of, profiles};
use tollgate_sdk::{Pod, cluster_models, selected_models};

use crate::size::Size;

/// Why there is no such resource.
#[derive(Clone, Debug)]
pub(crate) enum NoChoice {
    /// Nothing tells the model.
    Unknown,
    /// The models that the pod may get call it by different names, given with each.
    Differ(Vec<(&'static Model, MigName)>),
    /// None of the models can be cut at all.
    NotCut(Vec<&'static Model>),
    /// The models have no profile that is large enough, or none of that name.
    None(Vec<&'static Model>),
}

/// The models that a pod may get: those that it selects, as far as the cluster has them, else those of the cluster;
/// none where it selects a product that nobody knows the profiles of.
pub(crate) fn candidates(pod: &Pod) -> Vec<&'static Model> {
    if selects_an_unknown_product(pod) {
        return Vec::new();
    }
    let mut cluster = cluster_models();
    cluster.retain(|model| model.vendor == Vendor::Nvidia);
    let Some(mut selected) = selected_models(pod) else {
        return cluster;
    };
    if selected.iter().any(|model| cluster.contains(model)) {
        selected.retain(|model| cluster.contains(model));
    }
    selected
}

fn selects_an_unknown_product(pod: &Pod) -> bool {
    let labels = pod.node_selectors();
    let is_unknown = |(key, value): &(String, String)| {
        key == "nvidia.com/gpu.product" && model_of(key, value).is_none()
    };
    labels.iter().any(is_unknown)
}

/// The smallest MIG device that fits on every model which has one that fits.
///
/// A resource name decides by itself on which of several models the pod runs, so models without a fitting profile
/// do not count; but where two models have one, a name that only one of them has would leave out the other.
pub(crate) fn choose(size: &Size, models: &[&'static Model]) -> Result<MigName, NoChoice> {
    if models.is_empty() {
        return Err(NoChoice::Unknown);
    }
    let fitting: Vec<_> = models
        .iter()
        .map(|model| (*model, fitting(size, model)))
        .filter(|(_, fitting)| !fitting.is_empty())
        .collect();
    let Some((_, first)) = fitting.first() else {
        let cut = models.iter().any(|model| model.board.is_some());
        let why = if cut {
            NoChoice::None
        } else {
            NoChoice::NotCut
        };
        return Err(why(models.to_vec()));
    };
    let everywhere = first.iter().filter_map(|profile| {
        let weights: Option<Vec<u32>> = fitting
            .iter()
            .map(|(_, there)| weight(there, profile.mig))
            .collect();
        Some((
            weights?.into_iter().max()?,
            profile.mig.memory_gb,
            profile.mig,
        ))
    });
    let smallest = everywhere.min_by_key(|(weight, memory, _)| (*weight, *memory));
    smallest
        .map(|(_, _, name)| name)
        .ok_or_else(|| NoChoice::Differ(smallest_of_each(&fitting)))
}

/// The profiles of a model that fit. A name may also be one that other firmware uses.
fn fitting(size: &Size, model: &Model) -> Vec<&'static Profile> {
    match (size, model.board) {
        (Size::Profile(name), Some(board)) => board.find(*name).into_iter().collect(),
        _ => profiles(model)
            .iter()
            .filter(|profile| size.fits(profile))
            .collect(),
    }
}

fn weight(profiles: &[&'static Profile], name: MigName) -> Option<u32> {
    let profile = profiles.iter().find(|profile| profile.mig == name)?;
    Some(profile.weight_56ths)
}

fn smallest_of_each(
    fitting: &[(&'static Model, Vec<&'static Profile>)],
) -> Vec<(&'static Model, MigName)> {
    let smallest = |profiles: &[&'static Profile]| {
        let order = |profile: &&&Profile| (profile.weight_56ths, profile.mig.memory_gb);
        profiles.iter().min_by_key(order).map(|profile| profile.mig)
    };
    fitting
        .iter()
        .filter_map(|(model, profiles)| Some((*model, smallest(profiles)?)))
        .collect()
}

/// The ids of models, for messages.
pub(crate) fn ids(models: &[&Model]) -> String {
    let ids: Vec<_> = models.iter().map(|model| model.id).collect();
    ids.join(" or ")
}

/// The profiles of models, for messages.
pub(crate) fn offered(models: &[&Model]) -> String {
    let mut names: Vec<String> = Vec::new();
    for profile in models.iter().flat_map(|model| profiles(model)) {
        let name = profile.mig.profile();
        if profile.mig.suffix == MigSuffix::Plain && !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

/// The largest profile of models.
pub(crate) fn largest(models: &[&Model]) -> Option<MigName> {
    let all = models
        .iter()
        .flat_map(|model| profiles(model))
        .map(|profile| profile.mig);
    all.filter(|mig| mig.suffix == MigSuffix::Plain)
        .max_by_key(|mig| mig.memory_gb)
}
