//! The second listener.

use std::collections::HashSet;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use tempfile::TempDir;
use tokio::sync::oneshot;
use tollgate_webhook::{Reload, Server, termination};

use crate::client::{get, plain};
use crate::judge::Judge;
use crate::pki::Authority;
use crate::running::{options, start};
use crate::{until, within};

#[tokio::test]
async fn readiness_follows_the_servers_life() {
    within(async {
        let folder = TempDir::new().unwrap();
        let judge = Arc::new(Judge::new());
        judge.ready.store(false, SeqCst);
        let mut options = options(Authority::new().leaf().write(folder.path()));
        options.drain.grace = crate::PATIENCE;
        let server = Server::bind(options, Arc::clone(&judge)).await.unwrap();
        let probes = server.addresses().metrics_listen;
        let ready = || get(probes, "/readyz");
        assert_eq!(ready(), (503, "starting".to_owned()));

        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(server.run(async { drop(stopped.await) }));
        until(|| ready() == (503, "no policies are loaded yet".to_owned())).await;
        judge.ready.store(true, SeqCst);
        assert_eq!(ready(), (200, "ok".to_owned()));
        drop(stop);
        until(|| ready() == (503, "shutting down".to_owned())).await;
        assert_eq!(get(probes, "/livez"), (200, "ok".to_owned()));
        task.abort();
    })
    .await;
}

#[tokio::test]
async fn calls_fail_until_policies_are_loaded() {
    within(async {
        let server = start(|_| {}).await;
        server.judge.ready.store(false, SeqCst);
        assert_eq!(server.status("/mutate", "early").await, 503);
        server.judge.ready.store(true, SeqCst);
        assert_eq!(server.status("/mutate", "later").await, 200);
        assert_eq!(
            server.metric("tollgate_rejections_total{reason=\"not_ready\"}"),
            1.0
        );
    })
    .await;
}

#[tokio::test]
async fn serves_nothing_else() {
    within(async {
        let server = start(|_| {}).await;
        for path in ["/", "/mutate", "/livez/", "/healthz"] {
            assert_eq!(get(server.probes, path).0, 404, "{path}");
        }
        assert_eq!(plain(server.probes, "POST", "/livez").unwrap().0, 405);
    })
    .await;
}

/// The server has one thread here, and a call blocks it.
#[tokio::test]
async fn answers_while_all_other_threads_are_busy() {
    within(async {
        let (send, receive) = oneshot::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                assert!(send.send(start(|_| {}).await).is_ok());
                drop(stopped.await);
            });
        });
        let server = receive.await.unwrap();
        let mut client = server.client().await;
        let call = tokio::spawn(async move {
            client
                .post("/mutate", "block")
                .await
                .unwrap()
                .status
                .as_u16()
        });
        until(|| server.judge.inside() == 1).await;
        assert_eq!(get(server.probes, "/livez").0, 200);
        assert_eq!(server.readiness().0, 200);
        assert_eq!(server.metric("tollgate_reviews_in_flight"), 1.0);
        server.judge.unblock.store(true, SeqCst);
        assert_eq!(call.await.unwrap(), 200);
        server.stopped().await;
        drop(stop);
        thread.join().unwrap();
    })
    .await;
}

#[tokio::test]
async fn counts_reviews_policies_and_faults() {
    within(async {
        let server = start(|_| {}).await;
        for (path, body) in [("/mutate", "a"), ("/mutate", "b"), ("/validate", "fault")] {
            assert_eq!(server.status(path, body).await, 200);
        }
        server.metrics.configuration_reloaded(Reload::Failed);
        let series = [
            ("tollgate_reviews_total{phase=\"mutate\",decision=\"allowed\"}", 2.0),
            ("tollgate_reviews_total{phase=\"validate\",decision=\"faulted\"}", 1.0),
            ("tollgate_reviews_total{phase=\"validate\",decision=\"denied\"}", 0.0),
            ("tollgate_review_duration_seconds_count{phase=\"mutate\"}", 2.0),
            ("tollgate_policy_duration_seconds_count{policy=\"echo\",phase=\"mutate\"}", 2.0),
            ("tollgate_policy_duration_seconds_bucket{le=\"0.00001\",policy=\"echo\",phase=\"mutate\"}", 0.0),
            ("tollgate_policy_duration_seconds_bucket{le=\"0.00002\",policy=\"echo\",phase=\"mutate\"}", 2.0),
            ("tollgate_policy_faults_total{policy=\"echo\",cause=\"timed_out\"}", 1.0),
            ("tollgate_rule_uses_total{phase=\"mutate\",policy=\"echo\",rule=\"say-it-again\",effect=\"warned\"}", 2.0),
            ("tollgate_configuration_reloads_total{result=\"failed\"}", 1.0),
            ("tollgate_configuration_reloads_total{result=\"ok\"}", 0.0),
            (concat!("tollgate_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"}"), 1.0),
        ];
        for (name, value) in series {
            assert_eq!(server.metric(name), value, "{name}");
        }
    })
    .await;
}

/// Checks the grammar of OpenMetrics, as far as it is used: metadata, samples, one end.
#[tokio::test]
async fn metrics_are_well_formed() {
    within(async {
        let server = start(|_| {}).await;
        server.status("/validate", "fault").await;
        let (status, text) = get(server.probes, "/metrics");
        assert_eq!(status, 200);
        let body = text.strip_suffix("# EOF\n").unwrap();
        let mut seen = HashSet::new();
        for line in body.lines() {
            match line.strip_prefix("# ") {
                Some(metadata) => assert!(
                    ["HELP ", "TYPE ", "UNIT "]
                        .iter()
                        .any(|word| metadata.starts_with(word)),
                    "{line}"
                ),
                None => assert!(
                    is_sample(line) && seen.insert(line.rsplit_once(' ').unwrap().0.to_owned()),
                    "{line}"
                ),
            }
        }
        assert!(seen.len() > 50);
    })
    .await;
}

fn is_sample(line: &str) -> bool {
    let (series, value) = line.rsplit_once(' ').unwrap();
    let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
    let is_name = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    let labels = labels.strip_suffix('}').unwrap();
    let is_label = |label: &str| {
        label.split_once('=').is_some_and(|(name, value)| {
            is_name(name) && value.starts_with('"') && value.ends_with('"')
        })
    };
    value.parse::<f64>().is_ok()
        && name.starts_with("tollgate_")
        && is_name(name)
        && (labels.is_empty() || labels.split(',').all(is_label))
}

#[tokio::test]
async fn a_signal_ends_the_wait_for_one() {
    within(async {
        let signalled = termination().unwrap();
        let id = std::process::id().to_string();
        assert!(
            Command::new("sh")
                .args(["-c", "kill -TERM $0", &id])
                .status()
                .unwrap()
                .success()
        );
        signalled.await;
    })
    .await;
}
