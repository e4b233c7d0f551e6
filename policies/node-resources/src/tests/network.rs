use serde_json::json;
use tollgate_sdk::test::{ContainerBuilder, PodBuilder, container, pod};

use super::{assert_one, gpus, run};

fn on_host(main: ContainerBuilder) -> PodBuilder {
    pod([main]).with("/spec/hostNetwork", true.into())
}

#[test]
fn warns_about_the_nodes_network() {
    let done = run(on_host(gpus("1")));
    assert_one(
        &done,
        "warn host-network",
        "/spec/hostNetwork",
        &["`main`", "ports", "hostNetwork: true", "Service"],
    );
    run(pod([gpus("1")])).assert_quiet();
}

#[test]
fn fast_fabrics_need_the_nodes_network() {
    let efa = gpus("8")
        .limit("vpc.amazonaws.com/efa", "4")
        .limit("hugepages-2Mi", "5Gi")
        .limit("memory", "32Gi")
        .with("/securityContext/privileged", true.into());
    run(on_host(efa)).assert_quiet();
    run(on_host(gpus("8").env("NCCL_SOCKET_IFNAME", "eth0"))).assert_quiet();
    let image = "us-docker.pkg.dev/gce-ai-infra/gpudirect-tcpxo/tcpgpudmarxd-dev:v1.0.20";
    let daemon = pod([gpus("8"), container("daemon").image(image)]);
    run(daemon.with("/spec/hostNetwork", true.into())).assert_quiet();
}

#[test]
fn agents_of_nodes_may_use_it() {
    let owner =
        json!([{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "a", "controller": true}]);
    run(on_host(gpus("1")).with("/metadata/ownerReferences", owner)).assert_quiet();
}
