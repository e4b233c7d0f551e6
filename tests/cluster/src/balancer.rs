//! A load balancer of connections, which stands for a Service.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Spreads connections over whatever backends it was last told of. Dropping it ends it.
#[derive(Debug)]
pub struct Balancer {
    port: u16,
    backends: Backends,
    accepting: JoinHandle<()>,
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
        Ok(Self {
            port: listener.local_addr()?.port(),
            backends: backends.clone(),
            accepting: tokio::spawn(accept(listener, backends)),
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

async fn accept(listener: TcpListener, backends: Backends) {
    while let Ok((client, _)) = listener.accept().await {
        let Ok(mut client) = at_once(client) else {
            continue;
        };
        let backends = backends.clone();
        tokio::spawn(async move {
            if let Some(mut backend) = backends.connect().await {
                // Either side may end it at any time, which is nothing to report.
                let _ = copy_bidirectional(&mut client, &mut backend).await;
            }
        });
    }
}

/// Sends what there is at once, as the kernel does for a real Service, and does not wait for more.
fn at_once(stream: TcpStream) -> std::io::Result<TcpStream> {
    stream.set_nodelay(true)?;
    Ok(stream)
}
