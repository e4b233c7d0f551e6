//! What one `nvidia.com/gpu` is, by node labels and by the configuration of NVIDIA's device plugin.
//!
//! Sources: NVIDIA/k8s-device-plugin (`api/config/v1`, GPU feature discovery), the GPU operator's ClusterPolicy, GKE.

use std::collections::BTreeMap;

use serde_json::Value;
use tollgate_admission::json;
use tollgate_gpu::{STRATEGY_LABELS, Sharing, is_gke_sharing, partition_of, sharing_of};

use crate::kinds::CONFIG_MAP;
use crate::label::Gives;
use crate::offer::Unit;
use crate::snapshot::{Known, Snapshot};

const PRODUCT: &str = "nvidia.com/gpu.product";
const GPU: &str = "nvidia.com/gpu";

/// The node label that picks an entry of the plugin's configuration.
const ENTRY: &str = "nvidia.com/device-plugin.config";

/// The ways of sharing, by the field that configures each.
const WAYS: [(&str, Sharing); 2] = [("timeSlicing", Sharing::TimeSlicing), ("mps", Sharing::Mps)];

/// Labels that tell into how many shares a GPU is divided.
const REPLICAS: [&str; 2] = [
    "nvidia.com/gpu.replicas",
    "cloud.google.com/gke-max-shared-clients-per-gpu",
];

/// The configuration of the device plugin, as far as it says how GPUs are shared.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plugin {
    /// What `nvidia.com/gpu` is, by the name of an entry.
    entries: BTreeMap<String, Unit>,
    /// The entry of nodes that pick none.
    default: Option<String>,
}

impl Plugin {
    /// Reads the config map that the cluster's policy names.
    pub(crate) fn read(cluster_policy: Option<&Value>, config_map: Option<&Value>) -> Self {
        let config = config_of(cluster_policy);
        let data = config_map.map_or_else(Vec::new, |map| json::pairs(map, "data"));
        let entries = data.into_iter().filter_map(|(entry, text)| {
            let config: Value = serde_saphyr::from_str(&text).ok()?;
            Some((entry, unit_of_entry(&config)))
        });
        Self {
            entries: entries.collect(),
            default: config
                .and_then(|config| json::text(config, "default"))
                .map(str::to_owned),
        }
    }

    /// What one `nvidia.com/gpu` is on nodes of these labels: as they say, else as the plugin is configured.
    pub(crate) fn unit(&self, labels: &BTreeMap<String, Gives>) -> Unit {
        let value = |key: &str| match labels.get(key) {
            Some(Gives::OneOf(values)) => values.first().map(String::as_str),
            _ => None,
        };
        let mig = labels.keys().find_map(|key| partition_of(key, value(key)?));
        if let Some(mig) = mig {
            return Unit::Mig(mig);
        }
        let shared = labels.keys().find_map(|key| {
            // A strategy without the product's suffix is that of shares with a name of their own.
            (key == PRODUCT || is_gke_sharing(key)).then(|| sharing_of(key, value(key)?))?
        });
        if let Some(sharing) = shared.filter(|sharing| *sharing != Sharing::None) {
            let said = STRATEGY_LABELS
                .iter()
                .find_map(|key| sharing_of(key, value(key)?));
            let replicas = REPLICAS.iter().find_map(|key| value(key)?.parse().ok());
            return Unit::Shared {
                sharing: said.unwrap_or(sharing),
                replicas,
            };
        }
        let entry = value(ENTRY).or(self.default.as_deref());
        let configured = entry.filter(|_| value(PRODUCT).is_none());
        let unit = configured.and_then(|entry| self.entries.get(entry));
        unit.copied().unwrap_or(Unit::Whole)
    }
}

/// The name of the config map that the cluster's policy gives the plugin.
pub(crate) fn config_name(cluster_policy: Option<&Value>) -> Option<&str> {
    let name = json::text(config_of(cluster_policy)?, "name")?;
    (!name.is_empty()).then_some(name)
}

fn config_of(cluster_policy: Option<&Value>) -> Option<&Value> {
    cluster_policy?.pointer("/spec/devicePlugin/config")
}

/// By what names config maps of the plugin offer shares of whole GPUs; `None` where none shares any. All of them are known
/// where all config maps are.
pub(crate) fn share_names(snapshot: &Snapshot) -> Option<Known> {
    let maps = snapshot.all(CONFIG_MAP);
    let texts = maps.flat_map(|map| json::pairs(map, "data"));
    let configs = texts.filter(|(_, text)| text.contains("replicas"));
    let configs = configs.filter_map(|(_, text)| serde_saphyr::from_str::<Value>(&text).ok());
    let mut values: Vec<_> = configs.flat_map(|config| names_of_entry(&config)).collect();
    values.sort();
    values.dedup();
    (!values.is_empty()).then(|| Known {
        values,
        is_complete: snapshot.is_complete(CONFIG_MAP),
    })
}

