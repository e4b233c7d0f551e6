//! How far a server is between its start and its end.

use tokio::sync::watch;

/// The stages, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// The sockets are bound; calls wait in the kernel's queue.
    Starting,
    /// Calls are served.
    Serving,
    /// Not ready any more, still serving; every answer asks its client to connect elsewhere.
    Draining,
    /// Calls in progress are ended, no new ones are taken.
    Closing,
}

/// The stage, as seen and awaited by every part.
pub(crate) struct Lifecycle(watch::Sender<Stage>);

impl Lifecycle {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(Stage::Starting))
    }

    pub(crate) fn enter(&self, stage: Stage) {
        self.0.send_replace(stage);
    }

    pub(crate) fn stage(&self) -> Stage {
        *self.0.borrow()
    }

    /// Ends when the stage is reached. It holds no lock while waiting and may be dropped at any time.
    pub(crate) async fn reached(&self, stage: Stage) {
        // The error would mean that the sender is gone; it lives in `self`.
        let _ = self.0.subscribe().wait_for(|now| *now >= stage).await;
    }
}
