//! Contains panics.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

/// A future panicked; what it said, if that was text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Panicked(pub(crate) String);

/// Runs a future to its end or to its panic. After a panic it is never polled again.
pub(crate) async fn caught<F: Future>(future: F) -> Result<F::Output, Panicked> {
    let mut future = pin!(future);
    std::future::poll_fn(
        |ctx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(ctx))) {
            Ok(poll) => poll.map(Ok),
            Err(payload) => Poll::Ready(Err(Panicked(text(payload.as_ref())))),
        },
    )
    .await
}

fn text(payload: &(dyn Any + Send)) -> String {
    let literal = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned());
    let formatted = || payload.downcast_ref::<String>().cloned();
    literal
        .or_else(formatted)
        .unwrap_or_else(|| "no text".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn gives_the_output_of_a_sound_future() {
        assert_eq!(caught(async { 7 }).await, Ok(7));
    }

    #[tokio::test]
    async fn gives_the_text_of_a_panic_also_after_a_wait() {
        let future = async {
            tokio::task::yield_now().await;
            panic!("seven {}", 7)
        };
        assert_eq!(
            caught(future).await,
            Err::<(), _>(Panicked("seven 7".to_owned()))
        );
    }
}
