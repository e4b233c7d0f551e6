use serde_json::{Value, json};
use tollgate_sdk::test::{Case, Done};

use super::InferenceServing;

fn run(config: &str) -> Done {
    let map: Value = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "serve", "namespace": "default"},
        "data": {"config.properties": config},
    });
    Case::object(map).run::<InferenceServing>()
}

#[test]
fn a_configuration_that_lets_anybody_load_code_is_told_of() {
    let done =
        run("inference_address=http://0.0.0.0:8080\nmanagement_address=http://0.0.0.0:8081\n");
    done.assert_findings(&["warn torchserve-open"]);
    let finding = &done.findings[0];
    assert_eq!(finding.path, "/data/config.properties");
    assert_eq!(
        finding.actual.as_deref(),
        Some("management_address=http://0.0.0.0:8081")
    );
    assert_eq!(
        finding.fix.as_deref(),
        Some("write `management_address=http://127.0.0.1:8081`")
    );
    run("install_py_dep_per_model = true").assert_findings(&["warn torchserve-open"]);
}

#[test]
fn a_closed_configuration_and_others_are_let_be() {
    for config in [
        "management_address=http://127.0.0.1:8081\ninstall_py_dep_per_model=false",
        "inference_address=http://0.0.0.0:8080",
        "# management_address=http://0.0.0.0:8081",
        "",
        "a: b",
    ] {
        run(config).assert_quiet();
    }
}
