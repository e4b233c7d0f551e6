use serde_json::{Value, json};
use tollgate_sdk::test::{Case, ContainerBuilder, Done, PodBuilder, assert_one, container, pod};

use super::Lifecycle;

mod disruption;
mod objects;
mod restart;
mod spot;

const SPOT: (&str, &str) = ("karpenter.sh/capacity-type", "spot");

/// A container with one NVIDIA GPU.
fn gpu() -> ContainerBuilder {
    container("main").limit("nvidia.com/gpu", "1")
}

/// A pod that a controller of a kind made.
fn owned(builder: PodBuilder, version: &str, kind: &str) -> PodBuilder {
    let owner = json!([{"apiVersion": version, "kind": kind, "name": "owner", "controller": true}]);
    builder.with("/metadata/ownerReferences", owner)
}

/// A pod of a Job, which neither Karpenter moves nor a spot node ends.
fn trainer(main: ContainerBuilder) -> PodBuilder {
    let made = owned(pod([main]), "batch/v1", "Job");
    made.annotation("karpenter.sh/do-not-disrupt", "true")
        .with("/spec/restartPolicy", "Never".into())
}

/// A container with a claim for its checkpoints, and the volume.
fn saving(builder: PodBuilder) -> PodBuilder {
    let mount = json!([{"name": "checkpoints", "mountPath": "/checkpoints"}]);
    builder
        .with("/spec/containers/0/volumeMounts", mount)
        .volume(
            "checkpoints",
            "persistentVolumeClaim",
            json!({"claimName": "a"}),
        )
}

fn run(pod: PodBuilder) -> Done {
    Case::new(pod).run::<Lifecycle>()
}

fn set(pod: PodBuilder, settings: Value) -> Done {
    Case::new(pod).settings(settings).run::<Lifecycle>()
}

#[test]
fn says_nothing_about_pods_without_accelerators_and_agents_of_nodes() {
    let (key, value) = SPOT;
    let settings = json!({"spotGracePeriod": 120, "keepTraining": ["karpenter"]});
    let idle = owned(pod([container("main")]), "batch/v1", "Job");
    set(idle.node_selector(key, value), settings.clone()).assert_quiet();
    let agent = owned(pod([gpu()]), "apps/v1", "DaemonSet");
    set(agent.node_selector(key, value), settings).assert_quiet();
}

#[test]
fn refuses_settings_that_make_no_sense() {
    for (settings, piece) in [
        (
            json!({"spotGracePeriod": 0}),
            "spotGracePeriod: `0` must be from 1 to 3600",
        ),
        (
            json!({"keepTraining": ["kueue"]}),
            "unknown variant `kueue`",
        ),
        (
            json!({"spotgraceperiod": 60}),
            "unknown field `spotgraceperiod`",
        ),
    ] {
        let error = Case::new(pod([gpu()]))
            .settings(settings)
            .settings_error::<Lifecycle>();
        assert!(error.contains(piece), "{error}");
    }
}