/// The MIG strategies that the entries of a config map give; `None` where none gives one. The plugin reads no other: each is
/// complete.
pub(crate) fn mig_strategies(snapshot: &Snapshot, config_map: &str) -> Option<Known> {
    let maps = snapshot.all(CONFIG_MAP);
    let is_named =
        |map: &&Value| map.pointer("/metadata/name").and_then(Value::as_str) == Some(config_map);
    let texts = maps
        .filter(is_named)
        .flat_map(|map| json::pairs(map, "data"));
    let configs = texts.filter_map(|(_, text)| serde_saphyr::from_str::<Value>(&text).ok());
    let strategy =
        |config: Value| Some(json::text(config.get("flags")?, "migStrategy")?.to_owned());
    let mut values: Vec<_> = configs.filter_map(strategy).collect();
    values.sort();
    values.dedup();
    (!values.is_empty()).then_some(Known {
        values,
        is_complete: true,
    })
}

/// The names under which an entry of the plugin's configuration offers shares of whole GPUs.
fn names_of_entry(config: &Value) -> Vec<String> {
    let ways = WAYS
        .iter()
        .filter_map(|(field, _)| config.get("sharing")?.get(*field));
    let names = ways.filter_map(|way| {
        let row = row_of_gpus(way)?;
        let own = json::text(row, "rename").map(str::to_owned);
        let renamed = json::flag(way, "renameByDefault").then(|| format!("{GPU}.shared"));
        Some(own.or(renamed).unwrap_or_else(|| GPU.to_owned()))
    });
    names.collect()
}

/// The row of whole GPUs among what is shared in one way.
fn row_of_gpus(way: &Value) -> Option<&Value> {
    let mut rows = json::list(way, "resources").iter();
    rows.find(|row| json::text(row, "name") == Some(GPU))
}

/// What `nvidia.com/gpu` is by an entry of the plugin's configuration. Shares with a name of their own do not count.
fn unit_of_entry(config: &Value) -> Unit {
    let shared = WAYS.into_iter().find_map(|(field, sharing)| {
        let way = config.get("sharing")?.get(field)?;
        let row = row_of_gpus(way)?;
        let is_renamed = json::flag(way, "renameByDefault") || row.get("rename").is_some();
        let replicas = json::integer(row, "replicas").filter(|replicas| *replicas > 1);
        (!is_renamed && replicas.is_some()).then_some(Unit::Shared { sharing, replicas })
    });
    shared.unwrap_or(Unit::Whole)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tollgate_gpu::Sharing;

    use super::Plugin;
    use crate::label::Gives;
    use crate::offer::Unit;

    fn unit(plugin: &Plugin, labels: &[(&str, &str)]) -> Unit {
        let labels = labels
            .iter()
            .map(|(key, value)| ((*key).to_owned(), Gives::one(value)));
        plugin.unit(&labels.collect())
    }

    fn shared(sharing: Sharing, replicas: u32) -> Unit {
        Unit::Shared {
            sharing,
            replicas: Some(replicas),
        }
    }

    #[test]
    fn labels_tell_shares_and_slices_apart_from_whole_gpus() {
        let plugin = Plugin::default();
        let product = "nvidia.com/gpu.product";
        let replicas = ("nvidia.com/gpu.replicas", "4");
        let strategy = ("nvidia.com/gpu.sharing-strategy", "mps");
        assert_eq!(unit(&plugin, &[(product, "NVIDIA-L4")]), Unit::Whole);
        let sliced = unit(&plugin, &[(product, "NVIDIA-L4-SHARED"), replicas]);
        assert_eq!(sliced, shared(Sharing::TimeSlicing, 4));
        let mps = unit(
            &plugin,
            &[(product, "NVIDIA-L4-SHARED"), replicas, strategy],
        );
        assert_eq!(mps, shared(Sharing::Mps, 4));
        let mig = unit(&plugin, &[(product, "NVIDIA-A100-SXM4-80GB-MIG-1g.10gb")]);
        assert!(matches!(mig, Unit::Mig(mig) if mig.profile() == "1g.10gb"));
        let renamed = unit(&plugin, &[(product, "NVIDIA-L4"), replicas, strategy]);
        assert_eq!(renamed, Unit::Whole);
    }

    #[test]
    fn the_plugin_s_configuration_counts_where_labels_do_not_tell() {
        let policy =
            json!({"spec": {"devicePlugin": {"config": {"name": "plugin", "default": "any"}}}});
        let slices = "sharing: {timeSlicing: {resources: [{name: nvidia.com/gpu, replicas: 4}]}}";
        let renamed = "sharing: {timeSlicing: {renameByDefault: true, resources: [{name: nvidia.com/gpu, replicas: 4}]}}";
        let map = json!({"data": {"any": slices, "named": renamed}});
        let plugin = Plugin::read(Some(&policy), Some(&map));
        assert_eq!(super::config_name(Some(&policy)), Some("plugin"));
        assert_eq!(unit(&plugin, &[]), shared(Sharing::TimeSlicing, 4));
        let picked = ("nvidia.com/device-plugin.config", "named");
        assert_eq!(unit(&plugin, &[picked]), Unit::Whole);
        let labelled = ("nvidia.com/gpu.product", "NVIDIA-L4");
        assert_eq!(unit(&plugin, &[labelled]), Unit::Whole);
    }
}
