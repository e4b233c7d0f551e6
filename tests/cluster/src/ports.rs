//! Free ports on loopback.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::{Context as _, Result};

/// Below the range from which the kernel takes ports for outgoing connections.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// Finds a port that nobody listens on and that this process has not given out before.
///
/// # Errors
/// Where every port is taken.
pub(crate) fn free() -> Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Processes that run at once start in different places.
    let start = u16::try_from(std::process::id().wrapping_mul(97) % u32::from(COUNT))?;
    (0..COUNT)
        .map(|_| start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT + FIRST)
        .find(|port| TcpListener::bind((Ipv4Addr::UNSPECIFIED, *port)).is_ok())
        .context("every port from 20000 to 32000 is taken")
}
