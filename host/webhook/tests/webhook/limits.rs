//! What one client, or many, cannot do to the others.

use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::running::start;
use crate::{PATIENCE, until, within};

const SHORT: Duration = Duration::from_millis(100);

/// Reads until the server hangs up; what it sent, and after how long.
async fn hung_up(stream: &mut (impl AsyncRead + Unpin)) -> (Vec<u8>, Duration) {
    let start = Instant::now();
    let mut sent = Vec::new();
    // The end may be an error where it comes without notice.
    let _ = stream.read_to_end(&mut sent).await;
    (sent, start.elapsed())
}

#[tokio::test]
async fn sheds_at_once_what_finds_no_seat() {
    within(async {
        let server = start(|options| {
            options.limits.concurrency = 1;
            options.limits.waiting = 1;
            options.limits.review_time = PATIENCE;
        })
        .await;
        let judged = server.held_call().await;
        let mut client = server.client().await;
        let waits = tokio::spawn(async move {
            client
                .post("/mutate", "next")
                .await
                .unwrap()
                .status
                .as_u16()
        });
        until(|| server.metric("tollgate_reviews_waiting") == 1.0).await;
        assert_eq!(server.metric("tollgate_reviews_in_flight"), 1.0);

        let shed = server
            .client()
            .await
            .post("/mutate", "one too many")
            .await
            .unwrap();
        assert_eq!(shed.status, 429);
        assert!(
            !shed.headers.contains_key("retry-after"),
            "so `failurePolicy` decides at once"
        );
        assert_eq!(
            server.metric("tollgate_rejections_total{reason=\"overload\"}"),
            1.0
        );

        server.judge.release.add_permits(1);
        assert_eq!((judged.await.unwrap(), waits.await.unwrap()), (200, 200));
        assert_eq!(server.status("/mutate", "and again").await, 200);
    })
    .await;
}

#[tokio::test]
async fn judges_no_more_at_once_than_allowed() {
    within(async {
        let server = start(|options| options.limits.concurrency = 2).await;
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let mut client = server.client().await;
            calls.spawn(async move {
                client
                    .post("/mutate", "turn")
                    .await
                    .unwrap()
                    .status
                    .as_u16()
            });
        }
        assert!(calls.join_all().await.iter().all(|status| *status == 200));
        assert!(server.judge.inside_at_most.load(SeqCst) <= 2);
    })
    .await;
}

#[tokio::test]
async fn sheds_bodies_that_find_no_memory() {
    within(async {
        let server = start(|options| options.limits.held_bytes = 10).await;
        assert_eq!(server.status("/mutate", "0123456789").await, 200);
        assert_eq!(server.status("/mutate", "0123456789a").await, 429);
        assert_eq!(server.status("/mutate", "0123456789").await, 200);
    })
    .await;
}

#[tokio::test]
async fn gives_up_at_its_own_deadline() {
    within(async {
        let server = start(|options| options.limits.review_time = SHORT).await;
        assert_eq!(server.status("/mutate?timeout=30s", "stuck").await, 503);
        assert_eq!(server.judge.inside(), 0, "the reviewer's future is dropped");
        assert_eq!(
            server.metric("tollgate_rejections_total{reason=\"deadline\"}"),
            1.0
        );
    })
    .await;
}

#[tokio::test]
async fn gives_up_before_the_api_server_does() {
    within(async {
        let server = start(|options| options.limits.review_time = PATIENCE).await;
        assert_eq!(server.status("/validate?timeout=100ms", "stuck").await, 503);
    })
    .await;
}

#[tokio::test]
async fn gives_up_while_a_call_waits_for_its_turn() {
    within(async {
        let server = start(|options| {
            options.limits.concurrency = 1;
            options.limits.review_time = PATIENCE;
        })
        .await;
        let judged = server.held_call().await;
        assert_eq!(server.status("/mutate?timeout=50ms", "next").await, 503);
        server.judge.release.add_permits(1);
        assert_eq!(judged.await.unwrap(), 200);
    })
    .await;
}

