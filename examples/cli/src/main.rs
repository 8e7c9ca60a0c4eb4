//! ThingSpace from a shell: one session for all scripts and jobs of a machine,
//! and a password reset that can't lose the password.
//!
//! Each command is a file in `commands`, with its arguments and its code. All
//! of them share a [`Context`](context::Context), which knows the session's file
//! and its user.

#[cfg(not(unix))]
compile_error!("the session's file is for Unix alone; see thingspace-file");

mod cli;
mod clock;
mod commands;
mod common;
mod confirm;
mod context;
mod credentials;
mod deadline;
mod failure;
mod keeper;
mod message;
mod output;
mod record;
mod reset;
mod roots;
mod show;
mod store;
mod watch;

use std::{env, process::ExitCode};

use clap::Parser;

use crate::{cli::Cli, failure::Failure};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return report_unparsed(&error),
    };
    let json = cli.common.json;
    let result = cli.command.run(&cli.common);
    deadline::lift();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.report(json);
            failure.exit().into()
        }
    }
}

/// Reports a usage error, or prints the help that was asked for.
fn report_unparsed(error: &clap::Error) -> ExitCode {
    // The command is not known yet, so --json counts wherever it stands.
    if error.use_stderr() && env::args_os().any(|arg| arg == "--json") {
        let message = error.render().to_string();
        let failure = Failure::usage(message.trim_start_matches("error: ").trim_end());
        failure.report(true);
        return failure.exit().into();
    }
    error.exit()
}
