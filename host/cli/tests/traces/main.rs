//! Traces of a running server, as a collector receives them.

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

#[path = "../../src/serve/traces/message.rs"]
mod message;
#[path = "../support/server.rs"]
mod server;

mod collector;

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use collector::{Collector, Received};
use message::SpanKind;
use serde_json::{Value, json};
use server::{Server, review_of};

const BUDGET: &str = "
apiVersion: tollgate.dev/v1alpha1
kind: Budget
metadata: {name: research}
spec:
  scope: {namespaces: [ml]}
  limits: [{unit: gpu, amount: \"5\"}]
";

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

fn start(url: &str, options: &[&str]) -> Server {
    Server::start_with(None, &[&["--otlp-endpoint", url], options].concat())
}

fn budget(folder: &tempfile::TempDir, document: &str) -> PathBuf {
    let path = folder.path().join("budget.yaml");
    std::fs::write(&path, document).unwrap();
    path
}

fn spec(gpus: &str) -> Value {
    json!({
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
        "containers": [{"name": "main", "image": "private.example/secret:1", "resources": {"limits": {"nvidia.com/gpu": gpus, "memory": "8Gi"}}}],
    })
}

fn pod(gpus: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "ml", "uid": "1"}, "spec": spec(gpus),
    })
}

fn update() -> Value {
    let deployment = |replicas: u32| {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "namespace": "ml"},
            "spec": {"replicas": replicas, "selector": {}, "template": {"metadata": {"labels": {"app": "a"}}, "spec": spec("1")}}})
    };
    let mut review = review_of(&deployment(2));
    review["request"]["operation"] = json!("UPDATE");
    review["request"]["oldObject"] = deployment(1);
    review
}

fn post(server: &Server, review: &Value, traceparent: Option<&str>) -> u16 {
    let headers = traceparent.map(|value| ("traceparent", value));
    let body = review.to_string();
    server
        .post_with("validate", body.as_bytes(), headers.as_slice())
        .0
}

/// The names of the spans below one.
fn below(received: &Received, parent: &str) -> Vec<String> {
    let spans = received.spans.iter();
    let below = spans.filter(|span| span.parent == received.named(parent).id);
    below.map(|span| span.name.clone()).collect()
}

#[test]
fn a_review_is_a_span_with_its_steps_and_below_them_its_policies() {
    let (collector, folder) = (Collector::start(), tempfile::tempdir().unwrap());
    let options = ["--otlp-endpoint", &collector.url, "--name", "replica-0"];
    let server = Server::start_with(Some(&budget(&folder, BUDGET)), &options);
    assert_eq!(server.ask("validate", &pod("1"))["allowed"], true);
    server.stop();
    let received = collector.received();

    assert_eq!(received.path, "/v1/traces");
    assert_eq!(received.resource["service.name"], "tollgate");
    assert_eq!(received.resource["service.instance.id"], "replica-0");

    let review = received.named("review");
    assert_eq!(
        (review.kind, review.parent.as_str()),
        (SpanKind::Server, "")
    );
    assert_eq!((review.trace.len(), review.error.as_deref()), (32, None));
    let expected = json!({
        "review.uid": "705ab4f5-6393-11e8-b7cc-42010a800002", "object.kind": "Pod", "object.namespace": "ml",
        "object.name": "a", "operation": "CREATE", "phase": "validate", "dry_run": false,
        "decision": "allowed", "findings": 0, "patch.ops": 0, "tries": 1,
    });
    assert_eq!(review.attributes, expected);
    let steps = ["receive", "mutate", "validate", "charge"];
    assert_eq!(below(&received, "review"), steps);

    for (step, policy) in [
        ("mutate", "policy gpu-tolerations"),
        ("validate", "policy gpu-budget"),
    ] {
        assert!(
            below(&received, step).contains(&policy.to_owned()),
            "{step}"
        );
    }
    let budget = received.named("policy gpu-budget");
    assert_eq!(budget.attributes["policy.name"], "gpu-budget");
    assert_eq!(budget.attributes["phase"], "validate");
    let digest = budget.attributes["policy.digest"].as_str().unwrap();
    assert!(digest.starts_with("sha256:"), "{digest}");
    assert!(budget.attributes["memory_peak"].as_u64().unwrap() > 0);

    for span in &received.spans {
        assert_eq!(span.trace, review.trace);
        assert!(span.from <= span.until, "{span:?}");
        let parent = received.spans.iter().find(|it| it.id == span.parent);
        let parent = parent.unwrap_or(review);
        assert!(
            parent.from <= span.from && span.until <= parent.until,
            "{span:?} in {parent:?}"
        );
    }
    let told = format!("{received:?}");
    assert!(
        !told.contains("secret") && !told.contains("nvidia.com"),
        "{told}"
    );
}

