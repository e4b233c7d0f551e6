//! What the endpoints take and give.

use std::io::{Read, Write};
use std::net::TcpStream;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Version};
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::client::Dial;
use crate::running::{Running, start};
use crate::{PATIENCE, pki, within};

const REVIEW: &str =
    r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"705ab4f5"}}"#;

#[tokio::test]
async fn passes_bodies_and_answers_in_every_protocol() {
    within(async {
        let server = start(|_| {}).await;
        for (tls, version) in [
            (&TLS12, Version::HTTP_11),
            (&TLS13, Version::HTTP_11),
            (&TLS12, Version::HTTP_2),
            (&TLS13, Version::HTTP_2),
        ] {
            let dial = Dial::with_versions(pki::trust(&[&server.authority]), &[tls]);
            let dial = if version == Version::HTTP_2 {
                dial.http2()
            } else {
                dial
            };
            let mut client = dial.connect(server.calls).await.unwrap();
            for phase in ["mutate", "validate"] {
                let reply = client
                    .post(&format!("/{phase}?timeout=10s"), REVIEW)
                    .await
                    .unwrap();
                assert_eq!(reply.status, 200);
                assert_eq!(reply.version, version);
                assert_eq!(reply.headers["content-type"], "application/json");
                assert_eq!(reply.text(), format!("{phase}:{REVIEW}"));
            }
        }
    })
    .await;
}

#[tokio::test]
async fn keeps_a_connection_for_many_calls() {
    within(async {
        let server = start(|_| {}).await;
        let mut client = server.client().await;
        for call in 0..200 {
            let reply = client.post("/validate", call.to_string()).await.unwrap();
            assert_eq!(reply.text(), format!("validate:{call}"));
            assert!(!reply.closes());
        }
        assert_eq!(server.metric("tollgate_connections"), 1.0);
    })
    .await;
}

/// A ClientHello of TLS 1.1 is refused with the alert `protocol_version`.
#[tokio::test]
async fn refuses_tls_1_1() {
    within(async {
        let server = start(|_| {}).await;
        let address = server.calls;
        let alert = tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(&client_hello([3, 2])).unwrap();
            let mut answer = [0; 7];
            stream.read_exact(&mut answer).unwrap();
            answer
        });
        const ALERT: u8 = 21;
        const FATAL: u8 = 2;
        const PROTOCOL_VERSION: u8 = 70;
        let [kind, _, _, _, _, level, description] = alert.await.unwrap();
        assert_eq!([kind, level, description], [ALERT, FATAL, PROTOCOL_VERSION]);
    })
    .await;
}

/// A minimal hello of a version, with ECDHE and AES (RFC 4346, 7.4.1.2).
fn client_hello(version: [u8; 2]) -> Vec<u8> {
    let suites = [0xc0, 0x09, 0xc0, 0x0a, 0x00, 0x2f];
    let mut hello = version.to_vec();
    hello.extend([7; 32]);
    hello.push(0);
    hello.extend([0, suites.len() as u8]);
    hello.extend(suites);
    hello.extend([1, 0]);
    // The signature algorithms (RFC 5246, 7.4.1.4.1), whose absence would be refused first.
    hello.extend([0, 8, 0, 13, 0, 4, 0, 2, 4, 3]);
    let mut handshake = vec![1, 0, 0, hello.len() as u8];
    handshake.extend(hello);
    let mut record = vec![22, 3, 1, 0, handshake.len() as u8];
    record.extend(handshake);
    record
}

#[tokio::test]
async fn refuses_what_is_no_call() {
    let cases = [
        ("POST", "/", "application/json", 404),
        ("POST", "/metrics", "application/json", 404),
        ("GET", "/mutate", "application/json", 405),
        ("PUT", "/validate", "application/json", 405),
        ("POST", "/mutate", "text/plain", 415),
    ];
    within(async {
        let server = start(|_| {}).await;
        let mut client = server.client().await;
        for (method, path, content_type, status) in cases {
            let request = Request::builder()
                .method(method)
                .uri(path)
                .header("content-type", content_type);
            let reply = client
                .send(request.body(Full::from(REVIEW)).unwrap())
                .await
                .unwrap();
            assert_eq!(reply.status, status, "{method} {path}");
            assert_eq!(reply.headers.contains_key("allow"), status == 405);
        }
        assert_eq!(
            client.post("/mutate", REVIEW).await.unwrap().status,
            200,
            "the connection is as good as new"
        );
        assert_eq!(rejections(&server, "not_found"), 2.0);
        assert_eq!(rejections(&server, "method"), 2.0);
        assert_eq!(rejections(&server, "media_type"), 1.0);
    })
    .await;
}

