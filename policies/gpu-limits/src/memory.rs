//! Containers that take devices and say nothing of their memory.

use tollgate_sdk::prelude::*;

use crate::asked::Asked;

pub(crate) const NO_MEMORY: Rule = Rule::warn(
    "no-memory-limit",
    "A container that takes accelerators has no memory limit: beyond its request it is the first to be evicted, and the expensive pod dies for a cheap neighbour.",
);

/// Warns once for a pod of which neither the container nor the pod limits the memory.
pub(crate) fn report(pod: &Pod, asked: &[Asked]) {
    let has_limit = |asked: &Asked| {
        asked
            .get("memory")
            .is_some_and(|memory| memory.limit.is_some())
    };
    let lacking: Vec<_> = asked
        .iter()
        .filter(|asked| asked.has_devices() && !has_limit(asked))
        .collect();
    let Some((first, others)) = lacking.split_first() else {
        return;
    };
    if pod.limit("memory").is_some() {
        return;
    }
    let names = lacking
        .iter()
        .map(|asked| format!("`{}`", asked.container.name()));
    let names = names.collect::<Vec<_>>().join(", ");
    let (what, has) = match others.is_empty() {
        true => ("container", "has"),
        false => ("containers", "have"),
    };
    let request = first.get("memory").map(|memory| memory.text().to_owned());
    NO_MEMORY
        .finding(
            first.resources_place(),
            format!("{what} {names} {has} no memory limit: evicted first when the node runs short"),
        )
        .actual(request.map_or_else(
            || "neither request nor limit".to_owned(),
            |request| format!("request {request}, no limit"),
        ))
        .allowed("a memory limit on the container or on the pod")
        .fix("set `memory` under limits, and the same under requests")
        .report();
}
