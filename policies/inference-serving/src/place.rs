//! Which servers take requests by themselves.

use tollgate_sdk::gpu::{Kinship, is_batch_kind, kinship};
use tollgate_sdk::prelude::*;

use crate::server::Server;

/// What numbers the pods of a LeaderWorkerSet; the leader is the first.
const WORKER_INDEX: &str = "leaderworkerset.sigs.k8s.io/worker-index";

/// Knative moves the probe of the server into a container of its own.
const KNATIVE: &str = "serving.knative.dev/revision";

/// Flags of members of a group that take no requests.
const FOLLOWERS: [&str; 1] = ["--headless"];

/// Flags that number the members of a group; the first takes the requests.
const RANKS: [&str; 1] = ["--node-rank"];

/// Whether requests reach the server of a pod, so that probes matter.
///
/// Not those of jobs, nor of a group's further members. Controllers of custom kinds add probes to the templates of
/// their objects, so of those only the pods are judged.
pub(crate) fn takes_requests(pod: &Pod, server: &Server<'_>) -> bool {
    let owner = pod.owner();
    let owner = owner.as_deref().unwrap_or_default();
    let is_template = !pod.path().is_empty();
    if is_batch_kind(owner) || is_template && kinship(owner) == Kinship::Unknown {
        return false;
    }
    let is_follower = pod.label(WORKER_INDEX).is_some_and(|index| index != "0");
    !is_follower && pod.label(KNATIVE).is_none() && !follows_by_flag(server)
}

fn follows_by_flag(server: &Server<'_>) -> bool {
    let words = &server.program.words;
    words.values(&FOLLOWERS).next().is_some() || words.values(&RANKS).any(|rank| rank != "0")
}
