//! Classes of dynamically allocated devices.
//!
//! Source: `resource.k8s.io/v1`, `DeviceClassSpec`: each selector must be satisfied, so that without any each device is of the
//! class. A claim may select further, which is why this only warns.

use tollgate_sdk::prelude::*;

use crate::{DEVICE_CLASS, list};

pub(crate) const EVERYTHING: Rule = Rule::warn(
    "class-of-every-device",
    "A DeviceClass selects its devices (`selectors`): without, it is every device of every driver, and a claim of it may get a network card for a GPU.",
)
.about(&[DEVICE_CLASS]);

const SELECTORS: &str = "/spec/selectors";

/// Warns about a class that selects nothing.
pub(crate) fn report(review: &Review) {
    if !list(review, SELECTORS).is_empty() {
        return;
    }
    EVERYTHING
        .finding(SELECTORS, "the class is of every device of every driver")
        .actual("no `selectors`")
        .allowed("a CEL expression about the device's driver and attributes")
        .fix("add `selectors: [{cel: {expression: \"device.driver == 'gpu.nvidia.com'\"}}]`, or the driver that is meant")
        .report();
}
