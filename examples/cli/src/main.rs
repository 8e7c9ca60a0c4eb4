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

use std::{env, process::ExitCode};

use clap::Parser;

use crate::{cli::Cli, failure::Failure};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return misunderstood(&error),
    };
    let json = cli.command.json();
    match cli.command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.tell(json);
            failure.exit().into()
        }
    }
}

/// What could not be read as a command, or asks for help.
fn misunderstood(error: &clap::Error) -> ExitCode {
    // Nobody knows yet which command it is, so whoever says it anywhere is a machine.
    if error.use_stderr() && env::args_os().any(|arg| arg == "--json") {
        let said = error.render().to_string();
        let failure = Failure::usage(said.trim_start_matches("error: ").trim_end());
        failure.tell(true);
        return failure.exit().into();
    }
    error.exit()
}
