//! What the names of a cluster's objects do to metrics: nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::server::{Server, review_of};

const NAMESPACES: usize = 10_000;
const PODS: usize = 100_000;
const CLIENTS: usize = 8;

/// How many different series there are.
fn series(metrics: &str) -> usize {
    metrics
        .lines()
        .filter(|line| !line.starts_with('#'))
        .count()
}

/// Every tenth pod is one that policies judge, and each of those is in another namespace.
fn pod(number: usize) -> serde_json::Value {
    let (namespace, is_judged) = (format!("team-{}", number / 10), number.is_multiple_of(10));
    let limits = match is_judged {
        true => json!({"nvidia.com/gpu": "0.5"}),
        false => json!({"memory": "1Gi"}),
    };
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": format!("trainer-{number}"), "namespace": namespace},
        "spec": {"containers": [{"name": "main", "image": "a:1", "resources": {"limits": limits}}]},
    })
}

#[test]
fn names_of_namespaces_and_pods_make_no_series() {
    let policy = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
    let document = "apiVersion: tollgate.dev/v1alpha1\nkind: Policy\nmetadata: {name: gpu-limits}\nspec: {module: \"builtin:gpu-limits\"}\n";
    std::fs::write(policy.path(), document).unwrap();
    let options = ["--profile", "none", "--review-timeout", "10"];
    let server = Arc::new(Server::start_with(Some(policy.path()), &options));
    let ask = |server: &Server, number: usize| {
        let review = review_of(&pod(number)).to_string();
        let (status, answer) = server.post("validate", review.as_bytes());
        assert_eq!(status, 200, "{answer}");
    };
    (0..20).for_each(|number| ask(&server, number));
    let before = server.get("/metrics").1;
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let server = Arc::clone(&server);
            std::thread::spawn(move || {
                let numbers = (client..PODS).step_by(CLIENTS);
                numbers.for_each(|number| ask(&server, number));
            })
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
    // The best of ten: others have the machine too.
    let scrape = |_| {
        let started = Instant::now();
        let after = server.get("/metrics").1;
        (started.elapsed(), after)
    };
    let (taken, after) = (0..10).map(scrape).min().unwrap();
    println!("{} series, read in {taken:?}", series(&after));
    assert_eq!(series(&before), series(&after), "{after}");
    assert!(
        !after.contains("team-") && !after.contains("trainer-"),
        "{after}"
    );
    let denied = "tollgate_reviews_total{phase=\"validate\",decision=\"denied\"} 10002";
    assert!(after.contains(denied), "{NAMESPACES} and two: {after}");
    assert!(taken < Duration::from_millis(50), "{taken:?}");
}
