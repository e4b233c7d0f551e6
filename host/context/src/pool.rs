//! From what autoscalers make nodes of to what such nodes would offer.
//!
//! Sources: Karpenter's NodePool (karpenter.sh/v1, v1beta1) and its well-known labels; the annotations by which
//! Cluster Autoscaler scales groups of the Cluster API from zero (cluster-autoscaler, cloudprovider/clusterapi).

use std::collections::BTreeMap;

use serde_json::Value;
use tollgate_admission::json;
use tollgate_gpu::{Quantity, Vendor, instance};

use crate::label::Gives;
use crate::machine::{TYPE, is_everywhere, may_have_devices};
use crate::node::{quantities, taints};
use crate::offer::{Offer, Source, Taint, models_of};
use crate::plugin::Plugin;

/// Labels of which Karpenter knows what its instance types give; a key that ends in `/` stands for all below it.
const KARPENTER_KNOWS: [&str; 13] = [
    TYPE,
    "kubernetes.io/arch",
    "kubernetes.io/os",
    "kubernetes.io/hostname",
    "topology.kubernetes.io/",
    "topology.k8s.aws/",
    "karpenter.sh/capacity-type",
    "karpenter.k8s.aws/",
    "karpenter.azure.com/",
    "karpenter.k8s.gcp/",
    "eks.amazonaws.com/",
    "beta.kubernetes.io/",
    "failure-domain.beta.kubernetes.io/",
];

/// Older labels that nodes have too, with those whose values they repeat.
const OLDER: [(&str, &str); 5] = [
    ("beta.kubernetes.io/instance-type", TYPE),
    ("beta.kubernetes.io/arch", "kubernetes.io/arch"),
    ("beta.kubernetes.io/os", "kubernetes.io/os"),
    (
        "failure-domain.beta.kubernetes.io/zone",
        "topology.kubernetes.io/zone",
    ),
    (
        "failure-domain.beta.kubernetes.io/region",
        "topology.kubernetes.io/region",
    ),
];

/// Labels that count the GPUs of an instance.
const COUNTS: [&str; 3] = [
    "karpenter.k8s.aws/instance-gpu-count",
    "eks.amazonaws.com/instance-gpu-count",
    "karpenter.azure.com/sku-gpu-count",
];

/// What a Karpenter NodePool could bring.
pub(crate) fn karpenter(pool: &Value, plugin: &Plugin) -> Option<Offer> {
    let name = json::text(pool.get("metadata")?, "name")?;
    let template = pool.pointer("/spec/template")?;
    let spec = template.get("spec")?;
    let mut labels: BTreeMap<String, Gives> = template
        .get("metadata")
        .map_or_else(Vec::new, |metadata| json::pairs(metadata, "labels"))
        .into_iter()
        .map(|(key, value)| (key, Gives::OneOf(vec![value])))
        .collect();
    labels.insert("karpenter.sh/nodepool".to_owned(), Gives::one(name));
    for requirement in json::list(spec, "requirements") {
        require(&mut labels, requirement);
    }
    for (older, label) in OLDER {
        if let Some(gives) = labels.get(label).cloned() {
            labels.insert(older.to_owned(), gives);
        }
    }
    let limits = quantities(pool.get("spec")?, "limits");
    Some(Offer {
        source: Source::Pool,
        name: name.to_owned(),
        unit: plugin.unit(&labels),
        models: models_of(&labels),
        taints: taints(spec, "taints"),
        resources: devices(&labels, &limits),
        labels,
        is_open: karpenter_knows,
        may_have: may_have_devices,
    })
}

fn require(labels: &mut BTreeMap<String, Gives>, requirement: &Value) {
    let operator = json::text(requirement, "operator").unwrap_or_default();
    let values = json::texts(requirement, "values");
    if let Some(key) = json::text(requirement, "key") {
        let gives = Gives::of_requirement(operator, values);
        let gives = match labels.remove(key) {
            Some(there) => there.and(gives),
            None => gives,
        };
        labels.insert(key.to_owned(), gives);
    }
}

fn karpenter_knows(key: &str) -> bool {
    let knows = |known: &str| key == known || known.ends_with('/') && key.starts_with(known);
    KARPENTER_KNOWS.into_iter().any(knows)
}

/// The most devices that a node can have: as its instance types or labels count them, and no more than the pool's
/// own limits leave.
fn devices(
    labels: &BTreeMap<String, Gives>,
    limits: &BTreeMap<String, Quantity>,
) -> BTreeMap<String, Quantity> {
    let mut most = by_type(labels);
    if most.is_empty() {
        let counts = COUNTS.iter().filter_map(|key| labels.get(*key));
        let counts = counts.flat_map(|gives| gives.values().iter());
        let largest = counts.filter_map(|count| count.parse::<i64>().ok()).max();
        most.extend(largest.map(|count| ("nvidia.com/gpu".to_owned(), Quantity::from(count))));
    }
    for (name, limit) in limits {
        let least = most.get(name).map_or(*limit, |most| *limit.min(most));
        most.insert(name.clone(), least);
    }
    most
}

