//! The `tollgate` command.

mod args;
mod setup;

mod input;
mod review;
mod answer;
mod render;
mod explain;

mod serve;
mod policy;
mod completions;

mod diagnostic;
mod failure;
mod terminal;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};

fn main() -> ExitCode {
    let Args { command, display } = Args::parse();
    terminal::prepare(&display);
    terminal::log(command.log_level(), &display);
    let done = match &command {
        Command::Review(args) => review::run(args, &display),
        Command::Serve(args) => serve::run(args),
        Command::Policy(args) => policy::run(args),
        Command::Completions(args) => completions::run(args),
        Command::Explain(args) => explain::run(args),
    };
    done.unwrap_or_else(|failure| {
        failure.report();
        ExitCode::from(2)
    })
}
