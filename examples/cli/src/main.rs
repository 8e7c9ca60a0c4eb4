//! ThingSpace from a shell: one session for all scripts and jobs of a machine,
//! and a password reset that can't lose the password.
//!
//! Each command is a file in `commands`: its arguments, and what it does. All of
//! them share a [`Desk`](desk::Desk), where the session's file and its user are.

#[cfg(not(unix))]
compile_error!("the session's file is for Unix alone; see thingspace-file");

mod cli;
mod commands;
mod credentials;
mod desk;
mod failure;
mod keeper;
mod record;
mod show;
mod watch;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let json = cli.command.json();
    match cli.command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.tell(json);
            failure.exit().into()
        }
    }
}
