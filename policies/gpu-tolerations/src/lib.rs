//! `gpu-tolerations`: lets pods that ask for accelerators onto the nodes that have them, and no others.
//!
//! GPU nodes carry a taint so that other pods stay away; manifests forget the toleration. The taint's key is the
//! vendor's name of a whole device, also where the pod asks for a MIG slice or a shared GPU, which the API
//! server's own ExtendedResourceToleration plugin does not know.

use std::collections::BTreeMap;

use tollgate_sdk::gpu::{self, Class};
use tollgate_sdk::has_fraction;
use tollgate_sdk::prelude::*;

const MISSING: Rule = Rule::repair(
    "missing-toleration",
    "A pod that asks for accelerators tolerates their taint, or it stays Pending with `untolerated taint`.",
);
const SLICE: Rule = Rule::repair(
    "slice-toleration",
    "A pod that asks for a slice or a share of a GPU tolerates the taint of the whole device, which is what nodes carry.",
);
const EXTRA: Rule = Rule::repair(
    "extra-toleration",
    "A pod that asks for accelerators tolerates the taints that this cluster puts on its accelerator nodes besides.",
);
const UNTAKEN: Rule = Rule::warn(
    "untaken-toleration",
    "A pod that asks for no accelerator tolerates their taint, so it can fill the nodes that have them.",
);

/// The effect of the taints on accelerator nodes.
const EFFECT: &str = "NoSchedule";

/// The taint of NVIDIA's GPUs.
const NVIDIA: &str = "nvidia.com/gpu";

/// Settings of `gpu-tolerations`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct GpuTolerations {
    /// Further taints of this cluster's accelerator nodes, such as `sku=gpu`.
    extra_keys: Vec<ExtraKey>,
    /// The taints of the nodes whose devices this cluster's own device classes offer, by the name of the class.
    device_classes: BTreeMap<String, String>,
}

/// A taint that pods with accelerators shall tolerate.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ExtraKey {
    /// The key.
    key: String,
    /// The value; left out: any value.
    #[serde(default)]
    value: Option<String>,
    /// The effect: `NoSchedule` (when left out) or `NoExecute`.
    #[serde(default)]
    effect: Option<String>,
}

impl Policy for GpuTolerations {
    const INFO: Info = Info::new(
        "gpu-tolerations",
        "Adds the toleration of the GPU taint to pods that ask for accelerators, and warns about pods that tolerate it without asking.",
        &[MISSING, SLICE, EXTRA, UNTAKEN],
    )
    .wants(&["cluster"])
    .mutates()
    .validates();

    fn check(&self) -> Result<(), String> {
        let extra = self
            .extra_keys
            .iter()
            .map(|extra| ("extraKeys", &extra.key));
        let classes = self
            .device_classes
            .values()
            .map(|key| ("deviceClasses", key));
        let mut never = extra.chain(classes).filter(|(_, key)| gpu::is_never(key));
        never.next().map_or(Ok(()), |(setting, key)| {
            Err(format!("{setting}: `{key}` marks spot, queued, unhealthy or other special nodes and is never tolerated unasked"))
        })
    }

    fn mutate(&self, review: &Review) -> Outcome {
        let namespace = review.namespace().unwrap_or_default();
        let pods = review.pods();
        pods.iter()
            .try_for_each(|pod| self.tolerate(&namespace, pod))
    }

    fn validate(&self, review: &Review) -> Outcome {
        for pod in review.pods().iter() {
            // Agents of every node are what DaemonSets are for.
            if taints(pod).is_empty()
                && pod.resource_claims().is_empty()
                && pod.owner().as_deref() != Some("DaemonSet.apps")
            {
                report_untaken(pod);
            }
        }
        Ok(())
    }
}

