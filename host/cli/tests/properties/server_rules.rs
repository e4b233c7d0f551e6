//! What the API server refuses in the parts of pods that Tollgate touches, written anew from the API's rules.

use std::collections::BTreeMap;

use serde_json::Value;
use tollgate_gpu::Quantity;

/// Every violation, in words that tell them apart.
pub fn violations(pod: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let spec = &pod["spec"];
    duplicates(
        spec["volumes"].as_array(),
        |volume| text(&volume["name"]),
        "volume",
        &mut wrong,
    );
    let names: Vec<_> = spec["volumes"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|volume| text(&volume["name"]))
        .collect();
    for list in ["initContainers", "containers"] {
        for container in spec[list].as_array().into_iter().flatten() {
            let name = text(&container["name"]);
            let mounts = container["volumeMounts"].as_array();
            duplicates(
                mounts,
                |mount| text(&mount["mountPath"]),
                &format!("mount of {name}"),
                &mut wrong,
            );
            for mount in mounts.into_iter().flatten() {
                if !names.contains(&text(&mount["name"])) {
                    wrong.push(format!(
                        "{name} mounts a volume that is not there: {}",
                        mount["name"]
                    ));
                }
            }
            resources(&name, &container["resources"], &mut wrong);
        }
    }
    for volume in spec["volumes"].as_array().into_iter().flatten() {
        let sources = volume.as_object().map_or(0, |volume| volume.len() - 1);
        if sources > 1 {
            wrong.push(format!("volume {} has {sources} sources", volume["name"]));
        }
    }
    wrong
}

fn resources(container: &str, resources: &Value, wrong: &mut Vec<String>) {
    let amount = |list: &str, name: &str| {
        resources[list]
            .get(name)
            .map(|value| Quantity::parse(&text(value)).unwrap())
    };
    let all = ["limits", "requests"]
        .into_iter()
        .filter_map(|list| resources[list].as_object())
        .flat_map(|list| list.keys());
    for name in all {
        let (limit, request) = (amount("limits", name), amount("requests", name));
        if name.contains('/') {
            if limit.is_none() {
                wrong.push(format!("{container} requests {name} without limit"));
            }
            if request.is_some() && limit.is_some() && request != limit {
                wrong.push(format!(
                    "{container} has another request than limit of {name}"
                ));
            }
            if limit.or(request).is_some_and(|amount| !amount.is_integer()) {
                wrong.push(format!("{container} has a fraction of {name}"));
            }
        } else if let (Some(limit), Some(request)) = (limit, request)
            && request > limit
        {
            wrong.push(format!("{container} requests more {name} than its limit"));
        }
    }
}

fn duplicates(
    items: Option<&Vec<Value>>,
    key: impl Fn(&Value) -> String,
    what: &str,
    wrong: &mut Vec<String>,
) {
    let mut seen = BTreeMap::<String, usize>::new();
    items
        .into_iter()
        .flatten()
        .for_each(|item| *seen.entry(key(item)).or_default() += 1);
    wrong.extend(
        seen.into_iter()
            .filter(|(_, count)| *count > 1)
            .map(|(key, _)| format!("{what} {key} twice")),
    );
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
