//! Huge pages for the devices whose software wants them.

use tollgate_sdk::gpu::{HugePages, huge_pages};
use tollgate_sdk::prelude::*;

use crate::taker::Taker;

pub(crate) const MISSING: Rule = Rule::warn(
    "hugepages-missing",
    "A container with a Gaudi or an EFA device asks for the huge pages that its software maps, or it fails to start.",
);
pub(crate) const ALONE: Rule = Rule::deny(
    "hugepages-without-cpu-or-memory",
    "A container that asks for huge pages asks for CPU or memory as well, or the API server refuses the pod.",
);

const PREFIX: &str = "hugepages-";

/// Refuses huge pages without CPU or memory, in plainer words than the API server has.
pub(crate) fn refuse(takers: &[Taker<'_>]) {
    for Taker { container, .. } in takers {
        let (limits, requests) = (container.limits(), container.requests());
        let names = || limits.iter().chain(requests.iter()).map(|(name, _)| name);
        let Some(pages) = names().find(|name| name.starts_with(PREFIX)) else {
            continue;
        };
        if !names().any(|name| name == "cpu" || name == "memory") {
            refuse_one(container, pages);
        }
    }
}

fn refuse_one(container: &Container, pages: &str) {
    let name = container.name();
    ALONE
        .finding(
            container.path() + "/resources",
            format!("container `{name}` asks for `{pages}` but for neither CPU nor memory, which the API server refuses"),
        )
        .actual(format!("`{pages}` without `cpu` and `memory`"))
        .allowed("huge pages beside `cpu` or `memory`")
        .fix("add `memory` under limits: huge pages do not count against it")
        .report();
}

/// Warns about devices without the huge pages that belong to them.
pub(crate) fn report(takers: &[Taker<'_>]) {
    for taker in takers {
        let devices = taker.devices.iter().map(|device| &device.name);
        let networks = taker.networks.iter().map(|(name, _)| name);
        let wanted = devices.chain(networks).filter_map(|name| huge_pages(name));
        for pages in wanted {
            if taker.container.limit(pages.pages).is_none()
                && !is_told_to_do_without(taker.container, pages)
            {
                report_one(taker.container, pages);
            }
        }
    }
}

fn is_told_to_do_without(container: &Container, pages: &HugePages) -> bool {
    let value = pages.unless.and_then(|name| container.env(name)?.value);
    value.is_some_and(|value| ["0", "false", "no"].contains(&value.to_lowercase().as_str()))
}

fn report_one(container: &Container, pages: &HugePages) {
    let HugePages {
        device,
        pages,
        usual,
        unless,
    } = pages;
    let name = container.name();
    let without = unless.map_or_else(String::new, |name| format!(", or set `{name}` to 0"));
    MISSING
        .finding(
            container.path() + "/resources",
            format!(
                "container `{name}` takes `{device}` and no `{pages}`, which its software maps"
            ),
        )
        .actual(format!("no `{pages}`"))
        .allowed(format!("`{pages}` under limits; samples ask for {usual}"))
        .fix(format!("add `{pages}` under limits{without}"))
        .report();
}
