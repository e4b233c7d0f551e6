//! Digests of components and of what is made of them.

use sha2::{Digest as _, Sha256};

/// The SHA-256 of some parts, in hexadecimal. Each part's length counts, so that parts cannot run into each other.
pub(crate) fn of_parts(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.len().to_le_bytes());
        hasher.update(part);
    }
    hex(&hasher.finalize())
}

/// The digest of a component, as registries write it: `sha256:` and hexadecimal.
pub(crate) fn of_component(wasm: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(wasm)))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}
