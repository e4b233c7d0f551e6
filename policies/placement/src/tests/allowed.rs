use serde_json::{Value, json};
use tollgate_sdk::test::{Case, container, pod};

use super::{assert_one, gpu, one, required, run, server, set, trainer};
use crate::Placement;

/// Time-slicing for development, MIG or whole for production, spot for training only.
fn development() -> Value {
    json!({"all": {"gpus": ["shared"]}})
}

fn production() -> Value {
    json!({"all": {"gpus": ["whole", "mig"], "capacity": ["on-demand"]}, "training": {"capacity": ["spot", "on-demand"]}})
}

#[test]
fn development_gets_shares_alone() {
    let done = set(gpu(), &development());
    assert_one(
        &done,
        "deny gpu-class-not-allowed",
        "/spec/containers/0/resources/limits/nvidia.com~1gpu",
        &[
            "`main` asks for `nvidia.com/gpu`, a whole device",
            "`all.gpus`",
            "whole",
            "shared",
            "nvidia.com/gpu.shared",
        ],
    );
    set(pod([one("nvidia.com/gpu.shared")]), &development()).assert_quiet();
    set(
        pod([container("main")]).annotation("gpu-fraction", "0.5"),
        &development(),
    )
    .assert_quiet();
}

#[test]
fn production_gets_whole_and_mig_devices() {
    for shared in [
        "nvidia.com/gpu.shared",
        "nvidia.com/mig-1g.10gb.shared",
        "volcano.sh/vgpu-number",
        "aliyun.com/gpu-mem",
    ] {
        set(pod([one(shared)]), &production()).assert_findings(&["deny gpu-class-not-allowed"]);
    }
    for fine in [
        "nvidia.com/gpu",
        "nvidia.com/mig-1g.10gb",
        "amd.com/gpu",
        "amd.com/cpx_nps4",
        "google.com/tpu",
        "rdma/ib",
    ] {
        set(pod([one(fine)]), &production()).assert_quiet();
    }
    let fraction = pod([container("main")]).annotation("gpu-fraction", "0.5");
    assert_one(
        &set(fraction, &production()),
        "deny gpu-class-not-allowed",
        "/metadata/annotations/gpu-fraction",
        &["by the annotation `gpu-fraction`, a shared device"],
    );
}

#[test]
fn a_count_beside_a_quantity_is_one_of_shares() {
    let hami = || one("nvidia.com/gpu").limit("nvidia.com/gpumem", "3000");
    set(pod([hami()]), &production()).assert_findings(&["deny gpu-class-not-allowed"]);
    set(pod([hami()]), &development()).assert_quiet();
}

#[test]
fn the_selected_nodes_and_the_site_tell_what_a_gpu_is() {
    let sliced =
        || gpu().node_selector("cloud.google.com/gke-gpu-sharing-strategy", "time-sharing");
    set(sliced(), &development()).assert_quiet();
    set(sliced(), &production()).assert_findings(&["deny gpu-class-not-allowed"]);
    // On a site that shares GPUs under their own name only the node tells, so both settings let it be.
    for settings in [development(), production()] {
        Case::new(gpu())
            .sharing("time-slicing")
            .settings(settings)
            .run::<Placement>()
            .assert_quiet();
    }
    Case::new(gpu())
        .mig_strategy("single")
        .settings(json!({"all": {"gpus": ["mig"]}}))
        .run::<Placement>()
        .assert_quiet();
}

#[test]
fn spot_is_for_training_only() {
    let spot = |pod: tollgate_sdk::test::PodBuilder| {
        pod.node_selector("karpenter.sh/capacity-type", "spot")
    };
    assert_one(
        &set(spot(server()), &production()),
        "deny capacity-not-allowed",
        "/spec/nodeSelector/karpenter.sh~1capacity-type",
        &["spot capacity", "`all.capacity`", "on-demand"],
    );
    set(spot(gpu()), &production()).assert_findings(&["deny capacity-not-allowed"]);
    set(spot(trainer()), &production()).assert_quiet();
    set(server(), &production()).assert_quiet();
}

#[test]
fn tolerations_and_affinities_are_choices_of_capacity() {
    let tolerant =
        server().toleration(json!({"key": "cloud.google.com/gke-spot", "operator": "Exists"}));
    assert_one(
        &set(tolerant.clone(), &production()),
        "deny capacity-not-allowed",
        "/spec/tolerations/0",
        &["tolerates the taint `cloud.google.com/gke-spot`"],
    );
    let bound = tolerant.node_selector("karpenter.sh/capacity-type", "on-demand");
    set(bound, &production()).assert_quiet();
    let either = json!([{"matchExpressions": [{"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot", "on-demand"]}]}]);
    set(
        server().with("/spec/affinity", required(either)),
        &production(),
    )
    .assert_findings(&["deny capacity-not-allowed"]);
    let never = json!([{"matchExpressions": [{"key": "karpenter.sh/capacity-type", "operator": "NotIn", "values": ["spot"]}]}]);
    set(
        server().with("/spec/affinity", required(never)),
        &production(),
    )
    .assert_quiet();
    let all = server().toleration(json!({"operator": "Exists"}));
    set(all, &production()).assert_quiet();
}

#[test]
fn the_terms_of_a_role_stand_in_for_those_of_all() {
    let settings = json!({"all": {"gpus": ["shared"]}, "serving": {"gpus": ["whole"]}});
    set(server(), &settings).assert_quiet();
    let done = set(trainer(), &settings);
    assert_one(
        &done,
        "deny gpu-class-not-allowed",
        "/spec/containers/0/resources/limits/nvidia.com~1gpu",
        &["`all.gpus`"],
    );
    set(pod([one("nvidia.com/gpu.shared")]), &settings).assert_quiet();
}

#[test]
fn agents_of_nodes_are_let_be() {
    let owner =
        json!([{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "a", "controller": true}]);
    set(
        gpu().with("/metadata/ownerReferences", owner),
        &development(),
    )
    .assert_quiet();
    run(gpu()).assert_quiet();
}
