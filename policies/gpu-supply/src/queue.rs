//! Cluster queues of Kueue, and the flavors that they name.
//!
//! Source: kubernetes-sigs/kueue, `pkg/cache/scheduler/clusterqueue.go`: a queue with a flavor that is not there is inactive
//! (`FlavorNotFound`), and admits nothing.

use tollgate_sdk::prelude::*;
use tollgate_sdk::serde_json::Value;

use crate::{CLUSTER_QUEUE, list};

pub(crate) const NO_FLAVOR: Rule = Rule::warn(
    "queue-flavor-absent",
    "The ResourceFlavors that a ClusterQueue names are there: else Kueue holds the queue for inactive (`FlavorNotFound`), and admits nothing.",
)
.about(&[CLUSTER_QUEUE])
.needs(FLAVOR);

const FLAVOR: &str = "ResourceFlavor.kueue.x-k8s.io";
const GROUPS: &str = "/spec/resourceGroups";

/// Warns about flavors that are not there, where all of them are known.
pub(crate) fn report(review: &Review) {
    let known = cluster::names(FLAVOR, None);
    let Some(known) = known.filter(|known| known.complete) else {
        return;
    };
    for (index, group) in list(review, GROUPS).iter().enumerate() {
        let flavors = group.get("flavors").and_then(Value::as_array);
        for (place, flavor) in flavors.into_iter().flatten().enumerate() {
            let name = flavor.get("name").and_then(Value::as_str);
            if let Some(name) = name.filter(|name| !known.values.iter().any(|there| there == name))
            {
                let path = format!("{GROUPS}/{index}/flavors/{place}/name");
                report_absent(path, name, &known.values);
            }
        }
    }
}

fn report_absent(path: String, name: &str, there: &[String]) {
    let names: Vec<_> = there.iter().map(|name| format!("`{name}`")).collect();
    NO_FLAVOR
        .finding(
            path,
            format!("there is no ResourceFlavor `{name}`: the queue admits nothing"),
        )
        .actual(name)
        .allowed(match names.is_empty() {
            true => "a ResourceFlavor that is there".to_owned(),
            false => names.join(" or "),
        })
        .fix(format!(
            "create the ResourceFlavor `{name}`, or name one that is there"
        ))
        .report();
}
