//! The `tollgate` command.

mod args;
mod setup;
mod terminal;

mod answer;
mod audit;
mod budget;
mod dashboard;
mod input;
mod render;
mod review;

mod completions;
mod connection;
mod crds;
mod doctor;
mod explain;
mod policy;
mod removal;
mod serve;

mod diagnostic;
mod failure;

use args::{Args, Command};

/// A review allocates some hundreds of small texts; under load the system's allocator took a sixth of its time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Args { command, display } = Args::parse();
    terminal::prepare(&display);
    terminal::log(command.log_level(), &display);
    let done = match &command {
        Command::Review(args) => review::run(args, &display),
        Command::Serve(args) => serve::run(args),
        Command::Audit(args) => audit::run(args, &display),
        Command::Doctor(args) => doctor::run(args),
        Command::Budget(args) => budget::run(args),
        Command::Dashboard(args) => dashboard::run(args),
        Command::Policy(args) => policy::run(args),
        Command::FailOpen(args) => removal::fail_open(args),
        Command::Uninstall(args) => removal::uninstall(args),
        Command::Crds => crds::run(),
        Command::Completions(args) => completions::run(args),
        Command::Explain(args) => explain::run(args),
    };
    done.unwrap_or_else(|failure| {
        failure.report();
        ExitCode::from(2)
    })
}
