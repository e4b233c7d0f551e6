//! Waiting for what a cluster will bring about.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How long a test waits for what should happen within seconds, on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// Asks again and again until there is an answer.
///
/// `ask` answers `Ok(value)` where what is waited for has come about, and otherwise `Err` with what is
/// the case instead, which ends up in the message when patience does.
///
/// # Errors
/// Where it does not come about in time.
pub async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    const PAUSE: Duration = Duration::from_millis(50);
    let since = Instant::now();
    loop {
        match ask().await {
            Ok(value) => return Ok(value),
            Err(instead) if since.elapsed() > PATIENCE => {
                bail!("waited {PATIENCE:?} in vain until {what}: {instead:#}")
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}
