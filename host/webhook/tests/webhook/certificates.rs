//! Certificates change while calls are made.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use rustls::HandshakeKind;
use rustls::client::Resumption;
use rustls::version::{TLS12, TLS13};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;
use tollgate_webhook::{BindError, CertificateError, Given, Pair, Server, TlsSource, Trust};

use crate::client::Dial;
use crate::judge::Judge;
use crate::pki::{self, Authority, Leaf};
use crate::running::{Running, options, start, start_with};
use crate::{until, within};

const RELOADED: &str = "tollgate_certificate_reloads_total{result=\"ok\"}";
const FAILED: &str = "tollgate_certificate_reloads_total{result=\"failed\"}";

/// Puts a leaf into a mounted secret as the kubelet does: a new folder, then one link moved over another.
fn mount(volume: &Path, version: &str, leaf: &Leaf) {
    let folder = volume.join(version);
    fs::create_dir(&folder).unwrap();
    leaf.write(&folder);
    symlink(version, volume.join("..data_tmp")).unwrap();
    fs::rename(volume.join("..data_tmp"), volume.join("..data")).unwrap();
    if !volume.join("tls.crt").exists() {
        symlink("..data/tls.crt", volume.join("tls.crt")).unwrap();
        symlink("..data/tls.key", volume.join("tls.key")).unwrap();
    }
}

/// Clients that make one call a connection, all the time.
struct Load {
    stop: Arc<AtomicBool>,
    calls: Arc<AtomicUsize>,
    clients: tokio::task::JoinSet<Vec<String>>,
}

impl Load {
    fn start(dial: &Dial, server: &Running) -> Self {
        let mut load = Self {
            stop: Arc::default(),
            calls: Arc::default(),
            clients: tokio::task::JoinSet::new(),
        };
        for _ in 0..4 {
            let (stop, calls) = (Arc::clone(&load.stop), Arc::clone(&load.calls));
            let (dial, address) = (dial.clone(), server.calls);
            load.clients.spawn(async move {
                let mut failures = Vec::new();
                while !stop.load(SeqCst) {
                    let call = async { dial.connect(address).await?.post("/mutate", "load").await };
                    match call.await {
                        Ok(reply) if reply.status == 200 => {}
                        other => failures.push(format!("{other:?}")),
                    }
                    calls.fetch_add(1, SeqCst);
                }
                failures
            });
        }
        load
    }

    /// Waits for some more calls.
    async fn goes_on(&self) {
        let target = self.calls.load(SeqCst) + 20;
        until(|| self.calls.load(SeqCst) >= target).await;
    }

