//! Volumes that one node alone can mount, under several pods.

use tollgate_sdk::prelude::*;

pub(crate) const SHARED: Rule = Rule::warn(
    "claim-of-one-node",
    "A PersistentVolumeClaim that several pods mount can be mounted on several nodes (`ReadWriteMany` or `ReadOnlyMany`): pods on other nodes stay in ContainerCreating with a Multi-Attach error.",
)
.needs("PersistentVolumeClaim");

/// Modes by which one node, or one pod, has the volume.
const OF_ONE: [&str; 2] = ["ReadWriteOnce", "ReadWriteOncePod"];

/// Warns about a claim that pods of the object share and only one node can have.
pub(crate) fn report(review: &Review, pods: &[Pod]) {
    let namespace = review.namespace().unwrap_or_default();
    let mut seen = Vec::new();
    for pod in pods {
        for (index, volume) in pod.volumes().iter().enumerate() {
            let Some(claim) = volume.claim.clone().filter(|claim| !seen.contains(claim)) else {
                continue;
            };
            let users = users(pods, &claim);
            if users > 1
                && let Some(modes) = cluster::claim_modes(&namespace, &claim)
                && modes
                    .values
                    .iter()
                    .all(|mode| OF_ONE.contains(&mode.as_str()))
            {
                let path = format!("{}/spec/volumes/{index}", pod.path());
                report_one(path, &claim, users, &modes.values.join(", "));
            }
            seen.push(claim);
        }
    }
}

/// How many pods mount a claim.
fn users(pods: &[Pod], claim: &str) -> u32 {
    let mounts = |pod: &&Pod| {
        let volumes = pod.volumes();
        volumes
            .iter()
            .any(|volume| volume.claim.as_deref() == Some(claim))
    };
    let counts = pods.iter().filter(mounts).filter_map(Pod::count);
    counts.fold(0, u32::saturating_add)
}

fn report_one(path: String, claim: &str, users: u32, modes: &str) {
    SHARED
        .finding(
            path,
            format!("{users} pods mount the claim `{claim}`, which one node alone can have"),
        )
        .actual(modes)
        .allowed("ReadWriteMany or ReadOnlyMany")
        .fix("use a claim that several nodes can mount, or give each pod its own")
        .report();
}
