//! Replicas whose wall clock can be made to jump, while the machine's and every other one stay as they are.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// What is preloaded into them.
const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clock.c");

/// The wall clock of whoever is started with its environment.
#[derive(Debug)]
pub struct WallClock {
    library: PathBuf,
    shift: PathBuf,
}

impl WallClock {
    /// Compiles what is preloaded, with the compiler that also links Rust's programs.
    ///
    /// # Errors
    /// Where it cannot be compiled.
    pub fn new(folder: &Path) -> Result<Self> {
        let clock = Self {
            library: folder.join("clock.so"),
            shift: folder.join("clock"),
        };
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O2", "-o"])
            .arg(&clock.library)
            .arg(SOURCE)
            .output()
            .context("cannot run `cc`")?;
        let said = String::from_utf8_lossy(&compiled.stderr);
        ensure!(
            compiled.status.success(),
            "`cc` cannot compile {SOURCE}: {said}"
        );
        clock.jump(0)?;
        Ok(clock)
    }

    /// Makes it so many seconds fast from now on; slow where they are negative.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn jump(&self, seconds: i64) -> Result<()> {
        let new = self.shift.with_extension("new");
        std::fs::write(&new, seconds.to_string())?;
        std::fs::rename(new, &self.shift)?;
        Ok(())
    }

    pub(crate) fn environment(&self) -> [(&'static str, &Path); 2] {
        [
            ("LD_PRELOAD", self.library.as_path()),
            ("TOLLGATE_E2E_CLOCK", self.shift.as_path()),
        ]
    }
}
