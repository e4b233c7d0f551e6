//! Reads that those who wait at the same time share.

use tokio::sync::Mutex;
use tokio::time::Instant;

/// What was read last, and when that read began.
pub(crate) struct SharedRead<T>(Mutex<Option<(Instant, T)>>);

impl<T> Default for SharedRead<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone> SharedRead<T> {
    /// Gives what was read since this was called: by `read`, or by somebody else who began later than this call. So of
    /// any number that wait, at most one more reads after the one that is reading.
    ///
    /// # Errors
    ///
    /// Those of `read`, which are nobody else's.
    pub(crate) async fn get<E>(&self, read: impl AsyncFnOnce() -> Result<T, E>) -> Result<T, E> {
        let asked = Instant::now();
        let mut last = self.0.lock().await;
        if let Some((_, known)) = last.as_ref().filter(|(began, _)| *began >= asked) {
            return Ok(known.clone());
        }
        let began = Instant::now();
        let known = read().await?;
        *last = Some((began, known.clone()));
        Ok(known)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::Notify;
    use tokio::task::yield_now;

    use super::SharedRead;

    #[derive(Default)]
    struct Source {
        shared: SharedRead<u32>,
        reads: AtomicU32,
        goes_on: Notify,
    }

    impl Source {
        /// What a read gave that waits until it may go on: which one it was.
        async fn get(&self) -> u32 {
            let read = async || {
                let number = self.reads.fetch_add(1, Ordering::SeqCst);
                self.goes_on.notified().await;
                Ok::<_, ()>(number)
            };
            self.shared.get(read).await.unwrap()
        }
    }

    #[tokio::test]
    async fn those_who_wait_share_the_next_read_and_never_one_that_began_before_they_asked() {
        let source = Arc::new(Source::default());
        let ask = || {
            let source = Arc::clone(&source);
            tokio::spawn(async move { source.get().await })
        };
        let first = ask();
        yield_now().await;
        let others: Vec<_> = (0..9).map(|_| ask()).collect();
        yield_now().await;
        source.goes_on.notify_one();
        assert_eq!(first.await.unwrap(), 0);
        source.goes_on.notify_one();
        for other in others {
            assert_eq!(other.await.unwrap(), 1);
        }
        // Who comes later reads anew.
        source.goes_on.notify_one();
        assert_eq!(ask().await.unwrap(), 2);
    }

    #[tokio::test]
    async fn an_error_is_for_the_one_who_read() {
        let shared = SharedRead::default();
        assert_eq!(
            shared.get(async || Err::<u32, _>("gone")).await,
            Err("gone")
        );
        assert_eq!(shared.get(async || Ok::<_, &str>(1)).await, Ok(1));
    }
}
