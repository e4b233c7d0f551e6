//! `tollgate crds`.

use std::process::ExitCode;

use crate::failure::Failure;
use crate::render::block;
use crate::terminal;

/// Prints the custom resource definitions as a YAML stream.
pub(crate) fn run() -> Result<ExitCode, Failure> {
    terminal::print(|out| {
        for crd in tollgate_cluster::crds() {
            writeln!(out, "---")?;
            block::write(&crd, out)?;
        }
        Ok(())
    })?;
    Ok(ExitCode::SUCCESS)
}