fn rejections(server: &Running, reason: &str) -> f64 {
    server.metric(&format!("tollgate_rejections_total{{reason=\"{reason}\"}}"))
}

#[tokio::test]
async fn passes_the_reviewers_refusals() {
    within(async {
        let server = start(|_| {}).await;
        let mut client = server.client().await;
        let junk = client.post("/mutate", "junk").await.unwrap();
        assert_eq!((junk.status.as_u16(), junk.text()), (400, "no uid"));
        let unavailable = client.post("/mutate", "unavailable").await.unwrap();
        assert_eq!(
            (unavailable.status.as_u16(), unavailable.text()),
            (503, "the ledger is away")
        );
        assert!(!unavailable.headers.contains_key("retry-after"));
        assert_eq!(rejections(&server, "bad_request"), 1.0);
        assert_eq!(rejections(&server, "unavailable"), 1.0);
    })
    .await;
}

#[tokio::test]
async fn takes_bodies_up_to_the_limit() {
    const LIMIT: usize = 1 << 20;
    within(async {
        let server = start(|options| {
            options.limits.body_bytes = LIMIT;
            options.limits.review_time = PATIENCE;
        })
        .await;
        for dial in [server.dial(), server.dial().http2()] {
            for (size, status) in [(0, 200), (LIMIT, 200), (LIMIT + 1, 413), (2 * LIMIT, 413)] {
                let mut client = dial.connect(server.calls).await.unwrap();
                let reply = client.post("/mutate", vec![b' '; size]).await.unwrap();
                assert_eq!(reply.status, status, "{size}");
            }
        }
        assert_eq!(rejections(&server, "too_large"), 4.0);
    })
    .await;
}

#[tokio::test]
async fn refuses_nine_mebibytes_by_default() {
    within(async {
        let server = start(|options| options.limits.review_time = PATIENCE).await;
        let reply = server
            .client()
            .await
            .post("/mutate", vec![b'['; 9 << 20])
            .await
            .unwrap();
        assert_eq!(reply.status, 413);
        assert_eq!(server.status("/mutate", REVIEW).await, 200);
    })
    .await;
}

#[tokio::test]
async fn refuses_a_body_that_grows_beyond_the_limit_without_saying_so() {
    within(async {
        let server = start(|options| options.limits.body_bytes = 100).await;
        let mut stream = server.dial().tls(server.calls).await.unwrap();
        let head = "POST /mutate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        for _ in 0..3 {
            stream.write_all(format!("32\r\n{}\r\n", "x".repeat(0x32)).as_bytes()).await.unwrap();
        }
        stream.write_all(b"0\r\n\r\n").await.unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).await.unwrap();
        assert_eq!(&status, b"HTTP/1.1 413");
    })
    .await;
}

#[tokio::test]
async fn refuses_at_once_what_says_that_it_is_much_too_large() {
    within(async {
        let server = start(|_| {}).await;
        let mut stream = server.dial().tls(server.calls).await.unwrap();
        let head = "POST /mutate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 1000000000\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).await.unwrap();
        assert_eq!(&status, b"HTTP/1.1 413");
    })
    .await;
}

#[tokio::test]
async fn panic_fails_its_own_call_only() {
    within(async {
        let server = start(|_| {}).await;
        for dial in [server.dial(), server.dial().http2()] {
            let mut client = dial.connect(server.calls).await.unwrap();
            assert_eq!(client.post("/mutate", "panic").await.unwrap().status, 500);
            assert_eq!(client.post("/mutate", REVIEW).await.unwrap().status, 200);
        }
        assert_eq!(rejections(&server, "panic"), 2.0);
        assert_eq!(server.metric("tollgate_reviews_in_flight"), 0.0);
    })
    .await;
}

#[tokio::test]
async fn survives_bytes_that_are_no_http() {
    within(async {
        let server = start(|_| {}).await;
        for junk in [
            &b"\0\0\0\0\0\0"[..],
            b"GET\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            &[0xff; 100_000],
        ] {
            let mut stream = server.dial().tls(server.calls).await.unwrap();
            // The server may hang up before all is written.
            let _ = stream.write_all(junk).await;
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
        assert_eq!(server.status("/mutate", REVIEW).await, 200);
    })
    .await;
}

#[tokio::test]
async fn answers_many_streams_of_one_http2_connection() {
    within(async {
        let server = start(|_| {}).await;
        let dial = server.dial().http2();
        let mut clients = Vec::new();
        for _ in 0..4 {
            clients.push(dial.connect(server.calls).await.unwrap());
        }
        for client in &mut clients {
            let reply = client
                .post("/validate", Bytes::from(vec![b'x'; 300_000]))
                .await
                .unwrap();
            assert_eq!(reply.body.len(), 300_009);
        }
    })
    .await;
}
