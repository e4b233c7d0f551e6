//! What the queues of Kueue have quotas for. Source: `kueue.x-k8s.io/v1beta2`, and `v1beta1` alike.

use serde_json::Value;
use tollgate_admission::json;

use crate::snapshot::{Known, Snapshot};

/// The resources that the ClusterQueue of a LocalQueue covers; `None` where one of the two is not known.
pub(crate) fn resources(snapshot: &Snapshot, namespace: &str, name: &str) -> Option<Known> {
    let local = snapshot.object("LocalQueue.kueue.x-k8s.io", Some(namespace), name)?;
    let cluster = json::text(local.get("spec")?, "clusterQueue")?;
    let queue = snapshot.object("ClusterQueue.kueue.x-k8s.io", None, cluster)?;
    let groups = json::list(queue.get("spec").unwrap_or(&Value::Null), "resourceGroups");
    let mut values: Vec<_> = groups
        .iter()
        .flat_map(|group| json::texts(group, "coveredResources"))
        .collect();
    values.sort();
    values.dedup();
    Some(Known {
        values,
        is_complete: true,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::resources;
    use crate::{Builder, Known};

    fn object(kind: &str, namespace: Option<&str>, spec: Value) -> Value {
        json!({"apiVersion": "kueue.x-k8s.io/v1beta2", "kind": kind, "metadata": {"name": "team", "namespace": namespace}, "spec": spec})
    }

    fn ask(objects: &[Value]) -> Option<Vec<String>> {
        let mut builder = Builder::default();
        objects
            .iter()
            .cloned()
            .for_each(|object| builder.insert(object));
        let known: Option<Known> = resources(&builder.build(), "ml", "team");
        known.map(|known| known.values)
    }

    #[test]
    fn a_queue_has_quotas_for_what_its_cluster_queue_covers() {
        let local = object("LocalQueue", Some("ml"), json!({"clusterQueue": "team"}));
        let groups = json!([{"coveredResources": ["cpu", "memory"]}, {"coveredResources": ["nvidia.com/gpu", "cpu"]}]);
        let cluster = object("ClusterQueue", None, json!({"resourceGroups": groups}));
        let all = ["cpu", "memory", "nvidia.com/gpu"].map(str::to_owned);
        assert_eq!(ask(&[local.clone(), cluster.clone()]), Some(all.to_vec()));
        let empty = object("ClusterQueue", None, json!({}));
        assert_eq!(ask(&[local.clone(), empty]), Some(Vec::new()));
        assert_eq!(ask(&[local]), None);
        assert_eq!(ask(&[cluster]), None);
    }
}