/// The most devices of any of the instance types; nothing where one of them is not known.
fn by_type(labels: &BTreeMap<String, Gives>) -> BTreeMap<String, Quantity> {
    let types = labels.get(TYPE).map_or(&[][..], Gives::values);
    let known: Option<Vec<_>> = types.iter().map(|name| instance(name)).collect();
    let mut most = BTreeMap::new();
    for instance in known.unwrap_or_default() {
        let vendor = instance.models.first().map(|model| model.vendor);
        if let Some(name) = vendor.and_then(whole_device) {
            let count = Quantity::from(i64::from(instance.count));
            let there = most.entry(name.to_owned()).or_insert(count);
            *there = count.max(*there);
        }
    }
    most
}

/// The resource of a vendor's whole devices.
fn whole_device(vendor: Vendor) -> Option<&'static str> {
    Some(match vendor {
        Vendor::Nvidia => "nvidia.com/gpu",
        Vendor::Amd => "amd.com/gpu",
        Vendor::Intel => "habana.ai/gaudi",
        Vendor::Aws => "aws.amazon.com/neuron",
        _ => return None,
    })
}

const CAPACITY: &str = "capacity.cluster-autoscaler.kubernetes.io/";
const MOST_NODES: &str = "cluster.x-k8s.io/cluster-api-autoscaler-node-group-max-size";

/// What a group of the Cluster API could bring; nothing for one that no autoscaler may scale.
pub(crate) fn node_group(group: &Value, plugin: &Plugin) -> Option<Offer> {
    let metadata = group.get("metadata")?;
    let annotations = metadata.get("annotations")?;
    let most = json::text(annotations, MOST_NODES)?;
    if most.parse::<u32>().ok()? == 0 {
        return None;
    }
    let said = |field: &str| json::text(annotations, &format!("{CAPACITY}{field}"));
    let labels: Option<BTreeMap<String, Gives>> = said("labels").map(|text| {
        let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
        pairs
            .map(|(key, value)| (key.trim().to_owned(), Gives::one(value.trim())))
            .collect()
    });
    let mut resources: BTreeMap<_, _> = ["cpu", "memory", "ephemeral-disk"]
        .into_iter()
        .filter_map(|field| Some((field, said(field)?)))
        .filter_map(|(field, text)| Some((field.to_owned(), Quantity::parse(text).ok()?)))
        .collect();
    if let Some(disk) = resources.remove("ephemeral-disk") {
        resources.insert("ephemeral-storage".to_owned(), disk);
    }
    let count = said("gpu-count").and_then(|text| Quantity::parse(text).ok());
    let kind = said("gpu-type").unwrap_or("nvidia.com/gpu");
    resources.extend(count.map(|count| (kind.to_owned(), count)));
    let is_open: fn(&str) -> bool = match labels {
        // The cloud sets its own labels all the same.
        Some(_) => karpenter_knows,
        None => |_| true,
    };
    let mut labels = labels.unwrap_or_default();
    for (key, value) in json::pairs(
        group
            .pointer("/spec/template/metadata")
            .unwrap_or(&Value::Null),
        "labels",
    ) {
        if is_passed_on(&key) {
            labels.entry(key).or_insert_with(|| Gives::one(&value));
        }
    }
    Some(Offer {
        source: Source::Pool,
        name: json::text(metadata, "name")?.to_owned(),
        unit: plugin.unit(&labels),
        models: models_of(&labels),
        labels,
        is_open,
        taints: said("taints").map_or_else(Vec::new, group_taints),
        resources,
        // An autoscaler that is told of processors and memory takes the group to have no other devices.
        may_have: match said("cpu") {
            Some(_) => is_everywhere,
            None => may_have_devices,
        },
    })
}

/// Whether the Cluster API passes a label of its machines on to their nodes.
fn is_passed_on(key: &str) -> bool {
    let domain = key.split_once('/').map_or("", |(domain, _)| domain);
    let is_within = |passed: &str| {
        let parent = domain.strip_suffix(passed);
        parent.is_some_and(|parent| parent.is_empty() || parent.ends_with('.'))
    };
    domain == "node-role.kubernetes.io"
        || ["node-restriction.kubernetes.io", "node.cluster.x-k8s.io"]
            .into_iter()
            .any(is_within)
}

/// Taints as `key=value:effect`, with commas between them.
fn group_taints(text: &str) -> Vec<Taint> {
    let each = text.split(',').filter_map(|taint| {
        let (taint, effect) = taint.trim().rsplit_once(':')?;
        let (key, value) = taint.split_once('=').unwrap_or((taint, ""));
        Some(Taint {
            key: key.to_owned(),
            value: value.to_owned(),
            effect: effect.to_owned(),
        })
    });
    each.collect()
}
