//! Runs a case through a compiled component and the `tollgate` binary, where the environment names both.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::{Case, Done};
use crate::Policy;

/// Asserts that the compiled component does what the native run did.
pub(super) fn assert_same<P: Policy>(case: &Case, native: &Done) {
    let (Ok(component), Ok(binary)) = (
        std::env::var("TOLLGATE_COMPONENT"),
        std::env::var("TOLLGATE_BIN"),
    ) else {
        return;
    };
    if !case.budgets.budgets.is_empty() {
        return;
    }
    // The configuration that names it is elsewhere.
    let component = std::path::absolute(&component)
        .expect("the path of the component")
        .display()
        .to_string();
    let folder = std::env::temp_dir().join(format!(
        "tollgate-sdk-{}-{:?}",
        std::process::id(),
        std::thread::current().id()
    ));
    std::fs::create_dir_all(&folder).expect("a folder for the configuration");
    std::fs::write(folder.join("config.yaml"), config::<P>(case, &component))
        .expect("a file for the configuration");
    let mut command = Command::new(binary);
    command
        .args(["review", "-", "--profile", "none", "-o", "json", "--config"])
        .arg(&folder);
    if !case.state.is_empty() {
        let state = folder.with_extension("json");
        let list = json!({"apiVersion": "v1", "kind": "List", "items": case.state});
        std::fs::write(&state, list.to_string()).expect("a file for the state");
        command.arg("--state").arg(state);
    }
    let answer = answer(&mut command, &input(case));
    let _ = std::fs::remove_dir_all(&folder);
    let _ = std::fs::remove_file(folder.with_extension("json"));
    let review = answer
        .pointer("/reviews/0")
        .unwrap_or_else(|| panic!("no review in {answer:#}"));
    assert_eq!(
        review.get("faults"),
        Some(&json!([])),
        "the component faulted"
    );
    assert_eq!(
        bare(review, "patch", &["op", "path", "value"]),
        Value::Array(native.patch.clone()),
        "the component's patch"
    );
    let found = bare(review, "findings", &["rule", "severity", "path", "message"]);
    let expected = native.findings.iter().map(|finding| {
        json!({"rule": finding.rule, "severity": finding.severity.as_str(), "path": finding.path, "message": finding.message})
    });
    assert_eq!(
        found,
        expected.collect::<Value>(),
        "the component's findings"
    );
}

fn config<P: Policy>(case: &Case, component: &str) -> String {
    let name = P::INFO.name;
    let policy = json!({
        "apiVersion": "tollgate.dev/v1alpha1", "kind": "Policy", "metadata": {"name": name},
        "spec": {
            "module": format!("file:{component}#{name}"),
            "settings": case.settings,
            "grants": if case.granted { json!(["patch", "cluster"]) } else { json!(["cluster"]) },
        },
    });
    let mut site = json!({"gpuModels": case.site.gpu_models});
    for (key, value) in [
        ("migStrategy", &case.site.mig_strategy),
        ("sharing", &case.site.sharing),
    ] {
        if let (Some(value), Some(site)) = (value, site.as_object_mut()) {
            site.insert(key.to_owned(), value.as_str().into());
        }
    }
    let site = json!({"apiVersion": "tollgate.dev/v1alpha1", "kind": "Site", "metadata": {"name": "default"}, "spec": site});
    format!("{policy}\n---\n{site}\n")
}

/// The object, and its namespace where the case gives its labels.
fn input(case: &Case) -> String {
    let object = case.request.object.to_string();
    match &case.request.namespace_labels {
        Some(labels) => {
            let metadata = json!({"name": case.request.namespace, "labels": labels});
            let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata});
            format!("{object}\n---\n{namespace}\n")
        }
        None => object,
    }
}

fn answer(command: &mut Command, input: &str) -> Value {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("TOLLGATE_BIN runs");
    let mut stdin = child.stdin.take().expect("a pipe to the binary");
    stdin
        .write_all(input.as_bytes())
        .expect("the binary reads the input");
    drop(stdin);
    let output = child.wait_with_output().expect("the binary ends");
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|err| panic!("{err} in {}", String::from_utf8_lossy(&output.stdout)))
}

/// A list of a review, each item reduced to some keys.
fn bare(review: &Value, list: &str, keys: &[&str]) -> Value {
    let items = review
        .get(list)
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let reduce = |item: &Value| {
        let kept = keys
            .iter()
            .filter_map(|key| Some(((*key).to_owned(), item.get(*key)?.clone())));
        Value::Object(kept.collect())
    };
    items.map(reduce).collect()
}
