//! Volumes that one node alone can mount, under several pods.

use tollgate_sdk::prelude::*;

pub(crate) const SHARED: Rule = Rule::warn(
    "claim-of-one-node",
    "A PersistentVolumeClaim that several pods mount can be mounted on several nodes (`ReadWriteMany` or `ReadOnlyMany`): pods on other nodes stay in ContainerCreating with a Multi-Attach error.",
)
.needs("PersistentVolumeClaim");

/// Modes by which one node, or one pod, has the volume.
const OF_ONE: [&str; 2] = ["ReadWriteOnce", "ReadWriteOncePod"];

/// Kinds whose controllers make one claim for all pods: whether they do, and in which mode.
static OWN: [(&str, &str, &str); 2] = [
    (
        "VLLMRuntime.production-stack.vllm.ai",
        "/spec/storageConfig/enabled",
        "/spec/storageConfig/accessMode",
    ),
    (
        "NIMService.apps.nvidia.com",
        "/spec/storage/pvc/create",
        "/spec/storage/pvc/volumeAccessMode",
    ),
];

/// The pods that mount one claim.
struct Users {
    count: u32,
    /// What makes more of them than the object says.
    scaler: Option<cluster::Scaler>,
}

/// Warns about a claim that pods of the object share and only one node can have.
pub(crate) fn report(review: &Review, pods: &[Pod]) {
    report_own(review, pods);
    let namespace = review.namespace().unwrap_or_default();
    let mut seen = Vec::new();
    for pod in pods {
        for (index, volume) in pod.volumes().iter().enumerate() {
            let Some(claim) = volume.claim.clone().filter(|claim| !seen.contains(claim)) else {
                continue;
            };
            if let Some(users) = users(review, pods, |pod| mounts(pod, &claim)) {
                let path = format!("{}/spec/volumes/{index}", pod.path());
                report_claim(&namespace, path, &claim, &users);
            }
            seen.push(claim);
        }
    }
}

fn report_claim(namespace: &str, path: String, claim: &str, users: &Users) {
    let is_of_one = |mode: &String| OF_ONE.contains(&mode.as_str());
    let modes = cluster::claim_modes(namespace, claim);
    if let Some(modes) = modes.filter(|modes| modes.values.iter().all(is_of_one)) {
        let what = format!("the claim `{claim}`");
        report_one(path, &what, users, &modes.values.join(", "));
    }
}

/// The same about a claim that the object has made.
fn report_own(review: &Review, pods: &[Pod]) {
    let kind = review.kind_dot_group();
    let Some((_, made, mode)) = OWN.iter().find(|(known, ..)| *known == kind) else {
        return;
    };
    let mode_there = review.text(mode).unwrap_or_default();
    if !OF_ONE.contains(&mode_there.as_str()) || review.json(made).as_deref() != Some("true") {
        return;
    }
    if let Some(users) = users(review, pods, |_| true) {
        report_one(
            (*mode).to_owned(),
            "a claim that is made for them",
            &users,
            &mode_there,
        );
    }
}

fn mounts(pod: &Pod, claim: &str) -> bool {
    let volumes = pod.volumes();
    volumes
        .iter()
        .any(|volume| volume.claim.as_deref() == Some(claim))
}

/// The pods that mount something, where they are several or may become so.
fn users(review: &Review, pods: &[Pod], mounts: impl Fn(&Pod) -> bool) -> Option<Users> {
    let counts = pods.iter().filter(|pod| mounts(pod)).filter_map(Pod::count);
    let count = counts.fold(0, u32::saturating_add);
    let scaler = (count == 1).then(|| scaler(review)).flatten();
    (count > 1 || scaler.is_some()).then_some(Users { count, scaler })
}

/// What adds pods to the object.
fn scaler(review: &Review) -> Option<cluster::Scaler> {
    let (namespace, name) = review.namespace().zip(review.name())?;
    let scalers = cluster::scalers(&review.kind_dot_group(), &namespace, &name);
    let mut scalers = scalers.into_iter();
    scalers.find(|scaler| !scaler.kind.starts_with("VerticalPodAutoscaler"))
}

impl Users {
    /// `2 pods`.
    fn in_words(&self) -> String {
        match &self.scaler {
            None => format!("{} pods", self.count),
            Some(scaler) => {
                let kind = scaler.kind.split('.').next().unwrap_or_default();
                format!("a pod and those that {kind} `{}` adds", scaler.name)
            }
        }
    }
}

fn report_one(path: String, what: &str, users: &Users, modes: &str) {
    SHARED
        .finding(
            path,
            format!(
                "{} mount {what}, which one node alone can have",
                users.in_words()
            ),
        )
        .actual(modes)
        .allowed("ReadWriteMany or ReadOnlyMany")
        .fix("use a claim that several nodes can mount, or give each pod its own")
        .report();
}
