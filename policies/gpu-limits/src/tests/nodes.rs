use serde_json::{Value, json};
use tollgate_sdk::test::{Case, Done, container, pod};

use crate::GpuLimits;

fn node(name: &str, resource: &str, count: u32) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {}},
        "status": {"allocatable": {resource: count}},
    })
}

fn open_pool() -> Value {
    json!({
        "apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": "p"},
        "spec": {"template": {"spec": {"requirements": []}}},
    })
}

fn run(resource: &str, count: &str, state: &[Value]) -> Done {
    let main = container("main")
        .limit(resource, count)
        .limit("memory", "8Gi");
    Case::new(pod([main]))
        .state(state.to_vec())
        .run::<GpuLimits>()
}

#[test]
fn more_devices_than_any_node_has_are_warned_of() {
    let nodes = [
        node("a", "nvidia.com/gpu", 4),
        node("b", "nvidia.com/gpu", 2),
    ];
    let done = run("nvidia.com/gpu", "8", &nodes);
    done.assert_findings(&["warn beyond-nodes"]);
    let finding = &done.findings[0];
    assert_eq!(
        finding.path,
        "/spec/containers/0/resources/limits/nvidia.com~1gpu"
    );
    assert!(
        finding
            .message
            .contains("no node or pool that is known has more than 4"),
        "{finding:?}"
    );
    run("nvidia.com/gpu", "4", &nodes).assert_quiet();
}

#[test]
fn a_device_that_no_node_has_is_warned_of_with_the_name_that_they_have() {
    let nodes = [node("a", "nvidia.com/gpu.shared", 4)];
    let done = run("nvidia.com/gpu", "1", &nodes);
    done.assert_findings(&["warn beyond-nodes"]);
    assert_eq!(
        done.findings[0].fix.as_deref(),
        Some("ask for `nvidia.com/gpu.shared`, which nodes here have")
    );
    let slice = run(
        "nvidia.com/mig-1g.10gb",
        "1",
        &[node("a", "nvidia.com/gpu", 4)],
    );
    slice.assert_findings(&["warn beyond-nodes"]);
    assert!(
        slice.findings[0]
            .message
            .contains("no node has `nvidia.com/mig-1g.10gb`")
    );
}

#[test]
fn a_pool_that_may_have_more_and_unknown_nodes_keep_it_quiet() {
    run(
        "nvidia.com/gpu",
        "8",
        &[node("a", "nvidia.com/gpu", 4), open_pool()],
    )
    .assert_quiet();
    run("nvidia.com/gpu", "8", &[open_pool()]).assert_quiet();
    run("nvidia.com/gpu", "8", &[]).assert_quiet();
}