    async fn failures(self) -> Vec<String> {
        self.stop.store(true, SeqCst);
        self.clients.join_all().await.concat()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn symlink_swap_under_load_fails_no_handshake() {
    within(async {
        let (old, new) = (Authority::new(), Authority::new());
        let (first, second) = (old.leaf(), new.leaf());
        let dial = Dial::new(pki::trust(&[&old, &new]));
        let folder = TempDir::new().unwrap();
        mount(folder.path(), "..2026_1", &first);
        let files = pki::files(folder.path());
        let server = start_with(old, folder, files, |_| {}).await;
        let load = Load::start(&dial, &server);

        load.goes_on().await;
        assert_eq!(dial.connect(server.calls).await.unwrap().leaf, first.der());
        mount(server.folder.path(), "..2026_2", &second);
        until(|| server.metric(RELOADED) == 1.0).await;
        assert_eq!(dial.connect(server.calls).await.unwrap().leaf, second.der());
        load.goes_on().await;

        assert_eq!(load.failures().await, Vec::<String>::new());
        assert_eq!(server.metric(FAILED), 0.0);
    })
    .await;
}

#[tokio::test]
async fn connection_outlives_the_certificate_that_it_began_with() {
    within(async {
        let server = start(|_| {}).await;
        let mut client = server.client().await;
        server.authority.leaf().write(server.folder.path());
        until(|| server.metric(RELOADED) == 1.0).await;
        assert_eq!(client.post("/mutate", "still").await.unwrap().status, 200);
    })
    .await;
}

#[tokio::test]
async fn keeps_the_old_pair_until_the_new_one_is_whole() {
    within(async {
        let server = start(|_| {}).await;
        let served = server.client().await.leaf;
        let (next, other) = (server.authority.leaf(), server.authority.leaf());
        let files = pki::files(server.folder.path());
        let half = &next.certificate[..next.certificate.len() / 2];
        let broken: [(&str, &str); 4] = [
            (&next.certificate, &other.key),
            (half, &next.key),
            ("", &next.key),
            (&next.certificate, "no key"),
        ];
        for (certificate, key) in broken {
            let failed = server.metric(FAILED);
            fs::write(&files.certificate, certificate).unwrap();
            fs::write(&files.key, key).unwrap();
            until(|| server.metric(FAILED) > failed).await;
            assert_eq!(server.client().await.leaf, served);
        }
        assert_eq!(server.metric(RELOADED), 0.0);

        next.write(server.folder.path());
        until(|| server.metric(RELOADED) == 1.0).await;
        assert_eq!(server.client().await.leaf, next.der());
    })
    .await;
}

#[tokio::test]
async fn files_may_be_away_for_a_while() {
    within(async {
        let server = start(|_| {}).await;
        let served = server.client().await.leaf;
        let files = pki::files(server.folder.path());
        let away = server.folder.path().join("away");
        fs::rename(&files.certificate, &away).unwrap();
        until(|| server.metric(FAILED) == 1.0).await;
        assert_eq!(server.client().await.leaf, served);

        fs::rename(&away, &files.certificate).unwrap();
        let next = server.authority.leaf();
        next.write(server.folder.path());
        until(|| server.metric(RELOADED) == 1.0).await;
        assert_eq!(server.client().await.leaf, next.der());
    })
    .await;
}

#[tokio::test]
async fn shows_when_the_served_certificate_expires() {
    within(async {
        let server = start(|_| {}).await;
        // The test's leaves have rcgen's default, the year 4096.
        assert!(server.metric("tollgate_certificate_expiry_seconds") > 1e9);
    })
    .await;
}

#[tokio::test]
async fn refuses_to_start_with_a_mismatched_pair() {
    let folder = TempDir::new().unwrap();
    let authority = Authority::new();
    let files = authority.leaf().write(folder.path());
    fs::write(&files.key, authority.leaf().key).unwrap();
    let err = Server::bind(options(files), Arc::new(Judge::new()))
        .await
        .err()
        .unwrap();
    assert!(
        matches!(
            err,
            BindError::Certificate {
                source: CertificateError::Mismatch,
                ..
            }
        ),
        "{err}"
    );
}

#[tokio::test]
async fn refuses_to_start_without_a_certificate() {
    let folder = TempDir::new().unwrap();
    let err = Server::bind(options(pki::files(folder.path())), Arc::new(Judge::new()))
        .await
        .err()
        .unwrap();
    assert!(
        matches!(
            err,
            BindError::Certificate {
                source: CertificateError::Unreadable { .. },
                ..
            }
        ),
        "{err}"
    );
}

/// A pair that was made, and not put into files.
fn made(leaf: &Leaf) -> Option<Pair> {
    Some(Pair::new(leaf.certificate.clone(), leaf.key.clone()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_given_is_served_at_once_and_under_load_fails_no_handshake() {
    within(async {
        let (old, new) = (Authority::new(), Authority::new());
        let (first, second) = (old.leaf(), new.leaf());
        let dial = Dial::new(pki::trust(&[&old, &new]));
        let (give, given) = watch::channel(made(&first));
        let server = start(|options| options.tls = TlsSource::Given(Given(given))).await;
        let load = Load::start(&dial, &server);

        load.goes_on().await;
        assert_eq!(dial.connect(server.calls).await.unwrap().leaf, first.der());
        give.send_replace(made(&second));
        until(|| server.metric(RELOADED) == 1.0).await;
        assert_eq!(dial.connect(server.calls).await.unwrap().leaf, second.der());
        // What cannot be served is not, and the old one stays.
        give.send_replace(Some(Pair::new(
            first.certificate.clone(),
            second.key.clone(),
        )));
        until(|| server.metric(FAILED) == 1.0).await;
        assert_eq!(dial.connect(server.calls).await.unwrap().leaf, second.der());

        assert_eq!(load.failures().await, Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn is_ready_only_while_what_is_published_vouches_for_what_is_served() {
    within(async {
        let (old, new) = (Authority::new(), Authority::new());
        let published = |authorities: &[&Authority]| Trust {
            bundle: authorities
                .iter()
                .map(|authority| authority.pem())
                .collect(),
            names: vec!["127.0.0.1".to_owned()],
        };
        let (publish, trust) = watch::channel(Trust::default());
        let (give, given) = watch::channel(made(&old.leaf()));
        let server = start(|options| {
            options.tls = TlsSource::Given(Given(given));
            options.trust = Some(trust);
        })
        .await;
        let untrusted = (
            503,
            "the certificate does not verify against the published bundle".to_owned(),
        );
        let ready = (200, "ok".to_owned());

        publish.send_replace(published(&[&new]));
        until(|| server.readiness() == untrusted).await;
        publish.send_replace(published(&[&old, &new]));
        assert_eq!(server.readiness(), ready);
        give.send_replace(made(&new.leaf()));
        until(|| server.metric(RELOADED) == 1.0).await;
        assert_eq!(server.readiness(), ready);
        publish.send_replace(published(&[&old]));
        assert_eq!(server.readiness(), untrusted);
        // Nothing is published any more: somebody deleted the configurations.
        publish.send_replace(published(&[]));
        assert_eq!(server.readiness(), untrusted);
        let elsewhere = Trust {
            names: vec!["tollgate.other.svc".to_owned()],
            ..published(&[&new])
        };
        publish.send_replace(elsewhere);
        assert_eq!(server.readiness(), untrusted);
    })
    .await;
}

#[tokio::test]
async fn resumes_sessions() {
    within(async {
        let server = start(|_| {}).await;
        for version in [&TLS12, &TLS13] {
            let mut dial = Dial::with_versions(pki::trust(&[&server.authority]), &[version]);
            dial.config.resumption = Resumption::in_memory_sessions(4);
            for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
                let mut stream = dial.tls(server.calls).await.unwrap();
                assert_eq!(stream.get_ref().1.handshake_kind(), Some(kind));
                // TLS 1.3 gives its tickets with the first answer.
                stream
                    .write_all(b"GET /mutate HTTP/1.1\r\nconnection: close\r\nhost: a\r\n\r\n")
                    .await
                    .unwrap();
                stream.read_to_end(&mut Vec::new()).await.unwrap();
            }
        }
    })
    .await;
}
