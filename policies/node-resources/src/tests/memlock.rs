use serde_json::json;
use tollgate_sdk::test::{Case, ContainerBuilder, container, pod};

use super::{assert_one, gpus, run};
use crate::NodeResources;

fn with(name: &str) -> ContainerBuilder {
    gpus("8").limit(name, "1").env("FI_EFA_USE_HUGE_PAGE", "0")
}

#[test]
fn lets_containers_with_rdma_lock_memory() {
    for name in [
        "rdma/ib",
        "rdma/hca_shared_devices_a",
        "nvidia.com/hostdev",
        "vke.volcengine.com/rdma",
    ] {
        let done = run(pod([with(name)]));
        assert_eq!(
            done.at("/spec/containers/0/securityContext/capabilities/add"),
            json!(["IPC_LOCK"]),
            "{name}"
        );
        assert_eq!(done.rules, ["rdma-ipc-lock"]);
        assert!(done.findings.is_empty());
    }
}

#[test]
fn adds_it_to_the_container_with_the_device_alone() {
    let done = run(pod([container("sidecar"), with("rdma/ib")]));
    assert_eq!(done.at("/spec/containers/0/securityContext"), json!(null));
    assert_eq!(
        done.at("/spec/containers/1/securityContext/capabilities/add"),
        json!(["IPC_LOCK"])
    );
}

#[test]
fn only_warns_about_efa() {
    let done = run(pod([with("vpc.amazonaws.com/efa")]));
    done.assert_patch(json!([]));
    assert_one(
        &done,
        "warn efa-ipc-lock",
        "/spec/containers/0/securityContext/capabilities",
        &["`main`", "`vpc.amazonaws.com/efa`", "IPC_LOCK"],
    );
}

#[test]
fn whoever_may_lock_memory_already_is_let_be() {
    for name in ["rdma/ib", "vpc.amazonaws.com/efa"] {
        for capability in ["IPC_LOCK", "CAP_IPC_LOCK", "ALL"] {
            let able = with(name).with("/securityContext/capabilities/add", json!([capability]));
            run(pod([able])).assert_quiet();
        }
        let privileged = with(name).with("/securityContext/privileged", true.into());
        run(pod([privileged])).assert_quiet();
    }
}

#[test]
fn other_networks_lock_nothing() {
    run(pod([with("networking.gke.io.networks/vpc1")])).assert_quiet();
    run(pod([gpus("8").limit("rdma/ib", "0")])).assert_quiet();
}

#[test]
fn warns_where_the_namespace_forbids_the_capability() {
    let in_namespace = |level| {
        let labels = [("pod-security.kubernetes.io/enforce", level)];
        Case::new(pod([with("rdma/ib")]))
            .namespace_labels(&labels)
            .run::<NodeResources>()
    };
    let done = in_namespace("baseline");
    done.assert_patch(json!([]));
    assert_one(
        &done,
        "warn rdma-ipc-lock-forbidden",
        "/spec/containers/0/securityContext/capabilities",
        &["`rdma/ib`", "`baseline` forbids it", "level `privileged`"],
    );
    assert_eq!(in_namespace("privileged").rules, ["rdma-ipc-lock"]);
}

#[test]
fn nothing_is_missing_where_others_add_to_the_pod() {
    let fabric = || pod([gpus("8").limit("rdma/ib", "8")]);
    assert!(!run(fabric()).patch.is_empty());
    Case::object(fabric().predictor())
        .run::<NodeResources>()
        .assert_quiet();
}
