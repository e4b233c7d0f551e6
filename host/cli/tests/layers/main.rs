//! The dependency edges of the workspace are those of the architecture.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    reason = "a test program"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// What each crate may depend on within the workspace, outside its tests.
const EDGES: &[(&str, &[&str])] = &[
    ("gpu", &[]),
    ("admission", &["gpu"]),
    ("budget", &["gpu"]),
    ("context", &["admission", "gpu"]),
    ("engine", &["admission", "budget", "context", "gpu"]),
    (
        "catalog",
        &["admission", "budget", "context", "engine", "gpu"],
    ),
    (
        "pipeline",
        &["admission", "budget", "catalog", "context", "engine"],
    ),
    ("dashboard", &[]),
    ("webhook", &[]),
    (
        "cluster",
        &["admission", "budget", "catalog", "context", "webhook"],
    ),
    ("builtin", &[]),
    (
        "cli",
        &[
            "admission",
            "budget",
            "builtin",
            "catalog",
            "cluster",
            "context",
            "dashboard",
            "engine",
            "gpu",
            "pipeline",
            "webhook",
        ],
    ),
    ("sdk", &["admission", "budget", "context", "gpu"]),
    ("policy-gpu-budget", &["sdk"]),
    ("policy-gpu-isolation", &["sdk"]),
    ("policy-gpu-limits", &["sdk"]),
    ("policy-gpu-scaling", &["sdk"]),
    ("policy-gpu-sharing", &["sdk"]),
    ("policy-gpu-supply", &["sdk"]),
    ("policy-gpu-tolerations", &["sdk"]),
    ("policy-lifecycle", &["sdk"]),
    ("policy-mig-resources", &["sdk"]),
    ("policy-node-resources", &["sdk"]),
    ("policy-placement", &["sdk"]),
    ("policy-inference-serving", &["sdk"]),
    ("policy-parallelism", &["sdk"]),
    ("policy-shared-memory", &["sdk"]),
    (
        "bundle",
        &[
            "policy-gpu-budget",
            "policy-gpu-isolation",
            "policy-gpu-limits",
            "policy-gpu-scaling",
            "policy-gpu-sharing",
            "policy-gpu-supply",
            "policy-gpu-tolerations",
            "policy-lifecycle",
            "policy-mig-resources",
            "policy-node-resources",
            "policy-placement",
            "policy-inference-serving",
            "policy-parallelism",
            "policy-shared-memory",
            "sdk",
        ],
    ),
    ("bench", &["webhook"]),
    ("e2e", &["admission", "cluster", "gpu", "webhook"]),
];

/// Libraries that one crate knows, with that crate. What is under `tests` may know them too.
const KNOWN_BY_ONE: &[(&str, &str)] = &[
    ("wasmtime", "engine"),
    ("wasmtime-wizer", "engine"),
    ("axum", "bench"),
    ("hyper", "webhook"),
    ("maud", "dashboard"),
    ("rustls", "webhook"),
    ("clap", "cli"),
    ("prost", "cli"),
    ("kube", "cluster"),
    ("wit-bindgen", "sdk"),
];

/// The crates under `tests`.
const UNDER_TESTS: &[&str] = &["bench", "e2e"];

#[test]
fn crates_depend_on_what_the_architecture_says() {
    let allowed: BTreeMap<_, BTreeSet<_>> = EDGES
        .iter()
        .map(|(name, on)| (*name, on.iter().copied().collect()))
        .collect();
    let packages = packages();
    for (name, dependencies) in &packages {
        let own: BTreeSet<_> = dependencies
            .iter()
            .filter_map(|dependency| dependency.strip_prefix("tollgate-"))
            .collect();
        let expected = allowed
            .get(name.as_str())
            .unwrap_or_else(|| panic!("`{name}` is not in the table"));
        assert_eq!(own, *expected, "what `{name}` depends on");
    }
    assert_eq!(
        packages.len(),
        EDGES.len(),
        "every crate of the table is there"
    );
}

#[test]
fn each_heavy_library_is_known_by_one_crate() {
    for (name, dependencies) in packages()
        .iter()
        .filter(|(name, _)| !UNDER_TESTS.contains(&name.as_str()))
    {
        for (library, knower) in KNOWN_BY_ONE {
            assert!(
                name == knower || !dependencies.contains(*library),
                "`{name}` knows `{library}`, which is for `{knower}`"
            );
        }
    }
}

/// The packages by their short names, with their direct dependencies outside tests.
fn packages() -> BTreeMap<String, BTreeSet<String>> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = cargo.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(package)
        .collect()
}

fn package(package: &Value) -> (String, BTreeSet<String>) {
    let name = package["name"].as_str().unwrap();
    let dependencies = package["dependencies"].as_array().unwrap().iter();
    let outside_tests = dependencies.filter(|dependency| dependency["kind"].is_null());
    let names = outside_tests.map(|dependency| dependency["name"].as_str().unwrap().to_owned());
    (
        name.strip_prefix("tollgate-").unwrap().to_owned(),
        names.collect(),
    )
}
