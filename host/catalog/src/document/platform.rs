//! The operators and clouds whose namespaces a site lets off.

use std::fmt;

use super::{
    nearest::{did_you_mean, listed},
    written::{Misread, Written, as_text},
};
use crate::exempt::{PLATFORMS, Platform};

/// An operator or a cloud, by the name of its row in the table of exempt namespaces.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PlatformName {
    /// The row.
    pub platform: &'static Platform,
}

as_text!(PlatformName);

impl Written for PlatformName {
    const FORMAT: &'static str = "tollgate-platform";

    fn read(text: &str) -> Result<Self, Misread> {
        let names = || PLATFORMS.iter().map(|platform| platform.name);
        match Platform::find(text) {
            Some(platform) => Ok(Self { platform }),
            None => Err(Misread::new(format!(
                "unknown platform `{text}`{}",
                did_you_mean(text, names())
            ))
            .hint(format!("known are {}", listed(names())))),
        }
    }
}

impl fmt::Display for PlatformName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.platform.name)
    }
}
