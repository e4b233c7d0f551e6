use serde_json::{Value, json};
use tollgate_sdk::gpu::Model;
use tollgate_sdk::test::{Case, Done, PodBuilder, container, pod};

use super::{GpuLimits, assert_one, run};

const PRODUCT: &str = "nvidia.com/gpu.product";

fn table() -> Value {
    json!({"perGpu": [
        {"model": "A100-80GB", "cpu": 12, "memory": "128Gi"},
        {"model": "A100-40GB", "cpu": "10", "memory": "100Gi"},
        {"model": "L4", "memory": "14Gi"},
        {"cpu": "3500m", "memory": "12Gi"},
    ]})
}

fn gpus(name: &str, count: &str) -> PodBuilder {
    pod([container("main").limit(name, count)])
}

fn set(pod: PodBuilder) -> Done {
    Case::new(pod).settings(table()).run::<GpuLimits>()
}

fn limits(done: &Done) -> (Value, Value) {
    let limit = |name: &str| done.at(&format!("/spec/containers/0/resources/limits/{name}"));
    (limit("cpu"), limit("memory"))
}

#[test]
fn sets_what_comes_with_the_gpus_of_the_selected_model() {
    let done = set(gpus("nvidia.com/gpu", "4").node_selector(PRODUCT, "NVIDIA-A100-SXM4-80GB"));
    assert_eq!(limits(&done), (json!("48"), json!("512Gi")));
    assert_eq!(done.rules, ["limits-from-table", "limits-from-table"]);
    assert!(done.findings.is_empty());
    let done = set(gpus("nvidia.com/gpu", "1").node_selector(PRODUCT, "NVIDIA-L4"));
    assert_eq!(limits(&done), (Value::Null, json!("14Gi")));
}

#[test]
fn the_row_without_a_model_is_for_all_others() {
    let expected = (json!("3500m"), json!("12Gi"));
    assert_eq!(limits(&set(gpus("nvidia.com/gpu", "1"))), expected);
    assert_eq!(limits(&set(gpus("amd.com/gpu", "1"))), expected);
    assert_eq!(
        limits(&set(
            gpus("nvidia.com/gpu", "1").node_selector(PRODUCT, "Tesla-T4")
        )),
        expected
    );
    let done = set(gpus("google.com/tpu", "4"));
    assert_eq!(done.patch, Vec::<Value>::new());
}

#[test]
fn of_an_ambiguous_selector_the_least_counts() {
    let done =
        set(gpus("nvidia.com/gpu", "1")
            .node_selector("karpenter.k8s.aws/instance-gpu-name", "a100"));
    assert_eq!(limits(&done), (json!("10"), json!("100Gi")));
}

#[test]
fn the_only_model_of_the_cluster_counts_where_the_pod_selects_none() {
    let done = |models: &[&str]| {
        let case = Case::new(gpus("nvidia.com/gpu", "1"))
            .settings(table())
            .gpu_models(models);
        limits(&case.run::<GpuLimits>())
    };
    assert_eq!(done(&["A100-80GB"]), (json!("12"), json!("128Gi")));
    assert_eq!(
        done(&["A100-80GB", "A100-40GB"]),
        (json!("3500m"), json!("12Gi"))
    );
}

#[test]
fn a_mig_device_gets_its_part() {
    let on = |name: &str| {
        limits(&set(
            gpus(name, "1").node_selector(PRODUCT, "NVIDIA-A100-SXM4-80GB")
        ))
    };
    assert_eq!(on("nvidia.com/mig-3g.40gb"), (json!("6"), json!("64Gi")));
    assert_eq!(
        on("nvidia.com/mig-1g.10gb"),
        (json!("1714m"), json!("18724Mi"))
    );
}

#[test]
fn a_share_gets_nothing() {
    for shared in [
        gpus("nvidia.com/gpu.shared", "1"),
        gpus("nvidia.com/mig-1g.10gb.shared", "1"),
    ] {
        assert_eq!(set(shared).patch, Vec::<Value>::new());
    }
    let hami = pod([container("main")
        .limit("nvidia.com/gpu", "1")
        .limit("nvidia.com/gpumem", "3000")]);
    assert_eq!(set(hami).patch, Vec::<Value>::new());
    let case = Case::new(gpus("nvidia.com/gpu", "1"))
        .settings(table())
        .sharing("time-slicing");
    assert_eq!(case.run::<GpuLimits>().patch, Vec::<Value>::new());
}

