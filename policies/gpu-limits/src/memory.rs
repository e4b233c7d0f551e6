//! Containers that take devices and say nothing of their memory.

use tollgate_sdk::prelude::*;

use crate::asked::Asked;

pub(crate) const NO_MEMORY: Rule = Rule::warn(
    "no-memory-limit",
    "A container that takes accelerators has no memory limit: beyond its request it is the first to be evicted, and the expensive pod dies for a cheap neighbour.",
);

/// Warns where neither the container nor the pod limits the memory.
pub(crate) fn report(pod: &Pod, asked: &[Asked]) {
    let has_limit = |asked: &Asked| {
        asked
            .get("memory")
            .is_some_and(|memory| memory.limit.is_some())
    };
    let mut lacking = asked
        .iter()
        .filter(|asked| asked.has_devices() && !has_limit(asked))
        .peekable();
    if lacking.peek().is_none() || pod.limit("memory").is_some() {
        return;
    }
    for asked in lacking {
        let (name, devices) = (asked.container.name(), asked.devices_in_words());
        let request = asked.get("memory").map(|memory| memory.text().to_owned());
        let lack = match &request {
            Some(request) => format!(
                "a memory request of {request} but no limit: beyond it the container is evicted first"
            ),
            None => {
                "no memory limit: it is the first to be evicted when the node runs short".to_owned()
            }
        };
        NO_MEMORY
            .finding(
                asked.resources_place(),
                format!("container `{name}` takes {devices} and has {lack}"),
            )
            .actual(request.map_or_else(
                || "neither request nor limit".to_owned(),
                |request| format!("request {request}, no limit"),
            ))
            .allowed("a memory limit on the container or on the pod")
            .fix("set `memory` under limits, and the same under requests")
            .report();
    }
}
