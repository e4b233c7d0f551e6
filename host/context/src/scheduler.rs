//! The schedulers that a cluster has, as far as its objects show them.

use std::collections::BTreeSet;

use serde_json::Value;
use tollgate_admission::json;

/// The scheduler of pods that name none. Every cluster has it.
pub(crate) const DEFAULT: &str = "default-scheduler";

/// Images of schedulers, by the last part of their name, and the name by which pods ask for them unless configured
/// otherwise. Sources: each project's chart or manifests.
const IMAGES: [(&str, &str); 6] = [
    ("vc-scheduler", "volcano"),
    ("hami-scheduler", "hami-scheduler"),
    ("hami", "hami-scheduler"),
    ("yunikorn-scheduler-plugin", "yunikorn"),
    ("scheduler-amd64", "yunikorn"),
    ("koord-scheduler", "koord-scheduler"),
];

/// The kind of the file that configures Kubernetes' own scheduler.
pub(crate) const CONFIGURATION: &str = "KubeSchedulerConfiguration";

/// The option by which schedulers are told their name.
const OPTION: &str = "--scheduler-name";

/// The schedulers that pods show: those that bound one, and those that run as one.
pub(crate) fn of_pod(pod: &Value, seen: &mut BTreeSet<String>) {
    let spec = pod.get("spec").unwrap_or(&Value::Null);
    if json::text(spec, "nodeName").is_some_and(|node| !node.is_empty()) {
        let name = json::text(spec, "schedulerName").filter(|name| !name.is_empty());
        seen.insert(name.unwrap_or(DEFAULT).to_owned());
    }
    of_spec(spec, seen);
}

/// The schedulers that a workload's pods run as.
pub(crate) fn of_workload(workload: &Value, seen: &mut BTreeSet<String>) {
    let template = workload.pointer("/spec/template/spec");
    of_spec(template.unwrap_or(&Value::Null), seen);
}

/// Whether a workload's pods run as a scheduler.
pub(crate) fn runs_one(workload: &Value) -> bool {
    let mut seen = BTreeSet::new();
    of_workload(workload, &mut seen);
    !seen.is_empty()
}

fn of_spec(spec: &Value, seen: &mut BTreeSet<String>) {
    for container in json::list(spec, "containers") {
        let words = ["command", "args"]
            .map(|list| json::texts(container, list))
            .concat();
        seen.extend(named(&words));
        seen.extend(
            json::text(container, "image")
                .and_then(of_image)
                .map(str::to_owned),
        );
    }
}

/// The schedulers of a KubeSchedulerConfiguration in a config map.
pub(crate) fn of_config_map(map: &Value, seen: &mut BTreeSet<String>) {
    let texts = json::pairs(map, "data").into_iter().map(|(_, text)| text);
    for text in texts.filter(|text| text.contains(CONFIGURATION)) {
        let config: Value = serde_saphyr::from_str(&text).unwrap_or_default();
        let names = json::list(&config, "profiles").iter();
        seen.extend(
            names
                .filter_map(|profile| json::text(profile, "schedulerName"))
                .map(str::to_owned),
        );
    }
}

fn named(words: &[String]) -> Option<String> {
    let at = words.iter().position(|word| word.starts_with(OPTION))?;
    match words.get(at)?.split_once('=') {
        Some((_, name)) => Some(name.to_owned()),
        None => words.get(at + 1).cloned(),
    }
}

fn of_image(image: &str) -> Option<&'static str> {
    let last = image.rsplit('/').next()?;
    let name = last.split(['@', ':']).next()?;
    IMAGES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, scheduler)| *scheduler)
}