impl GpuTolerations {
    /// The taints of the nodes that a pod needs for its claims, as far as these are known.
    fn taints_of_claims<'a>(&'a self, namespace: &str, pod: &Pod) -> Vec<&'a str> {
        let mut taints = Vec::new();
        for claim in pod.resource_claims().iter() {
            let classes = match (&claim.template, &claim.claim) {
                (Some(template), _) => cluster::claim_classes(namespace, template, true),
                (None, Some(claim)) => cluster::claim_classes(namespace, claim, false),
                (None, None) => None,
            };
            let classes = classes.map_or_else(Vec::new, |known| known.values);
            taints.extend(
                classes
                    .iter()
                    .filter_map(|class| self.taint_of_class(class)),
            );
        }
        taints.sort_unstable();
        taints.dedup();
        taints
    }

    fn taint_of_class(&self, class: &str) -> Option<&str> {
        let own = self.device_classes.get(class).map(String::as_str);
        own.or_else(|| gpu::class_taint(class))
    }

    fn tolerate(&self, namespace: &str, pod: &Pod) -> Outcome {
        let mut taints = taints(pod);
        for key in self.taints_of_claims(namespace, pod) {
            if !taints.iter().any(|(there, _)| *there == key) {
                taints.push((key, MISSING));
            }
        }
        if taints.is_empty() {
            return Ok(());
        }
        let there = pod.tolerations();
        for (key, rule) in taints {
            if !there
                .iter()
                .any(|toleration| gpu::covers(&view(toleration), key, EFFECT))
            {
                edits::add_toleration(pod, rule.id, &toleration(key, None, EFFECT))?;
            }
        }
        for ExtraKey { key, value, effect } in &self.extra_keys {
            let effect = effect.as_deref().unwrap_or(EFFECT);
            let taint = gpu::Taint {
                key,
                value: value.as_deref().unwrap_or_default(),
                effect,
            };
            let covered = |toleration: &Toleration| match value {
                Some(_) => gpu::tolerates(&view(toleration), &taint),
                None => gpu::covers(&view(toleration), key, effect),
            };
            if !there.iter().any(covered) {
                edits::add_toleration(pod, EXTRA.id, &toleration(key, value.clone(), effect))?;
            }
        }
        Ok(())
    }
}

/// The taints of the nodes that a pod needs, each with the rule that its resource falls under.
fn taints(pod: &Pod) -> Vec<(&'static str, Rule)> {
    let mut taints: Vec<(&'static str, Rule)> = Vec::new();
    let fraction = has_fraction(pod).then_some((NVIDIA, SLICE));
    let containers = pod.containers();
    let devices = containers
        .iter()
        .flat_map(|container| container.devices().to_vec());
    let wanted = devices.filter_map(|device| {
        let rule = if device.resource.class == Class::Slice {
            SLICE
        } else {
            MISSING
        };
        Some((device.resource.taint?, rule))
    });
    for (key, rule) in wanted.chain(fraction) {
        if !taints.iter().any(|(there, _)| *there == key) {
            taints.push((key, rule));
        }
    }
    // In an order that does not depend on who wrote the resources.
    taints.sort_unstable_by_key(|(key, _)| *key);
    taints
}

fn report_untaken(pod: &Pod) {
    for (index, toleration) in pod.tolerations().iter().enumerate() {
        let (what, actual) = match toleration.key.as_deref() {
            None if gpu::covers(&view(toleration), NVIDIA, EFFECT) => {
                ("every taint".to_owned(), "a toleration without `key`")
            }
            Some(key) if gpu::is_taint_key(key) => (format!("the taint `{key}`"), key),
            _ => continue,
        };
        UNTAKEN
            .finding(
                format!("{}/spec/tolerations/{index}", pod.path()),
                format!("the pod tolerates {what} and asks for no accelerator"),
            )
            .actual(actual)
            .allowed("tolerations of the taints that nodes without accelerators have")
            .fix("remove the toleration, or ask for the accelerator in the limits of a container")
            .report();
    }
}

fn toleration(key: &str, value: Option<String>, effect: &str) -> Toleration {
    Toleration {
        key: Some(key.to_owned()),
        operator: if value.is_some() { "Equal" } else { "Exists" }.to_owned(),
        value,
        effect: Some(effect.to_owned()),
        seconds: None,
    }
}

/// A toleration as the table of taints compares it.
fn view(toleration: &Toleration) -> gpu::Toleration<'_> {
    gpu::Toleration {
        key: toleration.key.as_deref().unwrap_or_default(),
        operator: &toleration.operator,
        value: toleration.value.as_deref().unwrap_or_default(),
        effect: toleration.effect.as_deref().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests;
