//! The command as its users meet it: arguments and files in, exit status and output out.

mod command;

mod budget;
mod dashboard;
mod default_profile;
mod exemptions;
mod explain;
mod formats;
mod input;
mod operate;
mod state;
mod usage;
