//! How a server leaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::client::{Client, Dial, Failure, Unseen};
use crate::pki;
use crate::running::{Running, start};
use crate::{PATIENCE, until, within};

/// Long enough for some calls on a busy machine.
const GRACE: Duration = Duration::from_secs(3);

/// Two servers and clients that call whichever is in rotation.
struct Rotation {
    servers: [(Dial, std::net::SocketAddr); 2],
    /// Which of them new connections go to.
    current: AtomicUsize,
    stop: AtomicBool,
    calls: [AtomicUsize; 2],
}

impl Rotation {
    fn new(servers: [&Running; 2], http2: Http2) -> Self {
        let dial = |server: &Running| {
            let dial = Dial::new(pki::trust(&[&server.authority]));
            match http2 {
                Http2::Yes => dial.http2(),
                Http2::No => dial,
            }
        };
        Self {
            servers: servers.map(|server| (dial(server), server.calls)),
            current: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            calls: Default::default(),
        }
    }

    /// Calls until stopped; gives the failures. A connection is kept until the server asks to leave it.
    async fn client(self: Arc<Self>) -> Vec<String> {
        let mut failures = Vec::new();
        let mut kept: Option<(usize, Client)> = None;
        while !self.stop.load(SeqCst) {
            match self.call(&mut kept).await {
                Ok(server) => {
                    self.calls[server].fetch_add(1, SeqCst);
                }
                Err(err) if err.is::<Unseen>() => {}
                Err(err) => failures.push(format!("{err:?}")),
            }
        }
        failures
    }

    async fn call(&self, kept: &mut Option<(usize, Client)>) -> Result<usize, Failure> {
        let (server, mut client) = match kept.take() {
            Some((server, client)) if !client.connection.is_finished() && !client.is_closed() => {
                (server, client)
            }
            _ => {
                let server = self.current.load(SeqCst);
                let (dial, address) = &self.servers[server];
                (server, dial.connect(*address).await?)
            }
        };
        let reply = client.post("/mutate", "load").await?;
        if reply.status != 200 {
            return Err(format!("{reply:?}").into());
        }
        if !reply.closes() {
            *kept = Some((server, client));
        }
        Ok(server)
    }

    async fn goes_on(&self, server: usize) {
        let target = self.calls[server].load(SeqCst) + 20;
        until(|| self.calls[server].load(SeqCst) >= target).await;
    }
}

#[derive(Clone, Copy)]
enum Http2 {
    Yes,
    No,
}

/// The first server drains while clients call it; they are sent to the second one only some time after, as
/// endpoints are in a cluster.
async fn drain_under_load(http2: Http2) {
    let mut first = start(|options| options.drain.grace = GRACE).await;
    let second = start(|_| {}).await;
    let rotation = Arc::new(Rotation::new([&first, &second], http2));
    let mut clients = JoinSet::new();
    for _ in 0..8 {
        clients.spawn(Arc::clone(&rotation).client());
    }
    rotation.goes_on(0).await;
    first.stop();
    until(|| first.readiness().0 == 503).await;
    rotation.goes_on(0).await;
    rotation.current.store(1, SeqCst);
    first.task.await.unwrap();
    rotation.goes_on(1).await;
    rotation.stop.store(true, SeqCst);
    assert_eq!(clients.join_all().await.concat(), Vec::<String>::new());
    for (server, calls) in [&first.judge, &second.judge]
        .into_iter()
        .zip(&rotation.calls)
    {
        assert_eq!(
            server.calls.load(SeqCst),
            calls.load(SeqCst),
            "no call was judged whose answer was lost"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drain_under_load_fails_no_call_over_http1() {
    within(drain_under_load(Http2::No)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drain_under_load_fails_no_call_over_http2() {
    within(drain_under_load(Http2::Yes)).await;
}

#[tokio::test]
async fn asks_to_leave_while_it_drains() {
    within(async {
        let mut server = start(|options| options.drain.grace = PATIENCE).await;
        let mut http1 = server.client().await;
        assert!(!http1.post("/mutate", "before").await.unwrap().closes());
        let mut http2 = server.dial().http2().connect(server.calls).await.unwrap();
        http2.post("/mutate", "before").await.unwrap();
        server.stop();
        until(|| server.readiness().0 == 503).await;

        assert!(http1.post("/mutate", "while").await.unwrap().closes());
        http1.connection.await.unwrap();
        http2.connection.await.unwrap();
        let mut late = server.dial().http2().connect(server.calls).await.unwrap();
        assert_eq!(late.post("/mutate", "late").await.unwrap().status, 200);
        late.connection.await.unwrap();
        server.task.abort();
    })
    .await;
}

#[tokio::test]
async fn ends_calls_in_progress() {
    within(async {
        let mut server = start(|options| options.limits.review_time = PATIENCE).await;
        let held = server.held_call().await;
        server.stop();
        until(|| server.readiness().0 == 503).await;
        server.judge.release.add_permits(1);
        assert_eq!(held.await.unwrap(), 200);
        server.task.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn cuts_off_what_does_not_end() {
    within(async {
        let server = start(|options| {
            options.limits.review_time = PATIENCE;
            options.drain.close_time = Duration::from_millis(50);
        })
        .await;
        let held = server.held_call().await;
        let judge = Arc::clone(&server.judge);
        server.stopped().await;
        assert!(held.await.unwrap_err().is_panic(), "the call fails");
        assert_eq!(judge.inside(), 0);
    })
    .await;
}

#[tokio::test]
async fn stops_listening_at_the_end() {
    within(async {
        let server = start(|_| {}).await;
        let mut idle = server.client().await;
        idle.post("/mutate", "once").await.unwrap();
        let (calls, probes) = (server.calls, server.probes);
        server.stopped().await;
        idle.connection.await.unwrap();
        assert!(TcpStream::connect(calls).await.is_err());
        until(|| std::net::TcpStream::connect(probes).is_err()).await;
    })
    .await;
}
