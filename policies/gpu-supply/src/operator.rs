//! The GPU operator.
//!
//! Sources: NVIDIA/gpu-operator, `controllers/object_controls.go` (the operator sets `MIG_STRATEGY`); the README of
//! NVIDIA/k8s-device-plugin (a variable goes before the configuration file).

use tollgate_sdk::prelude::*;

use crate::{CLUSTER_POLICY, CONFIG_MAP};

pub(crate) const NO_DEFAULT: Rule = Rule::warn(
    "plugin-config-without-default",
    "A ClusterPolicy that names configurations of the device plugin says which is the default: nodes without the label `nvidia.com/device-plugin.config` keep whole GPUs else.",
)
.about(&[CLUSTER_POLICY]);
pub(crate) const MIXED_UNDER_SINGLE: Rule = Rule::warn(
    "mixed-layout-under-single",
    "A ClusterPolicy with the MIG strategy `single` cuts every GPU of a node alike: a layout of several sizes makes the node offer nothing (`MIG-INVALID`).",
)
.about(&[CLUSTER_POLICY]);

pub(crate) const STRATEGIES_DIFFER: Rule = Rule::warn(
    "mig-strategies-differ",
    "The MIG strategy of a ClusterPolicy and that of the device plugin's configuration (`flags.migStrategy`) are the same: the operator sets the first as a variable, which the plugin puts before its configuration.",
)
.about(&[CLUSTER_POLICY])
.needs(CONFIG_MAP);

const CONFIG: &str = "/spec/devicePlugin/config";
const STRATEGY: &str = "/spec/mig/strategy";
const LAYOUT: &str = "/spec/migManager/config/default";

/// The node label that picks a configuration.
const ENTRY: &str = "nvidia.com/device-plugin.config";

/// Layouts of mig-parted with several sizes on one GPU.
const MIXED: &str = "balanced";

/// Warns about what leaves nodes without what the policy promises.
pub(crate) fn report(review: &Review) {
    let text = |field: &str| {
        let text = review.text(&format!("{CONFIG}/{field}"));
        text.filter(|text| !text.is_empty())
    };
    let default = text("default");
    if let Some(name) = text("name").filter(|_| default.is_none() && !labels_are_known()) {
        NO_DEFAULT
            .finding(
                CONFIG,
                format!("the configurations in `{name}` reach no node without a label"),
            )
            .actual("no `default`")
            .allowed("the key of a configuration, or labels on the nodes")
            .fix("set `devicePlugin.config.default` to a key of the config map, or label the nodes")
            .report();
    }
    if let Some(name) = text("name") {
        report_strategies(review, &name);
    }
    let layout = review.text(LAYOUT).filter(|layout| layout.contains(MIXED));
    if let Some(layout) = layout.filter(|_| review.text(STRATEGY).as_deref() == Some("single")) {
        MIXED_UNDER_SINGLE
            .finding(
                LAYOUT,
                format!("the strategy `single` cannot offer the sizes of layout `{layout}`"),
            )
            .actual(layout)
            .allowed("a layout of one size, or the strategy `mixed`")
            .fix("set `mig.strategy: mixed`, or a layout such as `all-1g.10gb`")
            .report();
    }
}

/// Warns about a configuration of the plugin whose strategy is not that of the policy, and is therefore not used.
fn report_strategies(review: &Review, config_map: &str) {
    let Some(own) = review.text(STRATEGY) else {
        return;
    };
    let known = cluster::plugin_mig_strategies(config_map);
    let mut others = known.into_iter().flat_map(|known| known.values);
    let Some(other) = others.find(|other| *other != own) else {
        return;
    };
    STRATEGIES_DIFFER
        .finding(
            STRATEGY,
            format!("`{own}` here, `{other}` in the config map `{config_map}`, which is not used"),
        )
        .actual(&*own)
        .allowed(format!("`{other}`, as the config map says"))
        .fix(format!(
            "set `mig.strategy: {other}`, or `flags.migStrategy: {own}` in the config map"
        ))
        .report();
}

/// Whether nodes are known to pick a configuration.
fn labels_are_known() -> bool {
    cluster::node_label(ENTRY).is_some_and(|known| !known.values.is_empty())
}
