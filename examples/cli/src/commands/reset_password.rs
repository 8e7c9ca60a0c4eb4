//! Resets the password, and saves the new one before it reports success.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::{ArgGroup, Args};
use thingspace_ureq::{
    Client,
    core::{
        Error, Session,
        session::{Call, Completion, NewPassword},
    },
};

use crate::{
    common::Common,
    context::Context,
    failure::Failure,
    output,
    reset::{Destination, Prepared, Resets},
};

/// Reset the password to a random one, and save it
///
/// The new password is on the disk before success is reported, and the old one
/// beside it, in a file that ends in .old, until the next login. The command
/// proves that the new password can be saved before it sends the reset, and it
/// sends the reset once. If the response is lost, no login is made until you have
/// looked; `status` shows what is known. An interrupt is deferred until the new
/// password is saved.
///
/// If the new password can still be saved nowhere, neither where it belongs nor
/// beside the session's file, it is printed on the standard error, once and in the
/// clear (with --json, in `advice`). That is the last resort: there is no other
/// copy, and it would be lost.
#[derive(Args)]
#[command(group = ArgGroup::new("keeper").required(true).args(["to", "command"]))]
pub(crate) struct ResetPassword {
    /// Write the new password into this file, which only you may read; there may
    /// be none yet, or one that holds the password in use
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,

    /// Give the new password to this program, on its standard input and without a
    /// line end; all that follows are its arguments. It must end with status 0
    #[arg(long, value_name = "PROGRAM", num_args = 1.., allow_hyphen_values = true)]
    command: Vec<OsString>,
}

impl ResetPassword {
    pub(crate) fn run(self, common: &Common) -> Result<(), Failure> {
        let context = Context::new(common)?;
        let destination = Destination::new(self.to, self.command)
            .ok_or_else(|| Failure::usage("the place for the new password is not given"))?;
        let prepared = Prepared::new(&context, &destination, || {
            Ok(OfCommand {
                context: &context,
                client: context.client()?,
            })
        })?;
        let done = prepared.run()?;
        let lines = done.lines(&context).join("\n");
        output::print(common.json, &done.to_json(), &lines)
    }
}

/// The client of this command.
struct OfCommand<'a> {
    context: &'a Context,
    client: Client,
}

impl Resets for OfCommand<'_> {
    fn session<T>(&self, look: impl FnOnce(&mut Session) -> T) -> T {
        self.client.session(look)
    }

    fn request(&self) -> Result<NewPassword, Error> {
        let requested = self.context.call(&self.client, Call::reset_password());
        requested.and_then(Completion::into_new_password)
    }

    fn wait_for_result(&self, at_most: Duration) {
        self.context.watch.resets.wait(at_most);
    }

    fn confirm(&self, new: &NewPassword) -> Result<(), Error> {
        self.client.confirm_reset(new)
    }

    fn sync(&self) -> bool {
        self.context.sync(&self.client).is_ok()
    }

    fn saved<T>(&self, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        self.context.run_saved(&self.client, |_| work())
    }
}
