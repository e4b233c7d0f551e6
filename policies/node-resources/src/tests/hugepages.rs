use tollgate_sdk::test::{ContainerBuilder, container, pod};

use super::{assert_one, gpus, run};

fn gaudi() -> ContainerBuilder {
    container("main").limit("habana.ai/gaudi", "8")
}

/// A container with EFA that may lock memory.
fn efa() -> ContainerBuilder {
    gpus("8").limit("vpc.amazonaws.com/efa", "4").with(
        "/securityContext/capabilities/add",
        serde_json::json!(["IPC_LOCK"]),
    )
}

#[test]
fn warns_about_gaudi_and_efa_without_huge_pages() {
    assert_one(
        &run(pod([gaudi()])),
        "warn hugepages-missing",
        "/spec/containers/0/resources",
        &["`main`", "`habana.ai/gaudi`", "hugepages-2Mi", "29000Mi"],
    );
    assert_one(
        &run(pod([efa()])),
        "warn hugepages-missing",
        "/spec/containers/0/resources",
        &["`vpc.amazonaws.com/efa`", "5120Mi", "FI_EFA_USE_HUGE_PAGE"],
    );
}

#[test]
fn huge_pages_or_doing_without_them_is_fine() {
    run(pod([gaudi()
        .limit("hugepages-2Mi", "29000Mi")
        .limit("memory", "32Gi")]))
    .assert_quiet();
    run(pod([efa()
        .limit("hugepages-2Mi", "5120Mi")
        .limit("memory", "32Gi")]))
    .assert_quiet();
    run(pod([efa().env("FI_EFA_USE_HUGE_PAGE", "0")])).assert_quiet();
    run(pod([gpus("8")])).assert_quiet();
}

#[test]
fn refuses_huge_pages_without_cpu_and_memory() {
    let done = run(pod([gaudi().limit("hugepages-2Mi", "29000Mi")]));
    assert_one(
        &done,
        "deny hugepages-without-cpu-or-memory",
        "/spec/containers/0/resources",
        &[
            "`main`",
            "`hugepages-2Mi`",
            "neither CPU nor memory",
            "add `memory`",
        ],
    );
    run(pod([gaudi()
        .limit("hugepages-2Mi", "29000Mi")
        .request("cpu", "8")]))
    .assert_quiet();
}

#[test]
fn huge_pages_are_refused_where_the_api_server_would_speak_first() {
    let deployment = pod([gaudi().limit("hugepages-2Mi", "1Gi")]).deployment();
    let done = tollgate_sdk::test::Case::object(deployment).run::<crate::NodeResources>();
    assert_one(
        &done,
        "deny hugepages-without-cpu-or-memory",
        "/spec/template/spec/containers/0/resources",
        &[],
    );
}
