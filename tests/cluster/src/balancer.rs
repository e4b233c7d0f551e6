//! A load balancer of connections, which stands for a Service, and which can treat connections as a bad network does.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Spreads connections over whatever backends it was last told of. Dropping it ends it.
#[derive(Debug)]
pub struct Balancer {
    port: u16,
    backends: Backends,
    line: watch::Sender<Line>,
    accepting: JoinHandle<()>,
}

/// What the network does to connections.
#[derive(Clone, Copy, Debug, Default)]
struct Line {
    /// How often all that stood were cut.
    cuts: u32,
    /// How often all that stood fell silent.
    silences: u32,
    /// Whether new ones wait.
    holds: bool,
}

#[derive(Clone, Debug, Default)]
struct Backends {
    addresses: Arc<Mutex<Vec<SocketAddr>>>,
    turn: Arc<AtomicUsize>,
}

impl Balancer {
    /// Listens on a free port of loopback.
    ///
    /// # Errors
    /// Where it cannot listen.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let backends = Backends::default();
        let (line, orders) = watch::channel(Line::default());
        Ok(Self {
            port: listener.local_addr()?.port(),
            backends: backends.clone(),
            line,
            accepting: tokio::spawn(accept(listener, backends, orders)),
        })
    }

    /// The port that it listens on.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Says where connections go from now on, as a Service's endpoints change. Connections that stand stay.
    pub fn route(&self, addresses: Vec<SocketAddr>) {
        *self
            .backends
            .addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = addresses;
    }

    /// Ends all connections that stand.
    pub fn cut(&self) {
        self.line.send_modify(|line| line.cuts += 1);
    }

    /// Carries nothing more over the connections that stand, and ends none: neither side hears that the other is gone.
    pub fn silence(&self) {
        self.line.send_modify(|line| line.silences += 1);
    }

    /// Lets new connections wait until they are released.
    pub fn hold(&self) {
        self.line.send_modify(|line| line.holds = true);
    }

    /// Carries those that wait, and new ones.
    pub fn release(&self) {
        self.line.send_modify(|line| line.holds = false);
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Backends {
    /// All of them, another one first each time.
    fn in_turn(&self) -> Vec<SocketAddr> {
        let mut addresses = self
            .addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        if !addresses.is_empty() {
            let first = turn % addresses.len();
            addresses.rotate_left(first);
        }
        addresses
    }

    /// Connects to the next one that takes connections.
    async fn connect(&self) -> Option<TcpStream> {
        for address in self.in_turn() {
            if let Ok(stream) = TcpStream::connect(address).await {
                return at_once(stream).ok();
            }
        }
        None
    }
}

async fn accept(listener: TcpListener, backends: Backends, line: watch::Receiver<Line>) {
    while let Ok((client, _)) = listener.accept().await {
        if let Ok(client) = at_once(client) {
            tokio::spawn(carry(client, backends.clone(), line.clone()));
        }
    }
}

/// Carries one connection until either side or the line ends it, which is nothing to report.
async fn carry(
    mut client: TcpStream,
    backends: Backends,
    mut line: watch::Receiver<Line>,
) -> Option<()> {
    let began = *line.wait_for(|line| !line.holds).await.ok()?;
    let mut backend = backends.connect().await?;
    let is_disturbed = |now: &Line| now.cuts != began.cuts || now.silences != began.silences;
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut backend) => return None,
        Ok(_) = line.wait_for(is_disturbed) => {}
    }
    // One that fell silent stands until it is cut.
    line.wait_for(|now| now.cuts != began.cuts)
        .await
        .ok()
        .map(drop)
}

/// Sends what there is at once, as the kernel does for a real Service, and does not wait for more.
fn at_once(stream: TcpStream) -> std::io::Result<TcpStream> {
    stream.set_nodelay(true)?;
    Ok(stream)
}
