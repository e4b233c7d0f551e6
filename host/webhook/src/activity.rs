//! When a connection has been silent or slow for too long.
//!
//! hyper's own header timeout also closes connections that are merely idle, and sets a timer a request. The API
//! server keeps idle connections for 90 s and cannot repeat a POST that meets a closing one. So here a connection
//! has one timer, and two patiences: for a head that has begun to arrive, and for the next one to begin.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// What one connection is doing.
pub(crate) struct Activity {
    state: Mutex<State>,
    requested: Notify,
}

struct State {
    in_flight: usize,
    in_head: bool,
    used: bool,
    since: Instant,
}

/// How long a connection may stay without a request in flight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// Since the first byte of a head, or since the start of the connection.
    pub(crate) head: Duration,
    /// Since the last response.
    pub(crate) idle: Duration,
}

/// What a connection was waited for in vain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Silence {
    /// The rest of a head, or the first one.
    Head,
    /// Another request.
    Idle,
}

/// A request in flight, until dropped.
pub(crate) struct InFlight(Arc<Activity>);

impl Activity {
    /// A connection that begins now; its first head is due.
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                in_flight: 0,
                in_head: true,
                used: false,
                since: Instant::now(),
            }),
            requested: Notify::new(),
        }
    }

    /// Notes that a request's head is complete.
    pub(crate) fn request(self: &Arc<Self>) -> InFlight {
        let mut state = self.state();
        state.in_flight += 1;
        state.in_head = false;
        if !std::mem::replace(&mut state.used, true) {
            self.requested.notify_one();
        }
        InFlight(Arc::clone(self))
    }

    /// Ends once the connection has had a request. To be awaited once.
    pub(crate) async fn used(&self) {
        self.requested.notified().await;
    }

    /// Ends when the connection has been silent or slow for longer than it may, and up to a quarter more: what it
    /// waits for changes without notice, so it looks again from time to time.
    pub(crate) async fn expired(&self, patience: Patience) -> Silence {
        let step = patience.head.min(patience.idle) / 4;
        loop {
            let now = Instant::now();
            match self.due(patience) {
                Some((due, silence)) if due <= now => return silence,
                Some((due, _)) => sleep_until(due.min(now + step)).await,
                None => sleep_until(now + step).await,
            }
        }
    }

    /// Counts the silence from now on: the client is about to be asked to leave.
    pub(crate) fn last_call(&self) {
        self.state().since = Instant::now();
    }

    /// When patience ends, unless a request is in flight.
    fn due(&self, patience: Patience) -> Option<(Instant, Silence)> {
        let state = self.state();
        match (state.in_flight, state.in_head) {
            (0, true) => Some((state.since + patience.head, Silence::Head)),
            (0, false) => Some((state.since + patience.idle, Silence::Idle)),
            _ => None,
        }
    }

    fn bytes_arrived(&self) {
        let mut state = self.state();
        if state.in_flight == 0 && !state.in_head {
            state.in_head = true;
            state.since = Instant::now();
        }
    }

    fn response(&self) {
        let mut state = self.state();
        state.in_flight -= 1;
        state.since = Instant::now();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.response();
    }
}

/// A stream whose reads are noted.
pub(crate) struct Noted<S> {
    pub(crate) stream: S,
    pub(crate) activity: Arc<Activity>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Noted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        ctx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(ctx, buffer))?;
        if buffer.filled().len() > before {
            self.activity.bytes_arrived();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Noted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        ctx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(ctx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        ctx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(ctx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(ctx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(ctx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{sleep, timeout};

    use super::*;

    const PATIENCE: Patience = Patience {
        head: Duration::from_secs(10),
        idle: Duration::from_secs(120),
    };

    /// What the connection is closed for, and after how many seconds, if nothing happens.
    async fn expires(activity: &Activity) -> Option<(Silence, u64)> {
        let start = Instant::now();
        let silence = timeout(Duration::from_secs(1000), activity.expired(PATIENCE))
            .await
            .ok()?;
        Some((silence, start.elapsed().as_secs()))
    }

    #[tokio::test(start_paused = true)]
    async fn first_head_is_due_soon() {
        assert_eq!(expires(&Activity::new()).await, Some((Silence::Head, 10)));
    }

    #[tokio::test(start_paused = true)]
    async fn later_head_is_due_soon_after_its_first_byte_however_many_follow() {
        let activity = Arc::new(Activity::new());
        drop(activity.request());
        let drip = async {
            for _ in 0..1000 {
                sleep(Duration::from_secs(1)).await;
                activity.bytes_arrived();
            }
        };
        tokio::select! {
            expired = expires(&activity) => assert_eq!(expired, Some((Silence::Head, 11))),
            () = drip => panic!("it dripped for ever"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn idle_connection_lives_longer_than_a_slow_one() {
        let activity = Arc::new(Activity::new());
        drop(activity.request());
        assert_eq!(expires(&activity).await, Some((Silence::Idle, 120)));
    }

    #[tokio::test(start_paused = true)]
    async fn connection_with_a_request_in_flight_does_not_expire() {
        let activity = Arc::new(Activity::new());
        let _request = activity.request();
        activity.bytes_arrived();
        assert_eq!(expires(&activity).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn is_used_from_its_first_request_on() {
        let activity = Arc::new(Activity::new());
        assert!(
            timeout(Duration::from_secs(1), activity.used())
                .await
                .is_err()
        );
        drop(activity.request());
        activity.used().await;
    }
}