#[test]
fn an_update_shows_what_was_asked_of_the_object_before() {
    let collector = Collector::start();
    let server = start(&collector.url, &[]);
    assert_eq!(post(&server, &update(), None), 200);
    server.stop();
    let received = collector.received();
    let steps = ["receive", "before", "mutate", "validate"];
    assert_eq!(below(&received, "review"), steps);
    assert!(below(&received, "before").contains(&"policy gpu-limits".to_owned()));
}

#[test]
fn the_caller_decides_and_a_fraction_of_the_others_is_traced() {
    let collector = Collector::start();
    let server = start(&collector.url, &["--otlp-sampling", "0"]);
    let review = review_of(&pod("0.5"));
    let sampled = format!("00-{TRACE}-{CALLER}-01");
    let not_sampled = format!("00-{TRACE}-{CALLER}-00");
    for traceparent in [None, Some("junk"), Some(&*not_sampled), Some(&*sampled)] {
        assert_eq!(post(&server, &review, traceparent), 200);
    }
    server.stop();
    let received = collector.received();
    let review = received.named("review");
    assert_eq!((&*review.trace, &*review.parent), (TRACE, CALLER));
    assert_eq!(review.attributes["decision"], "denied");
    assert_eq!(review.error, None, "a denial is no error");
}

#[test]
fn a_review_without_a_verdict_is_told_with_the_reason() {
    let (collector, folder) = (Collector::start(), tempfile::tempdir().unwrap());
    let document = BUDGET.replace(
        "{namespaces: [ml]}",
        "{namespaceSelector: {matchLabels: {team: ml}}}",
    );
    let server = Server::start_with(
        Some(&budget(&folder, &document)),
        &["--otlp-endpoint", &collector.url],
    );
    assert_eq!(post(&server, &review_of(&pod("1")), None), 503);
    server.stop();
    let received = collector.received();
    let error = received.named("review").error.as_deref().unwrap();
    assert!(
        error.contains("the labels of namespace `ml` are not known"),
        "{error}"
    );
}

#[test]
fn what_concerns_nobody_is_not_told() {
    let collector = Collector::start();
    let server = start(&collector.url, &[]);
    let mut plain = pod("1");
    plain["spec"]["containers"][0]["resources"] = json!({});
    plain["spec"]["tolerations"] = json!([]);
    assert_eq!(server.ask("validate", &plain)["allowed"], true);
    assert_eq!(server.post("validate", b"junk").0, 400);
    server.ask("validate", &pod("1"));
    server.stop();
    let received = collector.received();
    let reviews = received.spans.iter().filter(|span| span.name == "review");
    assert_eq!(reviews.count(), 1);
}

/// Asks for fifty reviews, and gives the time of the slowest.
fn slowest(server: &Server) -> Duration {
    let times = (0..50).map(|_| {
        let start = Instant::now();
        assert_eq!(server.ask("validate", &pod("1"))["allowed"], true);
        start.elapsed()
    });
    times.max().unwrap()
}

#[test]
fn a_collector_that_is_away_holds_nobody_up_and_is_complained_of_once() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let server = start(&url, &[]);
    for lost in [50, 100] {
        assert!(slowest(&server) < Duration::from_secs(1));
        let line = format!("tollgate_traces_total{{result=\"failed\"}} {lost}");
        server.wait_until(&line, |server| server.get("/metrics").1.contains(&line));
    }
    assert_eq!(
        server.log().matches("traces are lost").count(),
        1,
        "{}",
        server.log()
    );
    assert!(!server.log().contains("ERROR"), "{}", server.log());
    server.stop();
}

#[test]
fn a_collector_that_never_answers_holds_up_neither_reviews_nor_the_end() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = start(&format!("http://{}", silent.local_addr().unwrap()), &[]);
    let (mut connection, _) = {
        assert!(slowest(&server) < Duration::from_secs(1));
        silent.accept().unwrap()
    };
    std::io::Read::read_exact(&mut connection, &mut [0; 64]).unwrap();
    assert!(slowest(&server) < Duration::from_secs(1));
    let end = Instant::now();
    server.stop();
    assert!(
        end.elapsed() < Duration::from_secs(8),
        "{:?}",
        end.elapsed()
    );
}

#[test]
fn an_option_that_cannot_be_used_is_told_before_anything_is_served() {
    let run = |option: &[&str], variable: Option<(&str, &str)>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
        command
            .args(["serve", "--tls-cert", "gone.crt", "--tls-key", "gone.key"])
            .args(option);
        let output = command.envs(variable).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    let said = run(&["--otlp-endpoint", "collector:4318"], None);
    assert!(said.contains("is no URL of a collector"), "{said}");
    let said = run(&["--otlp-sampling", "2"], None);
    assert!(said.contains("expected a number from 0 to 1"), "{said}");
    // Here it is the certificate that ends the start.
    let said = run(&[], Some(("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318")));
    assert!(said.contains("reviews are not traced"), "{said}");
    assert!(said.contains("`gone.crt`"), "{said}");
}