#[test]
fn never_changes_what_the_author_set() {
    let own = container("main")
        .limit("nvidia.com/gpu", "1")
        .limit("memory", "4Gi")
        .limit("cpu", "1");
    set(pod([own])).assert_quiet();
    let cpu_request = container("main")
        .limit("nvidia.com/gpu", "1")
        .request("cpu", "1");
    assert_eq!(
        limits(&set(pod([cpu_request]))),
        (Value::Null, json!("12Gi"))
    );
    let larger = container("main")
        .limit("nvidia.com/gpu", "1")
        .request("memory", "20Gi");
    assert_eq!(limits(&set(pod([larger]))), (json!("3500m"), json!("20Gi")));
    let smaller = container("main")
        .limit("nvidia.com/gpu", "1")
        .request("memory", "2Gi");
    let done = set(pod([smaller]));
    assert_eq!(limits(&done).1, json!("12Gi"));
    assert_eq!(
        done.at("/spec/containers/0/resources/requests/memory"),
        json!("2Gi")
    );
}

#[test]
fn leaves_pods_alone_that_limit_themselves_as_a_whole() {
    let whole = gpus("nvidia.com/gpu", "1").with(
        "/spec/resources",
        json!({"limits": {"memory": "8Gi"}, "requests": {"cpu": "2"}}),
    );
    set(whole).assert_quiet();
}

#[test]
fn containers_without_devices_get_nothing() {
    let two = pod([
        container("main").limit("nvidia.com/gpu", "1"),
        container("log"),
    ]);
    assert_eq!(set(two).at("/spec/containers/1/resources"), Value::Null);
    set(pod([container("main")])).assert_quiet();
}

#[test]
fn warns_where_nothing_limits_the_memory() {
    let path = "/spec/containers/0/resources";
    let done = run(gpus("nvidia.com/gpu", "1"));
    assert_one(
        &done,
        "warn no-memory-limit",
        path,
        &["container `main` has no memory limit", "set `memory`"],
    );
    let request = run(pod([container("main")
        .limit("nvidia.com/gpu", "1")
        .request("memory", "4Gi")]));
    assert_one(
        &request,
        "warn no-memory-limit",
        path,
        &["has no memory limit"],
    );
    run(gpus("nvidia.com/gpu", "1").with("/spec/resources/limits/memory", "8Gi".into()))
        .assert_quiet();
    run(pod([container("main")
        .limit("nvidia.com/gpu", "1")
        .limit("memory", "8Gi")]))
    .assert_quiet();
}

/// The settings of the example, whose rows are flow mappings of plain scalars.
fn example() -> Value {
    let text = include_str!("../../examples/limits-by-model.yaml");
    let rows = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- {")?.strip_suffix('}'));
    let row = |row: &str| -> Value {
        let pairs = row.split(", ").map(|pair| pair.split_once(": ").unwrap());
        pairs
            .map(|(key, value)| (key.to_owned(), Value::from(value)))
            .collect()
    };
    json!({"perGpu": rows.map(row).collect::<Vec<_>>()})
}

#[test]
fn the_example_is_a_table_that_fits_on_the_machines_of_each_model() {
    let settings = example();
    let rows = settings["perGpu"].as_array().unwrap();
    assert_eq!(rows.len(), 15);
    for row in rows.iter().filter(|row| row.get("model").is_some()) {
        let model = Model::parse(row["model"].as_str().unwrap()).unwrap();
        let least = model.host.unwrap().least;
        let amount =
            |name: &str| tollgate_sdk::gpu::Quantity::parse(row[name].as_str().unwrap()).unwrap();
        let millis = amount("cpu").nanos() / 1_000_000;
        assert!(
            millis < i128::from(least.cpu_millis),
            "{}: {millis}",
            model.id
        );
        assert!(
            amount("memory").ceil_gib().unwrap() < i64::from(least.memory_gib),
            "{}",
            model.id
        );
    }
    let done = Case::new(gpus("nvidia.com/gpu", "8").node_selector(PRODUCT, "NVIDIA-H200"))
        .settings(settings)
        .run::<GpuLimits>();
    assert_eq!(limits(&done), (json!("188"), json!("1840Gi")));
}
