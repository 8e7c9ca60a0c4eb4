//! Resets the password, and saves the new one before it reports success.

use std::{ffi::OsString, path};

use clap::{ArgGroup, Args};
use serde_json::json;
use thingspace_ureq::{
    Client,
    core::{
        Error, Password,
        session::{Call, ChangePassword, FlightKind},
    },
};

use crate::{
    cli::Common,
    context::{Context, now},
    failure::Failure,
    keeper::{self, DeferredSignals, Keeper, Location},
    record::{Records, Reset},
    show,
    watch::Watch,
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
    to: Option<path::PathBuf>,

    /// Give the new password to this program, on its standard input and without a
    /// line end; all that follows are its arguments. It must end with status 0
    #[arg(long, value_name = "PROGRAM", num_args = 1.., allow_hyphen_values = true)]
    command: Vec<OsString>,

    #[command(flatten)]
    pub(crate) common: Common,
}

impl ResetPassword {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let context = Context::new(&self.common)?;
        let records = context.records();
        let Some(_lock) = records.lock()? else {
            return Err(Failure::usage(
                "another process is resetting the password; see what it reports",
            ));
        };
        let unread = records.response();
        if unread.exists() {
            return Err(Failure::usage(format!(
                "{} may hold the new password of an earlier reset, and nothing is written over it; read it, then move it away",
                unread.display()
            )));
        }
        let place = match &self.to {
            Some(file) => file.clone(),
            None => records.rescue(),
        };
        let place = path::absolute(&place)
            .map_err(|error| Failure::usage(format!("the file can't be named: {error}")))?;
        let reset = records.reset(place, self.to.is_none(), now());

        let client = context.client(&Watch::default())?;
        let old = client.session(|session| session.credentials().user.password().clone());
        if let Some(outdated) = records.outdated(&old)? {
            return Err(outdated);
        }
        let keeper = Keeper::new(&reset, &records, &self.command, old)?;
        let before = records.load()?;
        records.save(&reset)?;
        let _deferred = DeferredSignals::new();
        let save = |new: &Password| keeper.save(new);
        match client.run(Call::new(ChangePassword::kept_by(save))) {
            Ok(_) => self.report(&context, &client, &reset),
            Err(error) if error.is_fate_unknown() => Err(lost(&records, error, &keeper.location())),
            Err(error) => {
                // It was not executed: only an earlier one is of interest.
                let restored = before.map_or_else(
                    || {
                        records.clear();
                        Ok(())
                    },
                    |before| records.save(&before),
                );
                let failure = context.explain(error);
                Err(match restored {
                    Ok(()) => failure,
                    Err(unsaved) => failure.with_advice(unsaved.to_string()),
                })
            }
        }
    }

    fn report(&self, context: &Context, client: &Client, reset: &Reset) -> Result<(), Failure> {
        let place = reset.place.display();
        let old = reset.old();
        let mut lines = vec![if reset.handed_over {
            "The password was reset, and the program has the new one.".to_owned()
        } else {
            format!("The password was reset, and the new one is in {place}.")
        }];
        lines.push(format!(
            "The old one is in {} until the next login.",
            old.display()
        ));
        let used = context.credentials.password_file().map(path::absolute);
        let used = matches!(&used, Some(Ok(file)) if *file == reset.place);
        if !used {
            lines.push("Put the new one into the credentials before that.".to_owned());
        }
        lines.push("Give the new one to everything else that uses this user name, on other machines too: each that still has the old one may spend a failed login.".to_owned());
        // This is the state that other processes will find. The password is saved in
        // any case. (By now, another process may have an operation of its own in
        // progress.)
        let shared = client.transact(|session| session.flight());
        let shared =
            matches!(shared, Ok(operation) if operation != Some(FlightKind::PasswordReset));
        if !shared {
            lines.push(format!(
                "The session's file {} could not be written: repair that, then unblock the login guard with the new password: thingspace unblock",
                context.path().display()
            ));
        }
        let value = json!({
            "reset": true,
            "place": (!reset.handed_over).then_some(&reset.place),
            "old": old,
            "state_saved": shared,
        });
        show::print(self.common.json, &value, &lines.join("\n"))
    }
}

/// The failure of a reset whose new password is not where it should be.
fn lost(records: &Records, error: Error, location: &Location) -> Failure {
    let response = error.response().map(|response| response.body().clone());
    let only_copy = match &error {
        Error::PasswordNotKept { password, .. } => Some(password.clone()),
        _ => None,
    };
    let failure = Failure::from(error);
    if let Some(password) = only_copy {
        // If a copy exists, the message need not hold the password.
        let message = "the password was reset, and the new one could not be saved as requested";
        return match location {
            Location::File(file) => failure.with_message(message).with_advice(format!(
                "The new password is in {}: put it where it belongs, then unblock the login guard: thingspace unblock",
                file.display()
            )),
            Location::HandedOver => failure
                .with_message(message)
                .with_advice("The program has the new password."),
            Location::Nowhere => failure.with_advice(format!(
                "It could be written to no disk, so here it is, once, in the clear, because this is the only copy: {}",
                password.expose()
            )),
        };
    }
    let failure = records.explain(failure);
    let Some(response) = response.filter(|response| !response.is_empty()) else {
        return failure;
    };
    let file = records.response();
    match keeper::write(&file, &response) {
        Ok(()) => failure.with_advice(format!(
            "The response is invalid, and may hold the new password; it is in {}.",
            file.display()
        )),
        Err(error) => failure.with_advice(format!("The response could not be saved: {error}")),
    }
}