#[tokio::test]
async fn gives_up_on_a_body_that_does_not_arrive() {
    within(async {
        let server = start(|options| options.limits.review_time = SHORT).await;
        let mut stream = server.dial().tls(server.calls).await.unwrap();
        let head = "POST /mutate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\nhalf";
        stream.write_all(head.as_bytes()).await.unwrap();
        let (sent, _) = hung_up(&mut stream).await;
        assert!(sent.starts_with(b"HTTP/1.1 503"), "{}", String::from_utf8_lossy(&sent));
    })
    .await;
}

#[tokio::test]
async fn cuts_off_a_head_that_drips() {
    within(async {
        let server = start(|options| options.limits.header_time = SHORT).await;
        let stream = server.dial().tls(server.calls).await.unwrap();
        let (mut reader, mut writer) = tokio::io::split(stream);
        let drip = tokio::spawn(async move {
            let mut bytes = b"POST /mutate HTTP/1.1\r\nhost: a\r\nx: "
                .iter()
                .chain(std::iter::repeat(&b'x'));
            while writer.write_all(&[*bytes.next().unwrap()]).await.is_ok()
                && writer.flush().await.is_ok()
            {
                tokio::time::sleep(SHORT / 10).await;
            }
        });
        let (sent, after) = hung_up(&mut reader).await;
        drip.await.unwrap();
        assert!(sent.is_empty());
        assert!(after < 20 * SHORT, "{after:?}");
    })
    .await;
}

#[tokio::test]
async fn cuts_off_who_says_nothing() {
    within(async {
        let server = start(|options| options.limits.header_time = SHORT).await;
        for dial in [server.dial(), server.dial().http2()] {
            let (_, after) = hung_up(&mut dial.tls(server.calls).await.unwrap()).await;
            assert!(after < 20 * SHORT, "{after:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn idle_connection_outlives_the_patience_for_heads() {
    within(async {
        let server = start(|options| options.limits.header_time = Duration::from_millis(20)).await;
        let mut idle = server.client().await;
        assert_eq!(idle.post("/mutate", "first").await.unwrap().status, 200);
        let (_, after) = hung_up(&mut server.dial().tls(server.calls).await.unwrap()).await;
        assert!(after >= Duration::from_millis(10));
        assert_eq!(idle.post("/mutate", "second").await.unwrap().status, 200);
    })
    .await;
}

#[tokio::test]
async fn closes_connections_that_stay_idle() {
    within(async {
        let server = start(|options| options.limits.idle_time = SHORT).await;
        for dial in [server.dial(), server.dial().http2()] {
            let mut client = dial.connect(server.calls).await.unwrap();
            assert_eq!(client.post("/mutate", "first").await.unwrap().status, 200);
            client.connection.await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn slow_handshake_holds_nobody_up_and_is_cut_off() {
    within(async {
        let server =
            start(|options| options.limits.handshake_time = Duration::from_millis(300)).await;
        let mut silent = TcpStream::connect(server.calls).await.unwrap();
        let mut halting = TcpStream::connect(server.calls).await.unwrap();
        halting.write_all(&[22, 3, 1, 2]).await.unwrap();
        assert_eq!(server.status("/mutate", "meanwhile").await, 200);
        hung_up(&mut silent).await;
        hung_up(&mut halting).await;
    })
    .await;
}

#[tokio::test]
async fn connection_beyond_the_limit_waits_for_a_place() {
    within(async {
        let server = start(|options| options.limits.connections = 1).await;
        let first = server.client().await;
        let dial = server.dial();
        let calls = server.calls;
        let second = tokio::spawn(async move { dial.connect(calls).await.is_ok() });
        assert_eq!(server.metric("tollgate_connections"), 1.0);
        drop(first);
        assert!(second.await.unwrap());
    })
    .await;
}
