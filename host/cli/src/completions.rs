//! `tollgate completions`.

use std::process::ExitCode;

use clap::CommandFactory;

use crate::args::{Args, CompletionsArgs};
use crate::failure::Failure;
use crate::terminal;

/// Prints the completion script of a shell.
pub(crate) fn run(args: &CompletionsArgs) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "tollgate", &mut script);
    terminal::print(|out| out.write_all(&script))?;
    Ok(ExitCode::SUCCESS)
}
