//! `gpu-supply`: what brings devices into a cluster, divides them and counts them.
//!
//! Node pools and their classes, node groups of Cluster Autoscaler, quotas, the GPU operator and its device plugin, claims
//! on devices, and the monitors of their metrics. A pool without a limit costs money, a quota by the wrong name counts
//! nothing, a plugin that is configured twice does not start.

use tollgate_sdk::prelude::*;

mod pool;

mod karpenter;

mod spot;

mod node_class;

mod node_group;

mod quota;

mod operator;

mod outline;

mod plugin;

mod monitor;

mod claim;

mod driver;

mod device_class;

mod provisioning;

mod queue;

/// `Kind.group` of what is judged.
pub(crate) const NODE_POOL: &str = "NodePool.karpenter.sh";
pub(crate) const NODE_CLASS: &str = "EC2NodeClass.karpenter.k8s.aws";
pub(crate) const NODE_GROUP: &str = "MachineDeployment.cluster.x-k8s.io";
pub(crate) const QUOTA: &str = "ResourceQuota";
pub(crate) const CLUSTER_POLICY: &str = "ClusterPolicy.nvidia.com";
pub(crate) const CONFIG_MAP: &str = "ConfigMap";
pub(crate) const SERVICE_MONITOR: &str = "ServiceMonitor.monitoring.coreos.com";
pub(crate) const POD_MONITOR: &str = "PodMonitor.monitoring.coreos.com";
pub(crate) const DRIVER: &str = "NVIDIADriver.nvidia.com";
pub(crate) const DEVICE_CLASS: &str = "DeviceClass.resource.k8s.io";
pub(crate) const PROVISIONING: &str = "ProvisioningRequest.autoscaling.x-k8s.io";
pub(crate) const CLUSTER_QUEUE: &str = "ClusterQueue.kueue.x-k8s.io";
pub(crate) const CLAIM: &str = "ResourceClaim.resource.k8s.io";
pub(crate) const CLAIM_TEMPLATE: &str = "ResourceClaimTemplate.resource.k8s.io";

/// Settings of `gpu-supply`: none yet.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct GpuSupply {}

impl Policy for GpuSupply {
    const INFO: Info = Info::new(
        "gpu-supply",
        "Judges what brings, divides and counts devices: Karpenter's pools and classes, node groups, quotas, queues, the GPU operator and its device plugin, claims, and the monitors of the GPUs' metrics.",
        &[
            pool::NO_LIMIT,
            pool::NO_TAINT,
            karpenter::OLD_VERSION,
            karpenter::REFUSED,
            karpenter::DROPPED,
            spot::NARROW,
            node_class::NO_IMAGES,
            node_class::OLD_IMAGES,
            node_group::TYPE_UNTOLD,
            quota::UNCOUNTED,
            operator::NO_DEFAULT,
            operator::MIXED_UNDER_SINGLE,
            operator::STRATEGIES_DIFFER,
            plugin::TWO_WAYS,
            plugin::REPLICAS,
            plugin::EMPTY,
            monitor::SELECTS_NOTHING,
            monitor::HIDDEN,
            claim::ADMIN,
            claim::ALL,
            driver::OVERLAPS,
            device_class::EVERYTHING,
            provisioning::RENAMED,
            provisioning::NO_TEMPLATE,
            queue::NO_FLAVOR,
        ],
    )
    .judges(&[
        NODE_POOL,
        NODE_CLASS,
        NODE_GROUP,
        QUOTA,
        CLUSTER_POLICY,
        CONFIG_MAP,
        SERVICE_MONITOR,
        POD_MONITOR,
        CLAIM,
        CLAIM_TEMPLATE,
        DRIVER,
        DEVICE_CLASS,
        PROVISIONING,
        CLUSTER_QUEUE,
    ])
    .wants(&["cluster"])
    .validates();

    fn validate(&self, review: &Review) -> Outcome {
        match review.kind_dot_group().as_str() {
            NODE_POOL => {
                karpenter::report(review);
                pool::report(review);
                spot::report(review);
            }
            NODE_CLASS => node_class::report(review),
            NODE_GROUP => node_group::report(review),
            QUOTA => quota::report(review),
            CLUSTER_POLICY => operator::report(review),
            CONFIG_MAP => plugin::report(review),
            SERVICE_MONITOR | POD_MONITOR => monitor::report(review),
            CLAIM => claim::report(review, "/spec/devices/requests"),
            CLAIM_TEMPLATE => claim::report(review, "/spec/spec/devices/requests"),
            DRIVER => driver::report(review),
            DEVICE_CLASS => device_class::report(review),
            PROVISIONING => provisioning::report(review),
            CLUSTER_QUEUE => queue::report(review),
            _ => {}
        }
        Ok(())
    }
}

/// The items of a list of the object.
pub(crate) fn list(review: &Review, place: &str) -> Vec<tollgate_sdk::serde_json::Value> {
    match review.value(place) {
        Some(tollgate_sdk::serde_json::Value::Array(items)) => items,
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
