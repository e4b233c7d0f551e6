//! Budgets on a server without a cluster.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::server::{Server, review_of};

const BUDGET: &str = "
apiVersion: tollgate.dev/v1alpha1
kind: Budget
metadata: {name: research}
spec:
  scope: {namespaces: [ml]}
  limits: [{unit: gpu, amount: \"5\"}]
";

pub(crate) fn config(folder: &Path) -> std::path::PathBuf {
    let path = folder.join("budget.yaml");
    std::fs::write(&path, BUDGET).unwrap();
    path
}

pub(crate) fn pod(uid: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": format!("pod-{uid}"), "namespace": "ml", "uid": uid},
        "spec": {
            "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
            "containers": [{"name": "main", "image": "a:1", "resources": {"limits": {"nvidia.com/gpu": "1", "memory": "8Gi"}}}],
        },
    })
}

fn is_allowed(server: &Server, uid: &str) -> bool {
    server.ask("validate", &pod(uid))["allowed"] == true
}

pub(crate) fn delete(server: &Server, uid: &str) {
    let mut review = review_of(&pod(uid));
    let request = &mut review["request"];
    request["operation"] = "DELETE".into();
    request["oldObject"] = request["object"].take();
    let (status, answer) = server.post("validate", review.to_string().as_bytes());
    assert_eq!(status, 200, "{answer}");
}

#[test]
fn of_many_pods_at_once_exactly_those_that_fit_are_let_in() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(Some(&config(folder.path())));
    let allowed = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for thread in 0..10 {
            let (server, allowed) = (&server, &allowed);
            scope.spawn(move || {
                for number in 0..4 {
                    let is_allowed = is_allowed(server, &format!("{thread}-{number}"));
                    allowed.fetch_add(usize::from(is_allowed), Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(allowed.into_inner(), 5);
    server.stop();
}

#[test]
fn a_pod_is_charged_once_not_in_a_dry_run_and_until_it_is_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(Some(&config(folder.path())));
    for number in 0..4 {
        assert!(is_allowed(&server, &number.to_string()));
        assert!(
            is_allowed(&server, &number.to_string()),
            "the same review again"
        );
    }
    let mut tried = review_of(&pod("tried"));
    tried["request"]["dryRun"] = true.into();
    for _ in 0..3 {
        let (_, answer) = server.post("validate", tried.to_string().as_bytes());
        assert!(answer.contains(r#""allowed":true"#), "{answer}");
    }
    assert!(is_allowed(&server, "fifth"));
    assert!(!is_allowed(&server, "sixth"));
    delete(&server, "2");
    assert!(is_allowed(&server, "sixth"));
    server.stop();
}

#[test]
fn accounts_in_a_folder_are_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (config, data) = (config(folder.path()), folder.path().join("data"));
    let start = || Server::start_with(Some(&config), &["--data", data.to_str().unwrap()]);
    let first = start();
    for number in 0..5 {
        assert!(is_allowed(&first, &number.to_string()));
    }
    first.stop();
    let second = start();
    assert!(!is_allowed(&second, "sixth"));
    assert!(is_allowed(&second, "0"), "it was let in before");
    delete(&second, "3");
    assert!(is_allowed(&second, "sixth"));
    second.stop();
}

#[test]
fn a_pod_that_leaves_its_gates_is_charged_then_and_a_change_of_labels_charges_nothing_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(Some(&config(folder.path())));
    let gated = |uid: &str| {
        let mut pod = pod(uid);
        pod["spec"]["schedulingGates"] = json!([{"name": "a"}]);
        pod
    };
    let update = |old: &Value, new: &Value| {
        let mut review = review_of(new);
        review["request"]["operation"] = "UPDATE".into();
        review["request"]["oldObject"] = old.clone();
        let (status, answer) = server.post("validate", review.to_string().as_bytes());
        assert_eq!(status, 200, "{answer}");
        answer.contains(r#""allowed":true"#)
    };
    for number in 0..9 {
        let uid = number.to_string();
        assert_eq!(server.ask("validate", &gated(&uid))["allowed"], true);
    }
    let left = (0..9).filter(|number| {
        let uid = number.to_string();
        update(&gated(&uid), &pod(&uid))
    });
    assert_eq!(left.count(), 5);
    let mut labelled = pod("0");
    labelled["metadata"]["labels"] = json!({"seen": "yes"});
    assert!(update(&pod("0"), &labelled));
    delete(&server, "0");
    assert!(is_allowed(&server, "next"), "it was charged once");
    assert!(!is_allowed(&server, "last"));
    server.stop();
}
