//! The form of a request: a limit, a whole number, a name that exists.

use tollgate_sdk::gpu::{Class, Quantity, Resource, Suspicion, Vendor, suspicion};
use tollgate_sdk::prelude::*;

use crate::asked::{Asked, Wanted, is_native};

pub(crate) const NO_LIMIT: Rule = Rule::repair(
    "request-without-limit",
    "An accelerator in `requests` stands in `limits` too: the API server refuses a request alone, and a controller that makes such pods fails for ever.",
);
pub(crate) const UNEQUAL: Rule = Rule::deny(
    "request-not-limit",
    "Request and limit of an accelerator are the same number: devices cannot be overcommitted, and the API server refuses anything else.",
);
pub(crate) const FRACTIONAL: Rule = Rule::deny(
    "fractional-gpu",
    "Accelerators are asked for in whole numbers: a part of a GPU is a MIG device, a shared GPU or a scheduler's annotation.",
);
pub(crate) const MISSPELT: Rule = Rule::deny(
    "misspelt-resource",
    "A resource name that nearly is an accelerator's: no node has it, so the pod would stay Pending for ever.",
);
pub(crate) const UNKNOWN: Rule = Rule::warn(
    "unknown-accelerator",
    "A resource name that sounds like an accelerator's but is none that is known: if no device plugin offers it, the pod stays Pending.",
);

/// Copies requests to limits, and reports what the API server would refuse or never schedule.
pub(crate) fn repair(asked: &Asked) -> Outcome {
    for wanted in &asked.resources {
        match wanted.known {
            Some(known) => repair_known(asked, wanted, known)?,
            None if is_native(&wanted.name) => {}
            None => report_misspelt(asked, wanted),
        }
    }
    Ok(())
}

/// Warns about names that sound like accelerators.
pub(crate) fn report_unknown(asked: &Asked) {
    let strange = asked
        .resources
        .iter()
        .filter(|wanted| wanted.known.is_none() && !is_native(&wanted.name));
    for wanted in strange {
        let Wanted { name, .. } = wanted;
        if !matches!(suspicion(name), Suspicion::UnknownAccelerator) {
            continue;
        }
        UNKNOWN
            .finding(
                asked.place(wanted),
                format!("container `{}` asks for `{name}`, which is no known accelerator; without a device plugin that offers it the pod stays Pending", asked.container.name()),
            )
            .actual(name)
            .allowed("names that the nodes' device plugins offer, such as `nvidia.com/gpu`")
            .fix("compare the name with the allocatable resources of a node: `kubectl describe node`")
            .report();
    }
}

fn repair_known(asked: &Asked, wanted: &Wanted, known: &Resource) -> Outcome {
    let is_part = |text: &&String| Quantity::parse(text).is_ok_and(|amount| !amount.is_integer());
    if let Some(part) = wanted.limit.iter().chain(&wanted.request).find(is_part) {
        if known.class != Class::Companion {
            report_fraction(asked, wanted, known, part);
        }
        return Ok(());
    }
    let parse = |text: &Option<String>| text.as_deref().map(Quantity::parse).transpose();
    // What is no quantity is a template that is still to be filled in, or the API server's to refuse.
    match (parse(&wanted.request), parse(&wanted.limit)) {
        (Ok(Some(_)), Ok(None)) => asked.set_limit(NO_LIMIT, &wanted.name, wanted.text()),
        (Ok(Some(request)), Ok(Some(limit))) if request != limit => {
            report_unequal(asked, wanted);
            Ok(())
        }
        _ => Ok(()),
    }
}

fn report_unequal(asked: &Asked, wanted: &Wanted) {
    let Wanted { name, .. } = wanted;
    let request = wanted.request.as_deref().unwrap_or_default();
    let limit = wanted.limit.as_deref().unwrap_or_default();
    UNEQUAL
        .finding(
            asked.place(wanted),
            format!("container `{}` requests {request} {name} but limits it to {limit}; the two must be equal", asked.container.name()),
        )
        .actual(format!("request {request}, limit {limit}"))
        .allowed("the same number twice, or a limit alone")
        .fix(format!("write `{name}` under limits alone, with the number that is needed"))
        .report();
}

fn report_fraction(asked: &Asked, wanted: &Wanted, known: &Resource, written: &str) {
    let Wanted { name, .. } = wanted;
    FRACTIONAL
        .finding(
            asked.place(wanted),
            format!(
                "container `{}` asks for {written} {name}, which is only given out whole",
                asked.container.name()
            ),
        )
        .actual(written)
        .allowed("whole numbers")
        .fix(instead_of_a_fraction(name, known, written))
        .report();
}

/// What gives a part of such a device.
fn instead_of_a_fraction(name: &str, known: &Resource, written: &str) -> String {
    match (known.class, known.vendor) {
        (Class::Device, Vendor::Nvidia) => format!(
            "ask for a MIG device (`nvidia.com/mig-1g.10gb: 1`) or a shared GPU (`nvidia.com/gpu.shared: 1`) where nodes offer them, or under the KAI scheduler set the annotation `gpu-fraction: \"{written}\"` and no limit"
        ),
        (Class::Device, Vendor::Amd) => format!(
            "ask for `{name}: 1`, or for a partition (`amd.com/cpx_nps1: 1`) where nodes offer them"
        ),
        (Class::Device | Class::Slice, _) => format!("ask for `{name}: 1`"),
        (Class::Quantity | Class::Companion, _) => {
            format!("write `{name}` as a whole number of its unit")
        }
    }
}

fn report_misspelt(asked: &Asked, wanted: &Wanted) {
    let Wanted { name, .. } = wanted;
    let Suspicion::Typo(meant) = suspicion(name) else {
        return;
    };
    MISSPELT
        .finding(
            asked.place(wanted),
            format!(
                "container `{}` asks for `{name}`, which no node has; `{meant}` is meant",
                asked.container.name()
            ),
        )
        .actual(name)
        .allowed(&meant)
        .fix(format!("write `{meant}`"))
        .report();
}
