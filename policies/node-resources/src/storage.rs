//! Room for a large model on the node's disk.
//!
//! Only models whose names state their size are judged, only where a known server fetches them from a hub, and only
//! where neither a volume takes them nor the container reserves room.

use tollgate_sdk::Volume;
use tollgate_sdk::gpu::{Role, parameters};
use tollgate_sdk::prelude::*;

use crate::NodeResources;
use crate::taker::Taker;

pub(crate) const NO_ROOM: Rule = Rule::warn(
    "no-room-for-model",
    "A server that fetches a large model keeps it on a volume or requests ephemeral storage for it, or the pod is evicted when the node's disk runs full.",
);

/// Flags by which servers are told the model.
const MODEL_FLAGS: [&str; 3] = ["--model", "--model-path", "--model-id"];

/// Where servers are told to keep what they fetch.
const CACHES: [&str; 4] = [
    "HF_HOME",
    "HF_HUB_CACHE",
    "HUGGINGFACE_HUB_CACHE",
    "TRANSFORMERS_CACHE",
];

/// What the folders of fetched models are called: a mount at, above or below one takes the model.
const FOLDERS: [&str; 6] = [
    "/root/.cache",
    "/home",
    "/data",
    "/models",
    "/model",
    "/mnt",
];

/// Reports servers of large models that have no room for them.
pub(crate) fn report(settings: &NodeResources, pod: &Pod, takers: &[Taker<'_>]) {
    for taker in takers.iter().filter(|taker| !taker.devices.is_empty()) {
        let Some(model) = large_model(settings, taker.container) else {
            continue;
        };
        if !reserves_room(pod, taker.container) && !is_on_a_volume(pod, taker.container) {
            report_one(taker, &model);
        }
    }
}

/// The large model that a known server fetches from a hub.
fn large_model(settings: &NodeResources, container: &Container) -> Option<String> {
    container
        .workload()
        .filter(|known| known.role == Role::Serving)?;
    let words = container.words();
    let by_flag = words.values(&MODEL_FLAGS).last().map(str::to_owned);
    let model = by_flag.or_else(|| {
        let mut rest = words.iter().skip_while(|word| *word != "serve").skip(1);
        rest.next().map(str::to_owned)
    })?;
    let billions = parameters(&model)? / 10;
    (is_of_hub(&model) && billions >= settings.large_model_billions).then_some(model)
}

/// `organisation/model`, and no path and no address.
fn is_of_hub(model: &str) -> bool {
    let mut parts = model.split('/');
    let named = parts
        .by_ref()
        .take(2)
        .filter(|part| !part.is_empty())
        .count();
    named == 2 && parts.next().is_none() && !model.starts_with(['.', '$'])
}

fn reserves_room(pod: &Pod, container: &Container) -> bool {
    const STORAGE: &str = "ephemeral-storage";
    container.request(STORAGE).is_some()
        || container.limit(STORAGE).is_some()
        || pod.request(STORAGE).is_some()
}

/// Whether a volume that is no unbounded folder of the node's disk is mounted where models are kept.
fn is_on_a_volume(pod: &Pod, container: &Container) -> bool {
    let told = || CACHES.iter().filter_map(|name| container.env(name)?.value);
    container.mounts().iter().any(|mount| {
        let path = mount.mount_path.trim_end_matches('/');
        let here = FOLDERS.iter().any(|folder| is_near(path, folder))
            || told().any(|folder| is_near(path, &folder))
            || path.contains("cache")
            || path.contains("model");
        here && pod
            .volume(&mount.name)
            .is_none_or(|volume| has_room(&volume))
    })
}

fn is_near(path: &str, folder: &str) -> bool {
    let within = |inner: &str, outer: &str| {
        inner
            .strip_prefix(outer)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    within(path, folder) || within(folder, path)
}

fn has_room(volume: &Volume) -> bool {
    match volume.source.as_str() {
        "emptyDir" => volume.medium.is_some() || volume.size_limit.is_some(),
        "configMap" | "secret" | "downwardAPI" | "projected" => false,
        _ => true,
    }
}

fn report_one(taker: &Taker<'_>, model: &str) {
    let name = taker.container.name();
    NO_ROOM
        .finding(
            taker.resources_path(),
            format!("container `{name}` fetches its model onto a node's disk that may run full"),
        )
        .actual(format!(
            "`{model}`, no volume for models and no request of ephemeral storage"
        ))
        .allowed("a persistent volume at the cache's folder, or `ephemeral-storage` among the requests")
        .fix("mount a PersistentVolumeClaim where the server keeps models, or request `ephemeral-storage` for the model")
        .report();
}
